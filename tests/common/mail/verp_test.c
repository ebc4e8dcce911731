/*
 * Senders that name a recipient.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/verp.h"

#include "tests/harness/t.h"

T_TEST(two_characters_of_the_filter_divide)
{
	static const struct {
		const char *delims, *filter;
		bool want;
	} cases[] = {
		{ "+=", "-=+", true }, { "==", "-=+", true },
		{ "-+", "-=+", true }, { "+", "-=+", false },
		{ "", "-=+", false }, { "+=-", "-=+", false },
		{ "+#", "-=+", false }, { "#+", "-=+", false },
		{ "+=", "", false },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].delims);
		T_EQ_INT(verp_delims_valid(SPAN(cases[i].delims),
		    SPAN(cases[i].filter)), cases[i].want);
	}
}

T_TEST(a_sender_names_the_recipient)
{
	static const struct {
		const char *name, *sender, *rcpt, *delims, *want;
	} cases[] = {
		{ "both", "o@l.test", "u@s.test", "+=", "o+u=s.test@l.test" },
		{ "others", "o@l.test", "u@s.test", "-+", "o-u+s.test@l.test" },
		{ "extension", "o-x@l.test", "u+y@s.test", "+=",
		    "o-x+u+y=s.test@l.test" },
		{ "local recipient", "o@l.test", "u", "+=", "o+u@l.test" },
		{ "local sender", "o", "u@s.test", "+=", "o+u=s.test" },
		{ "@ in a local part", "o@l.test", "a@b@s.test", "+=",
		    "o+a@b=s.test@l.test" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str out = STR_EMPTY;

		T_CASE(cases[i].name);
		verp_sender(&out, SPAN(cases[i].sender), SPAN(cases[i].rcpt),
		    SPAN(cases[i].delims));
		T_EQ_STR(str_cstr(&out), cases[i].want);
		str_fini(&out);
	}
}
