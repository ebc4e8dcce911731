/*
 * postfix_log - logs of outcomes as Postfix writes them: entries of lines
 * "name=value", an empty line behind each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/mail/address.h"
#include "queue/outcome_log.h"
#include "queue/postfix_file.h"

struct entry {
	struct outcome outcome;
	struct str rcpt, original;	/* internal form */
	bool has_rcpt;
};

static const char *const actions[] = { [DSN_FAILED] = "failed",
	[DSN_DELAYED] = "delayed", [DSN_DELIVERED] = "delivered",
	[DSN_RELAYED] = "relayed", [DSN_EXPANDED] = "expanded" };

/* Addresses stand there as they would in a header. */
static void
take_address(struct span text, struct str *out)
{
	struct str why = STR_EMPTY;
	size_t used;

	if (!address_parse_path(text, ADDRESS_UTF8 | ADDRESS_ALLOW_EMPTY, out,
	    &used, &why) || used != text.len)
		str_set(out, text);
	str_fini(&why);
}

static void
take_field(struct entry *e, struct span name, struct span value)
{
	struct outcome *o = &e->outcome;
	const struct {
		const char *name;
		struct span *field;
	} texts[] = { { "dsn_orig_rcpt", &o->orcpt }, { "status", &o->dsn },
		{ "diag_type", &o->diag_type }, { "diag_text", &o->diag_text },
		{ "mta_type", &o->mta_type }, { "mta_mname", &o->mta_name },
		{ "reason", &o->reason } };

	for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
		if (span_is(name, texts[i].name))
			*texts[i].field = value;
	if (span_is(name, "recipient")) {
		take_address(value, &e->rcpt);
		e->has_rcpt = true;
	} else if (span_is(name, "original_recipient")) {
		take_address(value, &e->original);
	} else if (span_is(name, "notify_flags")) {
		scan_u64(value, &o->notify);
	} else if (span_is(name, "action")) {
		for (size_t i = 0; i < ARRAY_COUNT(actions); i++)
			if (span_is(value, actions[i]))
				o->action = i;
	}
}

static void
entry_over(struct entry *e, int64_t when_us, struct str *entries_out)
{
	if (e->has_rcpt) {
		e->outcome.rcpt = str_span(&e->rcpt);
		e->outcome.original = str_span(&e->original);
		e->outcome.when_us = when_us;
		e->outcome.notify &= 15;
		outcome_entry(entries_out, &e->outcome);
	}
	str_clear(&e->rcpt);
	str_clear(&e->original);
	e->outcome = (struct outcome){ .action = DSN_FAILED };
	e->has_rcpt = false;
}

bool
postfix_log_is(struct span first_bytes)
{
	/* Ours begins with the length of an entry, which is never so long. */
	return first_bytes.len > 0 && first_bytes.p[0] != '\0';
}

void
postfix_log_translate(struct span text, int64_t when_us,
    struct str *entries_out)
{
	struct entry e = { .has_rcpt = false };
	struct span line, name;

	entry_over(&e, when_us, entries_out);
	while (span_split(&text, '\n', &line)) {
		if (span_empty(line))
			entry_over(&e, when_us, entries_out);
		else if (span_split(&line, '=', &name))
			take_field(&e, name, line);
	}
	entry_over(&e, when_us, entries_out);
	str_fini(&e.rcpt);
	str_fini(&e.original);
}
