/*
 * virtual - mailboxes without accounts: path, uid and gid come from tables, as
 * virtual(8) documents. Writing is done by mailbox workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/names.h"
#include "common/base/scan.h"
#include "common/mail/address.h"
#include "common/service/service.h"
#include "daemons/shared/delivery_agent.h"
#include "daemons/shared/mailbox_client.h"
#include "daemons/shared/mbox_lock.h"
#include "daemons/shared/status_filter.h"
#include "daemons/shared/tables.h"
#include "daemons/virtual/virtual_conf.h"
#include "maps/addrfind.h"

static struct maps *mailbox_maps, *uid_maps, *gid_maps;
static struct mbox_lock_rules lock_rules;

/* These say whose files are written: what is in the table is believed, nobody
 * who answers for it, and no part of an address gets into a path. */
#define TABLE_FLAGS (MAP_FOLD | MAP_NO_REGSUB | MAP_NO_PROXY)

struct target {
	struct str *path;
	uid_t uid;
	gid_t gid;
};

/* ---- where a recipient's mail goes ---- */

static enum map_status
find(struct maps *maps, struct span address, struct str *value)
{
	struct addrfind how = { .tries = ADDRFIND_FULL | ADDRFIND_NOEXT
	    | ADDRFIND_AT_DOMAIN, .delimiters = conf_core.recipient_delimiter };

	return addrfind(maps, &how, address, value, NULL);
}

static bool
defer(struct delivery_status *status, struct delivery *d, const char *dsn,
    const char *text)
{
	status->kind = OUTCOME_DEFERRED;
	status->dsn = dsn;
	status->reason = SPAN(arena_strdup(d->arena, text));
	return false;
}

static bool
find_number(struct delivery *d, struct maps *maps, struct span address,
    uint32_t *out, struct delivery_status *status)
{
	struct str *value = str_in_arena(d->arena);

	switch (find(maps, address, value)) {
	case MAP_FOUND:
		if (scan_u32(span_trim(str_span(value)), out) && *out > 0)
			return true;
		log_warn("recipient %.*s: bad number \"%s\" in %s",
		    SPAN_ARG(address), str_cstr(value), maps_title(maps));
		return defer(status, d, "4.3.5",
		    "mail system configuration error");
	case MAP_ABSENT:
		log_warn("recipient %.*s: not found in %s", SPAN_ARG(address),
		    maps_title(maps));
		return defer(status, d, "4.3.5",
		    "mail system configuration error");
	case MAP_FAILED:
		return defer(status, d, "4.3.5",
		    "mail system configuration error");
	}
	return false;
}

static bool
has_parent_reference(struct span path)
{
	struct span part;

	while (span_token(&path, "/", &part))
		if (span_is(part, ".."))
			return true;
	return false;
}

static bool
find_path(struct delivery *d, struct span address, struct str *path,
    struct delivery_status *status)
{
	struct str *value = str_in_arena(d->arena);

	switch (find(mailbox_maps, address, value)) {
	case MAP_FOUND:
		break;
	case MAP_ABSENT:
		status->kind = OUTCOME_BOUNCED;
		status->dsn = "5.1.1";
		status->reason = SPAN(arena_printf(d->arena,
		    "unknown user: \"%.*s\"", SPAN_ARG(address)));
		return false;
	case MAP_FAILED:
		return defer(status, d, "4.3.0", "mailbox lookup failed");
	}
	if (str_len(value) == 0 || has_parent_reference(str_span(value))) {
		log_warn("recipient %.*s: bad mailbox path \"%s\" in %s",
		    SPAN_ARG(address), str_cstr(value),
		    maps_title(mailbox_maps));
		return defer(status, d, "4.3.5",
		    "mail system configuration error");
	}
	str_printf(path, "%s/%s", virtual_conf.mailbox_base,
	    str_cstr(value));
	return true;
}

static bool
find_target(struct delivery *d, struct span address, struct target *target,
    struct delivery_status *status)
{
	uint32_t uid = geteuid(), gid = getegid();

