/*
 * Where addresses go: classes, tables, relay hosts, and what failing tables do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/trivial-rewrite/resolve.h"

#include "tests/daemons/trivial-rewrite/conf.h"
#include "common/base/arena.h"
#include "tests/harness/t.h"
#include "tests/harness/t_maps.h"

static const struct {
	const char *name, *conf, *address, *sender, *want;
} cases[] = {
	/* classes */
	{ "local", "", "a@mail.example.com", "",
	    "local local:mail.example.com a@mail.example.com" },
	{ "local, any case", "", "A@Here.Example", "",
	    "local local:mail.example.com A@Here.Example" },
	{ "local, own address", "", "a@[127.0.0.1]", "",
	    "local local:mail.example.com a@[127.0.0.1]" },
	{ "local, proxy's address", "proxy_interfaces = 198.51.100.7",
	    "a@[198.51.100.7]", "",
	    "local local:mail.example.com a@[198.51.100.7]" },
	{ "local, not a subdomain", "", "a@x.here.example", "",
	    "default smtp:x.here.example a@x.here.example" },
	{ "local_transport", "local_transport = lmtp:unix:/x",
	    "a@localhost", "", "local lmtp:unix:/x a@localhost" },
	{ "virtual alias", "", "a@alias.example", "",
	    "alias error:5.1.1 User unknown in virtual alias table "
	    "a@alias.example" },
	{ "virtual alias, discreet", "show_user_unknown_table_name = no",
	    "a@alias.example", "",
	    "alias error:5.1.1 User unknown a@alias.example" },
	{ "virtual mailbox", "", "a@box.example", "",
	    "virtual virtual:box.example a@box.example" },
	{ "relay", "", "a@relayed.example", "",
	    "relay relay:relayed.example a@relayed.example" },
	{ "relay, subdomain", "", "a@x.relayed.example", "",
	    "relay relay:x.relayed.example a@x.relayed.example" },
	{ "relay, subdomain not meant",
	    "parent_domain_matches_subdomains =\n", "a@x.relayed.example", "",
	    "default smtp:x.relayed.example a@x.relayed.example" },
	{ "elsewhere", "", "a@b.example", "",
	    "default smtp:b.example a@b.example" },
	{ "literal elsewhere", "", "a@[10.1.2.3]", "",
	    "default smtp:[10.1.2.3] a@[10.1.2.3]" },
	{ "no domain", "", "a", "",
	    "local local:mail.example.com a@mail.example.com" },
	{ "null", "", "", "", "local local:mail.example.com "
	    "MAILER-DAEMON@mail.example.com" },
	{ "null, another name", "empty_address_recipient = nobody\n"
	    "myorigin = org.example", "", "", "local local:mail.example.com "
	    "nobody@mail.example.com" },
	{ "no domain, another origin", "myorigin = org.example", "a", "",
	    "default smtp:org.example a@org.example" },
	{ "no domain, none added", "myorigin = org.example\n"
	    "append_at_myorigin = no", "a", "",
	    "local local:mail.example.com a@mail.example.com" },
	{ "null domain", "", "a@", "",
	    "error error:5.1.3 bad address syntax a@" },
	{ "null domain, allowed", "resolve_null_domain = yes", "a@", "",
	    "local local:mail.example.com a@mail.example.com" },
	/* relay hosts */
	{ "relayhost", "relayhost = [gw]", "a@b.example", "",
	    "default smtp:[gw] a@b.example" },
	{ "relayhost for relay", "relayhost = [gw]", "a@relayed.example", "",
	    "relay relay:[gw] a@relayed.example" },
	{ "relay_transport says where", "relayhost = [gw]\n"
	    "relay_transport = relay:[in]:26", "a@relayed.example", "",
	    "relay relay:[in]:26 a@relayed.example" },
	{ "not for local", "relayhost = [gw]", "a@box.example", "",
	    "virtual virtual:box.example a@box.example" },
	{ "by sender", "relayhost = [gw]\nsender_dependent_relayhost_maps = "
	    "inline:{{s@s.example=[one]}}", "a@b.example", "s@s.example",
	    "default smtp:[one] a@b.example" },
	{ "by sender's domain", "sender_dependent_relayhost_maps = "
	    "inline:{{@s.example=[dom]}}", "a@b.example", "x+y@s.example",
	    "default smtp:[dom] a@b.example" },
	{ "by sender, DUNNO", "relayhost = [gw]\n"
	    "sender_dependent_relayhost_maps = inline:{{s@s.example=DUNNO}, "
	    "{@s.example=[dom]}}", "a@b.example", "s@s.example",
	    "default smtp:[gw] a@b.example" },
	{ "by sender, dunno", "relayhost = [gw]\n"
	    "sender_dependent_relayhost_maps = inline:{{s@s.example=dunno}}",
	    "a@b.example", "s@s.example", "default smtp:[gw] a@b.example" },
	{ "by sender, from his own words", "relayhost = [gw]\n"
	    "sender_dependent_relayhost_maps = regexp:{{/^(.*)@s/ [$$1]}}",
	    "a@b.example", "evil@s.example", "default smtp:[gw] a@b.example" },
	{ "by sender, null", "sender_dependent_relayhost_maps = "
	    "inline:{{<>=[null]}}", "a@b.example", "",
	    "default smtp:[null] a@b.example" },
	{ "by sender, null with a key of its own",
	    "sender_dependent_relayhost_maps = inline:{{none=[null]}}\n"
	    "empty_address_relayhost_maps_lookup_key = none",
	    "a@b.example", "", "default smtp:[null] a@b.example" },
	{ "by sender, failed", "sender_dependent_relayhost_maps = fail:x",
	    "a@b.example", "s@s.example", "default fail" },
	{ "default_transport", "default_transport = uucp:host",
	    "a@b.example", "", "default uucp:host a@b.example" },
	{ "default by sender", "sender_dependent_default_transport_maps = "
	    "inline:{{s@s.example=out:}}", "a@b.example", "s@s.example",
	    "default out:b.example a@b.example" },
	{ "default by sender, only a host",
	    "sender_dependent_default_transport_maps = "
	    "inline:{{s@s.example=:[h]}}", "a@b.example", "s@s.example",
	    "default smtp:[h] a@b.example" },
	{ "default by sender, null",
	    "sender_dependent_default_transport_maps = inline:{{<>=n:}}",
	    "a@b.example", "", "default n:b.example a@b.example" },
	{ "default by sender, null with a key of its own",
	    "empty_address_default_transport_maps_lookup_key = none\n"
	    "sender_dependent_default_transport_maps = inline:{{none=n:}, "
	    "{<>=m:}}", "a@b.example", "", "default n:b.example a@b.example" },
	{ "default by sender, DUNNO",
	    "sender_dependent_default_transport_maps = "
	    "inline:{{s@s.example=DUNNO}}", "a@b.example", "s@s.example",
	    "default smtp:b.example a@b.example" },
	{ "default by sender, failed",
	    "sender_dependent_default_transport_maps = fail:x",
	    "a@b.example", "s@s.example", "default fail" },
	/* the transport table */
	{ "transport, address", "transport_maps = inline:{{a@b.example=x:y}, "
	    "{b.example=z:}}", "a@b.example", "",
	    "default x:y a@b.example" },
	{ "transport, no extension", "recipient_delimiter = +\n"
	    "transport_maps = inline:{{a@b.example=x:y}}", "a+e@b.example",
	    "", "default x:y a+e@b.example" },
	{ "transport, domain", "transport_maps = inline:{{b.example=slow:}}",
	    "a@b.example", "", "default slow:b.example a@b.example" },
	{ "transport, subdomain", "transport_maps = inline:{{.example=x:}}",
	    "a@b.example", "", "default x:b.example a@b.example" },
	{ "transport, parent style not for transport",
	    "transport_maps = inline:{{example=x:}}", "a@b.example", "",
	    "default smtp:b.example a@b.example" },
	{ "transport, all", "transport_maps = inline:{{*=x:y}}",
	    "a@b.example", "", "default x:y a@b.example" },
	{ "transport, all, and local", "transport_maps = inline:{{*=x:y}, "
	    "{mail.example.com=:}}", "a@mail.example.com", "",
	    "local local:mail.example.com a@mail.example.com" },
	{ "transport, host only", "transport_maps = "
	    "inline:{{b.example=:[h]}}", "a@b.example", "",
	    "default smtp:[h] a@b.example" },
	{ "transport, nothing but a colon", "relayhost = [gw]\n"
	    "transport_maps = inline:{{a@b.example=:}, {b.example=x:y}}",
	    "a@b.example", "", "default smtp:[gw] a@b.example" },
	{ "transport, nothing but a colon, own address", "transport_maps = "
	    "inline:{{mail.example.com=:}, {*=x:y}}", "a@mail.example.com", "",
	    "local local:mail.example.com a@mail.example.com" },
	{ "transport, host only, another class", "transport_maps = "
	    "inline:{{relayed.example=:[h]:26}}", "a@x.relayed.example", "",
	    "relay relay:x.relayed.example a@x.relayed.example" },
	{ "transport, host only, and its class", "transport_maps = "
	    "inline:{{relayed.example=:[h]:26}}", "a@relayed.example", "",
	    "relay relay:[h]:26 a@relayed.example" },
	{ "transport, a list of hosts", "transport_maps = "
	    "inline:{{b.example = smtp:[g], [h]:26}}", "a@b.example", "",
	    "default smtp:[g], [h]:26 a@b.example" },
	{ "transport, a socket", "transport_maps = "
	    "inline:{{box.example=lmtp:unix:private/x}}", "a@box.example", "",
	    "virtual lmtp:unix:private/x a@box.example" },
	{ "transport, extension first", "recipient_delimiter = +\n"
	    "transport_maps = inline:{{a+e@b.example=x:y}, "
	    "{a@b.example=z:}}", "a+e@b.example", "",
	    "default x:y a+e@b.example" },
	{ "transport, address before domain before parent",
	    "transport_maps = inline:{{.b.example=z:}, {c.b.example=y:}}",
	    "a@c.b.example", "", "default y:c.b.example a@c.b.example" },
	{ "transport, the null address", "transport_maps = "
	    "inline:{{mailer-daemon@mail.example.com=x:y}}", "", "",
	    "local x:y MAILER-DAEMON@mail.example.com" },
	{ "transport, parent style", "parent_domain_matches_subdomains = "
	    "transport_maps\ntransport_maps = inline:{{example=x:}}",
	    "a@b.example", "", "default x:b.example a@b.example" },
	{ "transport over relayhost", "relayhost = [gw]\n"
	    "transport_maps = inline:{{b.example=smtp:}}", "a@b.example", "",
	    "default smtp:b.example a@b.example" },
	{ "transport, error", "transport_maps = "
	    "inline:{{b.example = error:5.1.2 no: mail}}", "a@b.example", "",
	    "default error:5.1.2 no: mail a@b.example" },
	{ "transport, error without a word", "transport_maps = "
	    "inline:{{b.example = error:}}", "a@b.example", "",
	    "default error:Address is undeliverable a@b.example" },
	{ "transport, retry without a word", "transport_maps = "
	    "inline:{{b.example = retry:}}", "a@b.example", "",
	    "default retry:Address is undeliverable a@b.example" },
	{ "default_transport, error", "default_transport = error:",
	    "a@b.example", "", "default error:b.example a@b.example" },
	{ "transport, not for domains of aliases", "transport_maps = "
	    "inline:{{a@alias.example=x:y}, {*=:y}}", "a@alias.example", "",
	    "alias error:5.1.1 User unknown in virtual alias table "
	    "a@alias.example" },
	{ "transport, more colons", "transport_maps = "
	    "inline:{{b.example=x:[h]:25}}", "a@b.example", "",
	    "default x:[h]:25 a@b.example" },
	{ "transport, no colon", "transport_maps = inline:{{b.example=x}}",
	    "a@b.example", "", "default x:b.example a@b.example" },
	{ "transport, all, by pattern", "transport_maps = "
	    "regexp:{{/^\\*$$/ x:}}", "a@b.example", "",
	    "default x:b.example a@b.example" },
	{ "own literal by name", "inet_interfaces = 127.0.0.1\n"
	    "mydestination = [192.0.2.7]", "a@[192.0.2.7]", "",
	    "local local:mail.example.com a@[192.0.2.7]" },
	{ "no subdomains of mydestination", "mydestination = .b.example\n"
	    "parent_domain_matches_subdomains = mydestination", "a@x.b.example",
	    "", "default smtp:x.b.example a@x.b.example" },
	{ "transport, by pattern", "transport_maps = "
	    "regexp:{{/^(.*)@b/ x:y}}", "a@b.example", "",
	    "default x:y a@b.example" },
	{ "transport, from the address", "transport_maps = "
	    "regexp:{{/^(.*)@b/ $$1:}}", "local@b.example", "",
	    "default smtp:b.example local@b.example" },
	{ "transport, failed", "transport_maps = fail:x", "a@b.example", "",
	    "default fail" },
	/* relocated */
	{ "relocated", "relocated_maps = inline:{{a@b.example=c@d.example}}",
	    "a@b.example", "", "default error:5.1.6 User has moved to "
	    "c@d.example a@b.example" },
	{ "relocated, without our words", "relocated_prefix_enable = no\n"
	    "relocated_maps = inline:{{a@b.example = 5.1.6 gone to c}}",
	    "a@b.example", "", "default error:5.1.6 gone to c a@b.example" },
	{ "relocated, over a transport", "transport_maps = "
	    "inline:{{b.example=x:y}}\nrelocated_maps = "
	    "inline:{{@b.example=c@d}}", "a@b.example", "",
	    "default error:5.1.6 User has moved to c@d a@b.example" },
	{ "relocated, local name", "relocated_maps = inline:{{a = c@d}}",
	    "a@here.example", "",
	    "local error:5.1.6 User has moved to c@d a@here.example" },
	{ "relocated, name elsewhere", "relocated_maps = inline:{{a = c@d}}",
	    "a@b.example", "", "default smtp:b.example a@b.example" },
	{ "relocated, failed", "relocated_maps = fail:x", "a@b.example", "",
	    "default fail" },
	/* routing inside the local part */
	{ "percent", "", "a%b.example@here.example", "",
	    "default smtp:b.example a@b.example" },
	{ "percent, all ours", "", "a%localhost@here.example", "",
	    "local local:mail.example.com a@localhost" },
	{ "percent, not allowed", "allow_percent_hack = no",
	    "a%b.example@here.example", "", "local,routed "
	    "local:mail.example.com a%b.example@here.example" },
	{ "bang", "", "b.example!a@here.example", "",
	    "default smtp:b.example a@b.example" },
	{ "bang, not allowed", "swap_bangpath = no",
	    "b.example!a@here.example", "", "local,routed "
	    "local:mail.example.com b.example!a@here.example" },
	{ "at", "", "a@b.example@here.example", "",
	    "default smtp:b.example a@b.example" },
	{ "at, quoting counts", "resolve_dequoted_address = no",
	    "a@b.example@here.example", "", "local,routed "
	    "local:mail.example.com a@b.example@here.example" },
	{ "at and bang, quoting counts", "resolve_dequoted_address = no",
	    "c!a@b.example@here.example", "", "local,routed "
	    "local:mail.example.com c!a@b.example@here.example" },
	{ "routed elsewhere", "", "a%c.example@relayed.example", "",
	    "relay,routed relay:relayed.example a%c.example@relayed.example" },
	{ "routed twice", "", "a%c.example%localhost@here.example", "",
	    "default smtp:c.example a@c.example" },
	/* notices that nobody wants */
	{ "double bounce", "", "Double-Bounce@here.example", "",
	    "local discard:undeliverable postmaster notification discarded "
	    "Double-Bounce@here.example" },
	{ "double bounce, another name", "double_bounce_sender = db\n"
	    "transport_maps = inline:{{*=x:y}}", "db@here.example", "",
	    "local discard:undeliverable postmaster notification discarded "
	    "db@here.example" },
	{ "double bounce, elsewhere", "", "double-bounce@b.example", "",
	    "default smtp:b.example double-bounce@b.example" },
	/* what is no address */
	{ "no local part", "", "@b.example", "",
	    "error error:5.1.3 bad address syntax @b.example" },
	{ "option", "", "-a@b.example", "",
	    "error error:5.1.3 bad address syntax -a@b.example" },
	{ "option, allowed", "allow_min_user = yes", "-a@b.example", "",
	    "default smtp:b.example -a@b.example" },
	{ "bad domain", "", "a@b..example", "",
	    "error error:5.1.3 bad address syntax a@b..example" },
	{ "spaces", "", "a@b example", "",
	    "error error:5.1.3 bad address syntax a@b example" },
	{ "number", "", "a@10.1.2.3", "",
	    "error error:5.1.3 bad address syntax a@10.1.2.3" },
	{ "number, allowed", "resolve_numeric_domain = yes", "a@10.1.2.3", "",
	    "default smtp:[10.1.2.3] a@[10.1.2.3]" },
	{ "number, ours", "resolve_numeric_domain = yes", "a@127.0.0.1", "",
	    "local local:mail.example.com a@[127.0.0.1]" },
	{ "bad literal", "", "a@[10.1.2]", "",
	    "error error:5.1.3 bad address syntax a@[10.1.2]" },
	/* lists that fail */
	{ "mydestination", "mydestination = fail:x", "a@b.example", "",
	    "fail" },
	{ "alias domains", "virtual_alias_domains = fail:x", "a@b.example",
	    "", "fail" },
	{ "mailbox domains", "virtual_mailbox_domains = fail:x",
	    "a@b.example", "", "fail" },
	{ "relay domains", "relay_domains = fail:x", "a@b.example", "",
	    "fail" },
	{ "found before the list that fails", "relay_domains = fail:x",
	    "a@box.example", "", "virtual virtual:box.example a@box.example" },
};

