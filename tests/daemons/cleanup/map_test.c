/*
 * Envelope addresses through canonical and virtual alias tables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/daemons/cleanup/world.h"

#define HEAD "Subject: x\n\n"

static const struct {
	const char *name, *conf, *sender, *rcpts, *want;
} cases[] = {
	{ "as they come", "", "s@a", "a@b c@d", "s@a -> a@b c@d" },
	{ "null sender", "canonical_maps = inline:{{@a=x@y}}", "", "a@b",
	    " -> a@b" },
	{ "duplicates", "", "s@a", "a@b A@B a@b", "s@a -> a@b" },
	{ "more than are remembered", "duplicate_filter_limit = 1", "s@a",
	    "a@b c@d c@d", "s@a -> a@b c@d c@d" },
	/* canonical */
	{ "canonical", "canonical_maps = inline:{{s@a=S@A2}, {a@b=c@d}}",
	    "s@a", "a@b", "S@A2 -> c@d(a@b)" },
	{ "canonical classes", "canonical_maps = inline:{{x@y=c@d}}\n"
	    "canonical_classes = envelope_recipient", "x@y", "x@y",
	    "x@y -> c@d(x@y)" },
	{ "classes of each", "sender_canonical_maps = inline:{{x@y=c@d}}\n"
	    "sender_canonical_classes = header_sender\n"
	    "recipient_canonical_maps = inline:{{x@y=e@f}}\n"
	    "recipient_canonical_classes = header_recipient", "x@y", "x@y",
	    "x@y -> x@y" },
	{ "one for each first", "canonical_maps = inline:{{b@c=d@e}}\n"
	    "sender_canonical_maps = inline:{{a@b=b@c}}\n"
	    "recipient_canonical_maps = inline:{{a@b=f@g}}", "a@b", "a@b",
	    "d@e -> f@g(a@b)" },
	{ "canonical, domain", "canonical_maps = inline:{{@b=@d}}", "s@a",
	    "x+y@b", "s@a -> x+y@d(x+y@b)" },
	{ "canonical, domain and extension", "recipient_delimiter = +\n"
	    "canonical_maps = inline:{{@b=@d}}", "s@a", "x+y@b",
	    "s@a -> x+y@d(x+y@b)" },
	{ "canonical, extension", "recipient_delimiter = +\n"
	    "canonical_maps = inline:{{x@b=z@d}}", "s@a", "x+y@b",
	    "s@a -> z+y@d(x+y@b)" },
	{ "canonical, no extension", "recipient_delimiter = +\n"
	    "propagate_unmatched_extensions = virtual\n"
	    "canonical_maps = inline:{{x@b=z@d}}", "s@a", "x+y@b",
	    "s@a -> z@d(x+y@b)" },
	{ "canonical, local name", "canonical_maps = inline:{{x=z}}", "s@a",
	    "x@example.com x@b", "s@a -> z@example.com(x@example.com) x@b" },
	{ "canonical, substituted", "canonical_maps = "
	    "regexp:{{/^(.*)@b$$/ $$1.b@c}}", "s@a", "x@b", "s@a -> x.b@c(x@b)" },
	{ "canonical, in steps", "canonical_maps = "
	    "inline:{{a@b=c@d}, {c@d=e@f}, {e@f=E@F}}", "s@a", "a@b",
	    "s@a -> E@F(a@b)" },
	{ "canonical, catch-all", "canonical_maps = inline:{{@b=boss@b}}",
	    "s@a", "a@b", "s@a -> boss@b(a@b)" },
	{ "canonical, a loop", "canonical_maps = inline:{{a@b=c@d}, {c@d=a@b}}",
	    "s@a", "a@b", "451 4.6.0 address mapping error; not queued" },
	{ "canonical, without end", "sender_canonical_maps = "
	    "regexp:{{/^(.*)@a$$/ x$$1@a}}", "s@a", "a@b",
	    "451 4.6.0 address mapping error; not queued" },
	{ "canonical, failed", "canonical_maps = fail:x", "s@a", "a@b",
	    "451 4.3.0 address lookup problem; not queued" },
	{ "canonical, nobody", "canonical_maps = inline:{{a@b=()}}", "s@a",
	    "a@b", "451 4.3.0 address lookup problem; not queued" },
	/* virtual */
	{ "alias", "virtual_alias_maps = inline:{{a@b=c@d}}", "a@b", "a@b",
	    "a@b -> c@d(a@b)" },
	{ "alias, in steps of two tables", "virtual_alias_maps = "
	    "pipemap:{inline:{{a@b=k}},inline:{{k=c@d}}}", "a@b", "a@b",
	    "a@b -> c@d(a@b)" },
	{ "alias, of two tables", "virtual_alias_maps = "
	    "unionmap:{inline:{{a@b=c@d}},inline:{{a@b=e@f}}}", "a@b", "a@b",
	    "a@b -> c@d(a@b) e@f(a@b)" },
	{ "alias, of one", "virtual_alias_maps = debug:randmap:{c@d}", "a@b",
	    "c@d", "a@b -> c@d" },
	{ "alias, one of the tables fails", "virtual_alias_maps = "
	    "unionmap:{inline:{{a@b=c@d}},fail:x}", "a@b", "a@b",
	    "451 4.3.0 address lookup problem; not queued" },
	{ "members, in order", "virtual_alias_maps = "
	    "inline:{{a@b=e@f, c@d g@h}}", "s@a", "a@b",
	    "s@a -> e@f(a@b) c@d(a@b) g@h(a@b)" },
	{ "nested, in order", "virtual_alias_maps = inline:"
	    "{{a@b=c@d, e@f}, {c@d=g@h, i@j}}", "s@a", "a@b k@l",
	    "s@a -> g@h(a@b) i@j(a@b) e@f(a@b) k@l" },
	{ "itself and another", "virtual_alias_maps = "
	    "inline:{{a@b=a@b, c@d}}", "s@a", "a@b",
	    "s@a -> a@b c@d(a@b)" },
	{ "itself, in other letters", "virtual_alias_maps = "
	    "inline:{{a@b=A@B}}", "s@a", "a@b", "s@a -> A@B(a@b)" },
	{ "same member of two", "virtual_alias_maps = "
	    "inline:{{a@b=x@y}, {c@d=x@y}}", "s@a", "a@b c@d",
	    "s@a -> x@y(a@b) x@y(c@d)" },
	{ "same member of two, originals not kept",
	    "enable_original_recipient = no\nvirtual_alias_maps = "
	    "inline:{{a@b=x@y}, {c@d=x@y}}", "s@a", "a@b c@d",
	    "s@a -> x@y(a@b)" },
	{ "itself behind another, whose members it is among",
	    "virtual_alias_recursion_limit = 5\nrecipient_delimiter = +\n"
	    "propagate_unmatched_extensions =\n"
	    "virtual_alias_maps = inline:{{a@b=a+x@b, a@b}}", "s@a", "a@b",
	    "s@a -> a+x@b(a@b) a@b" },
	{ "member without a domain", "virtual_alias_maps = "
	    "inline:{{a@b=joe}}", "s@a", "a@b", "s@a -> joe@example.com(a@b)" },
	{ "alias, extension", "recipient_delimiter = +\n"
	    "virtual_alias_maps = inline:{{x@b=z@d, w@d}}", "s@a", "x+y@b",
	    "s@a -> z+y@d(x+y@b) w+y@d(x+y@b)" },
	{ "catch-all", "virtual_alias_maps = inline:{{@b=c@d}, {a@b=e@f}}",
	    "s@a", "a@b x@b", "s@a -> e@f(a@b) c@d(x@b)" },
	{ "domain, extension, and another", "recipient_delimiter = +\n"
	    "virtual_alias_maps = inline:{{@b=@d c@e}}", "s@a", "x+y@b",
	    "s@a -> x+y@d(x+y@b) c@e(x+y@b)" },
	{ "quoted", "virtual_alias_maps = inline:{{a@b = \"x y\"@d}}", "s@a",
	    "a@b", "s@a -> x y@d(a@b)" },
	{ "substituted", "virtual_alias_maps = regexp:{{/^(.*)@b$$/ $$1@c}}",
	    "s@a", "x@b", "s@a -> x@c(x@b)" },
	{ "after canonical", "canonical_maps = inline:{{a@b=c@d}}\n"
	    "virtual_alias_maps = inline:{{c@d=e@f}}", "s@a", "a@b",
	    "s@a -> e@f(a@b)" },
	{ "alias, failed", "virtual_alias_maps = fail:x", "s@a", "a@b",
	    "451 4.3.0 address lookup problem; not queued" },
	{ "alias of nobody", "virtual_alias_maps = inline:{{a@b=()}}", "s@a",
	    "a@b c@d", "451 4.3.0 address lookup problem; not queued" },
	/* limits */
	{ "a loop", "virtual_alias_maps = inline:{{a@b=c@d}, {c@d=a@b}}",
	    "s@a", "a@b", "451 4.6.0 alias expansion error; not queued" },
	{ "a loop that grows", "recipient_delimiter = +\n"
	    "virtual_alias_maps = inline:{{a@b=a+x@b}}", "s@a", "a@b",
	    "451 4.6.0 alias expansion error; not queued" },
	{ "a loop of two", "virtual_alias_maps = "
	    "inline:{{a@b=c@d,c@d}, {c@d=a@b,a@b}}", "s@a", "a@b",
	    "451 4.6.0 alias expansion error; not queued" },
	{ "as deep as allowed", "virtual_alias_recursion_limit = 2\n"
	    "virtual_alias_maps = inline:{{a@b=c@d}, {c@d=e@f}}", "s@a",
	    "a@b", "s@a -> e@f(a@b)" },
	{ "too deep", "virtual_alias_recursion_limit = 1\n"
	    "virtual_alias_maps = inline:{{a@b=c@d}, {c@d=e@f}}", "s@a",
	    "a@b", "451 4.6.0 alias expansion error; not queued" },
	{ "as many as allowed", "virtual_alias_expansion_limit = 2\n"
	    "virtual_alias_maps = inline:{{a@b=c@d,e@f}}", "s@a", "a@b",
	    "s@a -> c@d(a@b) e@f(a@b)" },
	{ "too many", "virtual_alias_expansion_limit = 2\n"
	    "virtual_alias_maps = inline:{{a@b=c@d,e@f,g@h}}", "s@a", "a@b",
	    "451 4.6.0 alias expansion error; not queued" },
	{ "too long", "virtual_alias_address_length_limit = 5\n"
	    "virtual_alias_maps = inline:{{a@b=abcde@d}}", "s@a", "a@b",
	    "451 4.6.0 alias expansion error; not queued" },
	{ "nobody at all", "", "s@a", "", "550; not queued" },
	/* copies */
	{ "always_bcc", "always_bcc = arc", "s@a", "a@b",
	    "s@a -> a@b arc@example.com" },
	{ "to whom it goes anyway", "always_bcc = a@b", "s@a", "a@b",
	    "s@a -> a@b" },
	{ "to nobody", "always_bcc = arc", "s@a", "", "550; not queued" },
	{ "through an alias", "always_bcc = x@y\n"
	    "virtual_alias_maps = inline:{{x@y=p@q, r@s}}", "s@a", "a@b",
	    "s@a -> a@b p@q(x@y) r@s(x@y)" },
	{ "for a sender", "sender_bcc_maps = inline:{{S@a=x@y}, {t@a=z@y}}",
	    "s@a", "a@b", "s@a -> a@b x@y" },
	{ "for a sender as it is mapped", "recipient_delimiter = +\n"
	    "canonical_maps = inline:{{s@a=t@a}}\n"
	    "sender_bcc_maps = inline:{{s@a=x@y}, {t@a=z@y}}", "s+e@a", "a@b",
	    "t+e@a -> a@b z@y" },
	{ "for recipients", "recipient_bcc_maps = "
	    "inline:{{a@b=x@y}, {@d=z@y}}", "s@a", "a@b c@d e@f",
	    "s@a -> a@b c@d e@f x@y z@y" },
	{ "no copies of copies", "recipient_bcc_maps = "
	    "inline:{{a@b=x@y}, {x@y=z@y}}", "s@a", "a@b",
	    "s@a -> a@b x@y" },
	{ "of a recipient, before aliases", "recipient_bcc_maps = "
	    "inline:{{a@b=x@y}, {c@d=z@y}}\n"
	    "virtual_alias_maps = inline:{{a@b=c@d}}", "s@a", "a@b",
	    "s@a -> c@d(a@b) x@y" },
	{ "sender's copy, failed", "sender_bcc_maps = fail:x", "s@a", "a@b",
	    "451 4.3.0 address lookup problem; not queued" },
	{ "recipient's copy, failed", "recipient_bcc_maps = fail:x", "s@a",
	    "a@b", "451 4.3.0 address lookup problem; not queued" },
	/* masquerading */
	{ "masquerade", "masquerade_domains = b.c c", "s@x.B.C", "a@b",
	    "s@b.c -> a@b" },
	{ "the first decides", "masquerade_domains = c b.c", "s@x.b.c", "a@b",
	    "s@c -> a@b" },
	{ "not the whole", "masquerade_domains = b.c, c", "s@b.c", "a@b",
	    "s@b.c -> a@b" },
	{ "not half a name", "masquerade_domains = b.c", "s@xb.c", "a@b",
	    "s@xb.c -> a@b" },
	{ "spared", "masquerade_domains = !b.c c", "s@x.b.c", "a@b",
	    "s@x.b.c -> a@b" },
	{ "recipients are not", "masquerade_domains = c", "s@x.c", "a@x.c",
	    "s@c -> a@x.c" },
	{ "unless it is said", "masquerade_domains = c\n"
	    "masquerade_classes = envelope_recipient", "s@x.c", "a@x.c",
	    "s@x.c -> a@c(a@x.c)" },
	{ "excepted", "masquerade_domains = c\n"
	    "masquerade_exceptions = Root, inline:{{boss=x}}", "root@x.c",
	    "a@b", "root@x.c -> a@b" },
	{ "excepted by a table", "masquerade_domains = c\n"
	    "masquerade_exceptions = Root, inline:{{boss=x}}", "boss@x.c",
	    "a@b", "boss@x.c -> a@b" },
	{ "exceptions, failed", "masquerade_domains = c\n"
	    "masquerade_exceptions = fail:x", "s@x.c", "a@b",
	    "451 4.3.0 address lookup problem; not queued" },
	{ "after canonical", "masquerade_domains = c\n"
	    "canonical_maps = inline:{{s@x.c=t@y.c}}", "s@x.c", "a@b",
	    "t@c -> a@b" },
};

static void
run_cases(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct world_message m = { .sender = cases[i].sender,
			.rcpts = cases[i].rcpts, .content = HEAD };
		struct str reply = STR_EMPTY, stored = STR_EMPTY;
		const char *end;

		T_CASE(cases[i].name);
		world_conf(cases[i].conf);
		world_send(&m, &reply, &stored);
		if (strcmp(str_cstr(&reply), "250") == 0) {
			end = strchr(str_cstr(&stored), '\n');
			T_NEED(end != NULL);
			str_truncate(&stored,
			    (size_t)(end - str_cstr(&stored)));
			T_EQ_STR(str_cstr(&stored), cases[i].want);
		} else {
			str_addf(&reply, "; %s", str_cstr(&stored));
			T_EQ_STR(str_cstr(&reply), cases[i].want);
		}
		str_fini(&reply);
		str_fini(&stored);
	}
}

T_TEST(envelope_addresses_are_mapped)
{
	world_run(run_cases, NULL);
}
