/*
 * command_row - the arguments of a row of master.cf that runs a command, of pipe
 * and of spawn: "flags=... user=... argv=...". The agent reads them, and its
 * launcher by itself, which trusts nobody with the choice of a user or a root.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_COMMAND_ROW_H
#define DAEMONS_SHARED_COMMAND_ROW_H

#include <sys/types.h>

#include "common/base/str.h"
#include "common/base/strlist.h"

enum command_role { COMMAND_OF_NONE, COMMAND_OF_PIPE, COMMAND_OF_SPAWN };

struct command_row {
	const char *flags;		/* letters; "" */
	char unknown_flag;		/* one that means nothing, or NUL */
	bool no_such_user;		/* or group; told of without root, too */
	uid_t uid;			/* of user=; without root our own */
	gid_t gid;
	const char *chroot, *directory;	/* absolute, or NULL */
	const char *null_sender;
	struct str eol;
	uint64_t size_limit;		/* 0: none */
	struct strlist argv;		/* at least one word */
	struct strlist attributes;	/* the others, as written */
};

/* By name of the program: "pipe", "spawn". */
enum command_role command_role_of(const char *program);
/* False with a reason: what is unknown or missing, and
 * with root also a user nobody knows, or whose rights a command must not have:
 * root's and the mail system's own. Before the jail: asks the passwd database. */
bool command_row_read(enum command_role role, const char *const *args,
    size_t count, bool root, struct command_row *out, struct str *why);
void command_row_fini(struct command_row *row);	/* also after a failure */
bool command_row_has(const struct command_row *row, char flag);

#endif