static const struct {
	unsigned flag;
	const char *name;
} flag_names[] = {
	{ RESOLVE_LOCAL, "local" }, { RESOLVE_ALIAS, "alias" },
	{ RESOLVE_VIRTUAL, "virtual" }, { RESOLVE_RELAY, "relay" },
	{ RESOLVE_DEFAULT, "default" }, { RESOLVE_ROUTED, "routed" },
	{ RESOLVE_ERROR, "error" },
};

static void
print_answer(struct str *out, const struct rewrite_answer *a)
{
	for (size_t i = 0; i < T_COUNT(flag_names); i++)
		if (a->flags & flag_names[i].flag)
			str_addf(out, "%s%s", str_len(out) > 0 ? "," : "",
			    flag_names[i].name);
	if (a->flags & RESOLVE_FAIL)
		str_addf(out, "%sfail", str_len(out) > 0 ? " " : "");
	else
		str_addf(out, " %.*s:%.*s %.*s", SPAN_ARG(a->transport),
		    SPAN_ARG(a->nexthop), SPAN_ARG(a->recipient));
}

T_TEST(addresses_go_where_the_configuration_says)
{
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct arena *arena = arena_new();
		struct rewrite_answer answer = { .flags = 0 };
		struct str got = STR_EMPTY;

		T_CASE(cases[i].name);
		use_conf(cases[i].conf);
		resolve_address(span_cstr(cases[i].address),
		    span_cstr(cases[i].sender), false, &answer, arena);
		print_answer(&got, &answer);
		T_EQ_STR(str_cstr(&got), cases[i].want);
		str_fini(&got);
		arena_free(&arena);
	}
}

