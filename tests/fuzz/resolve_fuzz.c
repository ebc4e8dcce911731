/*
 * resolve: any address has a standard form that stays as it is, and a place to
 * go; what counts as ours has a domain of ours. Any text of a route is taken
 * apart without leaving an answer half made.
 *
 * The first line is default_transport, the second the sender, the rest the
 * address.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "daemons/trivial-rewrite/resolve.h"
#include "daemons/trivial-rewrite/rewrite.h"
#include "daemons/trivial-rewrite/trivial_rewrite_conf.h"
#include "tests/fuzz/surroundings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 2000 };

static const char conf[] =
    "compatibility_level = 3.6\n"
    "myhostname = mail.example.com\n"
    "mydestination = $myhostname, here.example\n"
    "inet_interfaces = 127.0.0.1\n"
    "relay_domains = relayed.example\n"
    "virtual_alias_domains = alias.example\n"
    "virtual_mailbox_domains = box.example\n"
    "recipient_delimiter = +-\n"
    "transport_maps = inline:{slow@b.example=slow:, .b.example=:[h]}\n"
    "relocated_maps = inline:{gone=x@y}\n"
    "sender_dependent_relayhost_maps = inline:{@s.example=[one]}\n"
    "sender_dependent_default_transport_maps = inline:{t@s.example=:h}\n";

static void
set_up(void)
{
	surroundings_quiet();
	surroundings_configure(conf, &rewrite_params);
	resolve_setup();
}

static bool
is_below(struct span domain, const char *parent)
{
	return span_is_nocase(domain, parent)
	    || (span_ends_nocase(domain, SPAN(parent))
	    && domain.p[domain.len - strlen(parent) - 1] == '.');
}

static void
check_class(const struct rewrite_answer *a)
{
	struct span domain = address_split(a->recipient).domain;

	if (a->flags & RESOLVE_LOCAL)
		CHECK(span_is_nocase(domain, "mail.example.com")
		    || span_is_nocase(domain, "here.example")
		    || address_is_literal(domain));
	if (a->flags & RESOLVE_ALIAS)
		CHECK(span_is_nocase(domain, "alias.example"));
	if (a->flags & RESOLVE_VIRTUAL)
		CHECK(span_is_nocase(domain, "box.example"));
	if (a->flags & RESOLVE_RELAY)
		CHECK(is_below(domain, "relayed.example"));
}

static void
check_answer(struct span address, struct span sender)
{
	struct arena *arena = arena_new();
	struct rewrite_answer a = { .flags = 0 };

	resolve_address(address, sender, false, &a, arena);
	if (!(a.flags & RESOLVE_FAIL)) {
		CHECK(address_split(a.recipient).has_domain);
		CHECK(a.recipient.len <= address.len + 100);
		CHECK(a.transport.len > 0);
		if (a.flags & RESOLVE_ERROR)
			CHECK(span_is(a.transport, "error"));
		check_class(&a);
	}
	arena_free(&arena);
}

static void
check_form(struct span address, const char *context)
{
	struct str once = STR_EMPTY, twice = STR_EMPTY;

	rewrite_standard_form(&once, address, SPAN(context));
	rewrite_standard_form(&twice, str_span(&once), SPAN(context));
	CHECK(span_eq(str_span(&once), str_span(&twice)));
	str_fini(&once);
	str_fini(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct span text = span_of((const char *)data, size), route, sender;
	char *copy;

	if (!ready)
		set_up();
	ready = true;
	if (size > TEXT_MAX || !span_split(&text, '\n', &route)
	    || !span_split(&text, '\n', &sender) || route.len == 0)
		return 0;
	copy = mem_strndup(route.p, route.len);
	rewrite_conf.mail.default_transport = copy;
	if (copy[0] != '\0' && copy[0] != ':')	/* conf_fill sees to it */
		check_answer(text.p != NULL ? text : SPAN_NONE, sender);
	check_form(text.p != NULL ? text : SPAN_NONE, "local");
	check_form(text.p != NULL ? text : SPAN_NONE, "remote");
	mem_free(copy);
	return 0;
}
