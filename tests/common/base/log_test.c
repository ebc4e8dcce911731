/*
 * log - records, their text, and the sinks that write them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/panic.h"
#include "common/base/str.h"
#include "tests/harness/t.h"

static struct str got;
static enum log_level got_level;
static int flushes;

static void
keep(struct log_sink *sink, const struct log_record *record)
{
	(void)sink;
	str_set(&got, record->text);
	got_level = record->level;
}

static void
count_flush(struct log_sink *sink)
{
	(void)sink;
	flushes++;
}

static struct log_sink keeper = { keep, count_flush };

static const char *
some_context(void)
{
	errno = EPERM;
	return "4XyZ: ";
}

static const char *
no_context(void)
{
	return NULL;
}

T_TEST(severity_comes_before_context)
{
	log_add_sink(&keeper);
	log_info("plain %d", 1);
	T_EQ_STR(str_cstr(&got), "plain 1");
	T_EQ_INT(got_level, LOG_LEVEL_INFO);
	log_set_context_source(no_context);
	log_warn("w");
	T_EQ_STR(str_cstr(&got), "warning: w");
	log_set_context_source(some_context);
	log_info("removed");
	T_EQ_STR(str_cstr(&got), "4XyZ: removed");
	log_warn("queue file size limit exceeded");
	T_EQ_STR(str_cstr(&got),
	    "warning: 4XyZ: queue file size limit exceeded");
	T_EQ_INT(got_level, LOG_LEVEL_WARN);
	log_error("e");
	T_EQ_STR(str_cstr(&got), "error: 4XyZ: e");
	log_debug("not this");
	T_EQ_STR(str_cstr(&got), "error: 4XyZ: e");
	log_verbose = 1;
	log_debug("d");
	T_EQ_STR(str_cstr(&got), "4XyZ: d");
	T_EQ_INT(got_level, LOG_LEVEL_DEBUG);
}

T_TEST(the_error_is_that_of_entry_and_stays)
{
	char long_text[5000];

	log_add_sink(&keeper);
	log_set_context_source(some_context);
	errno = ENOENT;
	log_info("open: %m");
	T_HAS_STR(str_cstr(&got), strerror(ENOENT));
	T_EQ_INT(errno, ENOENT);
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	log_info("%s %m", long_text);
	T_HAS_STR(str_cstr(&got), strerror(ENOENT));
	T_EQ_INT(errno, ENOENT);
	log_flush();
	T_EQ_INT(errno, ENOENT);
}

T_TEST(a_record_is_one_line_of_text)
{
	log_add_sink(&keeper);
	log_info("a\nb\tc\x1b[1m\xff");
	T_EQ_STR(str_cstr(&got), "a?b?c?[1m?");
	log_info("ends\r\n");
	T_EQ_STR(str_cstr(&got), "ends");
	log_info("gr\xc3\xbc\xc3\x9f");
	T_EQ_STR(str_cstr(&got), "gr\xc3\xbc\xc3\x9f");
	log_info("%s", "");
	T_EQ_STR(str_cstr(&got), "");
}

T_TEST(a_record_has_a_limit_between_characters)
{
	struct str text = STR_EMPTY;

	log_add_sink(&keeper);
	for (int shift = 0; shift < 3; shift++) {
		str_clear(&text);
		for (int i = 0; i < shift; i++)
			str_putc(&text, 'x');
		while (text.len < 100000)
			str_adds(&text, "\xe2\x82\xac");
		log_info("%s", str_cstr(&text));
		T_CHECK(got.len <= 16384 && got.len > 16376);
		T_CHECK(span_ends(str_span(&got), SPAN("\xac...")));
		T_CHECK(!span_has(str_span(&got), '?'));
	}
	str_fini(&text);
}

T_TEST(sinks_come_once_and_go)
{
	flushes = 0;
	log_add_sink(&keeper);
	log_add_sink(&keeper);
	log_flush();
	T_EQ_INT(flushes, 1);
	log_remove_sinks();
	T_EQ_INT(flushes, 2);
	log_flush();
	T_EQ_INT(flushes, 2);
}

T_TEST(lines_of_a_file)
{
	struct log_record record = { .wall_us = 1767323045999999,
		.level = LOG_LEVEL_INFO, .tag = "postfix/smtpd", .pid = 17,
		.text = SPAN_LIT("connect from unknown[192.0.2.1]") };
	struct str out = STR_EMPTY;

	setenv("TZ", "UTC", 1);
	tzset();
	log_set_host("mail.example.org");
	log_format_line(&record, &out);
	T_EQ_STR(str_cstr(&out), "Jan 02 03:04:05 mail postfix/smtpd[17]: "
	    "connect from unknown[192.0.2.1]\n");
	str_clear(&out);
	record.wall_us += 1;
	log_format_line(&record, &out);
	T_CHECK(span_starts(str_span(&out), SPAN("Jan 02 03:04:06 mail ")));
	str_clear(&out);
	record.wall_us = 1798761599000000;
	log_format_line(&record, &out);
	T_CHECK(span_starts(str_span(&out), SPAN("Dec 31 23:59:59 mail ")));
	str_fini(&out);
}

static struct span
file_text(const char *path)
{
	return t_read_file(path);
}

static const char *
fresh_file(int *fd)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/log", t_tmpdir());
	*fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	T_NEED(*fd >= 0);
	return path;
}

T_TEST(lines_wait_for_the_flush)
{
	int fd;
	const char *path = fresh_file(&fd);
	char want[200];

	setenv("TZ", "UTC", 1);
	tzset();
	clock_set_virtual(1, 1767323045000000);
	log_set_host("mail");
	log_set_tag("postfix/qmgr");
	log_add_sink(log_sink_fd(fd));
	log_info("one");
	log_warn("two");
	T_EQ_INT(file_text(path).len, 0);
	log_flush();
	snprintf(want, sizeof(want),
	    "Jan 02 03:04:05 mail postfix/qmgr[%ld]: one\n"
	    "Jan 02 03:04:05 mail postfix/qmgr[%ld]: warning: two\n",
	    (long)getpid(), (long)getpid());
	T_EQ_TEXT(file_text(path), want);
	log_flush();
	T_EQ_TEXT(file_text(path), want);
}

static size_t
count_of(struct span text, const char *what)
{
	size_t n = 0;

	for (ssize_t at; (at = span_search(text, SPAN(what))) >= 0; n++)
		text = span_skip(text, (size_t)at + 1);
	return n;
}

T_TEST(many_lines_are_written_early_and_all)
{
	int fd;
	const char *path = fresh_file(&fd);

	log_add_sink(log_sink_fd(fd));
	for (int i = 0; i < 20000; i++)
		log_info("line %d with some text behind it", i);
	T_CHECK(file_text(path).len > 500000);
	log_flush();
	T_EQ_INT(count_of(file_text(path), "\n"), 20000);
	T_EQ_INT(count_of(file_text(path), "line 19999 "), 1);
}

T_TEST(a_pipe_gets_whole_lines)
{
	static char part[65536];
	int ends[2];
	size_t total = 0;

	T_NEED(pipe2(ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC) == 0);
	fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
	log_add_sink(log_sink_fd(ends[1]));
	for (int i = 0; i < 500; i++)
		log_info("line %d with some text behind it", i);
	log_flush();
	/* O_DIRECT keeps writes apart. */
	for (ssize_t n; (n = read(ends[0], part, sizeof(part))) > 0;) {
		T_NEED(n <= 4096 && part[n - 1] == '\n');
		total += count_of(span_of(part, (size_t)n), "\n");
	}
	T_EQ_INT(total, 500);
}

