/*
 * Rows that run commands: what they may say, and whose rights they cannot give.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/command_row.h"

#include <unistd.h>

#include "common/mail/conf_core.h"
#include "tests/harness/t.h"

static struct command_row row;
static struct str why;

/* "" or the reason. Words are parted by one space. */
static const char *
read_row(enum command_role role, bool root, const char *text)
{
	static char copy[400];
	const char *args[20];
	size_t n = 0;

	command_row_fini(&row);
	str_clear(&why);
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *at = copy, *word; (word = strsep(&at, " ")) != NULL;)
		args[n++] = word;
	return command_row_read(role, args, n, root, &row, &why) ? ""
	    : str_cstr(&why);
}

T_TEST(a_row_of_pipe_is_read)
{
	T_EQ_STR(read_row(COMMAND_OF_PIPE, false, "flags=DRhu user=vmail:mail "
	    "chroot=/srv directory=/var eol=\\r\\n size=1000 null_sender= "
	    "argv=/bin/x -d ${recipient} user=y"), "");
	T_EQ_STR(row.flags, "DRhu");
	T_CHECK(command_row_has(&row, 'D') && !command_row_has(&row, 'X'));
	T_EQ_STR(row.chroot, "/srv");
	T_EQ_STR(row.directory, "/var");
	T_EQ_STR(str_cstr(&row.eol), "\r\n");
	T_EQ_INT(row.size_limit, 1000);
	T_EQ_STR(row.null_sender, "");
	T_EQ_INT(row.argv.count, 4);
	T_EQ_STR(row.argv.items[0], "/bin/x");
	T_EQ_STR(row.argv.items[3], "user=y");
	T_EQ_INT(row.uid, geteuid());

	T_CASE("the least");
	T_EQ_STR(read_row(COMMAND_OF_PIPE, false, "USER=a Argv= /bin/x y"), "");
	T_EQ_STR(row.argv.items[0], "/bin/x");
	T_EQ_INT(row.argv.count, 2);
	T_EQ_STR(row.flags, "");
	T_EQ_STR(row.null_sender, "MAILER-DAEMON");
	T_CHECK(row.chroot == NULL && row.directory == NULL);
	T_EQ_INT(str_len(&row.eol), 0);

	T_CASE("braces");
	T_EQ_STR(read_row(COMMAND_OF_PIPE, false, "{directory=/a} user=a "
	    "argv={} {x} {${y}} {{z}} {"), "");
	T_EQ_STR(row.directory, "/a");
	T_EQ_STR(row.argv.items[0], "{}");
	T_EQ_STR(row.argv.items[1], "x");
	T_EQ_STR(row.argv.items[2], "${y}");
	T_EQ_STR(row.argv.items[3], "{z}");
	T_EQ_STR(row.argv.items[4], "{");

	T_CASE("a flag that nobody knows");
	T_EQ_STR(read_row(COMMAND_OF_PIPE, false, "flags=DzR user=a argv=/x"),
	    "");
	T_EQ_INT(row.unknown_flag, 'z');
	command_row_fini(&row);
}

static const struct {
	const char *eol, *want;
} ends[] = {
	{ "\\a\\b\\f\\n\\r\\t\\v\\\\", "\a\b\f\n\r\t\v\\" },
	{ "\\15\\012", "\r\n" }, { "\\1234", "S4" }, { "|", "|" },
	{ "\\8", NULL }, { "\\", NULL }, { "\\400", NULL }, { "\\0", NULL },
	{ "", NULL },
};

T_TEST(line_ends_are_written_as_in_c)
{
	for (size_t i = 0; i < T_COUNT(ends); i++) {
		char text[100];

		T_CASE(ends[i].eol);
		snprintf(text, sizeof(text), "user=a eol=%s argv=/x",
		    ends[i].eol);
		if (ends[i].want == NULL) {
			T_HAS_STR(read_row(COMMAND_OF_PIPE, false, text),
			    "eol=");
			continue;
		}
		T_EQ_STR(read_row(COMMAND_OF_PIPE, false, text), "");
		T_EQ_STR(str_cstr(&row.eol), ends[i].want);
	}
	command_row_fini(&row);
}

static const struct {
	enum command_role role;
	const char *text, *want;
} wrong[] = {
	{ COMMAND_OF_PIPE, "argv=/x", "user= is missing" },
	{ COMMAND_OF_PIPE, "user=a", "argv= is missing" },
	{ COMMAND_OF_PIPE, "user=a argv=", "argv= names no command" },
	{ COMMAND_OF_PIPE, "user=a shell=/x argv=/x",
	    "\"shell=/x\": not an attribute of this service" },
	{ COMMAND_OF_PIPE, "user=a chroot=x argv=/x",
	    "chroot=x: not an absolute path" },
	{ COMMAND_OF_PIPE, "user=a directory=x argv=/x",
	    "directory=x: not an absolute path" },
	{ COMMAND_OF_PIPE, "user=a size=1k argv=/x", "size=1k: not a number" },
	{ COMMAND_OF_SPAWN, "user=a flags=D argv=/x",
	    "\"flags=D\": not an attribute of this service" },
	{ COMMAND_OF_SPAWN, "argv=/x", "user= is missing" },
};

T_TEST(what_makes_no_sense_is_refused)
{
	for (size_t i = 0; i < T_COUNT(wrong); i++) {
		T_CASE(wrong[i].text);
		T_EQ_STR(read_row(wrong[i].role, false, wrong[i].text),
		    wrong[i].want);
	}
	command_row_fini(&row);
}

static const struct {
	const char *user, *want;	/* NULL: taken */
} users[] = {
	{ "nobody", NULL },
	{ "nobody:nogroup", NULL },
	{ "nobody-here", "user=nobody-here: no such user" },
	{ "nobody:no-group", "user=nobody:no-group: no such group" },
	{ "root", "user=root: no command may have root's rights" },
	{ "nobody:root", "user=nobody:root: no command may have root's group" },
	{ "daemon",
	    "user=daemon: no command may have the rights of mail_owner" },
	{ "nobody:daemon",
	    "user=nobody:daemon: no command may have the group of mail_owner" },
	{ "nobody:mail", "user=nobody:mail: no command may have setgid_group" },
};

T_TEST(no_command_has_the_rights_of_root_or_of_the_mail_system)
{
	conf_core.mail_owner = "daemon";
	conf_core.setgid_group = "mail";
	for (size_t i = 0; geteuid() == 0 && i < T_COUNT(users); i++) {
		char text[100];

		T_CASE(users[i].user);
		snprintf(text, sizeof(text), "user=%s argv=/x", users[i].user);
		T_EQ_STR(read_row(COMMAND_OF_SPAWN, true, text),
		    users[i].want != NULL ? users[i].want : "");
	}
	T_CASE("without root");
	T_EQ_STR(read_row(COMMAND_OF_SPAWN, false, "user=nobody-here argv=/x"),
	    "");
	T_CHECK(row.no_such_user);
	T_EQ_STR(read_row(COMMAND_OF_SPAWN, false, "user=nobody argv=/x"), "");
	T_CHECK(!row.no_such_user);
	T_EQ_INT(command_role_of("pipe"), COMMAND_OF_PIPE);
	T_EQ_INT(command_role_of("spawn"), COMMAND_OF_SPAWN);
	T_EQ_INT(command_role_of("local"), COMMAND_OF_NONE);
	command_row_fini(&row);
}
