/*
 * Tests of daemons/verify/record.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/verify/record.h"

#include "daemons/verify/verify_conf.h"
#include "tests/harness/t.h"

#define NOW 1000000
#define DAY 86400
#define HOUR 3600

static void
use_defaults(void)
{
	verify_conf = (struct verify_conf){ .negative_cache = true,
		.positive_expire = 31 * DAY, .positive_refresh = 7 * DAY,
		.negative_expire = 3 * DAY, .negative_refresh = 3 * HOUR };
}

T_TEST(records_are_read_as_others_write_them)
{
	static const struct {
		const char *value;
		bool ok;
		const char *text;
	} cases[] = {
		{ "0:0:1000:250 2.1.5 Ok", true, "250 2.1.5 Ok" },
		{ "2:7:8:a: b: c", true, "a: b: c" },
		{ "3:7:0:", true, "" },
		{ "4:7:0:x", false, NULL }, { "0:0:x", false, NULL },
		{ "", false, NULL }, { ":::", false, NULL },
		{ "0:-1:0:x", false, NULL }, { "0: 1:0:x", false, NULL },
		{ "0:99999999999999999999:0:x", false, NULL },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct record r;
		struct str again = STR_EMPTY;

		T_CASE(cases[i].value);
		T_CHECK(record_read(SPAN(cases[i].value), &r)
		    == cases[i].ok);
		if (!cases[i].ok)
			continue;
		T_CHECK(span_is(r.text, cases[i].text));
		record_print(&again, &r);
		T_EQ_STR(str_cstr(&again), cases[i].value);
		str_fini(&again);
	}
}

/* Ages in seconds before NOW; -1: never. */
T_TEST(what_is_old_is_asked_again_and_what_is_too_old_does_not_count)
{
	static const struct {
		const char *name;
		enum verify_status status;
		int64_t probed, updated;
		enum verify_status want;
		bool probe;
	} cases[] = {
		{ "fresh", VERIFY_OK, -1, 10, VERIFY_OK, false },
		{ "a week, less a second", VERIFY_OK, -1, 7 * DAY - 1,
		    VERIFY_OK, false },
		{ "a week", VERIFY_OK, -1, 7 * DAY, VERIFY_OK, true },
		{ "a week, asked just now", VERIFY_OK, 5, 7 * DAY, VERIFY_OK,
		    false },
		{ "a week, asked and lost", VERIFY_OK, 1000, 7 * DAY,
		    VERIFY_OK, true },
		{ "a month", VERIFY_OK, -1, 31 * DAY, VERIFY_OPEN, true },
		{ "a month, asked just now", VERIFY_OK, 5, 31 * DAY,
		    VERIFY_OPEN, false },
		{ "no, fresh", VERIFY_BOUNCE, -1, 10, VERIFY_BOUNCE, false },
		{ "no, three hours", VERIFY_BOUNCE, -1, 3 * HOUR,
		    VERIFY_BOUNCE, true },
		{ "no, three days", VERIFY_BOUNCE, -1, 3 * DAY, VERIFY_OPEN,
		    true },
		{ "later, fresh", VERIFY_DEFER, -1, 10, VERIFY_DEFER, false },
		{ "later, three hours", VERIFY_DEFER, -1, 3 * HOUR,
		    VERIFY_DEFER, true },
		{ "on its way", VERIFY_OPEN, 999, -1, VERIFY_OPEN, false },
		{ "lost on its way", VERIFY_OPEN, 1000, -1, VERIFY_OPEN,
		    true },
		{ "the clock was set back", VERIFY_OK, -1, -5, VERIFY_OPEN,
		    true },
	};

	use_defaults();
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct record stored = { .status = cases[i].status,
			.probed = cases[i].probed < 0 ? 0
			    : NOW * 10 - cases[i].probed,
			.updated = cases[i].updated == -1 ? 0
			    : NOW * 10 - cases[i].updated,
			.text = SPAN("text") }, r;
		bool probe;

		T_CASE(cases[i].name);
		record_judge(&stored, NOW * 10, &r, &probe);
		T_EQ_INT(r.status, cases[i].want);
		T_EQ_INT(probe, cases[i].probe);
		if (probe)
			T_EQ_INT(r.probed, NOW * 10);
		if (r.status == VERIFY_OPEN && cases[i].status != VERIFY_OPEN)
			T_CHECK(span_is(r.text, RECORD_IN_PROGRESS));
	}
}

T_TEST(an_unknown_address_is_asked_about)
{
	struct record r;
	bool probe;

	use_defaults();
	record_judge(NULL, NOW, &r, &probe);
	T_EQ_INT(r.status, VERIFY_OPEN);
	T_CHECK(probe);
	T_CHECK(span_is(r.text, RECORD_IN_PROGRESS));
}

T_TEST(a_failure_does_not_take_away_what_was_shown)
{
	struct record ok = { VERIFY_OK, NOW - 5, NOW - 8 * DAY, SPAN("yes") };
	struct record r;

	use_defaults();
	T_CHECK(!record_update(&ok, VERIFY_BOUNCE, SPAN("no"), NOW, &r));
	T_CHECK(!record_update(&ok, VERIFY_DEFER, SPAN("no"), NOW, &r));
	T_CHECK(record_update(&ok, VERIFY_OK, SPAN("yes!"), NOW, &r));
	T_EQ_INT(r.updated, NOW);
	T_EQ_INT(r.probed, 0);
	ok.updated = NOW - 31 * DAY;
	T_CHECK(record_update(&ok, VERIFY_BOUNCE, SPAN("no"), NOW, &r));
	T_EQ_INT(r.status, VERIFY_BOUNCE);
	T_CHECK(span_is(r.text, "no"));
}

T_TEST(nobody_is_believed_who_was_not_asked)
{
	struct record idle = { VERIFY_BOUNCE, 0, NOW - 10, SPAN("no") };
	struct record r;

	use_defaults();
	T_CHECK(!record_update(NULL, VERIFY_OK, SPAN("yes"), NOW, &r));
	T_CHECK(!record_update(&idle, VERIFY_OK, SPAN("yes"), NOW, &r));
	idle.probed = NOW - 5;
	T_CHECK(!record_update(&idle, VERIFY_OPEN, SPAN("yes"), NOW, &r));
	T_CHECK(record_update(&idle, VERIFY_OK, SPAN("yes"), NOW, &r));
}
