/*
 * log - see the header.
 *
 * A mutex guards the sinks, since offload threads may log too. Text is built
 * outside of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/codec.h"
#include "common/base/mem.h"
#include "common/base/str.h"

#define SINKS_MAX 4

int log_verbose;

static char tag[128] = "waypost";
static char host[128];
static struct log_sink *sinks[SINKS_MAX];
static size_t nsinks;
static pthread_mutex_t sinks_lock = PTHREAD_MUTEX_INITIALIZER;
static const char *(*context_source)(void);

void
log_set_tag(const char *text)
{
	snprintf(tag, sizeof(tag), "%s", text);
}

const char *
log_tag(void)
{
	return tag;
}

void
log_set_context_source(const char *(*source)(void))
{
	context_source = source;
}

void
log_set_host(const char *short_host)
{
	snprintf(host, sizeof(host), "%s", short_host);
}

void
log_add_sink(struct log_sink *sink)
{
	static bool at_exit;

	if (!at_exit) {
		atexit(log_flush);
		at_exit = true;
	}
	if (nsinks < SINKS_MAX)
		sinks[nsinks++] = sink;
}

void
log_remove_sinks(void)
{
	log_flush();
	nsinks = 0;
}

static const char *
severity_word(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_DEBUG:
	case LOG_LEVEL_INFO:
		return "";
	case LOG_LEVEL_WARN:
		return "warning: ";
	case LOG_LEVEL_ERROR:
		return "error: ";
	case LOG_LEVEL_FATAL:
		return "fatal: ";
	case LOG_LEVEL_PANIC:
		return "panic: ";
	}
	return "";
}

static void
emit(enum log_level level, struct span text)
{
	struct log_record record = { .wall_us = clock_wall_us(),
		.level = level, .tag = tag, .pid = (long)getpid(),
		.text = text };

	pthread_mutex_lock(&sinks_lock);
	for (size_t i = 0; i < nsinks; i++)
		sinks[i]->write(sinks[i], &record);
	if (nsinks == 0 && level >= LOG_LEVEL_WARN)
		fprintf(stderr, "%s: %.*s\n", tag, SPAN_ARG(text));
	pthread_mutex_unlock(&sinks_lock);
}

void
log_va(enum log_level level, const char *format, va_list args)
{
	struct str text = STR_EMPTY, line = STR_EMPTY;
	const char *context = context_source != NULL ? context_source() : NULL;
	int error = errno;

	str_vaddf(&text, format, args);
	str_adds(&line, severity_word(level));
	if (context != NULL)
		str_adds(&line, context);
	log_quote(&line, str_span(&text));
	emit(level, str_span(&line));
	str_fini(&text);
	str_fini(&line);
	errno = error;
}

#define LOG_FUNCTION(level)                                                  \
	do {                                                                 \
		va_list args;                                                \
									     \
		va_start(args, format);                                      \
		log_va(level, format, args);                                 \
		va_end(args);                                                \
	} while (0)

void
log_info(const char *format, ...)
{
	LOG_FUNCTION(LOG_LEVEL_INFO);
}

void
log_warn(const char *format, ...)
{
	LOG_FUNCTION(LOG_LEVEL_WARN);
}

void
log_error(const char *format, ...)
{
	LOG_FUNCTION(LOG_LEVEL_ERROR);
}

void
log_debug(const char *format, ...)
{
	if (log_verbose > 0)
		LOG_FUNCTION(LOG_LEVEL_DEBUG);
}

void
fatal(const char *format, ...)
{
	LOG_FUNCTION(LOG_LEVEL_FATAL);
	log_flush();
	exit(1);
}

void
log_flush(void)
{
	pthread_mutex_lock(&sinks_lock);
	for (size_t i = 0; i < nsinks; i++)
		if (sinks[i]->flush != NULL)
			sinks[i]->flush(sinks[i]);
	pthread_mutex_unlock(&sinks_lock);
}

void
log_format_line(const struct log_record *record, struct str *out)
{
	time_t seconds = (time_t)(record->wall_us / 1000000);
	static _Thread_local time_t kept_second = -1;
	static _Thread_local char kept[32];
	struct tm tm;

	if (seconds != kept_second) {
		static const char months[] =
		    "JanFebMarAprMayJunJulAugSepOctNovDec";

		localtime_r(&seconds, &tm);
		snprintf(kept, sizeof(kept), "%.3s %02d %02d:%02d:%02d",
		    months + 3 * (tm.tm_mon % 12), tm.tm_mday % 100,
		    tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
		kept_second = seconds;
	}
	if (host[0] == '\0') {
		gethostname(host, sizeof(host) - 1);
		host[strcspn(host, ".")] = '\0';
	}
	str_addf(out, "%s %s %s[%ld]: ", kept, host, record->tag, record->pid);
	str_add(out, record->text);
	str_putc(out, '\n');
}

/* ---- sinks ---- */

struct fd_sink {
	struct log_sink sink;
	int fd;
	bool plain;			/* "tag: text", at once */
	struct str waiting;
};

/* What a full disk or pipe does not take now is kept, up to a bound. */
#define WAITING_MOST (1024 * 1024)

static void
flush_fd(struct log_sink *sink)
{
	struct fd_sink *s = container_of(sink, struct fd_sink, sink);

	while (str_len(&s->waiting) > 0) {
		ssize_t n = write(s->fd, str_cstr(&s->waiting),
		    str_len(&s->waiting));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		str_remove(&s->waiting, 0, (size_t)n);
	}
	if (str_len(&s->waiting) > WAITING_MOST)
		str_clear(&s->waiting);
}

static void
write_fd(struct log_sink *sink, const struct log_record *record)
{
	struct fd_sink *s = container_of(sink, struct fd_sink, sink);

	if (s->plain)
		str_addf(&s->waiting, "%s: %.*s\n", record->tag,
		    SPAN_ARG(record->text));
	else
		log_format_line(record, &s->waiting);
	if (s->plain)
		flush_fd(sink);
}

struct log_sink *
log_sink_fd(int fd)
{
	struct fd_sink *s = MEM_NEW(struct fd_sink);

	s->sink.write = write_fd;
	s->sink.flush = flush_fd;
	s->fd = fd;
	return &s->sink;
}

struct log_sink *
log_sink_stderr(bool with_time)
{
	struct log_sink *sink = log_sink_fd(STDERR_FILENO);

	container_of(sink, struct fd_sink, sink)->plain = !with_time;
	return sink;
}
