/*
 * A Maildir holds a message whole or not at all, whatever fails.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/fs.h"
#include "tests/daemons/launcher/jobs.h"

#define CONTENT "Subject: a\n\nFrom here on\nno line end"
#define WANTED "Delivered-To: u@example.com\n" CONTENT

static void
deliver_three(void)
{
	char first[600];

	for (int i = 0; i < 3; i++) {
		struct mailbox_job job = jobs_make(MAILBOX_MAILDIR,
		    "home/a/Maildir/", CONTENT);

		T_EQ_STR(jobs_do(&job), "delivered");
		T_EQ_STR(jobs_text(), "delivered to maildir");
		close(job.fd);
	}
	T_EQ_INT(jobs_count("home/a/Maildir/new", first), 3);
	T_EQ_INT(jobs_count("home/a/Maildir/tmp", NULL), 0);
	T_EQ_INT(jobs_count("home/a/Maildir", NULL), 3);
	T_EQ_STR(jobs_file(first), WANTED);
}

T_TEST(a_maildir_is_made_when_it_is_missing)
{
	jobs_run(deliver_three);
}

static void
deliver_unnamed(void)
{
	struct mailbox_job job = jobs_make(MAILBOX_MAILDIR, "m/", CONTENT);
	char first[600];

	job.host = SPAN("a/b:c");
	T_EQ_STR(jobs_do(&job), "delivered");
	T_EQ_INT(jobs_count("m/new", first), 1);
	T_HAS_STR(first, ".a_b_c");
}

T_TEST(a_host_name_cannot_lead_elsewhere)
{
	jobs_run(deliver_unnamed);
}

static void
deliver_with_faults(void)
{
	char first[600];

	T_EACH_FAULT(NULL, EIO) {
		struct mailbox_job job = jobs_make(MAILBOX_MAILDIR, "f/x/",
		    CONTENT);
		const char *verdict = jobs_do(&job);
		size_t n = jobs_count("f/x/new", first);
		bool delivered = strcmp(verdict, "delivered") == 0;

		T_CHECK(delivered || T_FAULT_HIT());
		T_EQ_INT(n, delivered);
		if (n > 0)
			T_EQ_STR(jobs_file(first), WANTED);
		if (n > 0)
			unlink(jobs_path(first));
		else
			T_EQ_STR(verdict, "defer");
		T_EQ_INT(jobs_count("f/x/tmp", first) > 0
		    && !T_FAULT_HIT(), 0);
		close(job.fd);
	}
}

T_TEST(a_fault_leaves_nothing_in_new_or_a_delivered_message)
{
	jobs_run(deliver_with_faults);
}

static fs_recorder_fn note;
static struct str steps;

static void
note(const struct fs_change *change)
{
	if (strcmp(change->op, "open") != 0)	/* changes nothing */
		str_addf(&steps, "%s ", change->op);
}

static void
deliver_recorded(void)
{
	struct mailbox_job job = jobs_make(MAILBOX_MAILDIR, "r/", CONTENT);

	T_NEED(mkdir(jobs_path("r"), 0700) == 0);
	T_NEED(mkdir(jobs_path("r/tmp"), 0700) == 0);
	T_NEED(mkdir(jobs_path("r/new"), 0700) == 0);
	T_NEED(mkdir(jobs_path("r/cur"), 0700) == 0);
	fs_set_recorder(note);
	T_EQ_STR(jobs_do(&job), "delivered");
	fs_set_recorder(NULL);
	T_EQ_STR(str_cstr(&steps), "create write fsync rename fsyncdir ");
}

T_TEST(delivered_means_synced_moved_and_synced)
{
	jobs_run(deliver_recorded);
	str_fini(&steps);
}

static void
deliver_too_large(void)
{
	struct mailbox_job job = jobs_make(MAILBOX_MAILDIR, "big/", CONTENT);

	job.size_limit = 20;
	T_EQ_STR(jobs_do(&job), "bounce");
	T_EQ_TEXT(jobs_result.dsn, "5.2.2");
	T_EQ_STR(jobs_text(), "maildir delivery failed: error writing "
	    "message: File too large");
	T_EQ_INT(jobs_count("big", NULL), 0);
}

T_TEST(a_message_above_the_limit_is_returned)
{
	jobs_run(deliver_too_large);
}

static void
deliver_where_a_file_is(void)
{
	struct mailbox_job job = jobs_make(MAILBOX_MAILDIR, "file/m/",
	    CONTENT);
	FILE *f = fopen(jobs_path("file"), "w");

	T_NEED(f != NULL);
	fclose(f);
	T_EQ_STR(jobs_do(&job), "defer");
	T_EQ_TEXT(jobs_result.dsn, "4.2.0");
	T_HAS_STR(jobs_text(), "maildir delivery failed: ");
	T_HAS_STR(jobs_text(), "Not a directory");
}

T_TEST(a_place_that_cannot_be_a_maildir_waits)
{
	jobs_run(deliver_where_a_file_is);
}
