/*
 * log - records and the sinks they go to.
 *
 * One lock covers the buffers here and all sinks; offload threads log too. A
 * thread that comes back while it holds the lock (a sink that fails a CHECK,
 * memory that ends while a line is built) writes to standard error instead.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/log_priv.h"
#include "common/base/clock.h"
#include "common/base/codec.h"
#include "common/base/panic.h"
#include "common/base/str.h"

enum { SINKS_MAX = 4, TAG_MAX = 128, HOST_MAX = 65, TEXT_MAX = 16384 };

int log_verbose;

static struct {
	pthread_mutex_t lock;
	struct log_sink *sinks[SINKS_MAX];
	size_t nsinks;
	const char *(*context)(void);
	struct str text;		/* of the record being built */
	long pid;
	bool ending;
} logger = { .lock = PTHREAD_MUTEX_INITIALIZER };

static _Thread_local bool inside;	/* this thread holds the lock */
static char tag[TAG_MAX], name[TAG_MAX], host[HOST_MAX];

static const char *const severity_words[] = {
	[LOG_LEVEL_DEBUG] = "",
	[LOG_LEVEL_INFO] = "",
	[LOG_LEVEL_WARN] = "warning: ",
	[LOG_LEVEL_ERROR] = "error: ",
	[LOG_LEVEL_FATAL] = "fatal: ",
	[LOG_LEVEL_PANIC] = "panic: ",
};

/* --- The process ------------------------------------------------------------*/

static void
enter(void)
{
	pthread_mutex_lock(&logger.lock);
	inside = true;
}

static void
leave(void)
{
	inside = false;
	pthread_mutex_unlock(&logger.lock);
}

static void
before_fork(void)
{
	if (!inside)
		pthread_mutex_lock(&logger.lock);
}

static void
after_fork(void)
{
	if (!inside)
		pthread_mutex_unlock(&logger.lock);
}

static void
after_fork_in_child(void)
{
	logger.pid = getpid();
	after_fork();
}

__attribute__((constructor)) static void
prepare(void)
{
	logger.pid = getpid();
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
	atexit(log_end);
}

/* --- Who is speaking --------------------------------------------------------*/

void
log_set_tag(const char *text)
{
	snprintf(tag, sizeof(tag), "%s", text);
	tzset();		/* while the zone's file can still be read */
}

const char *
log_tag(void)
{
	return tag[0] != '\0' ? tag : program_invocation_short_name;
}

void
log_set_name(const char *text)
{
	snprintf(name, sizeof(name), "%s", text);
}

const char *
log_name(void)
{
	return name[0] != '\0' ? name : log_tag();
}

void
log_set_host(const char *short_host)
{
	snprintf(host, sizeof(host), "%.*s",
	    (int)strcspn(short_host, "."), short_host);
}

static const char *
host_name(void)
{
	struct utsname system;

	if (host[0] == '\0' && uname(&system) == 0)
		log_set_host(system.nodename);
	return host[0] != '\0' ? host : "localhost";
}

void
log_set_context_source(const char *(*source)(void))
{
	logger.context = source;
}

/* --- Records ----------------------------------------------------------------*/

/* Without buffers, locks or memory. */
static void
write_plainly(enum log_level level, const char *format, va_list args)
{
	char line[1024];
	size_t len;

	snprintf(line, sizeof(line), "%s: %s", log_name(),
	    severity_words[level]);
	len = strlen(line);
	vsnprintf(line + len, sizeof(line) - len, format, args);
	len = strlen(line);
	if (len == sizeof(line) - 1)
		len--;
	log_quote_in_place(line, len);
	line[len++] = '\n';
	(void)!write(STDERR_FILENO, line, len);
}

/* Cuts between characters; says that something is missing. */
static void
limit_length(struct str *text)
{
	static const char cut[] = "...";
	size_t len = TEXT_MAX - (sizeof(cut) - 1);

	if (text->len <= TEXT_MAX)
		return;
	while (len > 0 && ((unsigned char)text->buf[len] & 0xc0) == 0x80)
		len--;
	str_truncate(text, len);
	str_adds(text, cut);
}

/* error is what %m says; building may meet errors of its own. */
static struct span
build_text(enum log_level level, int error, const char *format, va_list args)
{
	struct str *text = &logger.text;
	const char *context = logger.context != NULL ? logger.context() : NULL;

	str_sets(text, severity_words[level]);
	if (context != NULL)
		str_adds(text, context);
	errno = error;
	str_vaddf(text, format, args);
	while (text->len > 0 && (text->buf[text->len - 1] == '\n' ||
	    text->buf[text->len - 1] == '\r'))
		str_truncate(text, text->len - 1);
	limit_length(text);
	log_quote_in_place(text->buf, text->len);
	return str_span(text);
}

