/*
 * master_cf - rows read column by column, and what is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/mail/conf_core.h"
#include "common/mail/master_cf.h"
#include "tests/harness/t.h"

static bool
load(const char *text, struct master_cf *cf, struct str *why)
{
	return master_cf_load_text("master.cf", SPAN(text), cf, why);
}

static void
set_level(const char *text)
{
	struct str why = STR_EMPTY;

	T_NEED(conf_load_text("main.cf", SPAN(text), &why));
	T_NEED(conf_fill(&conf_core_params, &why));
	str_fini(&why);
}

T_TEST(columns_mean_what_they_say)
{
	static const struct {
		const char *line;
		enum master_type type;
		bool private, unprivileged, chroot;
		int64_t wakeup;
		bool if_used;
		int64_t maxproc;
	} cases[] = {
		{ "smtp inet n - y - - smtpd",
		    MASTER_INET, false, true, true, 0, false, -1 },
		{ "pickup unix n - n 60 1 pickup",
		    MASTER_UNIX, false, true, false, 60, false, 1 },
		{ "tlsmgr unix - - - 1000? 1 tlsmgr",
		    MASTER_UNIX, true, true, false, 1000, true, 1 },
		{ "local unix - n n - 0 local",
		    MASTER_UNIX, true, false, false, 0, false, 0 },
		{ "smtpd pass - - n - - smtpd",
		    MASTER_PASS, true, true, false, 0, false, -1 },
		{ "postlog unix-dgram n - n - 1 postlogd",
		    MASTER_UNIX_DGRAM, false, true, false, 0, false, 1 },
		{ "qmgr fifo n - n 300 1 qmgr",
		    MASTER_FIFO, false, true, false, 300, false, 1 },
		{ "[::1]:2525\tinet\tn\t-\tn\t1h\t-\tsmtpd",
		    MASTER_INET, false, true, false, 3600, false, -1 },
	};

	set_level("compatibility_level = 3.6\n");
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct master_cf cf;
		struct str why = STR_EMPTY;

		T_CASE(cases[i].line);
		T_NEED(load(cases[i].line, &cf, &why));
		T_EQ_INT(cf.count, 1);
		T_EQ_INT(cf.rows[0].type, cases[i].type);
		T_EQ_INT(cf.rows[0].is_private, cases[i].private);
		T_EQ_INT(cf.rows[0].unprivileged, cases[i].unprivileged);
		T_EQ_INT(cf.rows[0].chroot, cases[i].chroot);
		T_EQ_INT(cf.rows[0].wakeup, cases[i].wakeup);
		T_EQ_INT(cf.rows[0].wakeup_if_used, cases[i].if_used);
		T_EQ_INT(cf.rows[0].maxproc, cases[i].maxproc);
		master_cf_free(&cf);
		str_fini(&why);
	}
}

T_TEST(chroot_was_the_default_once)
{
	struct master_cf cf;
	struct str why = STR_EMPTY;

	set_level("");
	T_NEED(load("smtp inet n - - - - smtpd", &cf, &why));
	T_CHECK(cf.rows[0].chroot);
	master_cf_free(&cf);
	str_fini(&why);
}

T_TEST(options_are_taken_apart)
{
	static const char text[] =
	    "# a comment\n"
	    "submission inet n - y - - smtpd\n"
	    "  -o syslog_name=postfix/submission\n"
	    "# between the lines\n"
	    "\n"
	    "  -o { smtpd_relay_restrictions = permit_sasl_authenticated,"
	    " reject }\n"
	    "  -o content_filter= -v -vv -D\n"
	    "maildrop unix - n n - - pipe\n"
	    "  -o a=b flags=DRXhu user=vmail argv=/usr/bin/maildrop"
	    " -o x=y -d ${recipient}\n";
	struct master_cf cf;
	struct str why = STR_EMPTY, all = STR_EMPTY;
	const struct master_row *row;

	T_NEED(load(text, &cf, &why));
	T_EQ_INT(cf.count, 2);
	row = master_cf_find(&cf, "submission", "inet");
	T_NEED(row != NULL);
	T_EQ_INT(row->line, 2);
	T_EQ_STR(row->file, "master.cf");
	T_EQ_STR(row->command, "smtpd");
	T_EQ_INT(row->verbose, 3);
	strlist_join(&row->overrides, "|", &all);
	T_EQ_STR(str_cstr(&all), "syslog_name=postfix/submission|"
	    "smtpd_relay_restrictions=permit_sasl_authenticated, reject|"
	    "content_filter=");
	T_CHECK(master_cf_find(&cf, "submission", "unix") == NULL);
	row = master_cf_find(&cf, "maildrop", NULL);
	T_NEED(row != NULL);
	/* Words of the command are not options of the service. */
	T_EQ_INT(row->overrides.count, 1);
	str_clear(&all);
	strlist_join(&row->args, " ", &all);
	T_EQ_STR(str_cstr(&all), "-o a=b flags=DRXhu user=vmail "
	    "argv=/usr/bin/maildrop -o x=y -d ${recipient}");
	master_cf_free(&cf);
	str_fini(&why);
	str_fini(&all);
}

