/*
 * Templates of notices: what a file may say, and what is wrong with it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/bounce_template.h"

#include "common/mail/conf_core.h"
#include "tests/harness/t.h"

static struct bounce_templates templates;
static struct arena *arena;

/* What is complained about, one a line. */
static const char *
parse(const char *text)
{
	struct strlist complaints = STRLIST_EMPTY;
	struct str *out;

	if (arena == NULL)
		arena = arena_new();
	out = str_in_arena(arena);
	bounce_templates_built_in(&templates);
	bounce_templates_parse(&templates, SPAN(text), "b.cf", arena,
	    &complaints);
	strlist_join(&complaints, "\n", out);
	strlist_fini(&complaints);
	return str_cstr(out);
}

T_TEST(a_template_replaces_what_it_says_and_keeps_the_rest)
{
	const struct bounce_template *t;

	T_EQ_STR(parse("# words of ours\n\n"
	    "failure_template = <<END OF IT\n"
	    "charset: UTF-8\nSUBJECT:   Returned: mail  \n"
	    "postmaster-Subject: Copy\nFrom:\n\n"
	    "  h\xc3\xa9llo \\n $myhostname\n\n#tail\nEOF\nEND OF IT\n"
	    "  \n"
	    "verify_template = one line\n"), "");
	t = &templates.of[BOUNCE_TEMPLATE_FAILURE];
	T_EQ_STR(t->charset, "UTF-8");
	T_EQ_STR(t->subject, "Returned: mail");
	T_EQ_STR(t->postmaster_subject, "Copy");
	T_EQ_STR(t->from, "Mail Delivery System <MAILER-DAEMON>");
	T_EQ_STR(t->text, "  h\xc3\xa9llo \\n $myhostname\n\n#tail\nEOF\n");
	T_EQ_STR(t->origin, "b.cf, line 3");
	t = &templates.of[BOUNCE_TEMPLATE_VERIFY];
	T_EQ_STR(t->text, "one line\n");
	T_EQ_STR(t->origin, "b.cf, line 15");
	T_CHECK(templates.of[BOUNCE_TEMPLATE_DELAY].origin == NULL);
	T_CHECK(templates.of[BOUNCE_TEMPLATE_SUCCESS].postmaster_subject
	    == NULL);
}

T_TEST(the_first_line_that_is_no_header_begins_the_text)
{
	static const struct {
		const char *name, *body, *want;
	} cases[] = {
		{ "empty line", "Subject: a\n\nb\n", "b\n" },
		{ "space", "Subject: a\n \nb\n", "b\n" },
		{ "no colon", "Subject: a\nDear user\n\nb\n",
		    "Dear user\n\nb\n" },
		{ "continuation", "Subject: a\n b: c\n", " b: c\n" },
		{ "space in the name", "Dear user: b\n", "Dear user: b\n" },
		{ "no headers", "\nb\n", "b\n" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str text = STR_EMPTY;

		T_CASE(cases[i].name);
		str_printf(&text, "delay_template = <<EOF\n%sEOF\n",
		    cases[i].body);
		T_EQ_STR(parse(str_cstr(&text)), "");
		T_EQ_STR(templates.of[BOUNCE_TEMPLATE_DELAY].text,
		    cases[i].want);
		str_fini(&text);
	}
}

T_TEST(what_is_wrong_is_said_with_its_line_and_the_built_in_words_stand)
{
	static const struct {
		const char *name, *text, *want;
	} cases[] = {
		{ "no such template", "x\n= <<\nother_template = y\n",
		    "b.cf, line 1: \"x\" is no \"name = value\"\n"
		    "b.cf, line 2: \"= <<\" is no \"name = value\"\n"
		    "b.cf, line 3: unknown template name: other_template -- "
		    "ignoring this template" },
		{ "no marker", "success_template = << \n",
		    "b.cf, line 1: missing end marker after <<" },
		{ "unknown header",
		    "\nsuccess_template = <<E\nSubject: a\nTo: b\n\nc\nE\n",
		    "b.cf, line 4: success_template: unknown header \"To\" "
		    "-- ignoring this template" },
		{ "no copies of those",
		    "success_template = <<E\nPostmaster-Subject: a\n\nb\nE\n",
		    "b.cf, line 2: success_template: a postmaster gets no "
		    "copies of this; header \"Postmaster-Subject\" -- ignoring "
		    "this template" },
		{ "8-bit header",
		    "success_template = <<E\nCharset: utf-8\n"
		    "Subject: \xc3\xa9\n\nb\nE\n",
		    "b.cf, line 3: success_template: only ASCII text may stand "
		    "in header \"Subject\" -- ignoring this template" },
		{ "8-bit text", "success_template = <<E\n\n\xc3\xa9\nE\n",
		    "b.cf, line 2: success_template: 8-bit message text wants "
		    "a Charset other than us-ascii -- ignoring this template" },
		{ "no text", "success_template = <<E\nSubject: a\n\n \nE\n",
		    "b.cf, line 2: success_template: there is no message text "
		    "-- ignoring this template" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].name);
		T_EQ_STR(parse(cases[i].text), cases[i].want);
		T_CHECK(templates.of[BOUNCE_TEMPLATE_SUCCESS].origin == NULL);
	}
	T_CASE("no end: the text is what there is");
	T_EQ_STR(parse("success_template = <<E\n\nb\n"),
	    "b.cf, line 3: missing \"E\" end marker");
	T_EQ_STR(templates.of[BOUNCE_TEMPLATE_SUCCESS].text, "b\n");
}

