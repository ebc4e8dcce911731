/*
 * Mailboxes with names, plain, quoted and in words of RFC 2047.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/from822.h"
#include "tests/harness/t.h"

static const struct {
	const char *what, *name, *address, *charset, *standard, *obsolete;
} cases[] = {
	{ "no name", "", "a@b", "utf-8", "a@b", "a@b" },
	{ "words", "Ann B 2", "a@b", "utf-8", "Ann B 2 <a@b>",
	    "a@b (Ann B 2)" },
	{ "has to be quoted", "A. \"B\" (C\\)", "a@b", "utf-8",
	    "\"A. \\\"B\\\" (C\\\\)\" <a@b>", "a@b (A. \"B\" \\(C\\\\\\))" },
	{ "an address to be quoted", "A", "x y@b", "utf-8",
	    "A <\"x y\"@b>", "\"x y\"@b (A)" },
	{ "control characters", "A\r\nBcc: x\177", "a@b", "utf-8",
	    "\"A  Bcc: x \" <a@b>", "a@b (A  Bcc: x )" },
	{ "a name in UTF-8", "J\303\266rg =?", "a@b", "utf-8",
	    "=?utf-8?Q?J=C3=B6rg_=3D=3F?=\n <a@b>",
	    "a@b\n (=?utf-8?Q?J=C3=B6rg_=3D=3F?=)" },
	{ "in another one", "J\366rg", "a@b", "iso-8859-1",
	    "=?iso-8859-1?Q?J=F6rg?=\n <a@b>",
	    "a@b\n (=?iso-8859-1?Q?J=F6rg?=)" },
	{ "as it is", "J\303\266rg", "a@b", "",
	    "\"J\303\266rg\" <a@b>", "a@b (J\303\266rg)" },
	{ "a line end in it", "J\303\266\n x", "a@b", "utf-8",
	    "=?utf-8?Q?J=C3=B6__x?=\n <a@b>",
	    "a@b\n (=?utf-8?Q?J=C3=B6__x?=)" },
	{ "longer than a word: no character is cut",
	    "\345\261\261\347\224\260\345\244\252\351\203\216\346\260\217"
	    "\345\261\261\347\224\260", "a@b", "utf-8",
	    "=?utf-8?Q?=E5=B1=B1=E7=94=B0=E5=A4=AA=E9=83=8E=E6=B0=8F?=\n "
	    "=?utf-8?Q?=E5=B1=B1=E7=94=B0?=\n <a@b>", NULL },
	{ "a character set with a long name", "\344b",  "a@b",
	    "a-character-set-whose-name-leaves-no-room-for-any-character-at-all",
	    "=?a-character-set-whose-name-leaves-no-room-for-any-character-at-"
	    "all?Q?=E4?=\n =?a-character-set-whose-name-leaves-no-room-for-any-"
	    "character-at-all?Q?b?=\n <a@b>", NULL },
};

T_TEST(names_stand_with_their_addresses)
{
	struct str out = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].what);
		str_clear(&out);
		from822_print(&out, FROM822_STANDARD, SPAN(cases[i].name),
		    SPAN(cases[i].address), cases[i].charset);
		T_EQ_STR(str_cstr(&out), cases[i].standard);
		if (cases[i].obsolete == NULL)
			continue;
		str_clear(&out);
		from822_print(&out, FROM822_OBSOLETE, SPAN(cases[i].name),
		    SPAN(cases[i].address), cases[i].charset);
		T_EQ_STR(str_cstr(&out), cases[i].obsolete);
	}
	str_fini(&out);
}

T_TEST(forms_have_names)
{
	enum from822_form form;

	T_CHECK(from822_form(SPAN("Standard"), &form));
	T_EQ_INT(form, FROM822_STANDARD);
	T_CHECK(from822_form(SPAN("obsolete"), &form));
	T_EQ_INT(form, FROM822_OBSOLETE);
	T_CHECK(!from822_form(SPAN("other"), &form));
}
