/*
 * local - delivery to accounts of this host: aliases and .forward files, then
 * mailbox, Maildir, or command, by a worker that has become the user.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/mail/address.h"
#include "common/service/service.h"
#include "daemons/local/local_priv.h"
#include "daemons/shared/status_filter.h"
#include "daemons/shared/tables.h"

static struct maps *command_maps, *transport_maps, *fallback_maps;

/* ---- accounts ---- */

/* By the name, then for all. */
static enum map_status
find_transport(struct maps *maps, const char *all, struct span name,
    struct str *where)
{
	enum map_status status = maps_lookup(maps, name, 0, where, NULL);

	if (status != MAP_ABSENT || all[0] == '\0')
		return status;
	str_sets(where, all);
	return MAP_FOUND;
}

/* When it is all there is to do, that agent's outcome is the recipient's;
 * beside others it is one part of it. */
static struct part
pass_on(struct expansion *e, struct span where)
{
	struct envelope_rcpt rcpt = expansion_rcpt(e);
	struct span why;
	enum delivery_passed word = delivery_pass(e->d, &rcpt, where, &why);

	if (word == PASSED_UNKNOWN)
		return part_of(e, OUTCOME_DEFERRED, "4.3.0",
		    arena_cstr(e->d->arena, why));
	e->passed = e->ntargets + e->nforwards == 1;
	e->word = word;
	return part_of(e, word == PASSED_SENT ? OUTCOME_SENT
	    : word == PASSED_BOUNCED ? OUTCOME_BOUNCED : OUTCOME_DEFERRED,
	    "2.0.0", arena_printf(e->d->arena, "passed to %.*s",
	    SPAN_ARG(where)));
}

/* Who asks for help, or answers a notice, writes to these (RFC 5321 4.5.1). */
static bool
is_required(struct span name)
{
	return span_is_nocase(name, "postmaster")
	    || span_is_nocase(name, "mailer-daemon");
}

/* Nobody's: another agent may know the name, or luser_relay who wants it. */
static struct part
deliver_unknown(struct expansion *e, struct span name,
    const struct target *target)
{
	const struct envelope_rcpt rcpt = expansion_rcpt(e);
	const struct words words = { .rcpt = &rcpt };
	struct str *address = str_in_arena(e->d->arena);

	switch (find_transport(fallback_maps, local_conf.fallback_transport,
	    name, address)) {
	case MAP_FOUND:
		return pass_on(e, str_span(address));
	case MAP_ABSENT:
		break;
	case MAP_FAILED:
		return part_of(e, OUTCOME_DEFERRED, "4.3.0",
		    "fallback_transport_maps lookup failure");
	}
	if (local_conf.luser_relay[0] == '\0') {
		if (is_required(name))
			log_warn("required alias not found: %.*s",
			    SPAN_ARG(name));
		return part_of(e, OUTCOME_BOUNCED, "5.1.1", arena_printf(
		    e->d->arena, "unknown user: \"%.*s\"", SPAN_ARG(name)));
	}
	words_expand(&words, SPAN(local_conf.luser_relay), address);
	if (str_len(address) == 0)
		return part_of(e, OUTCOME_DEFERRED, "4.3.5",
		    "luser_relay gives no address");
	expansion_forward(e, &(struct forward){ .address = str_span(address),
		.owner = target->owner, .delivered = target->via });
	return (struct part){ .kind = OUTCOME_SENT };
}

static enum map_status
find_command(struct expansion *e, const struct user *user,
    struct str *command)
{
	enum map_status status = maps_lookup(command_maps, SPAN(user->name), 0,
	    command, NULL);

	if (status != MAP_ABSENT || local_conf.mailbox_command[0] == '\0')
		return status;
	str_sets(command, local_conf.mailbox_command);
	return MAP_FOUND;
}

static struct part
deliver_account(struct expansion *e, const struct user *account)
{
	struct user user = *account, nobody;
	struct str *command = str_in_arena(e->d->arena);

	if (user.uid == 0) {
		if (!user_default(&nobody))
			return part_of(e, OUTCOME_DEFERRED, "4.3.5",
			    "mail for root needs default_privs or an alias");
		user.uid = nobody.uid;
		user.gid = nobody.gid;
	}
	switch (find_command(e, &user, command)) {
	case MAP_FOUND:
		return command_deliver(e, str_span(command), &user);
	case MAP_ABSENT:
		break;
	case MAP_FAILED:
		return part_of(e, OUTCOME_DEFERRED, "4.3.0",
		    "mailbox_command_maps lookup failure");
	}
	return mailbox_of_account(e, &user);
}

static struct part
deliver_mailbox(struct expansion *e, const struct target *target)
{
	struct span base = target->text, extension;
	struct str *where = str_in_arena(e->d->arena);
	struct user user;
	enum map_status status;

	if (target->user != NULL)
		base = SPAN(target->user->name);
	else
		address_split_extension(target->text,
		    conf_core.recipient_delimiter, &base, &extension);
	switch (find_transport(transport_maps, local_conf.mailbox_transport,
	    base, where)) {
	case MAP_FOUND:
		return pass_on(e, str_span(where));
	case MAP_ABSENT:
		break;
	case MAP_FAILED:
		return part_of(e, OUTCOME_DEFERRED, "4.3.0",
		    "mailbox_transport_maps lookup failure");
	}
	base = target->text;
	if (target->user != NULL)
		return deliver_account(e, target->user);
	status = user_find(base, &user, e->d->arena);
	if (status == MAP_ABSENT && address_split_extension(target->text,
	    conf_core.recipient_delimiter, &base, &extension))
		status = user_find(base, &user, e->d->arena);
	switch (status) {
	case MAP_FOUND:
		return deliver_account(e, &user);
	case MAP_ABSENT:
		return deliver_unknown(e, base, target);
	case MAP_FAILED:
		break;
	}
	return part_of(e, OUTCOME_DEFERRED, "4.3.0", "user lookup error");
}

