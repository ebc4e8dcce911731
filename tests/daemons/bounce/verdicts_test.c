/*
 * What a notice says of each recipient, from logs of any length.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/bounce/verdicts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/fault.h"
#include "queue/scan.h"
#include "tests/harness/t.h"

#define ID SPAN("4F0A1B2C3D")

static int queue;

static void
set_up(void)
{
	struct str why = STR_EMPTY;

	t_tmpdir_in_memory();
	queue = open(t_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	T_NEED(queue >= 0);
	queue_names_setup("", 1);
	T_NEED(queue_directories_make(queue, (uid_t)-1, (gid_t)-1, &why));
	str_fini(&why);
}

/* "a@b:1 c@d:2:never": recipients with their dsn, and what they want to hear. */
static void
append(const char *list, const char *reason)
{
	struct span rest = SPAN(list), word;
	struct outcome outcomes[64];
	struct str why = STR_EMPTY;
	size_t n = 0;

	while (span_token(&rest, " ", &word)) {
		struct outcome *o = &outcomes[n++];

		*o = (struct outcome){ .reason = SPAN(reason) };
		T_NEED(span_split(&word, ':', &o->rcpt)
		    && span_split(&word, ':', &o->dsn));
		if (span_is(word, "never"))
			o->notify = DSN_NOTIFY_NEVER;
	}
	T_CHECK(outcome_log_append(queue, QUEUE_BOUNCE, ID, outcomes, n,
	    &why));
	str_fini(&why);
}

static struct str said;
static size_t count, most;
static struct verdict_choice choice = { .what = BOUNCE_FAILED };

static bool
say(const struct outcome *o, void *arg)
{
	(void)arg;
	if (str_len(&said) < 200)
		str_addf(&said, "%.*s:%.*s ", SPAN_ARG(o->rcpt),
		    SPAN_ARG(o->dsn));
	return ++count < most;
}

static enum queue_result
say_all(void)
{
	struct str why = STR_EMPTY;
	enum queue_result result;

	str_clear(&said);
	count = 0;
	result = verdicts_each(queue, &choice, ID, say, NULL, &why);
	T_EQ_INT(result != QUEUE_OK, str_len(&why) > 0);
	str_fini(&why);
	return result;
}

T_TEST(the_last_word_on_each_recipient_is_told_in_order)
{
	set_up();
	most = 1000;
	T_EQ_INT(say_all(), QUEUE_GONE);
	append("a@b:1 c@d:2 e@f:3:never", "no");
	append("a@b:4 g@h:5", "no");
	T_EQ_INT(say_all(), QUEUE_OK);
	T_EQ_STR(str_cstr(&said), "c@d:2 a@b:4 g@h:5 ");
	most = 1;
	T_EQ_INT(say_all(), QUEUE_OK);
	T_EQ_STR(str_cstr(&said), "c@d:2 ");
	T_EACH_FAULT("fs.read", EIO) {
		enum queue_result result = say_all();

		T_EQ_INT(result, T_FAULT_HIT() ? QUEUE_IO_ERROR : QUEUE_OK);
	}
	T_EACH_FAULT("fs.open", EMFILE) {
		enum queue_result result = say_all();

		T_EQ_INT(result, T_FAULT_HIT() ? QUEUE_IO_ERROR : QUEUE_OK);
	}
}

/* A recipient that was put off once and delivered since is not told as late. */
T_TEST(what_was_said_before_the_last_attempt_is_left_out)
{
	struct str why = STR_EMPTY;
	struct outcome outcomes[] = {
		{ .rcpt = SPAN_LIT("a@b"), .dsn = SPAN_LIT("1"), .when_us = 10 },
		{ .rcpt = SPAN_LIT("c@d"), .dsn = SPAN_LIT("2"), .when_us = 20 },
		{ .rcpt = SPAN_LIT("e@f"), .dsn = SPAN_LIT("3"), .when_us = 20,
		    .notify = DSN_NOTIFY_FAILURE },
	};

	set_up();
	most = 1000;
	T_CHECK(outcome_log_append(queue, QUEUE_DEFER, ID, outcomes,
	    T_COUNT(outcomes), &why));
	choice = (struct verdict_choice){ .what = BOUNCE_DELAYED,
		.since_us = 15 };
	T_EQ_INT(say_all(), QUEUE_OK);
	T_EQ_STR(str_cstr(&said), "c@d:2 ");
	choice.everyone = true;
	T_EQ_INT(say_all(), QUEUE_OK);
	T_EQ_STR(str_cstr(&said), "c@d:2 e@f:3 ");
	choice.since_us = 0;
	T_EQ_INT(say_all(), QUEUE_OK);
	T_EQ_STR(str_cstr(&said), "a@b:1 c@d:2 e@f:3 ");
	str_fini(&why);
}

T_TEST(what_stands_a_thousand_entries_apart_is_told_both_times)
{
	set_up();
	most = 100000;
	append("first@b:1", "no");
	for (int i = 0; i < 20; i++) {
		struct str list = STR_EMPTY;

		for (int k = 0; k < 50; k++)
			str_addf(&list, "r%d@b:2 ", 50 * i + k);
		append(str_cstr(&list), "no");
		str_fini(&list);
	}
	append("first@b:3 r999@b:4", "no");
	T_EQ_INT(say_all(), QUEUE_OK);
	T_EQ_INT(count, 1002);
	T_CHECK(span_starts(str_span(&said), SPAN("first@b:1 r0@b:2 ")));
}

/* In kB. */
static long
memory_at_most(void)
{
	char line[200];
	FILE *f = fopen("/proc/self/status", "r");
	long found = 0;

	T_NEED(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "VmHWM: %ld", &found);
	fclose(f);
	return found;
}

/* What would not fit into any buffer: 80 MB. */
T_TEST(a_log_of_any_length_is_told_in_little_memory)
{
	char reason[20001], name[40];
	size_t entries = 4000;
	struct stat st;
	long before;
	int log;

	set_up();
	most = 1000000;
	memset(reason, 'x', 20000);
	reason[20000] = '\0';
	for (size_t i = 0; i < entries; i++) {
		snprintf(name, sizeof(name), "r%zu@b:5.1.1", i);
		append(name, reason);
	}
	log = openat(queue, "bounce/4F0A1B2C3D", O_WRONLY | O_CLOEXEC);
	T_NEED(log >= 0 && fstat(log, &st) == 0);
	T_CHECK(st.st_size > 70 * 1000 * 1000);
	before = memory_at_most();
	T_EQ_INT(say_all(), QUEUE_OK);
	T_EQ_INT(count, entries);
	/* A thousand of them are held, and a window. The sanitizer keeps what was
	 * freed: it need not fit then. */
#ifdef __SANITIZE_ADDRESS__
	enum { MOST = 4000 * 1024 };
#else
	enum { MOST = 40 * 1024 };
#endif
	T_CHECK(memory_at_most() - before < MOST);
	/* Who appends finds the end, too, behind the last whole entry. */
	T_NEED(ftruncate(log, st.st_size - 1) == 0);
	append("last@b:5.1.1", "no");
	T_EQ_INT(say_all(), QUEUE_OK);
	T_EQ_INT(count, entries);
	close(log);
}
