/*
 * Lists and .forward files: which are read, and what is said of the others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/daemons/launcher/jobs.h"

static struct mailbox_text
read_it(const char *name, bool owned)
{
	struct mailbox_read request = { .path = SPAN(jobs_path(name)),
		.limit = 1000, .owned = owned };
	struct mailbox_text text;

	worker_read(&request, &text, fiber_arena());
	return text;
}

static void
put(const char *name, mode_t mode)
{
	int fd = open(jobs_path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	T_NEED(fd >= 0 && write(fd, "ann\n", 4) == 4);
	T_NEED(fchmod(fd, mode) == 0);
	close(fd);
}

static const struct {
	const char *name;
	bool owned;
	enum mailbox_read_status want;
	const char *why;
} cases[] = {
	{ "good", true, MAILBOX_READ_OK, "" },
	{ "good", false, MAILBOX_READ_OK, "" },
	{ "group", true, MAILBOX_READ_OK, "" },
	{ "open", true, MAILBOX_READ_UNSAFE, "open: writable by everyone" },
	{ "open", false, MAILBOX_READ_UNSAFE, "open: writable by everyone" },
	{ "to-open", false, MAILBOX_READ_UNSAFE, "writable by everyone" },
	{ "dir", false, MAILBOX_READ_UNSAFE, "dir: not a regular file" },
	{ "fifo", false, MAILBOX_READ_UNSAFE, "fifo: not a regular file" },
	{ "none", false, MAILBOX_READ_ABSENT, "none" },
	{ "good/x", false, MAILBOX_READ_ABSENT, "good/x" },
	{ "circle", false, MAILBOX_READ_DENIED, "circle" },
};

static void
read_cases(void)
{
	put("good", 0600);
	put("group", 0660);
	put("open", 0666);
	T_NEED(mkdir(jobs_path("dir"), 0700) == 0);
	T_NEED(mkfifo(jobs_path("fifo"), 0600) == 0);
	T_NEED(symlink("open", jobs_path("to-open")) == 0);
	T_NEED(symlink("circle", jobs_path("circle")) == 0);
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct mailbox_text text = read_it(cases[i].name,
		    cases[i].owned);

		T_CASEF("%s%s", cases[i].name, cases[i].owned ? ", owned" : "");
		T_EQ_INT(text.status, cases[i].want);
		T_EQ_TEXT(text.text, text.status == MAILBOX_READ_OK ? "ann\n"
		    : "");
		T_HAS_STR(arena_cstr(fiber_arena(), text.why), cases[i].why);
		if (text.status == MAILBOX_READ_OK)
			T_EQ_INT(text.owner, geteuid());
	}
}

T_TEST(what_everybody_may_write_is_not_believed)
{
	jobs_run(read_cases);
}

static void
read_denied(void)
{
	put("secret", 0);
	T_EQ_INT(read_it("secret", false).status, MAILBOX_READ_DENIED);
}

T_TEST(what_is_not_ours_to_read_is_another_matter)
{
	if (geteuid() == 0)
		T_SKIP("root may read everything");
	jobs_run(read_denied);
}
