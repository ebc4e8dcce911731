/*
 * Changing main.cf and master.cf: what is not asked for stays as it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/commands/lib/main_cf_edit.h"
#include "daemons/commands/lib/master_cf_edit.h"
#include "daemons/commands/lib/master_cf_print.h"
#include "tests/harness/t.h"

T_TEST(main_cf_is_changed_in_place)
{
	static const char text[] =
	    "# head\n"
	    "a = 1\n"
	    "b = 2,\n"
	    "# between\n"
	    "  3\n"
	    "\n"
	    "a = 4\n"
	    "c=5";
	static const struct {
		const char *name;
		enum main_cf_change change;
		const char *item, *want;
	} cases[] = {
		{ "the last one is set, others go", MAIN_CF_SET, "a=x y",
		    "# head\nb = 2,\n# between\n  3\n\na = x y\nc=5\n" },
		{ "continued", MAIN_CF_SET, "b = 9",
		    "# head\na = 1\n# between\nb = 9\n\na = 4\nc=5\n" },
		{ "appended", MAIN_CF_SET, "d=",
		    "# head\na = 1\nb = 2,\n# between\n  3\n\na = 4\nc=5\n"
		    "d = \n" },
		{ "commented", MAIN_CF_COMMENT, "b",
		    "# head\na = 1\n#b = 2,\n# between\n#  3\n\na = 4\nc=5" },
		{ "removed", MAIN_CF_REMOVE, "a",
		    "# head\nb = 2,\n# between\n  3\n\nc=5" },
		{ "removed, but what is said between", MAIN_CF_REMOVE, "b",
		    "# head\na = 1\n# between\n\na = 4\nc=5" },
		{ "not there", MAIN_CF_REMOVE, "z", text },
		{ "a value to remove", MAIN_CF_REMOVE, "a=4", NULL },
		{ "two words", MAIN_CF_SET, "a b=c", NULL },
		{ "no value", MAIN_CF_SET, "a", NULL },
		{ "no name", MAIN_CF_SET, "=a", NULL },
		{ "two lines", MAIN_CF_SET, "a=1\nb=2", NULL },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct strlist items = STRLIST_EMPTY;
		struct str out = STR_EMPTY, why = STR_EMPTY;
		bool ok;

		T_CASE(cases[i].name);
		strlist_adds(&items, cases[i].item);
		ok = main_cf_edit_text(SPAN(text), cases[i].change, &items,
		    &out, &why);
		T_EQ_INT(ok, cases[i].want != NULL);
		if (cases[i].want != NULL)
			T_EQ_STR(str_cstr(&out), cases[i].want);
		else
			T_CHECK(str_len(&why) > 0);
		strlist_fini(&items);
		str_fini(&out);
		str_fini(&why);
	}
}

#define SMTP "smtp inet n - y - - smtpd\n"
#define SUB_HEAD                                                             \
	"submission inet  n       -       y       -       -       smtpd\n"

T_TEST(master_cf_is_changed_in_place)
{
	static const char text[] =
	    "# head\n" SMTP
	    "submission inet n - y - - smtpd\n"
	    "  -o a=1\n"
	    "# between\n"
	    "  -o { b = 2, 3 } -v\n";
	static const char rest[] = "submission inet n - y - - smtpd\n"
	    "  -o a=1\n# between\n  -o { b = 2, 3 } -v\n";

	const struct {
		const char *name;
		enum master_cf_change change;
		const char *item, *before, *want;
	} cases[] = {
		{ "row replaced", MASTER_CF_SET,
		    "smtp/inet=smtp inet n - n - 5 smtpd -o x=y", "# head\n",
		    "smtp       inet  n       -       n       -       5"
		    "       smtpd\n    -o x=y\n" },
		{ "row commented", MASTER_CF_COMMENT, "smtp/inet", "# head\n",
		    "#" SMTP },
		{ "row removed", MASTER_CF_REMOVE, "smtp/inet", "# head\n",
		    "" },
		{ "field", MASTER_CF_SET_FIELD, "smtp/inet/chroot=n",
		    "# head\n", "smtp       inet  n       -       n       -"
		    "       -       smtpd\n" },
		{ "command and arguments", MASTER_CF_SET_FIELD,
		    "smtp/inet/command=smtpd -v", "# head\n",
		    "smtp       inet  n       -       y       -"
		    "       -       smtpd -v\n" },
		{ "parameter", MASTER_CF_SET_PARAMETER, "smtp/inet/x=a b",
		    "# head\n", "smtp       inet  n       -       y       -"
		    "       -       smtpd\n    -o {x=a b}\n" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct strlist items = STRLIST_EMPTY;
		struct str out = STR_EMPTY, why = STR_EMPTY;
		struct str want = STR_EMPTY;

		T_CASE(cases[i].name);
		str_printf(&want, "%s%s%s", cases[i].before, cases[i].want,
		    rest);
		strlist_adds(&items, cases[i].item);
		T_CHECK(master_cf_edit_text(SPAN(text), cases[i].change,
		    &items, &out, &why));
		T_EQ_STR(str_cstr(&out), str_cstr(&want));
		T_EQ_STR(str_cstr(&why), "");
		strlist_fini(&items);
		str_fini(&out);
		str_fini(&why);
		str_fini(&want);
	}
}

T_TEST(overrides_of_a_row_are_changed)
{
	static const char text[] = "submission inet n - y - - smtpd\n"
	    "  -o a=1\n# between\n  -o { b = 2, 3 } -v\n";
	static const struct {
		enum master_cf_change change;
		const char *item, *want;
	} cases[] = {
		{ MASTER_CF_SET_PARAMETER, "submission/inet/a=9",
		    "    -o a=9\n    -o {b=2, 3}\n    -v\n" },
		{ MASTER_CF_SET_PARAMETER, "submission/inet/c=",
		    "    -o a=1\n    -o {b=2, 3}\n    -o c=\n    -v\n" },
		{ MASTER_CF_SET_PARAMETER, "*/inet/b=4",
		    "    -o a=1\n    -o b=4\n    -v\n" },
		{ MASTER_CF_REMOVE_PARAMETER, "submission/inet/b",
		    "    -o a=1\n    -v\n" },
		{ MASTER_CF_REMOVE_PARAMETER, "submission/inet/z",
		    "    -o a=1\n    -o {b=2, 3}\n    -v\n" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct strlist items = STRLIST_EMPTY;
		struct str out = STR_EMPTY, why = STR_EMPTY;
		struct str want = STR_EMPTY;

		T_CASE(cases[i].item);
		str_printf(&want, "# between\n%s%s", SUB_HEAD, cases[i].want);
		strlist_adds(&items, cases[i].item);
		T_CHECK(master_cf_edit_text(SPAN(text), cases[i].change,
		    &items, &out, &why));
		T_EQ_STR(str_cstr(&out), str_cstr(&want));
		strlist_fini(&items);
		str_fini(&out);
		str_fini(&why);
		str_fini(&want);
	}
}

