/*
 * dsn - enhanced status codes and NOTIFY lists.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/dsn.h"
#include "tests/harness/t.h"

T_TEST(codes_at_the_start_of_text)
{
	static const struct {
		const char *text;
		size_t want;
	} cases[] = {
		{ "2.0.0", 5 }, { "4.2.2 mailbox full", 5 },
		{ "5.7.1\ttab", 5 }, { "5.123.456 x", 9 }, { "2.1.5\n", 5 },
		{ "5.1.23", 6 },
		{ "", 0 }, { "5", 0 }, { "5.1", 0 }, { "5.1.", 0 },
		{ "5..1", 0 }, { "5.1.1x", 0 }, { "5.1.1.1", 0 },
		{ "1.0.0", 0 }, { "3.0.0", 0 }, { "6.0.0", 0 },
		{ "5.1234.1", 0 }, { "5.1.1234", 0 }, { " 5.1.1", 0 },
		{ "55.1.1", 0 }, { "5-1-1", 0 }, { "5.1.x", 0 },
		{ "5.x.1", 0 },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct span text = span_cstr(cases[i].text);

		T_CASE(cases[i].text);
		T_EQ_INT(dsn_scan(text), cases[i].want);
		T_EQ_INT(dsn_valid(text),
		    cases[i].want > 0 && cases[i].want == text.len);
	}
	/* Nothing behind the span is looked at. */
	T_EQ_INT(dsn_scan(span_of("5.1.12", 5)), 5);
	T_EQ_INT(dsn_scan(span_of("5.1.1", 4)), 0);
	T_EQ_INT(dsn_scan(span_of("5.1.1\0", 6)), 0);
}

T_TEST(code_and_text_are_split)
{
	static const struct {
		const char *text, *dflt;
		char class;
		const char *dsn, *rest;
	} cases[] = {
		{ "4.2.2 mailbox full", "4.0.0", 0, "4.2.2", "mailbox full" },
		{ "  4.2.2   full ", "4.0.0", 0, "4.2.2", "full " },
		{ "mailbox full", "5.2.0", 0, "5.2.0", "mailbox full" },
		{ "", "5.2.0", 0, "5.2.0", "" },
		{ "4.2.2", "5.2.0", 0, "4.2.2", "" },
		{ "4.2.2 x", "5.0.0", '5', "5.2.2", "x" },
		{ "x", "5.0.0", '4', "4.0.0", "x" },
		{ "5.123.456 x", "5.0.0", 0, "5.123.456", "x" },
		{ "5.1.1234 x", "5.0.0", 0, "5.0.0", "5.1.1234 x" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		char dsn[12];
		struct span rest;

		T_CASE(cases[i].text);
		dsn_split(span_cstr(cases[i].text), cases[i].dflt,
		    cases[i].class, dsn, &rest);
		T_EQ_STR(dsn, cases[i].dsn);
		T_EQ_TEXT(rest, cases[i].rest);
	}
}

T_TEST(notify_lists)
{
	static const struct {
		const char *text;
		unsigned want;			/* 0: refused */
	} cases[] = {
		{ "NEVER", DSN_NOTIFY_NEVER },
		{ "never", DSN_NOTIFY_NEVER },
		{ "SUCCESS", DSN_NOTIFY_SUCCESS },
		{ "Success,DELAY,failure", DSN_NOTIFY_SUCCESS
		    | DSN_NOTIFY_DELAY | DSN_NOTIFY_FAILURE },
		{ "DELAY,DELAY", DSN_NOTIFY_DELAY },
		{ "", 0 }, { ",", 0 }, { "DELAY,", 0 }, { ",DELAY", 0 },
		{ "DELAY,,FAILURE", 0 }, { "DELAY FAILURE", 0 },
		{ "NEVER,DELAY", 0 }, { "DELAY,NEVER", 0 },
		{ "DELAYED", 0 }, { "DELA", 0 }, { " DELAY", 0 },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		unsigned mask = 77, again;
		bool ok = dsn_notify_scan(span_cstr(cases[i].text), &mask);
		char text[40];

		T_CASE(cases[i].text);
		T_EQ_INT(ok, cases[i].want != 0);
		T_EQ_INT(mask, ok ? cases[i].want : 77);
		if (!ok)
			continue;
		dsn_notify_print(mask, text);
		T_CHECK(dsn_notify_scan(span_cstr(text), &again));
		T_EQ_INT(again, mask);
	}
}

T_TEST(notify_lists_are_printed)
{
	char text[40];

	dsn_notify_print(0, text);
	T_EQ_STR(text, "");
	dsn_notify_print(DSN_NOTIFY_SUCCESS | DSN_NOTIFY_FAILURE
	    | DSN_NOTIFY_DELAY, text);
	T_EQ_STR(text, "SUCCESS,FAILURE,DELAY");
	dsn_notify_print(15, text);
	T_EQ_STR(text, "NEVER,SUCCESS,FAILURE,DELAY");
}
