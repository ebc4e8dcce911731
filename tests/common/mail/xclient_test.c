/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/xclient.h"

#include "tests/harness/t.h"

static const struct {
	const char *name, *text;
	unsigned attrs;
	enum xclient_status want;
	enum xclient_attr attr;
	enum xclient_known known;
	const char *value;		/* or what to say */
} cases[] = {
	{ "a name", "NAME=a.example", XCLIENT_ATTRS, XCLIENT_OK,
	    XCLIENT_NAME, XCLIENT_GIVEN, "a.example" },
	{ "small letters", "name=a.example", XCLIENT_ATTRS, XCLIENT_OK,
	    XCLIENT_NAME, XCLIENT_GIVEN, "a.example" },
	{ "no name", "NAME=[UNAVAILABLE]", XCLIENT_ATTRS, XCLIENT_OK,
	    XCLIENT_NAME, XCLIENT_UNAVAILABLE, "" },
	{ "none for now", "REVERSE_NAME=[tempunavail]", XCLIENT_ATTRS,
	    XCLIENT_OK, XCLIENT_REVERSE_NAME, XCLIENT_TEMPUNAVAIL, "" },
	{ "no such name", "NAME=a..b", XCLIENT_ATTRS, XCLIENT_BAD, 0, 0,
	    "Bad NAME syntax: a..b" },
	{ "an address", "ADDR=192.0.2.1", XCLIENT_ATTRS, XCLIENT_OK,
	    XCLIENT_ADDR, XCLIENT_GIVEN, "192.0.2.1" },
	{ "a v6 address", "ADDR=IPv6:2001:DB8::1", XCLIENT_ATTRS, XCLIENT_OK,
	    XCLIENT_ADDR, XCLIENT_GIVEN, "2001:db8::1" },
	{ "a v6 address as it is", "DESTADDR=::1", XCLIENT_ATTRS,
	    XCLIENT_BAD, 0, 0, "Bad DESTADDR syntax: ::1" },
	{ "a v4 address said to be v6", "ADDR=IPV6:192.0.2.1", XCLIENT_ATTRS,
	    XCLIENT_BAD, 0, 0, "Bad ADDR syntax: IPV6:192.0.2.1" },
	{ "no address", "ADDR=[UNAVAILABLE]", XFORWARD_ATTRS, XCLIENT_OK,
	    XCLIENT_ADDR, XCLIENT_UNAVAILABLE, "" },
	{ "no address for now", "ADDR=[TEMPUNAVAIL]", XCLIENT_ATTRS,
	    XCLIENT_BAD, 0, 0, "Bad ADDR syntax: [TEMPUNAVAIL]" },
	{ "with a scope", "ADDR=IPV6:fe80::1%lo", XCLIENT_ATTRS, XCLIENT_BAD,
	    0, 0, "Bad ADDR syntax: IPV6:fe80::1%lo" },
	{ "a port", "PORT=25", XCLIENT_ATTRS, XCLIENT_OK, XCLIENT_PORT,
	    XCLIENT_GIVEN, "25" },
	{ "no port", "PORT=-1", XCLIENT_ATTRS, XCLIENT_BAD, 0, 0,
	    "Bad PORT syntax: -1" },
	{ "xtext", "HELO=a+20b+2B", XCLIENT_ATTRS, XCLIENT_OK, XCLIENT_HELO,
	    XCLIENT_GIVEN, "a b+" },
	{ "a line end in xtext", "HELO=a+0D+0Ab", XCLIENT_ATTRS, XCLIENT_OK,
	    XCLIENT_HELO, XCLIENT_GIVEN, "a??b" },
	{ "broken xtext", "HELO=a+2", XCLIENT_ATTRS, XCLIENT_BAD, 0, 0,
	    "Bad HELO syntax: a+2" },
	{ "an empty value", "HELO=", XCLIENT_ATTRS, XCLIENT_BAD, 0, 0,
	    "Error: attribute=value expected" },
	{ "the other command's", "IDENT=x", XCLIENT_ATTRS, XCLIENT_BAD, 0, 0,
	    "Bad XCLIENT attribute name: IDENT" },
	{ "the other way round", "LOGIN=x", XFORWARD_ATTRS, XCLIENT_BAD, 0,
	    0, "Bad XFORWARD attribute name: LOGIN" },
	{ "a source", "SOURCE=local", XFORWARD_ATTRS, XCLIENT_OK,
	    XCLIENT_SOURCE, XCLIENT_GIVEN, "local" },
	{ "no source", "SOURCE=x", XFORWARD_ATTRS, XCLIENT_BAD, 0, 0,
	    "Bad SOURCE syntax: x" },
	{ "no value", "NAME", XCLIENT_ATTRS, XCLIENT_BAD, 0, 0,
	    "Error: attribute=value expected" },
	{ "no attribute", "=x", XCLIENT_ATTRS, XCLIENT_BAD, 0, 0,
	    "Error: attribute=value expected" },
	{ "nothing", "  ", XCLIENT_ATTRS, XCLIENT_END, 0, 0, NULL },
};

T_TEST(attributes_are_read_one_by_one)
{
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct span rest = SPAN(cases[i].text);
		struct xclient_value value = { .text = STR_EMPTY };
		struct str why = STR_EMPTY;

		T_CASE(cases[i].name);
		T_EQ_INT(xclient_next(&rest, cases[i].attrs, &value, &why),
		    cases[i].want);
		if (cases[i].want == XCLIENT_OK) {
			T_EQ_INT(value.attr, cases[i].attr);
			T_EQ_INT(value.known, cases[i].known);
			T_EQ_STR(str_cstr(&value.text), cases[i].value);
			T_EQ_INT(xclient_next(&rest, cases[i].attrs, &value,
			    &why), XCLIENT_END);
		} else if (cases[i].want == XCLIENT_BAD) {
			T_EQ_STR(str_cstr(&why), cases[i].value);
		}
		str_fini(&value.text);
		str_fini(&why);
	}
}

T_TEST(a_value_has_a_bound)
{
	struct xclient_value value = { .text = STR_EMPTY };
	struct str line = STR_EMPTY, why = STR_EMPTY;
	struct span rest;

	str_adds(&line, "HELO=");
	while (str_len(&line) < 5 + XCLIENT_VALUE_MOST)
		str_putc(&line, 'x');
	rest = str_span(&line);
	T_EQ_INT(xclient_next(&rest, XCLIENT_ATTRS, &value, &why),
	    XCLIENT_OK);
	str_putc(&line, 'x');
	rest = str_span(&line);
	T_EQ_INT(xclient_next(&rest, XCLIENT_ATTRS, &value, &why),
	    XCLIENT_BAD);
	T_EQ_STR(str_cstr(&why), "Error: attribute value too long");
	str_fini(&value.text);
	str_fini(&line);
	str_fini(&why);
}
