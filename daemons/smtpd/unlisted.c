/*
 * unlisted - does anybody have this address? Asked before mail is taken, so
 * that no notice has to be sent about it later.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/dsn.h"
#include "daemons/shared/tables.h"
#include "daemons/smtpd/restrict.h"
#include "maps/addrfind.h"

static struct maps *local_maps, *relay_maps, *alias_maps, *mailbox_maps;
static struct maps *canonical_maps, *rcpt_canonical_maps;

void
unlisted_setup(void)
{
	local_maps = tables_open("local_recipient_maps",
	    smtpd_conf.local_recipient_maps, MAP_FOLD);
	relay_maps = tables_open("relay_recipient_maps",
	    smtpd_conf.relay_recipient_maps, MAP_FOLD);
	alias_maps = tables_open("virtual_alias_maps",
	    smtpd_conf.virtual_alias_maps, MAP_FOLD);
	mailbox_maps = tables_open("virtual_mailbox_maps",
	    smtpd_conf.virtual_mailbox_maps, MAP_FOLD);
	canonical_maps = tables_open("canonical_maps",
	    smtpd_conf.canonical_maps, MAP_FOLD);
	rcpt_canonical_maps = tables_open("recipient_canonical_maps",
	    smtpd_conf.recipient_canonical_maps, MAP_FOLD);
}

static bool
yes_local(struct span domain)
{
	(void)domain;
	return true;
}

struct search {
	struct check *c;
	struct span key, shown;
	const char *reply_class;
	bool local;
};

static enum map_status
look(struct search *s, struct maps *maps, unsigned tries)
{
	struct addrfind how = { .tries = tries,
		.delimiters = conf_core.recipient_delimiter,
		.is_local_domain = s->local ? yes_local : NULL };
	struct str *value = str_in_arena(s->c->arena);

	return addrfind(maps, &how, s->key, value, NULL);
}

static enum check_result
unknown(struct search *s, int64_t code, const char *table)
{
	const char *dsn = strcmp(s->reply_class, CLASS_SENDER) == 0 ? "5.1.0"
	    : "5.1.1";

	s->c->trouble = TROUBLE_BOUNCE;
	return check_refuse(s->c, (int)code, dsn,
	    "<%.*s>: %s rejected: User unknown%s%s", SPAN_ARG(s->shown),
	    s->reply_class,
	    smtpd_conf.show_user_unknown_table_name ? " in " : "",
	    smtpd_conf.show_user_unknown_table_name ? table : "");
}

/* Tables that make an address into another one: whoever is in there exists. */
static enum map_status
is_rewritten(struct search *s, struct maps **failed_out)
{
	struct maps *all[] = { alias_maps, rcpt_canonical_maps,
		canonical_maps };
	enum map_status status = MAP_ABSENT;

	for (size_t i = 0; status == MAP_ABSENT && i < 3; i++) {
		status = look(s, all[i], ADDRFIND_VIRTUAL);
		*failed_out = all[i];
	}
	return status;
}

/* The table of a class; an empty one lists everybody. */
static enum check_result
ask_class(struct search *s, struct maps *maps, unsigned tries, int64_t code,
    const char *table)
{
	if (maps_empty(maps))
		return CHECK_DUNNO;
	switch (look(s, maps, tries)) {
	case MAP_FOUND:
		return CHECK_DUNNO;
	case MAP_ABSENT:
		return unknown(s, code, table);
	case MAP_FAILED:
		break;
	}
	return check_lookup_failed(s->c, s->shown);
}

/* A route to the error service says why nobody is there. */
static enum check_result
refuse_route(struct search *s, struct span why)
{
	char dsn[12];
	struct span text;

	dsn_split(why, "5.1.0", '5', dsn, &text);
	check_fit_dsn(dsn, s->reply_class);
	s->c->trouble = TROUBLE_BOUNCE;
	return check_refuse(s->c, 550, dsn, "<%.*s>: %s rejected: %.*s",
	    SPAN_ARG(s->shown), s->reply_class, SPAN_ARG(text));
}

/* Postmaster has to be reached, and our own notices come from the others. */
static bool
always_exists(struct span address)
{
	struct span local = address_split(address).local;

	return span_is_nocase(local, "postmaster")
	    || span_is_nocase(local, "MAILER-DAEMON")
	    || span_is_nocase(local, conf_core.double_bounce_sender);
}

enum check_result
unlisted_rcpt(struct check *c, struct span given,
    const struct rewrite_want *to, const char *reply_class)
{
	uint64_t flags = to->answer.flags;
	struct str *shown = str_in_arena(c->arena);
	struct search s = { .c = c, .key = to->answer.recipient,
		.reply_class = reply_class,
		.local = (flags & RESOLVE_LOCAL) != 0 };
	struct maps *which = NULL;

	address_print(shown, given);
	s.shown = str_span(shown);
	switch (is_rewritten(&s, &which)) {
	case MAP_FOUND:
		return CHECK_DUNNO;
	case MAP_FAILED:
		return check_lookup_failed(c, s.shown);
	case MAP_ABSENT:
		break;
	}
	if (flags & RESOLVE_ALIAS)
		return unknown(&s,
		    smtpd_conf.unknown_virtual_alias_reject_code,
		    "virtual alias table");
	if (span_is(to->answer.transport, conf_core.error_service_name))
		return refuse_route(&s, to->answer.nexthop);
	if ((flags & RESOLVE_LOCAL) && always_exists(s.key))
		return CHECK_DUNNO;
	if (flags & RESOLVE_LOCAL)
		return ask_class(&s, local_maps,
		    ADDRFIND_VIRTUAL,
		    smtpd_conf.unknown_local_recipient_reject_code,
		    "local recipient table");
	if (flags & RESOLVE_VIRTUAL)
		return ask_class(&s, mailbox_maps, ADDRFIND_MAILBOX,
		    smtpd_conf.unknown_virtual_mailbox_reject_code,
		    "virtual mailbox table");
	if (flags & RESOLVE_RELAY)
		return ask_class(&s, relay_maps, ADDRFIND_MAILBOX,
		    smtpd_conf.unknown_relay_recipient_reject_code,
		    "relay recipient table");
	return CHECK_DUNNO;
}
