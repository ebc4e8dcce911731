/*
 * local - delivery to accounts of this host: aliases, then mailbox or Maildir,
 * written by a worker that has become the user.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/names.h"
#include "common/mail/address.h"
#include "common/service/service.h"
#include "daemons/local/local_priv.h"
#include "daemons/shared/mailbox_client.h"
#include "daemons/shared/mbox_lock.h"
#include "daemons/shared/tables.h"

static unsigned locks;

/* ---- mailboxes ---- */

/* What became of one mailbox, file or name. */
struct part {
	enum outcome_kind kind;
	const char *dsn;
	struct span reason;
};

static struct part
part_of(struct expansion *e, enum outcome_kind kind, const char *dsn,
    const char *reason)
{
	return (struct part){ kind, dsn, SPAN(arena_strdup(e->d->arena,
	    reason)) };
}

static struct part
write_to(struct expansion *e, uid_t uid, gid_t gid, struct span path,
    enum mailbox_style style)
{
	struct mailbox_job job = { .style = style, .path = path,
		.head = mailbox_head(e->d, e->rcpt, e->rcpt->address,
		    style == MAILBOX_FILE ? "OD" : "ROD"),
		.sender = e->d->envelope->sender,
		.size_limit = (uint64_t)local_conf.mailbox_size_limit,
		.locks = locks,
		.lock_attempts = (uint64_t)local_conf.lock_attempts,
		.lock_delay = (uint64_t)local_conf.lock_delay,
		.stale_lock_time = (uint64_t)local_conf.stale_lock_time,
		.check_owner = conf_core.strict_mailbox_ownership, .fd = -1 };
	struct mailbox_result result;

	mailbox_deliver(e->d, uid, gid, &job, &result);
	return (struct part){ result.verdict == MAILBOX_DELIVERED
	    ? OUTCOME_SENT : result.verdict == MAILBOX_BOUNCE
	    ? OUTCOME_BOUNCED : OUTCOME_DEFERRED,
	    arena_cstr(e->d->arena, result.dsn), result.text };
}

static struct part
deliver_to_user(struct expansion *e, const struct user *user)
{
	struct arena *arena = e->d->arena;
	struct span home_mailbox = SPAN(local_conf.home_mailbox);
	const char *path;
	bool maildir;

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
	return write_to(e, user->uid, user->gid, SPAN(path),
	    maildir ? MAILBOX_MAILDIR : MAILBOX_MBOX);
}

static struct part
deliver_user_name(struct expansion *e, struct span name)
{
	struct user user;
	struct span base = name, extension;
	enum map_status status = user_find(name, &user, e->d->arena);

	if (status == MAP_ABSENT && address_split_extension(name,
	    conf_core.recipient_delimiter, &base, &extension))
		status = user_find(base, &user, e->d->arena);
	switch (status) {
	case MAP_FOUND:
		break;
	case MAP_ABSENT:
		return part_of(e, OUTCOME_BOUNCED, "5.1.1", arena_printf(
		    e->d->arena, "unknown user: \"%.*s\"", SPAN_ARG(base)));
	case MAP_FAILED:
		return part_of(e, OUTCOME_DEFERRED, "4.3.0",
		    "user lookup error");
	}
	if (user.uid == 0 && !user_default_privileges(&user.uid, &user.gid))
		return part_of(e, OUTCOME_DEFERRED, "4.3.5",
		    "mail for root needs default_privs or an alias");
	return deliver_to_user(e, &user);
}

static struct part
deliver_file(struct expansion *e, struct span path)
{
	uid_t uid;
	gid_t gid;

	if (!user_default_privileges(&uid, &gid))
		return part_of(e, OUTCOME_DEFERRED, "4.3.5",
		    "mail system configuration error");
	return write_to(e, uid, gid, path, MAILBOX_FILE);
}

/* ---- one recipient ---- */

static void
take_part(struct expansion *e, const struct part *part)
{
	if (part->kind == OUTCOME_SENT) {
		if (!e->failed)
			e->status->reason = part->reason;
		return;
	}
	expansion_fail(e, part->kind, part->dsn, "%.*s",
	    SPAN_ARG(part->reason));
}

/* Of several, one that has to wait gets a message of its own: the others are not
 * to have theirs again with every attempt. */
