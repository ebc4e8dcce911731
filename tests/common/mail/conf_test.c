/*
 * conf - main.cf: entries, values, rows, lists, what check says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <unistd.h>

#include "common/mail/conf.h"
#include "common/mail/conf_core.h"
#include "tests/harness/t.h"

static void
load(const char *text)
{
	struct str why = STR_EMPTY;

	conf_unload();
	if (!conf_load_text("main.cf", SPAN(text), &why))
		T_FAIL("%s", str_cstr(&why));
	str_fini(&why);
}

static void
want_value(const char *name, const char *want)
{
	struct str value = STR_EMPTY, why = STR_EMPTY;

	T_CHECK(conf_value(name, &value, &why));
	T_EQ_STR(str_cstr(&value), want);
	T_EQ_STR(str_cstr(&why), "");
	str_fini(&value);
	str_fini(&why);
}

T_TEST(entries_are_read_in_all_forms)
{
	static const struct {
		const char *name, *text, *want;
		unsigned line;
	} cases[] = {
		{ "spaces", "x = a", "a", 1 },
		{ "no spaces", "x=a", "a", 1 },
		{ "tabs", "x\t=\ta\t", "a", 1 },
		{ "empty", "x =", "", 1 },
		{ "equal signs", "x = a=b", "a=b", 1 },
		{ "continued", "x = a,\n  b", "a,  b", 1 },
		{ "comment in between", "x = a,\n# no\n  b", "a,  b", 1 },
		{ "indented comment in between", "x = a,\n  # no\n b", "a, b",
		    1 },
		{ "blank line in between", "x = a,\n\n  b", "a,  b", 1 },
		{ "starts below", "x =\n    a", "a", 1 },
		{ "comment before", "# x = b\n\nx = a", "a", 3 },
		{ "the last one counts", "x = b\nx = a", "a", 2 },
		{ "no comment at the end", "x = a # b", "a # b", 1 },
		{ "quotes are text", "x = \"a b\"", "\"a b\"", 1 },
		{ "braces are text", "x = { a, b } c", "{ a, b } c", 1 },
		{ "carriage return", "x = a\r\ny = b\r\n", "a", 1 },
		{ "no end of line", "y = b\nx = a", "a", 2 },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].name);
		load(cases[i].text);

		const struct conf_entry *entry = conf_find("x");

		T_NEED(entry != NULL);
		T_EQ_STR(entry->value, cases[i].want);
		T_EQ_STR(entry->origin, "main.cf");
		T_EQ_INT(entry->line, cases[i].line);
		T_EQ_STR(conf_raw("x"), cases[i].want);
		T_CHECK(conf_default("x") == NULL);
	}
}

T_TEST(bad_lines_are_refused_with_their_line)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "x = a\nnothing\n",
		    "main.cf:2: found \"nothing\", expected \"name = value\"" },
		{ " x = a\n y", NULL },
		{ "= a\n", "expected a parameter name before \"=\"" },
		{ "x y = a\n", "main.cf:1: found \"x y\"" },
		{ "x$ = a\n", "found \"x$\"" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str why = STR_EMPTY;
		bool ok;

		T_CASE(cases[i].text);
		conf_unload();
		ok = conf_load_text("main.cf", SPAN(cases[i].text), &why);
		T_EQ_INT(ok, cases[i].why == NULL);
		if (cases[i].why != NULL)
			T_HAS_STR(str_cstr(&why), cases[i].why);
		str_fini(&why);
	}
}

T_TEST(names_are_expanded_with_values_and_defaults)
{
	load("myhostname = mail.example.org\n"
	    "mine = $myhostname ${mydomain} $mail_name\n"
	    "compatibility_level = 3.6\n");
	want_value("mine", "mail.example.org example.org Postfix");
	want_value("mydestination",
	    "mail.example.org, localhost.example.org, localhost");
	want_value("nosuch", "");
	want_value("mynetworks_style", "host");
	want_value("relay_domains", "");
	load("mydestination = here\n");
	want_value("mynetworks_style", "subnet");
	want_value("relay_domains", "here");
}

T_TEST(defaults_in_a_circle_end)
{
	struct str value = STR_EMPTY, why = STR_EMPTY;

	load("myhostname = mail.$mydomain\n");
	T_CHECK(conf_value("mydomain", &value, &why));
	T_CHECK(str_len(&value) > 0);
	str_clear(&value);
	T_CHECK(conf_value("myhostname", &value, &why));
	T_CHECK(span_starts(str_span(&value), SPAN("mail.")));
	T_CHECK(str_len(&value) > 5);
	load("inet_interfaces = $mynetworks, loopback-only\n");
	str_clear(&value);
	T_CHECK(conf_value("mynetworks", &value, &why));
	str_fini(&value);
	str_fini(&why);
}

T_TEST(levels_change_defaults)
{
	load("");
	T_CHECK(conf_level_below("1"));
	load("compatibility_level = 2\n");
	T_CHECK(!conf_level_below("2"));
	T_CHECK(conf_level_below("3.6"));
	load("compatibility_level = 3.11\n");
	T_CHECK(!conf_level_below("3.6"));
	T_CHECK(conf_level_below("3.12"));
}

T_TEST(a_value_that_names_itself_is_an_error)
{
	struct str value = STR_EMPTY, why = STR_EMPTY;

	load("mydestination = a, $mydestination\n");
	T_CHECK(!conf_value("mydestination", &value, &why));
	T_HAS_STR(str_cstr(&why), "mydestination: ");
	T_HAS_STR(str_cstr(&why), "refers to itself");
	str_fini(&value);
	str_fini(&why);
}

T_TEST(myorigin_may_be_a_file)
{
	char path[] = "/tmp/conf_test.XXXXXX";
	int fd = mkstemp(path);
	struct str text = STR_EMPTY, why = STR_EMPTY;

	T_NEED(fd >= 0 && write(fd, "mail.example.net\nx\n", 19) == 19);
	str_printf(&text, "myorigin = %s\nx = @$myorigin\n", path);
	load(str_cstr(&text));
	T_EQ_STR(conf_raw("myorigin"), path);
	want_value("myorigin", "mail.example.net");
	want_value("x", "@mail.example.net");
	T_CHECK(conf_fill(&conf_core_params, &why));
	T_EQ_STR(conf_core.myorigin, "mail.example.net");
	unlink(path);
	T_CHECK(!conf_fill(&conf_core_params, &why));
	T_HAS_STR(str_cstr(&why), "main.cf:1: myorigin");
	T_HAS_STR(str_cstr(&why), path);
	close(fd);
	str_fini(&text);
	str_fini(&why);
}

T_TEST(overrides_win)
{
	struct str why = STR_EMPTY;

	load("x = a\n");
	T_CHECK(conf_override_assignment(SPAN("x=b"), "-o", &why));
	want_value("x", "b");
	T_CHECK(conf_override_assignment(SPAN("{ x = b, c }"), "-o", &why));
	want_value("x", "b, c");
	T_EQ_STR(conf_find("x")->origin, "-o");
	T_EQ_INT(conf_find("x")->line, 0);
	T_CHECK(conf_override(SPAN("x"), SPAN(""), "-o", &why));
	want_value("x", "");
	T_CHECK(!conf_override_assignment(SPAN("x"), "-o", &why));
	T_CHECK(!conf_override_assignment(SPAN("x y=z"), "-o", &why));
	str_fini(&why);
}

/* ---- rows ---- */