T_TEST(probes_go_by_routes_of_their_own)
{
	static const struct {
		const char *conf, *address, *sender, *mail, *probe;
	} routes[] = {
		{ "", "a@b.example", "", "default smtp:b.example a@b.example",
		    "default smtp:b.example a@b.example" },
		{ "relayhost = r.example\naddress_verify_relayhost =",
		    "a@b.example", "", "default smtp:r.example a@b.example",
		    "default smtp:b.example a@b.example" },
		{ "relayhost = r.example\naddress_verify_relayhost = [p]",
		    "a@b.example", "", "default smtp:r.example a@b.example",
		    "default smtp:[p] a@b.example" },
		{ "address_verify_local_transport = lmtp:x", "a@localhost", "",
		    "local local:mail.example.com a@localhost",
		    "local lmtp:x a@localhost" },
		{ "address_verify_virtual_transport = error:no", "a@box.example",
		    "", "virtual virtual:box.example a@box.example",
		    "virtual error:no a@box.example" },
		{ "address_verify_relay_transport = smtp:[x]",
		    "a@relayed.example", "",
		    "relay relay:relayed.example a@relayed.example",
		    "relay smtp:[x] a@relayed.example" },
		{ "address_verify_default_transport = smtp:[x]", "a@b.example",
		    "", "default smtp:b.example a@b.example",
		    "default smtp:[x] a@b.example" },
		{ "address_verify_transport_maps = inline:{b.example=smtp:[y]}",
		    "a@b.example", "", "default smtp:b.example a@b.example",
		    "default smtp:[y] a@b.example" },
		{ "transport_maps = inline:{b.example=smtp:[y]}",
		    "a@b.example", "", "default smtp:[y] a@b.example",
		    "default smtp:[y] a@b.example" },
		{ "address_verify_transport_maps = fail:x", "a@b.example", "",
		    "default smtp:b.example a@b.example", "default fail" },
		{ "address_verify_sender_dependent_relayhost_maps = "
		    "inline:{s@x.example=[z]}", "a@b.example", "s@x.example",
		    "default smtp:b.example a@b.example",
		    "default smtp:[z] a@b.example" },
		{ "address_verify_sender_dependent_default_transport_maps = "
		    "inline:{s@x.example=lmtp:[z]}", "a@b.example",
		    "s@x.example", "default smtp:b.example a@b.example",
		    "default lmtp:[z] a@b.example" },
	};

	for (size_t i = 0; i < 2 * T_COUNT(routes); i++) {
		struct arena *arena = arena_new();
		struct rewrite_answer answer = { .flags = 0 };
		struct str got = STR_EMPTY;
		bool probe = i % 2 == 1;

		T_CASE(routes[i / 2].conf);
		use_conf(routes[i / 2].conf);
		resolve_address(SPAN(routes[i / 2].address),
		    SPAN(routes[i / 2].sender), probe, &answer, arena);
		print_answer(&got, &answer);
		T_EQ_STR(str_cstr(&got), probe ? routes[i / 2].probe
		    : routes[i / 2].mail);
		str_fini(&got);
		arena_free(&arena);
	}
}