T_TEST(bad_changes_of_master_cf_are_refused)
{
	static const struct {
		enum master_cf_change change;
		const char *item, *why;
	} cases[] = {
		{ MASTER_CF_SET, "smtp=x", "expected service/type=value" },
		{ MASTER_CF_SET, "smtp/inet", "expected service/type=value" },
		{ MASTER_CF_SET, "smtp/inet=smtp inet n", "found 3 columns" },
		{ MASTER_CF_SET, "smtp/inet=", "found nothing" },
		{ MASTER_CF_SET_FIELD, "pickup/unix/chroot=n",
		    "no such service" },
		{ MASTER_CF_REMOVE, "smtp/inet/x", "expected service/type" },
		{ MASTER_CF_SET_FIELD, "smtp/inet/colour=red",
		    "found field \"colour\"" },
		{ MASTER_CF_SET_FIELD, "smtp/inet/chroot=maybe",
		    "chroot: found \"maybe\"" },
		{ MASTER_CF_SET_PARAMETER, "smtp/inet=x",
		    "expected service/type/name=value" },
		{ MASTER_CF_REMOVE_PARAMETER, "smtp//x",
		    "expected service/type/name" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct strlist items = STRLIST_EMPTY;
		struct str out = STR_EMPTY, why = STR_EMPTY;

		T_CASE(cases[i].item);
		strlist_adds(&items, cases[i].item);
		T_CHECK(!master_cf_edit_text(SPAN(SMTP), cases[i].change,
		    &items, &out, &why));
		T_HAS_STR(str_cstr(&why), cases[i].why);
		strlist_fini(&items);
		str_fini(&out);
		str_fini(&why);
	}
}

T_TEST(a_service_that_is_not_there_is_gone_already)
{
	static const struct {
		enum master_cf_change change;
		const char *item;
	} cases[] = {
		{ MASTER_CF_REMOVE, "pickup/unix" },
		{ MASTER_CF_COMMENT, "pickup/unix" },
		{ MASTER_CF_REMOVE_PARAMETER, "pickup/unix/x" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct strlist items = STRLIST_EMPTY;
		struct str out = STR_EMPTY, why = STR_EMPTY;

		T_CASE(cases[i].item);
		strlist_adds(&items, cases[i].item);
		T_CHECK(master_cf_edit_text(SPAN(SMTP), cases[i].change,
		    &items, &out, &why));
		T_EQ_STR(str_cstr(&out), SMTP);
		strlist_fini(&items);
		str_fini(&out);
		str_fini(&why);
	}
}

T_TEST(names_are_expanded_as_the_service_sees_them)
{
	struct master_cf cf = { NULL, 0 };
	struct str out = STR_EMPTY, why = STR_EMPTY;

	T_CHECK(master_cf_load_text("t", SPAN("relay unix - - n - - smtp "
	    "-o a=x/$service_name -o { b = <$a> $nosuch }\n"), &cf, &why));
	T_CHECK(master_row_expand(&cf.rows[0], SPAN("$b$service_name"), &out,
	    &why));
	T_EQ_STR(str_cstr(&out), "<x/relay> relay");
	T_CHECK(!master_row_expand(&cf.rows[0], SPAN("${a"), &out, &why));
	T_CHECK(master_row_expand_overrides(&cf.rows[0], &why));
	str_clear(&out);
	master_row_text(&cf.rows[0], false, &out);
	T_HAS_STR(str_cstr(&out), "smtp -o a=x/relay -o b=<x/relay>\n");
	master_cf_free(&cf);
	str_fini(&out);
	str_fini(&why);
}

T_TEST(words_are_folded)
{
	struct str text = STR_EMPTY, out = STR_EMPTY;

	for (int i = 0; i < 20; i++)
		str_adds(&text, "word\t  ");
	fold_words(str_span(&text), true, &out);
	T_HAS_STR(str_cstr(&out), "word word");
	T_EQ_INT(span_find(str_span(&out), '\n'), 79);
	T_HAS_STR(str_cstr(&out), "\n    word");
	str_clear(&out);
	fold_words(str_span(&text), false, &out);
	T_CHECK(!span_has(str_span(&out), '\n'));
	T_EQ_INT(str_len(&out), 99);
	str_fini(&text);
	str_fini(&out);
}