static const char *text_field, *raw_field;
static int64_t int_field, time_field;
static bool bool_field;

static const struct param test_rows[] = {
	PARAM_STR("t_text", &text_field, .dflt = "$t_other", .min = 1),
	PARAM_RAW("t_raw", &raw_field, .dflt = "$x ${y"),
	PARAM_INT("t_int", &int_field, .dflt = "${t_other?{10}:{20}}",
	    .min = 5, .max = 100),
	PARAM_TIME("t_time", &time_field, .dflt = "2h", .min = 1, .unit = 'm'),
	PARAM_BOOL("t_bool", &bool_field, .dflt = "no"),
};
static const struct param_set test_set = PARAM_SET("test", test_rows);

T_TEST(rows_are_filled)
{
	struct str why = STR_EMPTY;

	load("t_other = here\n");
	T_CHECK(conf_fill(&test_set, &why));
	T_EQ_STR(text_field, "here");
	T_EQ_STR(raw_field, "$x ${y");
	T_EQ_INT(int_field, 10);
	T_EQ_INT(time_field, 7200);
	T_CHECK(!bool_field);
	load("t_text = a  b\nt_int = 100\nt_time = 3\nt_bool = YES\n"
	    "t_raw = $$\n");
	T_CHECK(conf_fill(&test_set, &why));
	T_EQ_STR(text_field, "a  b");
	T_EQ_STR(raw_field, "$$");
	T_EQ_INT(int_field, 100);
	T_EQ_INT(time_field, 180);
	T_CHECK(bool_field);
	T_EQ_STR(conf_row("t_int")->name, "t_int");
	T_EQ_STR(str_cstr(&why), "");
	str_fini(&why);
}

