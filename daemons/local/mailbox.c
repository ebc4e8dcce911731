/*
 * mailbox - mailboxes of accounts, and files that aliases and .forward files name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/stat.h>

#include "common/base/log.h"
#include "common/base/names.h"
#include "common/mail/conf_core.h"
#include "daemons/local/local_priv.h"
#include "daemons/shared/mbox_lock.h"

static struct mbox_lock_rules lock_rules;
static gid_t spool_group;		/* 0: none */
unsigned delivered_where;

static const struct name_value delivered_words[] = {
	{ "command", DELIVERED_COMMAND }, { "file", DELIVERED_FILE },
	{ "forward", DELIVERED_FORWARD }, { NULL, 0 },
};

/* Where the group of the spool makes mailboxes and their locks (/var/mail with
 * mode 2775 root:mail), users alone cannot. Its group is for a worker that writes
 * mailboxes there and nothing else: not what .forward files name. */
static void
find_spool_group(void)
{
	struct stat st;

	if (stat(local_conf.mail_spool_directory, &st) == 0 &&
	    S_ISDIR(st.st_mode) &&
	    (st.st_mode & (S_IWGRP | S_IWOTH)) == S_IWGRP)
		spool_group = st.st_gid;
}

void
mailbox_setup(void)
{
	struct str why = STR_EMPTY;

	find_spool_group();

	if (!mbox_lock_rules_read(mbox_lock_conf.words, &lock_rules, &why))
		fatal("mailbox_delivery_lock: %s", str_cstr(&why));
	if (!names_mask(delivered_words,
	    SPAN(local_conf.prepend_delivered_header), &delivered_where, &why))
		fatal("prepend_delivered_header: %s", str_cstr(&why));
	str_fini(&why);
}

struct part
part_of(struct expansion *e, enum outcome_kind kind, const char *dsn,
    const char *reason)
{
	return (struct part){ kind, dsn, SPAN(arena_strdup(e->d->arena,
	    reason)) };
}

struct part
part_of_result(struct expansion *e, const struct mailbox_result *result)
{
	return (struct part){ result->verdict == MAILBOX_DELIVERED
	    ? OUTCOME_SENT : result->verdict == MAILBOX_BOUNCE
	    ? OUTCOME_BOUNCED : OUTCOME_DEFERRED,
	    arena_cstr(e->d->arena, result->dsn), result->text };
}

struct span
head_of(struct expansion *e, enum delivered_where where)
{
	struct envelope_rcpt rcpt = expansion_rcpt(e);

	rcpt.address = expansion_delivered(e, rcpt.address);
	return mailbox_head(e->d, expansion_sender(e), &rcpt,
	    delivered_where & where ? "ROD" : "RO");
}

static struct part
write_to(struct expansion *e, const struct user *user, gid_t gid,
    struct span path, enum mailbox_style style)
{
	struct mailbox_job job = { .style = style, .path = path,
		.head = head_of(e, DELIVERED_FILE),
		.sender = expansion_sender(e),
		.size_limit = (uint64_t)local_conf.mailbox_size_limit,
		.lock = lock_rules, .fd = -1,
		.user = user->name != NULL ? SPAN(user->name) : SPAN_NONE,
		.biff = local_conf.biff
		    && style == MAILBOX_MBOX,
		.check_owner = conf_core.strict_mailbox_ownership };
	struct mailbox_result result;

	if (delivery_is_probe(e->d))
		return part_of(e, OUTCOME_SENT, "2.0.0",
		    style == MAILBOX_MBOX ? "delivers to mailbox"
		    : style == MAILBOX_MAILDIR ? "delivers to maildir"
		    : arena_printf(e->d->arena, "delivers to file: %.*s",
			SPAN_ARG(path)));
	mailbox_deliver(e->d, user->uid, gid, &job, &result);
	return part_of_result(e, &result);
}

struct part
mailbox_of_file(struct expansion *e, struct span path, const struct user *user)
{
	return write_to(e, user, user->gid, path, span_ends(path, SPAN("/"))
	    ? MAILBOX_MAILDIR : MAILBOX_FILE);
}

struct part
mailbox_of_account(struct expansion *e, const struct user *user)
{
	struct arena *arena = e->d->arena;
	struct span home_mailbox = SPAN(local_conf.home_mailbox);
	const char *path;
	bool maildir;
	gid_t gid = user->gid;

	if (home_mailbox.len > 0)
		path = arena_printf(arena, "%s/%s", user->home,
		    local_conf.home_mailbox);
	else
		path = span_ends(SPAN(local_conf.mail_spool_directory),
		    SPAN("/"))
		    ? arena_printf(arena, "%s%s/",
			local_conf.mail_spool_directory, user->name)
		    : arena_printf(arena, "%s/%s",
			local_conf.mail_spool_directory, user->name);
	maildir = span_ends(SPAN(path), SPAN("/"));
	if (home_mailbox.len == 0 && !maildir && spool_group != 0)
		gid = spool_group;
	return write_to(e, user, gid, SPAN(path),
	    maildir ? MAILBOX_MAILDIR : MAILBOX_MBOX);
}
