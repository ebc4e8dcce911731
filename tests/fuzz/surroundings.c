/*
 * surroundings - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/fuzz/surroundings.h"

#include "common/base/log.h"
#include "common/base/panic.h"
#include "common/base/str.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "daemons/shared/rewrite_client.h"
#include "daemons/shared/verify_client.h"
#include "queue/envelope.h"

bool surroundings_rewrite_fails;

static void
drop(struct log_sink *sink, const struct log_record *record)
{
	(void)sink;
	(void)record;
}

static void
flush(struct log_sink *sink)
{
	(void)sink;
}

void
surroundings_quiet(void)
{
	static struct log_sink quiet = { drop, flush };

	log_remove_sinks();
	log_add_sink(&quiet);
}

void
surroundings_configure(const char *text, const struct param_set *role)
{
	struct str why = STR_EMPTY;

	CHECK(conf_load_text("main.cf", span_cstr(text), &why));
	conf_register(&conf_core_params);
	conf_register(role);
	CHECK(conf_fill(&conf_core_params, &why));
	CHECK(conf_fill(role, &why));
	str_fini(&why);
}

bool
verify_ask(struct span address, struct verify_answer *answer_out,
    struct arena *arena, struct deadline deadline)
{
	(void)arena;
	(void)deadline;
	answer_out->status = address.len % (VERIFY_OPEN + 1);
	answer_out->text = SPAN("because");
	return address.len % 7 != 0;
}

static uint64_t
class_of(struct span domain)
{
	return span_is_nocase(domain, "local.test")
	    || span_is_nocase(domain, "mail.test") ? RESOLVE_LOCAL
	    : span_is_nocase(domain, "fail.test") ? RESOLVE_FAIL
	    : span_is_nocase(domain, "wrong.test") ? RESOLVE_ERROR
	    : RESOLVE_DEFAULT;
}

bool
rewrite_address(const char *context, unsigned wants, struct span sender,
    struct span address, struct rewrite_answer *answer_out,
    struct arena *arena, struct deadline deadline)
{
	struct rewrite_answer *a = answer_out;
	struct address_parts parts;

	(void)context;
	(void)sender;
	(void)deadline;
	CHECK(address.len <= ENVELOPE_ADDRESS_MOST);
	if (surroundings_rewrite_fails) {
		a->flags = RESOLVE_FAIL;
		return false;
	}
	a->address = address_split(address).has_domain ? address
	    : SPAN(arena_printf(arena, "%.*s@mail.test", SPAN_ARG(address)));
	a->recipient = a->address;
	parts = address_split(a->address);
	a->flags = wants & REWRITE_RESOLVE ? class_of(parts.domain) : 0;
	a->transport = SPAN("local");
	a->nexthop = parts.domain;
	return true;
}

bool
rewrite_addresses(const char *context, unsigned wants, struct span sender,
    struct rewrite_want *items, size_t count, struct arena *arena,
    struct deadline deadline)
{
	bool ok = true;

	for (size_t i = 0; i < count; i++)
		ok = rewrite_address(context, wants, sender, items[i].address,
		    &items[i].answer, arena, deadline) && ok;
	return ok;
}
