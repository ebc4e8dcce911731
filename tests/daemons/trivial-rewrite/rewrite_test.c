/*
 * Addresses in standard form.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/trivial-rewrite/rewrite.h"

#include "tests/daemons/trivial-rewrite/conf.h"
#include "tests/harness/t.h"
#include "tests/harness/t_maps.h"

static const struct {
	const char *name, *conf, *context, *address, *want;
} cases[] = {
	{ "complete", "", "local", "a@b.example", "a@b.example" },
	{ "no domain", "", "local", "a", "a@mail.example.com" },
	{ "myorigin", "myorigin = example.com", "local", "a",
	    "a@example.com" },
	{ "null", "", "local", "", "" },
	{ "no dot, new level", "", "local", "a@b", "a@b" },
	{ "no dot", "append_dot_mydomain = yes", "local", "a@b",
	    "a@b.example.com" },
	{ "no dot, old level", "compatibility_level = 0", "local", "a@b",
	    "a@b.example.com" },
	{ "literal has no domain", "append_dot_mydomain = yes", "local",
	    "a@[10.0.0.1]", "a@[10.0.0.1]" },
	{ "final dot", "", "local", "a@b.example.", "a@b.example" },
	{ "two dots are left to be refused", "", "local", "a@b.example..",
	    "a@b.example.." },
	{ "final dot, short", "append_dot_mydomain = yes", "local", "a@b.",
	    "a@b" },
	{ "empty domain", "append_dot_mydomain = yes", "local", "a@", "a@" },
	{ "bang path", "", "local", "site!user", "user@site" },
	{ "two sites", "", "local", "one!two!user", "two!user@one" },
	{ "bang path left alone", "swap_bangpath = no", "local", "site!user",
	    "site!user@mail.example.com" },
	{ "bang path with a domain", "", "local", "site!user@b.example",
	    "site!user@b.example" },
	{ "percent", "", "local", "user%site.example", "user@site.example" },
	{ "two percents", "", "local", "user%a%b", "user%a@b" },
	{ "percent left alone", "allow_percent_hack = no", "local",
	    "user%site", "user%site@mail.example.com" },
	{ "nothing before percent", "", "local", "%site", "@site" },
	{ "nothing after bang", "", "local", "site!", "@site" },
	{ "white space around the site", "", "local", "user% site . example ",
	    "user@site.example" },
	{ "white space around the bang", "", "local", "site ! user",
	    "user@site" },
	{ "white space in a domain", "", "local", "a@ b .\texample. ",
	    "a@b.example" },
	{ "white space between words stays", "", "local", "a b@c \t d",
	    "a b@c d" },
	{ "white space before the percent", "", "local", "user %site",
	    "user @site" },
	{ "nothing but white space behind @", "append_dot_mydomain = yes",
	    "local", "a@ ", "a@" },
	{ "not appended", "append_at_myorigin = no", "local", "a", "a" },
	{ "quoted at sign", "", "local", "a@b@c.example", "a@b@c.example" },
	{ "remote, nothing to add", "", "remote", "a", "a" },
	{ "remote, bang", "", "remote", "b!a", "b!a" },
	{ "remote", "remote_header_rewrite_domain = domain.invalid",
	    "remote", "a", "a@domain.invalid" },
	{ "remote, no dot", "remote_header_rewrite_domain = domain.invalid",
	    "remote", "a@b", "a@b" },
	{ "remote, no dot, appended", "append_dot_mydomain = yes\n"
	    "remote_header_rewrite_domain = domain.invalid", "remote", "a@b",
	    "a@b.domain.invalid" },
	{ "remote, not appended", "append_at_myorigin = no\n"
	    "remote_header_rewrite_domain = domain.invalid", "remote", "a",
	    "a" },
	{ "invalid", "", "invalid", "a", "a" },
	{ "UTF-8", "", "local", "\xc3\xa4@\xc3\xb6.example.",
	    "\xc3\xa4@\xc3\xb6.example" },
};

T_TEST(a_domain_completed_by_an_old_default_is_told_of)
{
	static const struct {
		const char *conf, *address, *want;
	} rows[] = {
		{ "compatibility_level = 0", "a@foo", "using "
		    "backwards-compatible default setting "
		    "append_dot_mydomain=yes to rewrite \"foo\" to "
		    "\"foo.example.com\"\n" },
		{ "compatibility_level = 0", "a@foo.bar", "" },
		{ "compatibility_level = 1\nappend_dot_mydomain = yes",
		    "a@foo", "" },
		{ "compatibility_level = 0\nappend_dot_mydomain = yes",
		    "a@foo", "" },
	};
	struct str out = STR_EMPTY;

	keep_log();
	for (size_t i = 0; i < T_COUNT(rows); i++) {
		T_CASE(rows[i].conf);
		use_conf(rows[i].conf);
		logged();
		rewrite_standard_form(&out, SPAN(rows[i].address),
		    SPAN("local"));
		T_EQ_STR(logged(), rows[i].want);
	}
	str_fini(&out);
}

T_TEST(addresses_get_their_standard_form)
{
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str got = STR_EMPTY;

		T_CASE(cases[i].name);
		use_conf(cases[i].conf);
		rewrite_standard_form(&got, span_cstr(cases[i].address),
		    span_cstr(cases[i].context));
		T_EQ_STR(str_cstr(&got), cases[i].want);
		str_fini(&got);
	}
}

/* Any bytes at all: the form is stable, and has a domain. */
T_TEST(a_standard_form_stays_as_it_is)
{
	static const char *const odd[] = { "@", "@@", "!", "%", "!%", "%!", "@.",
		"a@.", ".", "a!b%c", "a%b!c", "a@b@", "!@", "%@x", "@x", "-" };

	use_conf("");
	for (size_t i = 0; i < T_COUNT(odd); i++) {
		struct str once = STR_EMPTY, twice = STR_EMPTY;

		T_CASE(odd[i]);
		rewrite_standard_form(&once, span_cstr(odd[i]), SPAN("local"));
		rewrite_standard_form(&twice, str_span(&once), SPAN("local"));
		T_EQ_STR(str_cstr(&twice), str_cstr(&once));
		T_CHECK(strchr(str_cstr(&once), '@') != NULL);
		str_fini(&once);
		str_fini(&twice);
	}
}
