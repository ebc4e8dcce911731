/*
 * arguments - see pipe_priv.h. No shell sees them: whatever is in an address, a
 * word stays one word.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/mem.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/macro.h"
#include "daemons/pipe/pipe_priv.h"

struct word {
	const struct arguments *a;
	const struct envelope_rcpt *rcpt;
	bool per_recipient, known;	/* of its names */
};

/* ---- what a name stands for ---- */

static void
add_domain(struct str *out, const struct word *w, struct span domain)
{
	size_t at = str_len(out);

	str_add(out, domain);
	for (; command_row_has(w->a->row, 'h') && at < str_len(out); at++)
		out->buf[at] = ascii_lower(out->buf[at]);
}

static void
add_local(struct str *out, const struct word *w, struct span local)
{
	size_t at = str_len(out);

	str_add(out, local);
	for (; command_row_has(w->a->row, 'u') && at < str_len(out); at++)
		out->buf[at] = ascii_lower(out->buf[at]);
}

static void
add_quoted(struct str *out, const struct word *w, struct span address)
{
	if (command_row_has(w->a->row, 'q'))
		address_quote(out, address);
	else
		str_add(out, address);
}

static void
add_address(struct str *out, const struct word *w, struct span address)
{
	struct address_parts parts = address_split(address);
	struct str folded = STR_EMPTY;

	add_local(&folded, w, parts.local);
	if (parts.has_domain) {
		str_putc(&folded, '@');
		add_domain(&folded, w, parts.domain);
	}
	add_quoted(out, w, str_span(&folded));
	str_fini(&folded);
}

static void
add_recipient(struct str *out, const struct word *w)
{
	add_address(out, w, w->rcpt->address);
}

static void
add_original(struct str *out, const struct word *w)
{
	add_address(out, w, span_empty(w->rcpt->original)
	    ? w->rcpt->address : w->rcpt->original);
}

static void
split_local(const struct word *w, struct span *base, struct span *extension)
{
	struct span local = address_split(w->rcpt->address).local;

	if (!address_split_extension(local, conf_core.recipient_delimiter,
	    base, extension)) {
		*base = local;
		*extension = SPAN_NONE;
	}
}

static void
add_user(struct str *out, const struct word *w)
{
	struct span base, extension;

	split_local(w, &base, &extension);
	add_local(out, w, base);
}

static void
add_extension(struct str *out, const struct word *w)
{
	struct span base, extension;

	split_local(w, &base, &extension);
	add_local(out, w, extension);
}

static void
add_mailbox(struct str *out, const struct word *w)
{
	add_local(out, w, address_split(w->rcpt->address).local);
}

static void
add_rcpt_domain(struct str *out, const struct word *w)
{
	add_domain(out, w, address_split(w->rcpt->address).domain);
}

static void
add_nexthop(struct str *out, const struct word *w)
{
	add_domain(out, w, w->a->nexthop);
}

static void
add_sender(struct str *out, const struct word *w)
{
	add_quoted(out, w, w->a->sender);
}

static void
add_size(struct str *out, const struct word *w)
{
	str_addf(out, "%llu",
	    (unsigned long long)w->a->envelope->data_size);
}

static void
add_queue_id(struct str *out, const struct word *w)
{
	str_add(out, w->a->queue_id);
}

static const struct {
	const char *name;
	void (*add)(struct str *out, const struct word *w);
	size_t in_envelope;		/* or: a span of struct envelope */
	bool per_recipient;
} names[] = {
	{ "recipient", add_recipient, .per_recipient = true },
	{ "original_recipient", add_original, .per_recipient = true },
	{ "user", add_user, .per_recipient = true },
	{ "extension", add_extension, .per_recipient = true },
	{ "mailbox", add_mailbox, .per_recipient = true },
	{ "domain", add_rcpt_domain, .per_recipient = true },
	{ .name = "nexthop", .add = add_nexthop },
	{ .name = "sender", .add = add_sender },
	{ .name = "size", .add = add_size },
	{ .name = "queue_id", .add = add_queue_id },
#define OF_ENVELOPE(nm, member)						\
	{ .name = (nm), .in_envelope = offsetof(struct envelope, member) }
	OF_ENVELOPE("client_address", client_address),
	OF_ENVELOPE("client_helo", helo),
	OF_ENVELOPE("client_hostname", client_name),
	OF_ENVELOPE("client_port", client_port),
	OF_ENVELOPE("client_protocol", protocol),
	OF_ENVELOPE("sasl_method", sasl_method),
	OF_ENVELOPE("sasl_sender", sasl_sender),
	OF_ENVELOPE("sasl_username", sasl_username),
	OF_ENVELOPE("envid", dsn_envid),
};

static bool
look_up(struct span name, struct str *value_out, void *arg)
{
	struct word *w = arg;

	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		if (!span_is(name, names[i].name))
			continue;
		w->per_recipient = w->per_recipient || names[i].per_recipient;
		if (w->a == NULL)
			str_adds(value_out, "x");
		else if (names[i].add != NULL)
			names[i].add(value_out, w);
		else
			str_add(value_out, *(const struct span *)((const char *)
			    w->a->envelope + names[i].in_envelope));
		return true;
	}
	w->known = false;
	return false;
}

/* ---- words ---- */

static bool
add_word(struct word *w, const char *text, struct str *out, struct str *why)
{
	const struct macro macro = { .lookup = look_up, .arg = w };
	size_t at = str_len(out);

	if (!macro_expand(&macro, SPAN(text), out, why))
		return false;
	for (; at < str_len(out); at++)
		if (out->buf[at] == '\0')
			out->buf[at] = '?';
	str_putc(out, '\0');
	return true;
}

static void
note_name(struct span name, void *arg)
{
	struct str ignored = STR_EMPTY;

	(void)look_up(name, &ignored, arg);
	str_fini(&ignored);
}

bool
arguments_make(const struct arguments *a, struct str *out, struct str *why)
{
	for (size_t i = 0; i < a->row->argv.count; i++) {
		struct word w = { .known = true };

		macro_each_name(SPAN(a->row->argv.items[i]), note_name, &w);
		w.a = a;
		for (size_t k = 0; k < (w.per_recipient ? a->count : 1); k++) {
			w.rcpt = &a->rcpts[k];
			if (!add_word(&w, a->row->argv.items[i], out, why))
				return false;
		}
	}
	return true;
}

static void
check_name(struct span name, void *arg)
{
	struct str *unknown = arg;
	struct word w = { .known = true };

	note_name(name, &w);
	if (!w.known && str_len(unknown) == 0)
		str_set(unknown, name);
}

bool
arguments_check(const struct command_row *row, struct str *why)
{
	struct str unknown = STR_EMPTY, ignored = STR_EMPTY;
	bool ok = true;

	for (size_t i = 0; ok && i < row->argv.count; i++) {
		struct word w = { .known = true };

		macro_each_name(SPAN(row->argv.items[i]), check_name, &unknown);
		ok = str_len(&unknown) == 0
		    && add_word(&w, row->argv.items[i], &ignored, why);
		if (str_len(&unknown) > 0)
			str_printf(why, "argv=: \"%s\": there is no $%s",
			    row->argv.items[i], str_cstr(&unknown));
	}
	str_fini(&unknown);
	str_fini(&ignored);
	return ok;
}
