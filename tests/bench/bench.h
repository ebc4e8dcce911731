/*
 * What the programs of the benchmark share: options, the clock, addresses,
 * and the header that carries the number of a message from load to sink.
 * They are measured beside what they measure, so: one thread, plain epoll.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* "X-Bench: <number> <bytes>": which message, and how long its body is. */
#define BENCH_HEADER "X-Bench: "

__attribute__((format(printf, 1, 2), noreturn)) static inline void
die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

/* Nanoseconds of a clock that all processes of the machine share. */
static inline uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline uint64_t
number(const char *name, const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0')
		die("%s wants a number, not \"%s\"", name, text);
	return n;
}

/* "127.0.0.1:25" */
static inline struct sockaddr_in
endpoint(const char *text)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	char host[32];
	const char *colon = strchr(text, ':');

	if (colon == NULL || (size_t)(colon - text) >= sizeof host)
		die("\"%s\" is not ADDRESS:PORT", text);
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	if (inet_pton(AF_INET, host, &at.sin_addr) != 1)
		die("\"%s\" is not an IPv4 address", host);
	at.sin_port = htons((uint16_t)number("a port", colon + 1));
	return at;
}

/* As many descriptors as the system gives. */
static inline void
many_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

#endif