static void
hand_out(const struct log_record *record)
{
	for (size_t i = 0; i < logger.nsinks; i++)
		logger.sinks[i]->write(logger.sinks[i], record);
	if (logger.nsinks == 0 && record->level >= LOG_LEVEL_WARN) {
		struct log_sink *last_resort = log_sink_stderr(false);

		last_resort->write(last_resort, record);
	}
}

void
log_va(enum log_level level, const char *format, va_list args)
{
	int error = errno;

	if (inside) {
		if (level >= LOG_LEVEL_ERROR)
			write_plainly(level, format, args);
		return;
	}
	enter();

	struct log_record record = { .wall_us = clock_wall_us(),
		.level = level, .tag = log_tag(), .pid = logger.pid };

	record.text = build_text(level, error, format, args);
	hand_out(&record);
	leave();
	errno = error;
}

#define LOG_BODY(level, format)                                              \
	do {                                                                 \
		va_list args;                                                \
		va_start(args, format);                                      \
		log_va(level, format, args);                                 \
		va_end(args);                                                \
	} while (0)

void
log_info(const char *format, ...)
{
	LOG_BODY(LOG_LEVEL_INFO, format);
}

void
log_warn(const char *format, ...)
{
	LOG_BODY(LOG_LEVEL_WARN, format);
}

void
log_error(const char *format, ...)
{
	LOG_BODY(LOG_LEVEL_ERROR, format);
}

void
log_debug(const char *format, ...)
{
	if (log_verbose > 0)
		LOG_BODY(LOG_LEVEL_DEBUG, format);
}

/* Other threads may be at work in libraries whose clean-up exit would run. */
void
fatal(const char *format, ...)
{
	LOG_BODY(LOG_LEVEL_FATAL, format);
	log_end();
	if (inside || gettid() != getpid())
		_exit(1);
	exit(1);
}

/* --- Sinks ------------------------------------------------------------------*/

void
log_add_sink(struct log_sink *sink)
{
	enter();

	size_t i = 0;

	while (i < logger.nsinks && logger.sinks[i] != sink)
		i++;
	if (i == logger.nsinks) {
		CHECK(logger.nsinks < SINKS_MAX);
		logger.sinks[logger.nsinks++] = sink;
	}
	leave();
}

void
log_remove_sinks(void)
{
	log_flush();
	enter();
	logger.nsinks = 0;
	leave();
}

void
log_flush(void)
{
	int error = errno;

	if (inside)
		return;
	enter();
	for (size_t i = 0; i < logger.nsinks; i++)
		if (logger.sinks[i]->flush != NULL)
			logger.sinks[i]->flush(logger.sinks[i]);
	leave();
	errno = error;
}

void
log_end(void)
{
	logger.ending = true;
	log_flush();
}

bool
log_ending(void)
{
	return logger.ending;
}

/* --- Lines of a log file ----------------------------------------------------*/

/* "Mmm dd HH:MM:SS", local time; the same second is not computed twice. */
static const char *
time_text(time_t second)
{
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	static _Thread_local struct {
		time_t second;
		char text[104];
	} last;
	struct tm tm;

	if (last.second == second && last.text[0] != '\0')
		return last.text;
	if (localtime_r(&second, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	last.second = second;
	snprintf(last.text, sizeof(last.text), "%s %02d %02d:%02d:%02d",
	    months[tm.tm_mon % 12], tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec);
	return last.text;
}

static char *
print_number(char *end, long number)
{
	unsigned long left = number < 0 ? 0 : (unsigned long)number;

	do
		*--end = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	return end;
}

void
log_format_line(const struct log_record *record, struct str *out)
{
	char pid[24], *end = pid + sizeof(pid);

	str_adds(out, time_text((time_t)(record->wall_us / 1000000)));
	str_putc(out, ' ');
	str_adds(out, host_name());
	str_putc(out, ' ');
	str_adds(out, record->tag);
	str_putc(out, '[');

	char *digits = print_number(end, record->pid);

	str_add(out, span_of(digits, (size_t)(end - digits)));
	str_adds(out, "]: ");
	str_add(out, record->text);
	str_putc(out, '\n');
}