T_TEST(a_domain_in_two_lists_is_said_once)
{
	static const struct {
		const char *conf, *domain, *want;
	} lists[] = {
		{ "virtual_alias_domains = here.example", "here.example",
		    "warning: do not list domain here.example in BOTH "
		    "mydestination and virtual_alias_domains\n" },
		{ "virtual_mailbox_domains = here.example", "here.example",
		    "warning: do not list domain here.example in BOTH "
		    "mydestination and virtual_mailbox_domains\n" },
		{ "virtual_mailbox_domains = alias.example", "alias.example",
		    "warning: do not list domain alias.example in BOTH "
		    "virtual_alias_domains and virtual_mailbox_domains\n" },
		{ "relay_domains = box.example", "box.example",
		    "warning: do not list domain box.example in BOTH "
		    "virtual_mailbox_domains and relay_domains\n" },
		{ "virtual_mailbox_domains = fail:x", "here.example", NULL },
		{ "", "box.example", "" },
	};

	keep_log();
	for (size_t i = 0; i < T_COUNT(lists); i++) {
		struct arena *arena = arena_new();
		char *address = arena_printf(arena, "a@%s", lists[i].domain);
		struct rewrite_answer answer = { .flags = 0 };

		T_CASE(lists[i].conf);
		use_conf(lists[i].conf);
		logged();
		for (int n = 0; n < 2; n++) {
			answer = (struct rewrite_answer){ .flags = 0 };
			resolve_address(SPAN(address), SPAN_NONE, false, &answer,
			    arena);
		}
		if (lists[i].want != NULL)
			T_EQ_STR(logged(), lists[i].want);
		else
			T_CHECK(!(answer.flags & RESOLVE_FAIL));
		arena_free(&arena);
	}
}