T_TEST(bad_rows_are_refused_with_their_line)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "\nsmtp inet n - y - smtpd\n",
		    "master.cf:2: found 7 columns, expected at least 8" },
		{ "smtp tcp n - y - - smtpd\n",
		    "master.cf:1: type: found \"tcp\", expected one of" },
		{ "smtp inet x - y - - smtpd\n",
		    "private: found \"x\", expected y, n or -" },
		{ "smtp inet n yes y - - smtpd\n", "unpriv: found \"yes\"" },
		{ "smtp inet n - Y - - smtpd\n", "chroot: found \"Y\"" },
		{ "smtp inet n - y ? - smtpd\n", "wakeup: found \"?\"" },
		{ "smtp inet n - y -1 - smtpd\n", "wakeup: found \"-1\"" },
		{ "smtp inet n - y - -1 smtpd\n", "maxproc: found \"-1\"" },
		{ "smtp inet n - y - 1x smtpd\n", "maxproc: found \"1x\"" },
		{ "smtp inet n - y - - /bin/smtpd\n",
		    "command: found \"/bin/smtpd\"" },
		{ "smtp inet n - y - - smtpd -o\n",
		    "-o: found \"the end of the row\"" },
		{ "smtp inet n - y - - smtpd -o x\n",
		    "-o: found \"x\", expected name=value" },
		{ "smtp inet n - y - - smtpd -o { x = y\n", "master.cf:1: " },
		{ "smtp inet n - y - - smtpd\n#\nsmtp inet n - n - - smtpd\n",
		    "master.cf:3: service smtp/inet is listed already in "
		    "line 1" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct master_cf cf;
		struct str why = STR_EMPTY;

		T_CASE(cases[i].text);
		T_CHECK(!load(cases[i].text, &cf, &why));
		T_HAS_STR(str_cstr(&why), cases[i].why);
		T_EQ_INT(cf.count, 0);
		str_fini(&why);
	}
}

T_TEST(limits_follow_the_column)
{
	static const struct {
		const char *conf, *line;
		int64_t want;
	} cases[] = {
		{ "", "smtp inet n - n - - smtpd", 10000 },
		{ "", "smtp unix - - n - - smtp", 1000 },
		{ "", "local unix - n n - - local", 100 },
		{ "", "smtp inet n - n - 7 smtpd", 7 },
		{ "", "smtp inet n - n - 0 smtpd", 0 },
		{ "default_process_limit = 33\n", "smtp inet n - n - - smtpd",
		    33 },
		{ "default_process_limit = 33\n", "smtp inet n - n - 5 smtpd",
		    5 },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct master_cf cf;
		struct str why = STR_EMPTY;

		T_CASE(cases[i].line);
		set_level(cases[i].conf);
		T_NEED(load(cases[i].line, &cf, &why));
		T_EQ_INT(master_row_limit(&cf.rows[0]), cases[i].want);
		master_cf_free(&cf);
		str_fini(&why);
		conf_unload();
	}
}

