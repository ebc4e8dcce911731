/*
 * Lines to a syslog that is there, slow, gone, and back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/str.h"
#include "common/io/loop.h"
#include "common/mail/conf_core.h"
#include "common/service/logsink.h"
#include "tests/harness/t.h"

static char path[200];
static unsigned asked;

static int
listen_at(const char *where)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	unlink(where);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", where);
	T_NEED(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

static void
configure(const char *text)
{
	struct str why = STR_EMPTY;

	snprintf(path, sizeof(path), "%s/log", t_tmpdir());
	logsink_set_syslog_path(path);
	T_NEED(conf_load_text("main.cf", span_cstr(text), &why));
	conf_register(&conf_core_params);
	T_NEED(conf_fill(&conf_core_params, &why));
}

static const char *
received(int fd)
{
	static char text[9000];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
ask(void)
{
	asked++;
}

T_TEST(syslog_gets_priority_stamp_tag_and_text)
{
	char want[64];
	const char *line;

	configure("");
	int fd = listen_at(path);

	logsink_open("smtpd", -1);
	log_info("hello");
	log_warn("careful");
	log_flush();
	line = received(fd);
	snprintf(want, sizeof(want), " postfix/smtpd[%ld]: hello",
	    (long)getpid());
	T_CHECK(strncmp(line, "<22>", 4) == 0);
	T_EQ_STR(line + 4 + 15, want);
	line = received(fd);
	T_CHECK(strncmp(line, "<20>", 4) == 0);
	T_HAS_STR(line, ": warning: careful");
}

T_TEST(facility_and_name_are_those_of_main_cf)
{
	configure("syslog_facility = local3\nsyslog_name = other\n");
	int fd = listen_at(path);

	logsink_open("qmgr", -1);
	log_error("x");
	log_flush();
	const char *line = received(fd);

	T_CHECK(strncmp(line, "<155>", 5) == 0);
	T_HAS_STR(line, " other/qmgr[");
	T_HAS_STR(line, ": error: x");
}

T_TEST(what_does_not_fit_is_counted_and_confessed)
{
	const char *line;
	unsigned n = 0, lost = 0;
	static char text[4000];

	configure("");
	int fd = listen_at(path);

	loop_start();
	memset(text, 'x', sizeof(text) - 1);
	logsink_open("smtpd", -1);
	for (int i = 0; i < 1000; i++)
		log_info("%s", text);
	/* Nobody reads. */
	log_flush();
	for (int rounds = 0; rounds < 1000 && lost == 0; rounds++) {
		while ((line = received(fd))[0] != '\0') {
			n++;
			if (strstr(line, "log lines lost") != NULL)
				sscanf(strstr(line, "warning: "),
				    "warning: %u", &lost);
		}
		log_flush();
	}
	T_CHECK(lost > 0);
	T_EQ_INT(n - 1 + lost, 1000);
}

T_TEST(a_syslog_that_comes_back_is_found_or_asked_for)
{
	configure("");
	int fd = listen_at(path), pair[2];

	loop_start();
	logsink_open("smtpd", -1);
	logsink_set_asker(ask);
	close(fd);
	fd = listen_at(path);
	log_info("one");
	log_flush();
	T_HAS_STR(received(fd), "one");
	T_EQ_INT(asked, 0);

	close(fd);
	unlink(path);
	clock_advance_ns(2000000000);
	log_info("two");
	log_flush();
	T_EQ_INT(asked, 1);
	T_NEED(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) == 0);
	logsink_take_syslog(pair[0]);
	T_HAS_STR(received(pair[1]), "two");
}

T_TEST(a_log_file_gets_lines_of_a_file)
{
	configure("maillog_file = /var/log/x\nmyhostname = a.example\n");
	int pipes[2];
	char line[200];

	T_NEED(pipe(pipes) == 0);
	logsink_open("smtpd", pipes[1]);
	log_info("hello");
	log_flush();
	ssize_t n = read(pipes[0], line, sizeof(line) - 1);

	T_NEED(n > 0);
	line[n] = '\0';
	T_HAS_STR(line, " a postfix/smtpd[");
	T_HAS_STR(line, "]: hello\n");
}

T_TEST(commands_beside_a_log_file_use_the_postlog_service)
{
	char dir[300], text[800];

	snprintf(dir, sizeof(dir), "%s/public", t_tmpdir());
	T_NEED(mkdir(dir, 0700) == 0);
	snprintf(text, sizeof(text), "maillog_file = /var/log/x\n"
	    "myhostname = a.example\nqueue_directory = %s\n", t_tmpdir());
	configure(text);
	snprintf(dir, sizeof(dir), "%s/public/postlog", t_tmpdir());
	int fd = listen_at(dir);

	logsink_open("postdrop", -1);
	log_warn("x");
	log_flush();
	T_HAS_STR(received(fd), " a postfix/postdrop[");
}
