/*
 * names - words and numbers, masks, what was probably meant.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/names.h"
#include "tests/harness/t.h"

static const struct name_value colours[] = {
	{ "red", 1 }, { "green", 2 }, { "blue", 4 }, { "verdant", 2 },
	{ "yellow", 3 }, { "none", 0 }, { NULL, 0 },
};

T_TEST(words_and_numbers)
{
	T_EQ_INT(names_value(colours, SPAN("green")), 2);
	T_EQ_INT(names_value(colours, SPAN("GREEN")), 2);
	T_EQ_INT(names_value(colours, SPAN("gree")), -1);
	T_EQ_INT(names_value(colours, SPAN("greens")), -1);
	T_EQ_INT(names_value(colours, SPAN_NONE), -1);
	T_EQ_INT(names_value(colours, SPAN("none")), 0);
	T_EQ_STR(names_name(colours, 2), "green");
	T_EQ_STR(names_name(colours, 9), NULL);
}

T_TEST(masks_from_lists)
{
	static const struct {
		const char *text;
		bool ok;
		unsigned mask;
	} cases[] = {
		{ "", true, 0 },
		{ "red", true, 1 },
		{ " red, blue\r\n\tGreen ,", true, 7 },
		{ "yellow", true, 3 },
		{ "none", true, 0 },
		{ "red pink", false, 8 },
	};
	struct str why = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		unsigned mask = 8;

		T_CASE(cases[i].text);
		T_EQ_INT(names_mask(colours, SPAN(cases[i].text), &mask, &why),
		    cases[i].ok);
		T_EQ_INT(mask, cases[i].mask);
		T_EQ_INT(names_mask(colours, SPAN(cases[i].text), &mask, NULL),
		    cases[i].ok);
	}
	T_HAS_STR(str_cstr(&why), "\"pink\"");
	T_HAS_STR(str_cstr(&why), "blue");
	str_fini(&why);
}

T_TEST(masks_to_lists)
{
	static const struct {
		unsigned mask;
		const char *want;
	} cases[] = {
		{ 0, "" },
		{ 2, "green" },
		{ 5, "red blue" },
		{ 7, "red green blue" },
		{ 8 + 1, "red 0x8" },
	};
	struct str out = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		str_clear(&out);
		names_print_mask(colours, cases[i].mask, &out);
		T_EQ_STR(str_cstr(&out), cases[i].want);
	}
	str_fini(&out);
}

T_TEST(what_was_probably_meant)
{
	static const char *const known[] = { "myhostname", "mydomain",
		"mydestination", "mynetworks", "relayhost", "myorigin" };
	static const struct {
		const char *name, *want;
	} cases[] = {
		{ "myhostname", "myhostname" },
		{ "MyHostName", "myhostname" },
		{ "myhostnme", "myhostname" },
		{ "myhotsname", "myhostname" },	/* one swap */
		{ "my_hostname", "myhostname" },
		{ "relay_host", "relayhost" },
		{ "mydesitnatoin", "mydestination" },
		{ "mynetwork", "mynetworks" },
		{ "xyz", NULL },
		{ "", NULL },
		{ "my", NULL },
		{ "smtpd_recipient_restrictions", NULL },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].name);
		T_EQ_STR(names_nearest(SPAN(cases[i].name), known,
		    T_COUNT(known)), cases[i].want);
	}

	char longest[300];

	memset(longest, 'm', sizeof(longest));
	T_EQ_STR(names_nearest(span_of(longest, sizeof(longest)), known,
	    T_COUNT(known)), NULL);
}