/* A directory with this master.cf and this variable, read. */
static bool
load_with(const char *variable, const char *value, struct master_cf *cf,
    struct str *why)
{
	char dir[] = "/tmp/master_cf_test.XXXXXX";
	struct str path = STR_EMPTY;
	FILE *f;

	T_NEED(mkdtemp(dir) != NULL);
	str_printf(&path, "%s/master.cf", dir);
	f = fopen(str_cstr(&path), "w");
	T_NEED(f != NULL);
	fputs("smtp inet n - n - - smtpd\npickup unix n - n 60 1 pickup\n", f);
	fclose(f);
	setenv(variable, value, 1);
	str_clear(why);
	bool ok = master_cf_load(dir, cf, why);

	unsetenv(variable);
	unlink(str_cstr(&path));
	rmdir(dir);
	str_fini(&path);
	return ok;
}

T_TEST(the_environment_replaces_rows)
{
	struct master_cf cf;
	struct str why = STR_EMPTY;

	T_CHECK(load_with("WAYPOST_MASTER_smtp_inet", "2525 inet n - n - 7 smtpd\n"
	    "  -o { smtpd_banner = a b }\n", &cf, &why));
	T_EQ_INT(cf.count, 2);
	T_EQ_STR(cf.rows[0].name, "2525");
	T_EQ_INT(cf.rows[0].maxproc, 7);
	T_EQ_STR(cf.rows[0].overrides.items[0], "smtpd_banner=a b");
	T_EQ_STR(cf.rows[0].file, "WAYPOST_MASTER_smtp_inet");
	master_cf_free(&cf);
	/* Added, by its own name. */
	T_CHECK(load_with("WAYPOST_MASTER_127_0_0_1_587_inet",
	    "127.0.0.1:587 inet n - n - - smtpd", &cf, &why));
	T_EQ_INT(cf.count, 3);
	T_EQ_STR(cf.rows[2].name, "127.0.0.1:587");
	master_cf_free(&cf);
	T_CHECK(load_with("WAYPOST_MASTER_smtp_inet", " ", &cf, &why));
	T_EQ_INT(cf.count, 1);
	T_EQ_STR(cf.rows[0].name, "pickup");
	master_cf_free(&cf);
	str_fini(&why);
}

T_TEST(what_is_wrong_with_a_variable_names_it)
{
	static const struct {
		const char *variable, *value, *want;
	} cases[] = {
		{ "WAYPOST_MASTER_smtp_inet", "smtp inet n - n",
		    "WAYPOST_MASTER_smtp_inet:1: found 5 columns" },
		{ "WAYPOST_MASTER_smtp_inet", "25 inet n - n x - smtpd",
		    "WAYPOST_MASTER_smtp_inet:1: wakeup: found \"x\"" },
		{ "WAYPOST_MASTER_smtp_inet",
		    "25 inet n - n - - smtpd\n26 inet n - n - - smtpd",
		    "WAYPOST_MASTER_smtp_inet: found 2 rows, expected one" },
		{ "WAYPOST_MASTER_smpt_inet", "2525 inet n - n - - smtpd",
		    "WAYPOST_MASTER_smpt_inet: found no service \"smpt_inet\" in "
		    "master.cf, expected that of a row" },
		{ "WAYPOST_MASTER_qmgr_unix", "",
		    "WAYPOST_MASTER_qmgr_unix: found no service" },
		{ "WAYPOST_MASTER_smtp_inet", "pickup unix n - n 60 1 pickup",
		    "WAYPOST_MASTER_smtp_inet: service pickup/unix is listed "
		    "already" },
	};
	struct str why = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct master_cf cf;

		T_CASE(cases[i].value);
		T_CHECK(!load_with(cases[i].variable, cases[i].value, &cf,
		    &why));
		T_HAS_STR(str_cstr(&why), cases[i].want);
		T_EQ_INT(cf.count, 0);
	}
	str_fini(&why);
}
