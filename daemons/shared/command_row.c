/*
 * command_row - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/command_row.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/mail/conf_core.h"

#define PIPE_FLAGS "BDFORXhqu.>"

enum command_role
command_role_of(const char *program)
{
	return strcmp(program, "pipe") == 0 ? COMMAND_OF_PIPE
	    : strcmp(program, "spawn") == 0 ? COMMAND_OF_SPAWN
	    : COMMAND_OF_NONE;
}

bool
command_row_has(const struct command_row *row, char flag)
{
	return strchr(row->flags, flag) != NULL;
}

/* ---- values ---- */

static bool
take_flags(struct command_row *row, const char *value, struct str *why)
{
	size_t known = strspn(value, PIPE_FLAGS);

	(void)why;
	row->flags = value;
	row->unknown_flag = value[known];
	return true;
}

static bool
take_path(const char **path, const char *name, const char *value,
    struct str *why)
{
	*path = value;
	if (value[0] == '/')
		return true;
	str_printf(why, "%s%s: not an absolute path", name, value);
	return false;
}

static bool
take_chroot(struct command_row *row, const char *value, struct str *why)
{
	return take_path(&row->chroot, "chroot=", value, why);
}

static bool
take_directory(struct command_row *row, const char *value, struct str *why)
{
	return take_path(&row->directory, "directory=", value, why);
}

static bool
take_null_sender(struct command_row *row, const char *value, struct str *why)
{
	(void)why;
	row->null_sender = value;
	return true;
}

static bool
take_size(struct command_row *row, const char *value, struct str *why)
{
	if (scan_u64(SPAN(value), &row->size_limit))
		return true;
	str_printf(why, "size=%s: not a number", value);
	return false;
}

/* The byte behind a backslash, as in C. */
static bool
take_escape(const char **at, struct str *out)
{
	static const char names[] = "abfnrtv\\", bytes[] = "\a\b\f\n\r\t\v\\";
	const char *found = **at != '\0' ? strchr(names, **at) : NULL;
	unsigned octal = 0, n = 0;

	if (found != NULL) {
		str_putc(out, bytes[found - names]);
		(*at)++;
		return true;
	}
	for (; n < 3 && **at >= '0' && **at <= '7'; n++)
		octal = octal * 8 + (unsigned)(*(*at)++ - '0');
	str_putc(out, (char)octal);
	return n > 0 && octal > 0 && octal <= 255;
}

static bool
take_eol(struct command_row *row, const char *value, struct str *why)
{
	const char *at = value;

	while (*at != '\0') {
		char c = *at++;

		if (c != '\\') {
			str_putc(&row->eol, c);
		} else if (!take_escape(&at, &row->eol)) {
			str_printf(why, "eol=%s: no byte has that name", value);
			return false;
		}
	}
	if (str_len(&row->eol) > 0)
		return true;
	str_sets(why, "eol=: empty");
	return false;
}

/* ---- user= ---- */

static const char *
what_is_wrong(uid_t uid, gid_t gid, struct str *why)
{
	uid_t owner;
	gid_t group, setgid_group;

	if (!conf_core_ids(&owner, &group, &setgid_group, why))
		return str_cstr(why);
	return uid == 0 ? "root's rights" : gid == 0 ? "root's group"
	    : uid == owner ? "the rights of mail_owner"
	    : gid == group ? "the group of mail_owner"
	    : gid == setgid_group ? "setgid_group" : NULL;
}

/* "name" or "name:group". */
static bool
find_user(struct command_row *row, const char *value, bool root,
    struct str *why)
{
	const char *colon = strchr(value, ':'), *wrong;
	size_t n = colon != NULL ? (size_t)(colon - value) : strlen(value);
	char *name = mem_strndup(value, n);
	const struct passwd *pw = getpwnam(name);
	const struct group *gr = colon != NULL ? getgrnam(colon + 1) : NULL;
	struct str reason = STR_EMPTY;

	mem_free(name);
	row->no_such_user = pw == NULL || (colon != NULL && gr == NULL);
	if (!root)
		return true;
	if (row->no_such_user) {
		str_printf(why, "user=%s: no such %s", value,
		    pw == NULL ? "user" : "group");
		return false;
	}
	row->uid = pw->pw_uid;
	row->gid = gr != NULL ? gr->gr_gid : pw->pw_gid;
	wrong = what_is_wrong(row->uid, row->gid, &reason);
	if (wrong != NULL)
		str_printf(why, "user=%s: no command may have %s", value,
		    wrong);
	str_fini(&reason);
	return wrong == NULL;
}

/* ---- the row ---- */

static const struct {
	const char *name;
	bool (*take)(struct command_row *row, const char *value,
	    struct str *why);
} attributes[] = {
	{ "flags=", take_flags }, { "chroot=", take_chroot },
	{ "directory=", take_directory }, { "eol=", take_eol },
	{ "size=", take_size }, { "null_sender=", take_null_sender },
};

static bool
take_attribute(struct command_row *row, const char *arg, struct str *why)
{
	for (size_t i = 0; i < ARRAY_COUNT(attributes); i++) {
		size_t n = strlen(attributes[i].name);

		if (strncasecmp(arg, attributes[i].name, n) == 0)
			return attributes[i].take(row, arg + n, why);
	}
	str_printf(why, "\"%s\": not an attribute of this service", arg);
	return false;
}

void
command_row_fini(struct command_row *row)
{
	strlist_fini(&row->attributes);
	strlist_fini(&row->argv);
	str_fini(&row->eol);
}

/* "{ two words }" is one. */
static struct span
without_braces(const char *arg)
{
	struct span text = SPAN(arg);

	if (text.len < 2 || text.p[0] != '{' || text.p[text.len - 1] != '}')
		return text;
	return span_trim(span_sub(text, 1, text.len - 2));
}

/* Up to argv=; *user_out is borrowed from the row. */
static bool
take_attributes(struct command_row *row, enum command_role role,
    const char **user_out, struct str *why)
{
	for (size_t i = 0; i < row->attributes.count; i++) {
		const char *arg = row->attributes.items[i];

		if (strncasecmp(arg, "user=", 5) == 0) {
			*user_out = arg + 5;
		} else if (role != COMMAND_OF_PIPE) {
			str_printf(why, "\"%s\": not an attribute of this "
			    "service", arg);
			return false;
		} else if (!take_attribute(row, arg, why)) {
			return false;
		}
	}
	if (*user_out == NULL)
		str_sets(why, "user= is missing");
	return *user_out != NULL;
}

bool
command_row_read(enum command_role role, const char *const *args,
    size_t count, bool root, struct command_row *out, struct str *why)
{
	const char *user = NULL;
	bool behind = false;		/* argv= */

	*out = (struct command_row){ .flags = "", .uid = geteuid(),
		.gid = getegid(), .null_sender = "MAILER-DAEMON" };
	for (size_t i = 0; i < count; i++) {
		struct span arg = without_braces(args[i]);

		if (behind) {
			strlist_add(&out->argv, arg);
		} else if (span_starts_nocase(arg, SPAN("argv="))) {
			behind = true;
			if (arg.len > 5)
				strlist_add(&out->argv, span_skip(arg, 5));
		} else {
			strlist_add(&out->attributes, arg);
		}
	}
	if (!take_attributes(out, role, &user, why))
		return false;
	if (out->argv.count == 0 || out->argv.items[0][0] == '\0') {
		str_sets(why, behind ? "argv= names no command"
		    : "argv= is missing");
		return false;
	}
	return find_user(out, user, root, why);
}