	if (!find_path(d, address, target->path, status))
		return false;
	if (service_has_root()) {
		if (!find_number(d, uid_maps, address, &uid, status)
		    || !find_number(d, gid_maps, address, &gid, status))
			return false;
		if (uid < virtual_conf.minimum_uid) {
			log_warn("recipient %.*s: bad uid %u in %s",
			    SPAN_ARG(address), uid, maps_title(uid_maps));
			return defer(status, d, "4.3.5",
			    "mail system configuration error");
		}
	}
	target->uid = uid;
	target->gid = gid;
	return true;
}

/* ---- delivery ---- */

static void
write_mailbox(struct delivery *d, const struct envelope_rcpt *rcpt,
    struct target *target, struct delivery_status *status)
{
	bool maildir = span_ends(str_span(target->path), SPAN("/"));
	struct mailbox_job job = {
		.style = maildir ? MAILBOX_MAILDIR : MAILBOX_MBOX,
		.path = str_span(target->path),
		.head = mailbox_head(d, d->envelope->sender, rcpt, "ROD"),
		.sender = d->envelope->sender,
		.size_limit = (uint64_t)virtual_conf.mailbox_limit,
		.lock = lock_rules,
		.check_owner = conf_core.strict_mailbox_ownership,
		.user = rcpt->address, .fd = -1 };
	struct mailbox_result result;

	if (delivery_is_probe(d)) {
		status->kind = OUTCOME_SENT;
		status->dsn = "2.0.0";
		status->reason = maildir ? SPAN("delivers to maildir")
		    : SPAN("delivers to mailbox");
		return;
	}
	mailbox_deliver(d, target->uid, target->gid, &job, &result);
	status->kind = result.verdict == MAILBOX_DELIVERED ? OUTCOME_SENT
	    : result.verdict == MAILBOX_BOUNCE ? OUTCOME_BOUNCED
	    : OUTCOME_DEFERRED;
	status->dsn = arena_cstr(d->arena, result.dsn);
	status->reason = result.text;
}

static void
deliver_one(struct delivery *d, size_t i)
{
	const struct envelope_rcpt *rcpt = &d->rcpts[i];
	struct delivery_status status = { .relay = d->request->transport,
		.action_if_sent = DSN_DELIVERED };
	struct target target = { .path = str_in_arena(d->arena) };
	struct str *address = str_in_arena(d->arena);

	str_set(address, rcpt->address);
	str_lower(address);
	/* Nothing leads on from here: what was here before is no loop. */
	if (find_target(d, str_span(address), &target, &status))
		write_mailbox(d, rcpt, &target, &status);
	delivery_set(d, i, &status);
}

static void
deliver(struct delivery *d)
{
	for (size_t i = 0; i < d->count; i++)
		deliver_one(d, i);
}

static void
prepare(void)
{
	struct str why = STR_EMPTY;

	tables_allow_reopen();
	mailbox_maps = tables_open("virtual_mailbox_maps",
	    virtual_conf.mailbox_maps, TABLE_FLAGS);
	uid_maps = tables_open("virtual_uid_maps",
	    virtual_conf.uid_maps, TABLE_FLAGS);
	gid_maps = tables_open("virtual_gid_maps",
	    virtual_conf.gid_maps, TABLE_FLAGS);
	if (!mbox_lock_rules_read(virtual_conf.mailbox_lock, &lock_rules, &why))
		fatal("virtual_mailbox_lock: %s", str_cstr(&why));
	if (virtual_conf.mailbox_base[0] != '/')
		log_warn("virtual_mailbox_base is not an absolute path: "
		    "\"%s\"", virtual_conf.mailbox_base);
	status_filter_open("virtual_delivery_status_filter",
	    virtual_conf.status_filter);
	delivery_agent_setup(deliver, "virtual");
	delivery_agent_answers_probes();
	str_fini(&why);
}

static void
start(void)
{
	tables_watch(NULL);
}

static const struct service virtual_service = {
	.name = "virtual",
	.params = &virtual_params,
	.needs = NEEDS_LAUNCHER | NEEDS_QUEUE_READ | NEEDS_CONFIG_READ,
	.before_jail = prepare,
	.start = start,
	.protocol = &delivery_protocol,
};

int
main(int argc, char **argv)
{
	return service_main(&virtual_service, argc, argv);
}