static void
deliver_member(struct expansion *e, struct span name)
{
	struct part part = deliver_user_name(e, name);
	bool alone = e->users.count + e->files.count + e->forwards.count < 2;

	if (part.kind == OUTCOME_DEFERRED && !alone && alias_is_none(name)) {
		log_info("%.*s has to wait: %.*s", SPAN_ARG(name),
		    SPAN_ARG(part.reason));
		strlist_adds(&e->forwards, arena_printf(e->d->arena,
		    "%.*s@%.*s", SPAN_ARG(name),
		    SPAN_ARG(address_split(e->rcpt->address).domain)));
	} else {
		take_part(e, &part);
	}
}

/* Nothing begins before all names are known; then one that is refused, or has to
 * wait, does not stop the others. A file cannot get a message of its own: it
 * comes first, and while it has to wait nobody has a copy with each attempt. */
static void
carry_out(struct expansion *e)
{
	struct str *reason = str_in_arena(e->d->arena);

	for (size_t i = 0; i < e->files.count; i++) {
		struct part part = deliver_file(e, SPAN(e->files.items[i]));

		take_part(e, &part);
	}
	if (e->failed)
		return;
	for (size_t i = 0; i < e->users.count; i++)
		deliver_member(e, SPAN(e->users.items[i]));
	if (e->forwards.count > 0 && forward_send(e, reason) && !e->failed)
		e->status->reason = str_span(reason);
}

static void
say_refused(const struct expansion *e)
{
	if (e->failed || e->refused_dsn == NULL)
		return;
	e->status->kind = OUTCOME_BOUNCED;
	e->status->dsn = e->refused_dsn;
	e->status->reason = e->refused_why;
}

static void
drop_hash(void *arg)
{
	struct hash *hash = arg;

	hash_free(&hash);
}

static void
deliver_one(struct delivery *d, size_t i)
{
	struct delivery_status status = { .kind = OUTCOME_SENT,
		.dsn = "2.0.0", .relay = SPAN("local"),
		.action_if_sent = DSN_DELIVERED };
	struct expansion e = { .d = d, .rcpt = &d->rcpts[i],
		.status = &status, .seen = hash_new() };
	struct span local = address_split(e.rcpt->address).local;
	struct str *name = str_in_arena(d->arena);

	arena_on_free(d->arena, drop_hash, e.seen);
	str_set(name, local);
	str_lower(name);
	if (mailbox_is_loop(d, e.rcpt->address))
		expansion_fail(&e, OUTCOME_BOUNCED, "5.4.6",
		    "mail forwarding loop for %.*s",
		    SPAN_ARG(e.rcpt->address));
	else
		alias_expand(&e, str_span(name));
	if (!e.failed && e.refused_dsn == NULL && e.users.count + e.files.count + e.forwards.count == 0)
		expansion_fail(&e, OUTCOME_BOUNCED, "5.4.6",
		    "alias loop: \"%s\" expands to no destination",
		    str_cstr(name));
	if (!e.failed)
		carry_out(&e);
	say_refused(&e);
	delivery_set(d, i, &status);
	strlist_fini(&e.forwards);
	strlist_fini(&e.users);
	strlist_fini(&e.files);
}

static void
deliver(struct delivery *d)
{
	for (size_t i = 0; i < d->count; i++)
		deliver_one(d, i);
}

/* ---- the process ---- */

static void
prepare(void)
{
	struct str why = STR_EMPTY;

	tables_allow_reopen();
	alias_setup();
	user_setup();
	if (!names_mask(mbox_lock_words, SPAN(local_conf.mailbox_delivery_lock),
	    &locks, &why))
		fatal("mailbox_delivery_lock: %s", str_cstr(&why));
	delivery_agent_setup(deliver, "local");
	str_fini(&why);
}

static void
start(void)
{
	tables_watch(NULL);
}

static const struct service local_service = {
	.name = "local",
	.params = &local_params,
	.needs = NEEDS_LAUNCHER | NEEDS_QUEUE_READ | NEEDS_CONFIG_READ
	    | NEEDS_NSS,
	.before_jail = prepare,
	.start = start,
	.protocol = &delivery_protocol,
};

int
main(int argc, char **argv)
{
	return service_main(&local_service, argc, argv);
}
