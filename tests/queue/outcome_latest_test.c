/*
 * What a log says last of each recipient, however long it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/outcome_latest.h"

#include <malloc.h>
#include <stdlib.h>

#include "tests/queue/files.h"

#define ID "4F0A1B2C3D"

static void
append(int q, const struct outcome *outcomes, size_t count)
{
	struct str why = STR_EMPTY;

	T_CHECK(outcome_log_append(q, QUEUE_DEFER, SPAN(ID), outcomes, count,
	    &why));
	T_EQ_STR(str_cstr(&why), "");
	str_fini(&why);
}

/* "4.4.1 reason [smtp diag] [dns host]", "" for nothing. */
static const char *
said_of(const struct outcome_latest *l, const char *rcpt)
{
	const struct outcome *o = outcome_latest_of(l, SPAN(rcpt));
	static struct str text;

	str_clear(&text);
	if (o != NULL)
		str_addf(&text, "%.*s %.*s [%.*s %.*s] [%.*s %.*s]",
		    SPAN_ARG(o->dsn), SPAN_ARG(o->reason),
		    SPAN_ARG(o->diag_type), SPAN_ARG(o->diag_text),
		    SPAN_ARG(o->mta_type), SPAN_ARG(o->mta_name));
	return str_cstr(&text);
}

T_TEST(the_last_word_of_each_recipient_counts)
{
	static const struct outcome before[] = {
		{ .rcpt = SPAN_LIT("a@b"), .dsn = SPAN_LIT("4.4.1"),
		    .reason = SPAN_LIT("refused") },
		{ .rcpt = SPAN_LIT("c@d"), .dsn = SPAN_LIT("4.4.1"),
		    .reason = SPAN_LIT("refused") },
		{ .rcpt = SPAN_LIT("e@f"), .dsn = SPAN_LIT("4.2.0"),
		    .reason = SPAN_LIT("full") },
	}, after[] = {
		{ .rcpt = SPAN_LIT("e@f"), .dsn = SPAN_LIT("4.4.1"),
		    .reason = SPAN_LIT("refused") },
		{ .rcpt = SPAN_LIT("a@b"), .dsn = SPAN_LIT("4.7.0"),
		    .reason = SPAN_LIT("grey"), .diag_type = SPAN_LIT("smtp"),
		    .diag_text = SPAN_LIT("450 grey"),
		    .mta_type = SPAN_LIT("dns"),
		    .mta_name = SPAN_LIT("mx.b") },
	};
	int q = files_queue("q");
	struct outcome_latest *l;

	append(q, before, T_COUNT(before));
	append(q, after, T_COUNT(after));
	l = outcome_latest_read(q, QUEUE_DEFER, SPAN(ID));
	T_EQ_STR(said_of(l, "a@b"), "4.7.0 grey [smtp 450 grey] [dns mx.b]");
	T_EQ_STR(said_of(l, "c@d"), "4.4.1 refused [ ] [ ]");
	T_EQ_STR(said_of(l, "e@f"), "4.4.1 refused [ ] [ ]");
	T_CHECK(outcome_latest_of(l, SPAN("c@d"))
	    == outcome_latest_of(l, SPAN("e@f")));
	T_EQ_STR(said_of(l, "A@b"), "");
	outcome_latest_free(&l);
	T_CHECK(l == NULL);
	outcome_latest_free(&l);
}

/* Where one part ends matters. */
T_TEST(outcomes_of_the_same_letters_are_told_apart)
{
	static const struct outcome two[] = {
		{ .rcpt = SPAN_LIT("a@b"), .dsn = SPAN_LIT("4.4.1"),
		    .reason = SPAN_LIT("xy") },
		{ .rcpt = SPAN_LIT("c@d"), .dsn = SPAN_LIT("4.4.1"),
		    .reason = SPAN_LIT("x"), .diag_type = SPAN_LIT("y") },
	};
	int q = files_queue("q");
	struct outcome_latest *l;

	append(q, two, T_COUNT(two));
	l = outcome_latest_read(q, QUEUE_DEFER, SPAN(ID));
	T_EQ_STR(said_of(l, "a@b"), "4.4.1 xy [ ] [ ]");
	T_EQ_STR(said_of(l, "c@d"), "4.4.1 x [y ] [ ]");
	outcome_latest_free(&l);
}

T_TEST(a_message_without_a_log_has_no_words)
{
	struct outcome_latest *l = outcome_latest_read(files_queue("q"),
	    QUEUE_DEFER, SPAN(ID));

	T_CHECK(outcome_latest_of(l, SPAN("a@b")) == NULL);
	outcome_latest_free(&l);
}

/* Each entry is another. */
T_TEST(memory_does_not_grow_with_the_log)
{
	enum { REASON = 60000, AT_ONCE = 100 };
	size_t rounds = getenv("WAYPOST_LONG") != NULL ? 14 : 2;
	int q = files_queue("q");
	struct outcome batch[AT_ONCE];
	struct str texts[AT_ONCE], want = STR_EMPTY;
	struct outcome_latest *l;
	size_t before, grown;

	for (size_t i = 0; i < AT_ONCE; i++)
		texts[i] = STR_EMPTY;
	for (size_t round = 0; round < rounds; round++) {
		for (size_t i = 0; i < AT_ONCE; i++) {
			str_printf(&texts[i], "%zu.%zu ", round, i);
			while (str_len(&texts[i]) < REASON)
				str_adds(&texts[i], "not now ");
			batch[i] = (struct outcome){ .rcpt = i % 2 == 0
			    ? SPAN("a@b") : SPAN("c@d"),
			    .dsn = SPAN("4.0.0"),
			    .reason = str_span(&texts[i]) };
		}
		append(q, batch, AT_ONCE);
	}
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	l = outcome_latest_read(q, QUEUE_DEFER, SPAN(ID));
	grown = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	T_CHECK(grown < 4 << 20);
	str_printf(&want, "4.0.0 %s [ ] [ ]", str_cstr(&texts[AT_ONCE - 2]));
	T_EQ_STR(said_of(l, "a@b"), str_cstr(&want));
	str_printf(&want, "4.0.0 %s [ ] [ ]", str_cstr(&texts[AT_ONCE - 1]));
	T_EQ_STR(said_of(l, "c@d"), str_cstr(&want));
	outcome_latest_free(&l);
	for (size_t i = 0; i < AT_ONCE; i++)
		str_fini(&texts[i]);
	str_fini(&want);
}
