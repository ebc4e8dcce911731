/*
 * chars - message_reject_characters and message_strip_characters: bytes for
 * which mail from outside is refused, or which are taken out of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "daemons/cleanup/cleanup_priv.h"

struct byte_set {
	bool any;
	bool has[256];
};

static struct byte_set rejected, stripped;

/* Behind a backslash; *rest is moved on. */
static unsigned char
escaped(struct span *rest)
{
	static const char letters[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
	char c = rest->p[0];
	unsigned value = 0, digits = 0;

	while (digits < 3 && digits < rest->len && rest->p[digits] >= '0' &&
	    rest->p[digits] <= '7')
		value = value * 8 + (unsigned)(rest->p[digits++] - '0');
	*rest = span_skip(*rest, digits > 0 ? digits : 1);
	if (digits > 0)
		return (unsigned char)value;
	for (size_t i = 0; letters[i] != '\0'; i++)
		if (c == letters[i])
			return (unsigned char)values[i];
	return (unsigned char)c;
}

static void
read_set(const char *parameter, const char *text, struct byte_set *out)
{
	struct span rest = SPAN(text);

	*out = (struct byte_set){ .any = !span_empty(rest) };
	while (!span_empty(rest)) {
		unsigned char c = (unsigned char)rest.p[0];

		rest = span_skip(rest, 1);
		if (c == '\\' && span_empty(rest))
			fatal("%s: nothing stands behind the last backslash",
			    parameter);
		out->has[c == '\\' ? escaped(&rest) : c] = true;
	}
}

void
chars_setup(void)
{
	read_set("message_reject_characters",
	    cleanup_conf.message_reject_characters, &rejected);
	read_set("message_strip_characters",
	    cleanup_conf.message_strip_characters, &stripped);
}

static void
refuse_rejected(struct transaction *t, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (!rejected.has[(unsigned char)bytes.p[i]])
			continue;
		checks_log(t, "reject", "content disallowed character in",
		    span_sub(bytes, 0, i + 1), SPAN_NONE);
		transaction_fail(t, CLEANUP_CONTENT,
		    "5.7.1 disallowed character");
		return;
	}
}

struct span
chars_take(struct transaction *t, struct span bytes)
{
	struct str *left;

	if (!(t->flags & CLEANUP_FILTER))
		return bytes;
	if (rejected.any)
		refuse_rejected(t, bytes);
	if (!stripped.any || t->status != CLEANUP_OK)
		return bytes;
	left = str_in_arena(t->scratch);
	for (size_t i = 0; i < bytes.len; i++)
		if (!stripped.has[(unsigned char)bytes.p[i]])
			str_putc(left, bytes.p[i]);
	return str_span(left);
}
