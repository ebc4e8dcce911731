/*
 * log - one line for the administrator, with the context of the work at hand.
 *
 * info: what a mail administrator counts; warn: what someone should look at;
 * error: what lost service; fatal: this process cannot go on; debug: behind a
 * switch. The text gets its severity word ("warning: ") and the context prefix
 * ("QID: ") here; callers write neither. `%m` works. Control bytes from the
 * text are replaced; one record is one line.
 *
 * Lines wait in a buffer until log_flush: the loop flushes once per turn,
 * before it flushes peers. warn and above are not special in that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_LOG_H
#define COMMON_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

#include "common/base/span.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR, LOG_LEVEL_FATAL, LOG_LEVEL_PANIC };

__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_warn(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_debug(const char *format, ...);
/* Logs, flushes, exits with status 1; atexit functions run if it is the main
 * thread. */
__attribute__((noreturn, format(printf, 1, 2))) void
fatal(const char *format, ...);
void log_va(enum log_level level, const char *format, va_list args);

extern int log_verbose;				/* -v count; debug lines if > 0 */

/* "postfix/smtpd": the tag is tag[pid]. Copied. */
void log_set_tag(const char *tag);
const char *log_tag(void);
/* What lines on standard error begin with instead: "postconf". Copied. */
void log_set_name(const char *name);
/* "QID: " for the work at hand; the fiber layer installs the source. The
 * returned text is put in front as it is; NULL for none. */
void log_set_context_source(const char *(*source)(void));

/*
 * A sink gets each record: time, level, and the text with context, severity
 * word and without tag or newline. It must neither log nor suspend: a lock is
 * held. Up to four sinks; without any, warnings and worse go to standard error.
 */
struct log_record {
	int64_t wall_us;
	enum log_level level;
	const char *tag;
	long pid;
	struct span text;
};
struct log_sink {
	void (*write)(struct log_sink *sink, const struct log_record *record);
	void (*flush)(struct log_sink *sink);	/* may be NULL */
};
void log_add_sink(struct log_sink *sink);
void log_remove_sinks(void);			/* tests */
void log_flush(void);
/* "Mmm dd HH:MM:SS host tag[pid]: text\n", as log files have it. */
struct str;
void log_format_line(const struct log_record *record, struct str *out);
void log_set_host(const char *short_host);

/* Sinks that need nothing above this floor. */
struct log_sink *log_sink_stderr(bool with_time);	/* "name: text" or a file line */
struct log_sink *log_sink_fd(int fd);		/* file lines; one writev per flush */

#endif
