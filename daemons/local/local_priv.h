/*
 * local_priv - one recipient on its way through aliases and .forward files to
 * mailboxes, files, commands and new messages.
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
#include "daemons/shared/mailbox_client.h"
#include "maps/maps.h"

#define ALIAS_DEPTH_MOST 100

/* An account; or, without a name, the rights of default_privs. */
struct user {
	char *name, *home, *shell;	/* in the arena, or NULL */
	uid_t uid;
	gid_t gid;
};

/* Where a name of a right-hand side was written. */
enum source { FROM_ALIAS = 1, FROM_FORWARD = 2, FROM_INCLUDE = 4 };

enum target_kind { TARGET_MAILBOX, TARGET_FILE, TARGET_COMMAND };

/* One thing that this process delivers to. */
struct target {
	struct list link;		/* in the arena */
	enum target_kind kind;
	struct span text;		/* name, path or command */
	const struct user *user;	/* with whose rights; TARGET_MAILBOX: NULL
					   when not looked up yet */
	struct span owner;		/* of the alias it comes from */
	struct span address;		/* the local name that led to it, with its domain */
	struct span via;		/* Delivered-To of what named that */
	bool again;			/* a mailbox that its name, as a recipient,
					   would lead to alone */
};

/* Where a new message goes, and who is its sender; empty: as before. */
struct forward {
	struct list link;		/* in the arena */
	struct span address, owner;
	struct span delivered;		/* its Delivered-To */
	bool sent;
};

/* The work on one recipient: what its aliases came to. */
struct expansion {
	struct delivery *d;
	const struct envelope_rcpt *rcpt;
	struct list forwards;		/* addresses for new messages */
	size_t nforwards;
	struct list targets;
	size_t ntargets;
	struct hash *seen;		/* aliases, accounts and included files */
	struct list work;		/* names and files to look at yet */
	struct delivery_status *status;
	size_t index;			/* of the recipient */
	const struct target *target;	/* in hand, or NULL */
	const struct strlist *been;	/* mailbox_been */
	bool passed;			/* to one other agent, whose word counts */
	enum delivery_passed word;
	const char *known;		/* a probe: this alias is there */
	bool failed;			/* the status is why it has to wait */
	bool expanded;			/* by an alias or a .forward file */
	bool is_list;			/* that has an owner */
	const char *refused_dsn;	/* of a part that nobody can have */
	struct span refused_why;
};

/* Of several troubles the first decides, and one that is temporary before one
 * that is not: then all is tried again. Something that is refused for good keeps
 * nobody else from the mail. The text is kept. Returns false. */
__attribute__((format(printf, 4, 5))) bool
expansion_fail(struct expansion *e, enum outcome_kind kind, const char *dsn,
    const char *format, ...);

/* Who is to hear of trouble with the target in hand: the owner of its list, but
 * for notices. */
struct span expansion_sender(const struct expansion *e);

/* The recipient, or where an alias of it led: the local name that led to the target
 * in hand. */
struct envelope_rcpt expansion_rcpt(const struct expansion *e);
/* What Delivered-To says of mail for this local name: the recipient, or with
 * frozen_delivered_to = no the name. */
struct span expansion_delivered(const struct expansion *e,
    struct span address);

/* Once for each address. */
void expansion_forward(struct expansion *e, const struct forward *forward);

/* What became of one mailbox, file, command or name. */
struct part {
	enum outcome_kind kind;
	const char *dsn;
	struct span reason;
};
struct part part_of(struct expansion *e, enum outcome_kind kind,
    const char *dsn, const char *reason);
struct part part_of_result(struct expansion *e,
    const struct mailbox_result *result);

/* alias.c: before the jail; then expands a local name in lower case, that of the
 * recipient. Suspends. */
void alias_setup(void);
void alias_expand(struct expansion *e, struct span name);
/* Would the name, as a recipient, lead to itself alone? False in doubt. */
bool alias_is_none(struct span name);
/* The right-hand side of an alias or an included file, one item at a time:
 * for tests and fuzzing. */
typedef bool alias_item_fn(struct span item, void *arg);
bool alias_each_item(struct span text, alias_item_fn *fn, void *arg,
    struct str *why);

/* user.c. Absent is not failed. Suspend (offload). */
enum map_status user_find(struct span name, struct user *out,
    struct arena *arena);
enum map_status user_find_uid(uid_t uid, struct user *out,
    struct arena *arena);
/* With default_privs. False: there are none. */
bool user_default(struct user *out);
void user_setup(void);

/* words.c: $user, $home, $shell, $recipient, $extension, $domain, $local and
 * $recipient_delimiter in what an administrator wrote. Bytes that are not in the
 * filter (NULL: no filter) become "_". False when a name is not known, or has no
 * value now: $home of nobody, $extension of a recipient without one; or such names
 * are nothing. */
struct words {
	const struct envelope_rcpt *rcpt;
	const struct user *user;	/* or NULL */
	const char *filter;
	bool may_lack;			/* unknown names, and no values */
	bool *extension_out;		/* or NULL: made true where $extension is */
};
bool words_expand(const struct words *words, struct span text,
    struct str *out);
void words_filter(struct str *text, const char *filter);
struct span words_extension(const struct envelope_rcpt *rcpt);

/* dotforward.c: the text of the first of forward_path that is there, in the
 * delivery's arena, and whether $extension is part of its name. `address` is what led
 * to the account, with its extension. Absent also where it is not safe, which is
 * logged. Suspends. */
enum map_status dotforward_read(struct expansion *e, struct span address,
    const struct user *user, struct span *text_out, bool *by_extension_out);

/* command.c. Suspends. */
struct part command_deliver(struct expansion *e, struct span command,
    const struct user *user);

/* forward.c: the message to new recipients, durably, once for each sender that
 * owners make of it and each Delivered-To; the status line's text is "forwarded as QID, QID".
 * Suspends. */
bool forward_send(struct expansion *e, struct str *reason_out);

/* mailbox.c. Suspend, but for the first, which is for before the jail. */
void mailbox_setup(void);
struct part mailbox_of_account(struct expansion *e, const struct user *user);
struct part mailbox_of_file(struct expansion *e, struct span path,
    const struct user *user);

/* prepend_delivered_header. */
enum delivered_where { DELIVERED_COMMAND = 1, DELIVERED_FILE = 2,
	DELIVERED_FORWARD = 4 };
extern unsigned delivered_where;
/* The lines before a message in a file or for a command. */
struct span head_of(struct expansion *e, enum delivered_where where);

#endif