T_TEST(bad_values_are_refused_with_found_and_expected)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "t_text =", "main.cf:1: t_text: found \"\", expected a "
		    "value that is not empty" },
		{ "t_other=x\nt_int = ten", "main.cf:2: t_int: found \"ten\", "
		    "expected a number" },
		{ "t_other=x\nt_int = 4", "t_int: found \"4\", expected 5 to "
		    "100" },
		{ "t_other=x\nt_int = 101", "expected 5 to 100" },
		{ "t_other=x\nt_int = 99999999999999999999",
		    "expected a number" },
		{ "t_other=x\nt_time = 3y", "expected a time" },
		{ "t_other=x\nt_time = 0", "expected at least 1" },
		{ "t_other=x\nt_bool = maybe",
		    "expected \"yes\" or \"no\"" },
		{ "t_other=x\nt_int = ${x", "main.cf:2: t_int: found \"${x\"" },
		{ "", "t_text: found \"\"" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str why = STR_EMPTY;

		T_CASE(cases[i].text);
		load(cases[i].text);
		T_CHECK(!conf_fill(&test_set, &why));
		T_HAS_STR(str_cstr(&why), cases[i].why);
		str_fini(&why);
	}
}

static const struct param template_rows[] = {
	PARAM_INT("default_t_limit", &int_field, .dflt = "7"),
	PARAM_INT("default_other_t_limit", &int_field, .dflt = "8"),
	PARAM_TEMPLATE("<transport>_t_limit", .dflt = "$default_t_limit"),
	PARAM_TEMPLATE("<transport>_other_t_limit",
	    .dflt = "$default_other_t_limit"),
};
static const struct param_set template_set =
    PARAM_SET("templates", template_rows);

T_TEST(templates_take_the_longest_suffix)
{
	struct str why = STR_EMPTY;
	int64_t n = 0;

	load("slow_t_limit = 2\ndefault_other_t_limit = 9\nbad_t_limit=x\n");
	conf_register(&template_set);
	T_CHECK(conf_template_int("slow", "_t_limit", &n, &why));
	T_EQ_INT(n, 2);
	T_CHECK(conf_template_int("fast", "_t_limit", &n, &why));
	T_EQ_INT(n, 7);
	T_CHECK(conf_template_int("fast", "_other_t_limit", &n, &why));
	T_EQ_INT(n, 9);
	T_CHECK(conf_template_int("slow", "_other_t_limit", &n, &why));
	T_EQ_INT(n, 9);
	T_CHECK(!conf_template_int("bad", "_t_limit", &n, &why));
	T_HAS_STR(str_cstr(&why), "bad_t_limit: found \"x\"");
	want_value("x_destination_recipient_limit", "50");
	want_value("x_recipient_limit", "20000");
	str_fini(&why);
}

/* ---- protection ---- */

