/*
 * strlist - splitting, with braces, joining, sorting.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/strlist.h"
#include "tests/harness/t.h"

static const char *
joined(const struct strlist *list)
{
	static struct str out;

	str_clear(&out);
	strlist_join(list, "|", &out);
	return str_cstr(&out);
}

T_TEST(items_are_kept_in_order)
{
	struct strlist list = STRLIST_EMPTY;

	T_EQ_STR(joined(&list), "");
	strlist_sort(&list);
	for (int i = 0; i < 100; i++) {
		char text[8];

		snprintf(text, sizeof(text), "%d", i);
		strlist_adds(&list, text);
		T_CHECK(list.items[list.count] == NULL);
	}
	T_EQ_INT(list.count, 100);
	T_EQ_STR(list.items[42], "42");
	T_CHECK(strlist_has(&list, SPAN("99")));
	T_CHECK(!strlist_has(&list, SPAN("100")));
	strlist_clear(&list);
	T_EQ_INT(list.count, 0);
	strlist_add(&list, span_of("abc", 2));
	strlist_adds(&list, "AA");
	T_EQ_STR(joined(&list), "ab|AA");
	T_CHECK(strlist_has_nocase(&list, SPAN("AB")));
	T_CHECK(!strlist_has(&list, SPAN("AB")));
	strlist_sort(&list);
	T_EQ_STR(joined(&list), "AA|ab");
	strlist_fini(&list);
	strlist_fini(&list);
}

T_TEST(splitting)
{
	static const struct {
		const char *text, *plain, *braced;	/* NULL: refused */
	} cases[] = {
		{ "", "", "" },
		{ " , \t", "", "" },
		{ "a, b,c", "a|b|c", "a|b|c" },
		{ "{ a b }, c", "{|a|b|}|c", "{ a b }|c" },
		{ "{ a { b c } }", "{|a|{|b|c|}|}", "{ a { b c } }" },
		{ "inline:{ {a = 1}, {b = 2} } x",
		    "inline:{|{a|=|1}|{b|=|2}|}|x",
		    "inline:{ {a = 1}, {b = 2} }|x" },
		{ "{a}{b c}d e", "{a}{b|c}d|e", "{a}{b c}d|e" },
		{ "{}", "{}", "{}" },
		{ "a { b", "a|{|b", NULL },
		{ "a } b", "a|}|b", NULL },
		{ "{a}}", "{a}}", NULL },
		{ "}{", "}{", NULL },
	};
	struct str why = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct strlist list = STRLIST_EMPTY;
		struct span text = SPAN(cases[i].text);

		T_CASE(cases[i].text);
		strlist_split(&list, text, STRLIST_CONF);
		T_EQ_STR(joined(&list), cases[i].plain);
		strlist_clear(&list);
		str_clear(&why);
		T_EQ_INT(strlist_split_braced(&list, text, STRLIST_CONF, &why),
		    cases[i].braced != NULL);
		if (cases[i].braced != NULL)
			T_EQ_STR(joined(&list), cases[i].braced);
		else
			T_HAS_STR(str_cstr(&why), "\"");
		strlist_clear(&list);
		T_EQ_INT(strlist_split_braced(&list, text, STRLIST_CONF, NULL),
		    cases[i].braced != NULL);
		strlist_fini(&list);
	}
	str_fini(&why);
}
