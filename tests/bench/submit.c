/*
 * submit - hands messages to a sendmail command, some at once: the local
 * submission of the benchmark.
 *
 *	submit --messages N [--clients N] [--size BYTES] COMMAND ARGUMENT ...
 *
 * Each message has the X-Bench header that the sink looks for. Prints one
 * line of JSON. Exit 0: each command ended with 0.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

extern char **environ;

static uint64_t messages = 1, clients = 1, size = 2048;

/* A file that holds the message of this number, and has no name. */
static int
message(uint64_t id)
{
	int fd = memfd_create("message", MFD_CLOEXEC);
	FILE *file = fdopen(dup(fd), "w");
	uint64_t lines = (size > 300 ? size - 228 : 72) / 72;

	/* 71 letters a line: 73 bytes on the wire. */
	fprintf(file, "From: Load <sender@source.test>\nTo: list@relay.test\n"
	    "Subject: message %lu of the load\n" BENCH_HEADER "%lu %lu\n\n", id,
	    id, lines * 73);
	for (uint64_t i = 0; i < lines; i++) {
		for (int column = 0; column < 71; column++)
			fputc('a' + column % 25, file);
		fputc('\n', file);
	}
	fclose(file);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void
spawn(char **argv, uint64_t id)
{
	posix_spawn_file_actions_t actions;
	int fd = message(id), error;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, 0);
	error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	if (error != 0)
		die("%s: %s", argv[0], strerror(error));
	posix_spawn_file_actions_destroy(&actions);
	close(fd);
}

int
main(int argc, char **argv)
{
	uint64_t start_ns = now_ns(), next = 0, done = 0, failures = 0;
	int first = 1;

	for (; first + 1 < argc && strncmp(argv[first], "--", 2) == 0; first += 2) {
		const char *name = argv[first], *value = argv[first + 1];

		if (strcmp(name, "--messages") == 0)
			messages = number(name, value);
		else if (strcmp(name, "--clients") == 0)
			clients = number(name, value);
		else if (strcmp(name, "--size") == 0)
			size = number(name, value);
		else
			die("no option %s", name);
	}
	if (first == argc)
		die("no command");
	while (done < messages) {
		int status;

		if (next < messages && next - done < clients) {
			spawn(argv + first, next++);
			continue;
		}
		if (wait(&status) > 0) {
			done++;
			failures += status != 0;
		}
	}
	printf("{\"sent\": %lu, \"failures\": %lu, \"first_failure\": \"\", "
	    "\"start_ns\": %lu, \"end_ns\": %lu, \"ms_50\": 0, \"ms_99\": 0, "
	    "\"ms_100\": 0}\n", done - failures, failures, start_ns, now_ns());
	return failures == 0 ? 0 : 1;
}