T_TEST(protections_that_do_not_exist_are_found)
{
	static const struct {
		const char *name, *text, *program, *want;
	} cases[] = {
		{ "nothing set", "", "smtpd", NULL },
		{ "stock file", "smtpd_tls_cert_file = /etc/c\n"
		    "smtpd_tls_key_file = /etc/k\n"
		    "smtpd_tls_security_level = may\n"
		    "smtp_tls_CApath = /etc/ssl/certs\n"
		    "smtp_tls_security_level = may\n"
		    "smtp_tls_session_cache_database = btree:/x\n"
		    "smtpd_use_tls = yes\nbiff = no\n"
		    "readme_directory = no\nmailbox_size_limit = 0\n"
		    "smtpd_relay_restrictions = permit_mynetworks\n", "smtpd",
		    NULL },
		{ "the same, outbound", "smtp_tls_security_level = may\n",
		    "smtp", NULL },
		{ "demands TLS", "x=y\nsmtp_tls_security_level = dane\n",
		    "smtp", "smtp_tls_security_level = dane is not supported "
		    "by this version (main.cf:2)" },
		{ "another program's", "smtp_tls_security_level = dane\n",
		    "qmgr", NULL },
		{ "by reference", "l = encrypt\nsmtp_tls_security_level = $l\n",
		    "smtp", "smtp_tls_security_level = encrypt" },
		{ "cannot be expanded", "smtp_tls_security_level = ${x\n",
		    "smtp", "smtp_tls_security_level" },
		{ "older name", "smtp_enforce_tls = yes\n", "smtp",
		    "smtp_enforce_tls = yes" },
		{ "older name, off", "smtp_enforce_tls = NO\n", "smtp",
		    NULL },
		{ "policy table", "smtp_tls_policy_maps = hash:/x\n", "smtp",
		    "smtp_tls_policy_maps" },
		{ "empty policy table", "smtp_tls_policy_maps =\n", "smtp",
		    NULL },
		{ "milters", "non_smtpd_milters = inet:localhost:1\n",
		    "cleanup", "non_smtpd_milters" },
		{ "copies to an archive", "always_bcc = a@b\n", "cleanup",
		    "always_bcc" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str what = STR_EMPTY;
		bool found;

		T_CASE(cases[i].name);
		load(cases[i].text);
		found = conf_unmet_protection(cases[i].program, &what);
		T_EQ_INT(found, cases[i].want != NULL);
		if (cases[i].want != NULL)
			T_HAS_STR(str_cstr(&what), cases[i].want);
		else
			T_EQ_STR(str_cstr(&what), "");
		str_fini(&what);
	}
}

T_TEST(a_role_that_acts_has_the_say)
{
	static const struct param rows[] = {
		PARAM_STR("non_smtpd_milters", &text_field, .dflt = ""),
	};
	static const struct param_set set = PARAM_SET("cleanup", rows);
	struct str what = STR_EMPTY;

	load("non_smtpd_milters = inet:localhost:1\n");
	conf_register(&set);
	T_CHECK(!conf_unmet_protection("cleanup", &what));
	str_fini(&what);
}

/* ---- check ---- */

static void
note(enum conf_severity severity, const char *origin, unsigned line,
    const char *text, void *arg)
{
	str_addf(arg, "%c%s:%u: %s\n", "NWE"[severity], origin, line, text);
}

T_TEST(check_says_what_is_wrong)
{
	static const struct {
		const char *name, *text, *want;
	} cases[] = {
		{ "nothing", "myhostname = a.b\n", NULL },
		{ "misspelt", "my_hostname = a.b\n", "Wmain.cf:1: unknown "
		    "parameter \"my_hostname\", did you mean \"myhostname\"?" },
		{ "user's own, referred to",
		    "mine = a\nmydestination = $mine\n", NULL },
		{ "restriction class", "smtpd_restriction_classes = mine\n"
		    "mine = reject\n", NULL },
		{ "table's attributes", "alias_maps = ldap:people\n"
		    "people_server_host = x\n", NULL },
		{ "template", "slow_destination_rate_delay = 1s\n", NULL },
		{ "set twice", "myhostname = a.b\nmyhostname = a.c\n",
		    "Wmain.cf:1: overridden: \"myhostname\" is set again in "
		    "line 2" },
		{ "older name", "virtual_maps = hash:/x\n", "Wmain.cf:1: "
		    "\"virtual_maps\" is an older name of "
		    "\"virtual_alias_maps\"" },
		{ "no effect", "biff = no\n", "Nmain.cf:1: \"biff\" is "
		    "accepted and has no effect" },
		{ "protection", "content_filter = x:y\n", "Emain.cf:1: "
		    "\"content_filter = x:y\" asks for a protection" },
		{ "bad reference", "myhostname = ${x\n", "Emain.cf:1: "
		    "myhostname: missing closing brace" },
		{ "text with dollars", "smtpd_expansion_filter = $%&\n",
		    "N" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str all = STR_EMPTY;

		T_CASE(cases[i].name);
		load(cases[i].text);
		conf_check(note, &all);
		if (cases[i].want != NULL)
			T_HAS_STR(str_cstr(&all), cases[i].want);
		else
			T_CHECK(str_cstr(&all)[0] != 'E'
			    && strstr(str_cstr(&all), "\nE") == NULL);
		str_fini(&all);
	}
}

T_TEST(templates_need_their_service_once_services_are_known)
{
	load("slow_destination_rate_delay = 1s\n");
	T_CHECK(conf_is_known("slow_destination_rate_delay"));
	conf_note_service("smtp");
	T_CHECK(!conf_is_known("slow_destination_rate_delay"));
	struct str all = STR_EMPTY;

	conf_check(note, &all);
	T_HAS_STR(str_cstr(&all), "Wmain.cf:1: \"slow_destination_rate_delay\" "
	    "has no effect: master.cf has no service \"slow\"");
	str_fini(&all);
	T_CHECK(conf_is_known("smtp_destination_rate_delay"));
	conf_note_service("slow");
	T_CHECK(conf_is_known("slow_destination_rate_delay"));
	T_EQ_STR(conf_nearest("mydestinations"), "mydestination");
}

/* ---- lists ---- */

T_TEST(lists_are_split)
{
	static const struct {
		const char *value, *want;
	} cases[] = {
		{ "", "" }, { "a", "a" }, { "a, b c,,d\t e", "a|b|c|d|e" },
		{ "{ a, b } c", "{ a, b }|c" }, { "!a b", "!a|b" },
		{ "inline:{ a=b, c=d } x", "inline:{ a=b, c=d }|x" },
		{ "hash:/etc/x", "hash:/etc/x" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct strlist list = STRLIST_EMPTY;
		struct str all = STR_EMPTY, why = STR_EMPTY;

		T_CASE(cases[i].value);
		T_CHECK(conf_list(cases[i].value, &list, &why));
		strlist_join(&list, "|", &all);
		T_EQ_STR(str_cstr(&all), cases[i].want);
		strlist_fini(&list);
		str_fini(&all);
		str_fini(&why);
	}
}

T_TEST(lists_read_files)
{
	char path[] = "/tmp/conf_test.XXXXXX";
	int fd = mkstemp(path);
	struct strlist list = STRLIST_EMPTY;
	struct str text = STR_EMPTY, all = STR_EMPTY, why = STR_EMPTY;

	T_NEED(fd >= 0 && write(fd, "# c\na b\n c\n!d\n", 13) == 13);
	str_printf(&text, "x, %s !%s y", path, path);
	T_CHECK(conf_list(str_cstr(&text), &list, &why));
	strlist_join(&list, "|", &all);
	T_HAS_STR(str_cstr(&all), "x|a|b|c|!");
	T_HAS_STR(str_cstr(&all), "|!a|!b|!c|");
	T_CHECK(!conf_list("/nonexistent/file", &list, &why));
	T_HAS_STR(str_cstr(&why), "/nonexistent/file");
	/* A file that names itself. */
	T_NEED(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	T_NEED(write(fd, path, strlen(path)) == (ssize_t)strlen(path));
	str_clear(&why);
	T_CHECK(!conf_list(path, &list, &why));
	T_HAS_STR(str_cstr(&why), "too deeply");
	unlink(path);
	close(fd);
	strlist_fini(&list);
	str_fini(&text);
	str_fini(&all);
	str_fini(&why);
}

T_TEST(the_environment_sets_parameters)
{
	char dir[] = "/tmp/conf_test.XXXXXX";
	struct str path = STR_EMPTY, why = STR_EMPTY;
	FILE *f;

	T_NEED(mkdtemp(dir) != NULL);
	str_printf(&path, "%s/main.cf", dir);
	f = fopen(str_cstr(&path), "w");
	T_NEED(f != NULL);
	fputs("myhostname = a.b\nx = y\n", f);
	fclose(f);
	setenv("WAYPOST_CONF_myhostname", "c.d", 1);
	T_CHECK(conf_load(dir, &why));
	want_value("myhostname", "c.d");
	want_value("x", "y");
	T_EQ_STR(conf_find("myhostname")->origin, "WAYPOST_CONF_myhostname");
	/* What is wrong with it names the variable. */
	setenv("WAYPOST_CONF_message_size_limit", "many", 1);
	T_CHECK(conf_load(dir, &why));
	T_CHECK(!conf_fill(&conf_core_params, &why));
	T_HAS_STR(str_cstr(&why), "WAYPOST_CONF_message_size_limit: "
	    "message_size_limit: found \"many\", expected ");
	unsetenv("WAYPOST_CONF_message_size_limit");
	str_clear(&why);
	setenv("WAYPOST_CONF_", "x", 1);
	T_CHECK(!conf_load(dir, &why));
	T_HAS_STR(str_cstr(&why), "WAYPOST_CONF_: found no name");
	unsetenv("WAYPOST_CONF_");
	str_clear(&why);
	T_CHECK(conf_load(dir, &why));
	T_EQ_STR(conf_raw("config_directory"), dir);
	unlink(str_cstr(&path));
	T_CHECK(!conf_load(dir, &why));
	T_HAS_STR(str_cstr(&why), "main.cf");
	rmdir(dir);
	str_fini(&path);
	str_fini(&why);
}
