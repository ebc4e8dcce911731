/*
 * header - names of headers, and where a header line divides.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/header.h"
#include "tests/harness/t.h"

T_TEST(each_name_is_found_by_itself)
{
	T_CHECK(HEADER_COUNT <= 64);
	T_EQ_STR(header_name(HEADER_OTHER), "");
	T_EQ_INT(header_flags(HEADER_OTHER), 0);
	for (int i = 1; i < HEADER_COUNT; i++) {
		char name[64];
		size_t n = strlen(header_name((enum header_id)i));

		T_CASE(header_name((enum header_id)i));
		T_NEED(n > 0 && n < sizeof(name));
		T_EQ_INT(header_find(SPAN(header_name((enum header_id)i))), i);
		for (size_t c = 0; c < n; c++)
			name[c] = ascii_lower(header_name(
			    (enum header_id)i)[c]);
		T_EQ_INT(header_find(span_of(name, n)), i);
		for (size_t c = 0; c < n; c++)
			name[c] = ascii_upper(name[c]);
		T_EQ_INT(header_find(span_of(name, n)), i);
		T_EQ_INT(header_find(span_of(name, n - 1)), HEADER_OTHER);
		name[n] = 'X';
		T_EQ_INT(header_find(span_of(name, n + 1)), HEADER_OTHER);
	}
	T_EQ_INT(header_find(SPAN("")), HEADER_OTHER);
	T_EQ_INT(header_find(SPAN("X-Mailer")), HEADER_OTHER);
}

T_TEST(headers_are_what_they_are)
{
	enum { S = HEADER_IS_SENDER, R = HEADER_IS_RCPT, X = HEADER_IS_RESENT,
		T = HEADER_IS_EXTRACTED };
	static const struct {
		const char *name;
		unsigned want;
	} cases[] = {
		{ "To", R | T }, { "Cc", R | T }, { "Bcc", R | T },
		{ "Resent-To", R | T | X }, { "Resent-Cc", R | T | X },
		{ "Resent-Bcc", R | T | X },
		{ "Resent-Reply-To", R | X }, { "Apparently-To", R },
		{ "From", S }, { "Sender", S }, { "Reply-To", S },
		{ "Errors-To", S }, { "Return-Path", S },
		{ "Return-Receipt-To", S }, { "Mail-Followup-To", S },
		{ "Disposition-Notification-To", S },
		{ "Resent-From", S | X }, { "Resent-Sender", S | X },
		{ "Resent-Date", X }, { "Resent-Message-Id", X },
		{ "Date", 0 }, { "Message-ID", 0 }, { "Subject", 0 },
		{ "Received", 0 }, { "Delivered-To", 0 },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		enum header_id id = header_find(SPAN(cases[i].name));

		T_CASE(cases[i].name);
		T_CHECK(id != HEADER_OTHER);
		T_EQ_INT(header_flags(id), cases[i].want);
	}
}

T_TEST(header_lines_divide_at_the_colon)
{
	static const struct {
		const char *name, *line, *want, *value;	/* want NULL: none */
	} cases[] = {
		{ "plain", "Subject: hello", "Subject", "hello" },
		{ "no space", "Subject:hello", "Subject", "hello" },
		{ "no value", "Subject:", "Subject", "" },
		{ "only space", "Subject: \t ", "Subject", "" },
		{ "space before the colon", "Subject \t: x", "Subject", "x" },
		{ "another colon", "Date: 12:34", "Date", "12:34" },
		{ "odd name", "!#$%&'*+-/=?^_`{|}~: x",
		    "!#$%&'*+-/=?^_`{|}~", "x" },
		{ "folded at once", "Subject:\n\thello\n there", "Subject",
		    "hello\n there" },
		{ "value ends in space", "A: b ", "A", "b " },
		{ "no colon", "hello", NULL, NULL },
		{ "empty", "", NULL, NULL },
		{ "colon first", ": x", NULL, NULL },
		{ "space first", " A: x", NULL, NULL },
		{ "two words", "Hello there: x", NULL, NULL },
		{ "From of a mailbox", "From a@b Mon: x", NULL, NULL },
		{ "control byte", "A\x01: x", NULL, NULL },
		{ "DEL", "A\x7f: x", NULL, NULL },
		{ "UTF-8 name", "\xc3\xa4: x", NULL, NULL },
		{ "colon behind a fold", "A\n: x", NULL, NULL },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct span line = span_cstr(cases[i].line);
		size_t n = header_name_length(line);

		T_CASE(cases[i].name);
		T_EQ_INT(n, cases[i].want == NULL ? 0 : strlen(cases[i].want));
		if (n == 0 || cases[i].want == NULL)
			continue;
		T_EQ_TEXT(span_sub(line, 0, n), cases[i].want);
		T_EQ_TEXT(header_value(line, n), cases[i].value);
	}
	T_EQ_INT(header_name_length(span_of("A\0: x", 5)), 0);
}
