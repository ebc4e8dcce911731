/*
 * local_priv - one recipient on its way through aliases to files and new
 * messages.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_LOCAL_LOCAL_PRIV_H
#define DAEMONS_LOCAL_LOCAL_PRIV_H

#include <sys/types.h>

#include "common/base/hash.h"
#include "common/base/strlist.h"
#include "daemons/local/local_conf.h"
#include "daemons/shared/delivery_agent.h"
#include "maps/maps.h"

#define ALIAS_DEPTH_MOST 100

struct user {
	char *name, *home;		/* in the arena */
	uid_t uid;
	gid_t gid;
};

/* The work on one recipient: what its aliases came to. */
struct expansion {
	struct delivery *d;
	const struct envelope_rcpt *rcpt;
	struct span extension;		/* of the recipient, without delimiter */
	struct strlist forwards;	/* addresses for a new message */
	struct strlist users;		/* names of this host, without alias */
	struct strlist files;		/* absolute paths */
	struct span owner;		/* owner-alias: sender of the new message */
	struct hash *seen;		/* aliases and included files */
	struct list work;		/* names and files to look at yet */
	struct delivery_status *status;
	bool failed;			/* the status is why it has to wait */
	const char *refused_dsn;	/* of a part that nobody can have */
	struct span refused_why;
};

/* Of several troubles the first decides, and one that is temporary before one
 * that is not: then all is tried again. Something that is refused for good keeps
 * nobody else from the mail. The text is kept. Returns false. */
__attribute__((format(printf, 4, 5))) bool
expansion_fail(struct expansion *e, enum outcome_kind kind, const char *dsn,
    const char *format, ...);

/* alias.c: before the jail; then expands a local name in lower case. Suspends. */
void alias_setup(void);
void alias_expand(struct expansion *e, struct span name);
/* Would the name, as a recipient, lead to itself alone? False in doubt. */
bool alias_is_none(struct span name);
/* The right-hand side of an alias or an included file, one item at a time:
 * for tests and fuzzing. */
typedef bool alias_item_fn(struct span item, void *arg);
bool alias_each_item(struct span text, alias_item_fn *fn, void *arg,
    struct str *why);

/* user.c. Absent is not failed. Suspends (offload). */
enum map_status user_find(struct span name, struct user *out,
    struct arena *arena);
bool user_default_privileges(uid_t *uid_out, gid_t *gid_out);
void user_setup(void);

/* forward.c: the message to new recipients, durably; the status line's text is
 * "forwarded as QID". Suspends. */
bool forward_send(struct expansion *e, struct str *reason_out);

#endif