static const char *
expand(const char *text, struct str *complaints_out)
{
	struct str *out = str_in_arena(arena), whole = STR_EMPTY;
	struct strlist complaints = STRLIST_EMPTY;
	bool ok;

	str_printf(&whole, "delay_template = <<EOF\n\n%s\nEOF\n", text);
	T_EQ_STR(parse(str_cstr(&whole)), "");
	ok = bounce_template_expand(&templates.of[BOUNCE_TEMPLATE_DELAY], out,
	    &complaints);
	str_clear(complaints_out);
	strlist_join(&complaints, "\n", complaints_out);
	bounce_templates_check(&templates, &complaints);
	T_EQ_INT(templates.of[BOUNCE_TEMPLATE_DELAY].origin != NULL, ok);
	strlist_fini(&complaints);
	str_fini(&whole);
	if (str_len(out) > 0 && out->buf[out->len - 1] == '\n')
		str_truncate(out, out->len - 1);
	return ok ? str_cstr(out) : "wrong";
}

T_TEST(names_of_main_cf_and_times_in_units_are_expanded)
{
	static const struct {
		const char *name, *text, *want, *complaint;
	} cases[] = {
		{ "name", "$myhostname ${mydomain}", "m.example.com example.com",
		    "" },
		{ "as it is set", "$delay_warning_time", "90m", "" },
		{ "unknown", "<$nosuch>", "<>", "" },
		{ "a dollar", "1 $$ \\n", "1 $ \\n", "" },
		{ "condition", "${nosuch?{a}:{b}}", "b", "" },
		{ "minutes, and hours that are full",
		    "$delay_warning_time_minutes $delay_warning_time_hours",
		    "90 1", "" },
		{ "days", "$maximal_queue_lifetime_days", "5", "" },
		{ "weeks", "$bounce_queue_lifetime_weeks", "2", "" },
		{ "too short", "$delay_warning_time_days", "0",
		    "b.cf, line 1: delay_template: $delay_warning_time_days is "
		    "0; a smaller unit would say more" },
		{ "too long", "$delay_warning_time_seconds", "5400",
		    "b.cf, line 1: delay_template: $delay_warning_time_seconds "
		    "is 5400; a larger unit would say more" },
		{ "no unit", "$delay_warning_time_moons", "wrong",
		    "b.cf, line 1: delay_template: \"moons\" is no unit of "
		    "time in $delay_warning_time_moons; those are seconds, "
		    "minutes, hours, days, weeks" },
		{ "no end", "${myhostname", "wrong", NULL },
	};
	struct str why = STR_EMPTY, complaint = STR_EMPTY;

	arena = arena_new();
	T_NEED(conf_load_text("main.cf", SPAN("myhostname = m.example.com\n"
	    "delay_warning_time = 90m\nbounce_queue_lifetime = 15d\n"), &why));
	conf_register(&conf_core_params);
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].name);
		T_EQ_STR(expand(cases[i].text, &complaint), cases[i].want);
		if (cases[i].complaint != NULL)
			T_EQ_STR(str_cstr(&complaint), cases[i].complaint);
		else
			T_CHECK(span_starts(str_span(&complaint), SPAN("b.cf, "
			    "line 1: delay_template: ")) && !span_has(
			    str_span(&complaint), '\n'));
	}
	str_fini(&complaint);
	str_fini(&why);
}

T_TEST(the_built_in_templates_can_be_printed_and_read_again)
{
	struct str text = STR_EMPTY, again = STR_EMPTY;
	struct strlist complaints = STRLIST_EMPTY;
	struct bounce_templates built_in;

	bounce_templates_built_in(&built_in);
	for (size_t i = 0; i < BOUNCE_TEMPLATES; i++) {
		str_addf(&text, "%s_template = <<EOF\n",
		    built_in.of[i].name);
		bounce_template_print(&built_in.of[i], &text);
		str_adds(&text, "EOF\n");
	}
	T_EQ_STR(parse(str_cstr(&text)), "");
	for (size_t i = 0; i < BOUNCE_TEMPLATES; i++) {
		str_addf(&again, "%s_template = <<EOF\n",
		    templates.of[i].name);
		bounce_template_print(&templates.of[i], &again);
		str_adds(&again, "EOF\n");
		T_CHECK(templates.of[i].origin != NULL);
	}
	T_EQ_STR(str_cstr(&again), str_cstr(&text));
	T_CASE("a file that is not there");
	bounce_templates_read(&templates, "/nonexistent/b.cf", arena,
	    &complaints);
	T_EQ_INT(complaints.count, 1);
	T_CHECK(span_search(SPAN(complaints.items[0]),
	    SPAN("/nonexistent/b.cf")) >= 0);
	strlist_fini(&complaints);
	str_fini(&text);
	str_fini(&again);
}
