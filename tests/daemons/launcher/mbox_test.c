/*
 * Mailboxes: what is appended, under which locks, and that a failed append
 * leaves what was there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/io/fs.h"
#include "daemons/launcher/biff.h"
#include "daemons/shared/mbox_lock.h"
#include "tests/daemons/launcher/jobs.h"

#define HEAD "Delivered-To: u@example.com\n"

static const struct {
	const char *name, *content, *want;
} cases[] = {
	{ "plain", "Subject: a\n\nb\n", "Subject: a\n\nb\n\n" },
	{ "From_ in a body", "S: a\n\nFrom x\nno From y\n",
	    "S: a\n\n>From x\nno From y\n\n" },
	{ "quoted already", "S: a\n\n>From x\n", "S: a\n\n>From x\n\n" },
	{ "From_ at the very end", "S: a\n\nFrom ", "S: a\n\n>From \n\n" },
	{ "no line end", "S: a\n\nb", "S: a\n\nb\n\n" },
	{ "nothing", "", "\n" },
	{ "part of From_ at the end", "S: a\n\nFro", "S: a\n\nFro\n\n" },
};

/* Behind "From s@example.com  <date>\n" and the head. */
static const char *
behind_head(const char *text)
{
	const char *nl = strchr(text, '\n');

	T_CHECK(strncmp(text, "From s@example.com  ", 20) == 0);
	T_NEED(nl != NULL && strncmp(nl + 1, HEAD, strlen(HEAD)) == 0);
	return nl + 1 + strlen(HEAD);
}

static void
append_cases(void)
{
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct mailbox_job job = jobs_make(MAILBOX_MBOX, "box",
		    cases[i].content);

		T_CASE(cases[i].name);
		T_EQ_STR(jobs_do(&job), "delivered");
		T_EQ_STR(jobs_text(), "delivered to mailbox");
		T_EQ_STR(behind_head(jobs_file("box")), cases[i].want);
		T_EQ_STR(jobs_file("box.lock"), "absent");
		unlink(jobs_path("box"));
		close(job.fd);
	}
}

T_TEST(a_message_is_appended_with_its_from_lines_quoted)
{
	jobs_run(append_cases);
}

static const struct {
	const char *name, *there, *before;	/* our From line */
} endings[] = {
	{ "empty", "", "" },
	{ "a blank line", "From a\n\nb\n\n", "" },
	{ "no blank line", "From a\n\nb\n", "\n" },
	{ "no line end", "From a\n\nbo", "\n\n" },
	{ "a letter", "F", "\n\n" },
	{ "a line end", "\n", "" },
};

/* The last append was cut off when the power failed, or by another program. */
static void
append_behind(void)
{
	for (size_t i = 0; i < T_COUNT(endings); i++) {
		struct mailbox_job job = jobs_make(MAILBOX_MBOX, "torn",
		    "S: a\n\nb\n");
		size_t len = strlen(endings[i].there);
		size_t more = strlen(endings[i].before);
		int fd = open(jobs_path("torn"), O_WRONLY | O_CREAT, 0600);
		const char *got;

		T_CASE(endings[i].name);
		T_NEED(fd >= 0 && write(fd, endings[i].there, len)
		    == (ssize_t)len);
		close(fd);
		T_EQ_STR(jobs_do(&job), "delivered");
		got = jobs_file("torn");
		T_CHECK(strncmp(got, endings[i].there, len) == 0);
		T_CHECK(strncmp(got + len, endings[i].before, more) == 0);
		T_EQ_STR(behind_head(got + len + more), "S: a\n\nb\n\n");
		unlink(jobs_path("torn"));
		close(job.fd);
	}
}

T_TEST(a_message_behind_one_that_is_torn_is_one_of_its_own)
{
	jobs_run(append_behind);
}

/* Around the size of one read: "\nFrom " is cut at each of its places. */
static void
append_long(void)
{
	for (size_t cut = 0; cut < 12; cut++) {
		size_t n = 65536 - cut;
		char *content = malloc(n + 40);
		struct mailbox_job job;
		const char *got;

		memset(content, 'x', n);
		content[100] = '\n';
		strcpy(content + n, "\nFrom z\nFro\nlast\n");
		T_CASEF("cut %zu", cut);
		job = jobs_make(MAILBOX_MBOX, "long", content);
		T_EQ_STR(jobs_do(&job), "delivered");
		got = behind_head(jobs_file("long"));
		T_EQ_INT(strlen(got), strlen(content) + 2);
		T_CHECK(strncmp(got, content, n) == 0);
		T_EQ_STR(got + n, "\n>From z\nFro\nlast\n\n");
		unlink(jobs_path("long"));
		close(job.fd);
		free(content);
	}
}