static size_t
drain(int fd, struct str *into)
{
	size_t before = into->len;

	for (ssize_t n; (n = read(fd, str_reserve(into, 65536), 65536)) > 0;)
		str_advance(into, (size_t)n);
	return into->len - before;
}

T_TEST(a_slow_reader_gets_all_later)
{
	struct str text = STR_EMPTY;
	int ends[2];

	T_NEED(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
	log_add_sink(log_sink_fd(ends[1]));
	for (int i = 0; i < 5000; i++)
		log_info("line %d with some text behind it", i);
	do
		log_flush();
	while (drain(ends[0], &text) > 0);
	T_EQ_INT(count_of(str_span(&text), "\n"), 5000);
	T_EQ_INT(count_of(str_span(&text), "]: line "), 5000);
	str_fini(&text);
}

T_TEST(what_nobody_reads_is_dropped_and_counted)
{
	struct str text = STR_EMPTY;
	int ends[2];

	T_NEED(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
	log_add_sink(log_sink_fd(ends[1]));
	for (int i = 0; i < 50000; i++)
		log_info("line %d with some text behind it", i);
	do
		log_flush();
	while (drain(ends[0], &text) > 0);

	size_t kept = count_of(str_span(&text), "]: line ");
	char want[100];

	T_CHECK(kept > 10000 && kept < 50000);
	snprintf(want, sizeof(want),
	    "]: warning: %zu lines of this log are lost\n", 50000 - kept);
	T_CHECK(span_ends(str_span(&text), SPAN(want)));
	T_EQ_INT(count_of(str_span(&text), "\n"), kept + 1);
	log_info("again");
	log_flush();
	str_clear(&text);
	drain(ends[0], &text);
	T_EQ_INT(count_of(str_span(&text), "\n"), 1);
	str_fini(&text);
}

T_TEST(a_reader_that_left_does_not_stop_the_process)
{
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	T_NEED(pipe2(ends, O_CLOEXEC) == 0);
	log_add_sink(log_sink_fd(ends[1]));
	close(ends[0]);
	for (int i = 0; i < 100; i++) {
		log_info("to nobody");
		log_flush();
	}
	close(ends[1]);
	log_info("to nothing");
	log_flush();
}

T_TEST(the_end_of_a_process_writes_what_waits)
{
	T_DIES(1, "]: fatal: no spool",
	    log_add_sink(log_sink_stderr(true));
	    log_info("before");
	    fatal("no %s", "spool"));
	T_DIES(1, "]: before\n",
	    log_add_sink(log_sink_stderr(true));
	    log_info("before");
	    fatal("no %s", "spool"));
	T_DIES(3, "]: at the end\n",
	    log_add_sink(log_sink_stderr(true));
	    log_info("at the end");
	    exit(3));
	T_DIES(-SIGABRT, "]: before\n",
	    log_add_sink(log_sink_stderr(true));
	    log_info("before");
	    panic("broken"));
}

T_TEST(standard_error_has_warnings_when_there_is_no_sink)
{
	T_DIES(0, "tool: warning: look", log_set_tag("tool");
	    log_warn("look"); exit(0));
	T_DIES(0, "name: error: look", log_set_tag("postfix/tool");
	    log_set_name("name"); log_error("look"); exit(0));
	T_DIES(0, "tool: said\n", log_set_tag("tool");
	    log_add_sink(log_sink_stderr(false)); log_info("said"); _exit(0));
	T_DIES(1, "tool: fatal: no", log_set_tag("tool"); fatal("no"));
}

static void
log_again(struct log_sink *sink, const struct log_record *record)
{
	(void)sink;
	(void)record;
	log_info("from within");
	log_error("from within");
	log_flush();
}

T_TEST(a_sink_that_logs_does_not_hang)
{
	static struct log_sink bad = { .write = log_again };

	T_DIES(0, "error: from within", log_add_sink(&bad); log_info("x");
	    log_info("y"); _exit(0));
}

static void *
log_many(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		log_info("thread %c line %d", *(char *)arg, i);
		if (i % 50 == 0)
			log_flush();
	}
	return NULL;
}

T_TEST(threads_do_not_mix_their_lines)
{
	static char names[] = "abcd";
	pthread_t threads[4];
	int fd;
	const char *path = fresh_file(&fd);

	log_add_sink(log_sink_fd(fd));
	for (size_t i = 0; i < T_COUNT(threads); i++)
		T_NEED(pthread_create(&threads[i], NULL, log_many,
		    &names[i]) == 0);
	for (size_t i = 0; i < T_COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	log_flush();

	struct span rest = file_text(path), line;
	int next[4] = { 0 };

	while (span_split(&rest, '\n', &line)) {
		char name;
		int number;
		ssize_t at = span_search(line, SPAN("]: thread "));
		char text[200];

		T_NEED(at >= 0 && line.len < sizeof(text));
		memcpy(text, line.p, line.len);
		text[line.len] = '\0';
		T_NEED(sscanf(text + at, "]: thread %c line %d", &name,
		    &number) == 2);
		T_NEED(number == next[name - 'a']++);
	}
	for (size_t i = 0; i < T_COUNT(next); i++)
		T_EQ_INT(next[i], 2000);
}

static void *
keep_logging(void *arg)
{
	(void)arg;
	for (;;)
		log_info("busy");
	return NULL;
}

/* A thread may hold the lock at the moment of any fork. */
T_TEST(a_child_can_log_and_has_its_own_number)
{
	pthread_t thread;
	int fd;
	const char *path = fresh_file(&fd);

	log_add_sink(&keeper);
	T_NEED(pthread_create(&thread, NULL, keep_logging, NULL) == 0);
	for (int i = 0; i < 50; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			log_remove_sinks();
			log_add_sink(log_sink_fd(fd));
			log_info("child %ld.", (long)getpid());
			log_flush();
			_exit(0);
		}
		T_NEED(waitpid(pid, &status, 0) == pid && status == 0);
		char want[64];

		snprintf(want, sizeof(want), "[%ld]: child %ld.\n", (long)pid,
		    (long)pid);
		T_NEED(span_search(file_text(path), SPAN(want)) >= 0);
	}
}
