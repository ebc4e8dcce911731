/*
 * A message as a command gets it: what each flag of pipe(8) does to its lines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/daemons/launcher/jobs.h"

#define HEAD "Delivered-To: u@example.com\n"

static const struct {
	uint64_t style;
	const char *eol, *content, *want;
} cases[] = {
	{ 0, "", "a\n.\nFrom b\n", "a\n.\nFrom b\n" },
	{ 0, "\n", "a\n.\nFrom b", "a\n.\nFrom b" },
	{ 0, "\r\n", "a\n\nb\n", "a\r\n\r\nb\r\n" },
	{ 0, "\r\n", "a", "a" },
	{ COMMAND_DOTS, "", ".a\n..\nb.\n.", "..a\n...\nb.\n.." },
	{ COMMAND_QUOTE_FROM, "", ".\nFrom b\nFro", ".\n>From b\nFro" },
	{ COMMAND_BLANK_END, "", "a\n", "a\n\n" },
	{ COMMAND_BLANK_END, "\r\n", "a", "a\r\n\r\n" },
	{ COMMAND_DOTS | COMMAND_QUOTE_FROM | COMMAND_BLANK_END, "\r\n",
	    ".\nFrom .\n", "..\r\n>From .\r\n\r\n" },
	{ COMMAND_BLANK_END, "", "", "\n" },
};

/* Behind the head, which has the same line ends; "?" if that is not there. */
static const char *
copied(const struct mailbox_job *job, uint64_t style, const char *eol)
{
	static struct str got;
	struct str why = STR_EMPTY, head = STR_EMPTY;
	int fd = memfd_create("copy", MFD_CLOEXEC);
	off_t size;

	T_NEED(copy_message(fd, job, style, SPAN(eol), &why));
	size = lseek(fd, 0, SEEK_END);
	str_clear(&got);
	T_NEED(pread(fd, str_reserve(&got, (size_t)size), (size_t)size, 0)
	    == size);
	str_advance(&got, (size_t)size);
	close(fd);
	str_sets(&head, "Delivered-To: u@example.com");
	str_adds(&head, eol[0] != '\0' ? eol : "\n");
	if (!T_CHECK(span_starts(str_span(&got), str_span(&head))))
		return "?";
	str_remove(&got, 0, str_len(&head));
	str_fini(&head);
	return str_cstr(&got);
}

static void
copy_cases(void)
{
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct mailbox_job job = jobs_make(MAILBOX_FILE, "x",
		    cases[i].content);

		T_CASEF("%zu", i);
		T_EQ_STR(copied(&job, cases[i].style, cases[i].eol),
		    cases[i].want);
		close(job.fd);
	}
}

T_TEST(lines_are_changed_as_flags_say)
{
	jobs_run(copy_cases);
}

/* Around the size of one read. */
static void
copy_long(void)
{
	for (size_t cut = 0; cut < 12; cut++) {
		size_t n = 65536 - cut;
		char *content = malloc(n + 40), *want = malloc(n + 80);
		struct mailbox_job job;

		memset(content, 'x', n);
		strcpy(content + n, "\n.y\nFrom z\n.");
		memcpy(want, content, n);
		strcpy(want + n, "\r\n..y\r\n>From z\r\n..");
		T_CASEF("cut %zu", cut);
		job = jobs_make(MAILBOX_FILE, "x", content);
		T_CHECK(strcmp(copied(&job, COMMAND_DOTS | COMMAND_QUOTE_FROM,
		    "\r\n"), want) == 0);
		close(job.fd);
		free(content);
		free(want);
	}
}

T_TEST(a_line_across_two_reads_is_one_line)
{
	jobs_run(copy_long);
}

static void
copy_with_faults(void)
{
	struct mailbox_job job = jobs_make(MAILBOX_FILE, "x", "a\nb\n");

	T_EACH_FAULT(NULL, EIO) {
		struct str why = STR_EMPTY;
		int fd = memfd_create("copy", MFD_CLOEXEC);
		bool ok = copy_message(fd, &job, COMMAND_FROM_LINE,
		    SPAN_NONE, &why);

		T_EQ_INT(ok, !T_FAULT_HIT());
		T_EQ_INT(ok, str_len(&why) == 0);
		close(fd);
		str_fini(&why);
	}
	close(job.fd);
}

T_TEST(a_copy_that_fails_says_so)
{
	jobs_run(copy_with_faults);
}