T_TEST(a_from_line_across_two_reads_is_quoted)
{
	jobs_run(append_long);
}

static void
append_null_sender(void)
{
	struct mailbox_job job = jobs_make(MAILBOX_MBOX, "box", "S: a\n\nb\n");

	job.sender = SPAN_NONE;
	T_EQ_STR(jobs_do(&job), "delivered");
	T_CHECK(strncmp(jobs_file("box"), "From MAILER-DAEMON  ", 20) == 0);
}

T_TEST(mail_without_a_sender_is_from_the_mailer_daemon)
{
	jobs_run(append_null_sender);
}

static void
append_with_faults(void)
{
	T_EACH_FAULT(NULL, ENOSPC) {
		struct mailbox_job job = jobs_make(MAILBOX_MBOX, "box",
		    "S: a\n\nb\n");
		FILE *f = fopen(jobs_path("box"), "w");
		const char *verdict;

		T_NEED(f != NULL && fputs("before\n\n", f) >= 0);
		fclose(f);
		verdict = jobs_do(&job);
		if (strcmp(verdict, "delivered") == 0) {
			T_CHECK(strncmp(behind_head(jobs_file("box") + 8),
			    "S: a\n\nb\n\n", 10) == 0);
		} else {
			T_CHECK(T_FAULT_HIT());
			T_EQ_STR(verdict, "defer");
			T_EQ_TEXT(jobs_result.dsn, "4.3.0");
			T_HAS_STR(jobs_text(), "No space left on device");
			T_EQ_STR(jobs_file("box"), "before\n\n");
		}
		unlink(jobs_path("box.lock"));
		close(job.fd);
	}
}

T_TEST(a_failed_append_is_taken_back)
{
	jobs_run(append_with_faults);
}

static void
write_file(const char *name, time_t age)
{
	struct timespec times[2] = { { .tv_sec = clock_wall() - age },
		{ .tv_sec = clock_wall() - age } };
	int fd = open(jobs_path(name), O_WRONLY | O_CREAT, 0600);

	T_NEED(fd >= 0 && futimens(fd, times) == 0);
	close(fd);
}

static void
meet_locks(void)
{
	struct mailbox_job job = jobs_make(MAILBOX_MBOX, "box", "S: a\n\nb\n");
	int64_t began = clock_now_ns();
	int other;

	job.user = SPAN("ann");
	write_file("box.lock", 0);
	T_EQ_STR(jobs_do(&job), "defer");
	T_EQ_TEXT(jobs_result.dsn, "4.2.0");
	T_HAS_STR(jobs_text(), "cannot update mailbox ");
	T_HAS_STR(jobs_text(), "/box for user ann. unable to create lock "
	    "file ");
	T_EQ_INT((clock_now_ns() - began) / 1000000000, 4);
	T_EQ_STR(jobs_file("box"), "absent");

	T_CASE("stale");
	write_file("box.lock", 600);
	T_EQ_STR(jobs_do(&job), "delivered");
	T_EQ_STR(jobs_file("box.lock"), "absent");

	T_CASE("held by another");
	other = open(jobs_path("box"), O_RDWR);
	T_NEED(other >= 0 && fs_ofd_lock(other, true));
	T_EQ_STR(jobs_do(&job), "defer");
	T_HAS_STR(jobs_text(), "unable to lock for exclusive access: "
	    "Resource temporarily unavailable");
	T_EQ_STR(jobs_file("box.lock"), "absent");

	T_CASE("flock");
	job.lock.locks = MBOX_LOCK_FLOCK;
	T_EQ_STR(jobs_do(&job), "delivered");
	T_NEED(flock(other, LOCK_EX) == 0);
	T_EQ_STR(jobs_do(&job), "defer");
	close(other);
	T_EQ_STR(jobs_do(&job), "delivered");
}

T_TEST(locks_of_others_are_waited_for_and_kept)
{
	jobs_run(meet_locks);
}