static struct part
deliver_target(struct expansion *e, const struct target *target)
{
	switch (target->kind) {
	case TARGET_FILE:
		return mailbox_of_file(e, target->text, target->user);
	case TARGET_COMMAND:
		return command_deliver(e, target->text, target->user);
	case TARGET_MAILBOX:
		break;
	}
	return deliver_mailbox(e, target);
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

/* Of several, an account that has to wait gets a message of its own: the others
 * are not to have theirs again with every attempt. */
static void
deliver_member(struct expansion *e, const struct target *target)
{
	bool alone = e->ntargets + e->nforwards < 2;
	struct part part;

	e->target = target;
	part = deliver_target(e, target);
	if (part.kind == OUTCOME_DEFERRED && !alone && target->again) {
		log_info("%.*s has to wait: %.*s", SPAN_ARG(target->text),
		    SPAN_ARG(part.reason));
		expansion_forward(e, &(struct forward){
			.address = target->address, .owner = target->owner,
			.delivered = target->via });
	} else {
		take_part(e, &part);
	}
}

static void
deliver_kind(struct expansion *e, enum target_kind kind, bool again)
{
	LIST_EACH(item, &e->targets) {
		struct target *target = LIST_ITEM(item, struct target, link);

		if (target->kind == kind && target->again == again)
			deliver_member(e, target);
	}
}

/* Its messages are in the log also where the recipient's line tells of trouble. */
static void
send_on(struct expansion *e)
{
	struct str *reason = str_in_arena(e->d->arena);
	bool sent = forward_send(e, reason) && !e->failed;

	if (sent)
		e->status->reason = str_span(reason);
	if (str_len(reason) > 0 && (!sent || e->refused_dsn != NULL))
		log_info("for <%.*s>: %s", SPAN_ARG(e->rcpt->address),
		    str_cstr(reason));
}

/* Nothing begins before all names are known; then one that is refused, or has to
 * wait, does not stop the others. Files, commands, and mailboxes that a .forward
 * file or "\name" leads to cannot have a message of their own: they come first,
 * and while one has to wait nobody else has a copy with each attempt. */
static void
carry_out(struct expansion *e)
{
	deliver_kind(e, TARGET_FILE, false);
	if (!e->failed)
		deliver_kind(e, TARGET_COMMAND, false);
	if (!e->failed)
		deliver_kind(e, TARGET_MAILBOX, false);
	if (e->failed)
		return;
	deliver_kind(e, TARGET_MAILBOX, true);
	if (e->nforwards > 0)
		send_on(e);
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
deliver_one(struct delivery *d, size_t i, const struct strlist *been)
{
	struct delivery_status status = { .kind = OUTCOME_SENT,
		.dsn = "2.0.0", .relay = d->request->transport,
		.action_if_sent = DSN_DELIVERED };
	struct expansion e = { .d = d, .rcpt = &d->rcpts[i],
		.status = &status, .seen = hash_new(), .index = i,
		.been = been };
	struct span local = address_split(e.rcpt->address).local;
	struct str *name = str_in_arena(d->arena);

	list_init(&e.targets);
	list_init(&e.forwards);
	arena_on_free(d->arena, drop_hash, e.seen);
	str_set(name, local);
	str_lower(name);
	alias_expand(&e, str_span(name));
	if (e.known != NULL)
		status.reason = SPAN(e.known);
	else if (!e.failed && e.refused_dsn == NULL
	    && e.ntargets + e.nforwards == 0)
		expansion_fail(&e, OUTCOME_BOUNCED, "5.4.6",
		    "alias loop: \"%s\" expands to no destination",
		    str_cstr(name));
	if (!e.failed && e.known == NULL)
		carry_out(&e);
	say_refused(&e);
	/* RFC 3461 5.2.7: a list is where its mail was meant to go; what an alias
	 * stands for is not told to everybody who asks. */
	if (e.expanded && !e.is_list)
		status.action_if_sent = DSN_EXPANDED;
	if (e.passed)
		delivery_set_passed(d, i, e.word);
	else
		delivery_set(d, i, &status);
}

static void
deliver(struct delivery *d)
{
	const struct strlist *been = mailbox_been(d);

	for (size_t i = 0; i < d->count; i++)
		deliver_one(d, i, been);
}

/* ---- the process ---- */

static void
prepare(void)
{
	tables_allow_reopen();
	alias_setup();
	user_setup();
	mailbox_setup();
	command_maps = tables_open("mailbox_command_maps",
	    local_conf.mailbox_command_maps,
	    MAP_FOLD | MAP_NO_REGSUB | MAP_NO_PROXY);
	transport_maps = tables_open("mailbox_transport_maps",
	    local_conf.mailbox_transport_maps, MAP_FOLD | MAP_NO_REGSUB);
	fallback_maps = tables_open("fallback_transport_maps",
	    local_conf.fallback_transport_maps, MAP_FOLD | MAP_NO_REGSUB);
	status_filter_open("local_delivery_status_filter",
	    local_conf.status_filter);
	delivery_agent_setup(deliver, "local");
	delivery_agent_answers_probes();
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