static void
refuse_files(void)
{
	struct mailbox_job job = jobs_make(MAILBOX_MBOX, "box", "S: a\n\nb\n");

	T_CASE("symbolic link");
	write_file("target", 0);
	T_NEED(symlink("target", jobs_path("box")) == 0);
	T_EQ_STR(jobs_do(&job), "defer");
	T_EQ_STR(jobs_file("target"), "");
	unlink(jobs_path("box"));

	T_CASE("two names");
	T_NEED(link(jobs_path("target"), jobs_path("box")) == 0);
	T_EQ_STR(jobs_do(&job), "defer");
	T_HAS_STR(jobs_text(), "more than one name");
	T_EQ_STR(jobs_file("target"), "");
	unlink(jobs_path("box"));

	T_CASE("fifo");
	T_NEED(mkfifo(jobs_path("box"), 0600) == 0);
	T_EQ_STR(jobs_do(&job), "defer");
	T_HAS_STR(jobs_text(), "not a regular file");
	unlink(jobs_path("box"));

	T_CASE("directory");
	T_NEED(mkdir(jobs_path("box"), 0700) == 0);
	T_EQ_STR(jobs_do(&job), "defer");
	rmdir(jobs_path("box"));

	if (geteuid() == 0) {
		T_CASE("other owner");
		write_file("box", 0);
		T_NEED(chown(jobs_path("box"), 12345, 12345) == 0);
		T_EQ_STR(jobs_do(&job), "defer");
		T_HAS_STR(jobs_text(), "not owned by recipient");
		job.check_owner = false;
		T_EQ_STR(jobs_do(&job), "delivered");
	}
}

T_TEST(what_is_no_mailbox_is_not_written_to)
{
	jobs_run(refuse_files);
}

static void
write_files(void)
{
	struct mailbox_job job = jobs_make(MAILBOX_FILE, "archive",
	    "S: a\n\nb\n");
	char want[600];

	T_EQ_STR(jobs_do(&job), "delivered");
	snprintf(want, sizeof(want), "delivered to file: %s",
	    jobs_path("archive"));
	T_EQ_STR(jobs_text(), want);
	job.size_limit = 100;
	T_EQ_STR(jobs_do(&job), "bounce");
	T_EQ_TEXT(jobs_result.dsn, "5.2.2");

	job.path = SPAN("/dev/null");
	T_EQ_STR(jobs_do(&job), "delivered");
	T_EQ_STR(jobs_text(), "delivered to file: /dev/null");
	job.path = SPAN(jobs_path("no/such"));
	T_EQ_STR(jobs_do(&job), "defer");
	T_HAS_STR(jobs_text(), "cannot append to file ");
}

T_TEST(files_named_by_aliases_may_be_devices)
{
	jobs_run(write_files);
}

static void
hear(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(here);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[100] = "";

	T_NEED(bind(fd, (struct sockaddr *)&here, sizeof(here)) == 0);
	T_NEED(getsockname(fd, (struct sockaddr *)&here, &length) == 0);
	biff_notify(SPAN_NONE, 1, ntohs(here.sin_port));
	biff_notify(SPAN("ann"), 1234567890123, ntohs(here.sin_port));
	T_EQ_INT(recv(fd, text, sizeof(text) - 1, 0), 17);
	T_EQ_STR(text, "ann@1234567890123");
	close(fd);
	/* Nobody there: nothing happens. */
	biff_notify(SPAN("ann"), 0, ntohs(here.sin_port));
}

T_TEST(who_has_new_mail_is_told_to_comsat)
{
	jobs_run(hear);
}

static size_t finished;

static void
append_one(void *arg)
{
	struct mailbox_job job = jobs_make(MAILBOX_MBOX, "box", arg);

	T_EQ_STR(jobs_do(&job), "delivered");
	close(job.fd);
	finished++;
}

static void
append_side_by_side(void)
{
	static char text[] = "S: a\n\nb\n";
	struct fiber_group group;
	int64_t began = clock_now_ns();

	fiber_group_init(&group);
	for (int i = 0; i < 20; i++)
		T_NEED(fiber_spawn(&group, "append", append_one, text)
		    != NULL);
	T_EQ_INT(fiber_group_join(&group, DEADLINE_NEVER), IO_OK);
	T_EQ_INT(finished, 20);
	T_CHECK(clock_now_ns() - began < 1000000000);
}

T_TEST(deliveries_side_by_side_do_not_spend_lock_attempts)
{
	jobs_run(append_side_by_side);
}
