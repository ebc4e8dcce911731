/*
 * from822 - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/from822.h"

#include "common/base/utf8.h"
#include "common/mail/address.h"

/* RFC 2047 allows 75 for a word and 76 for a line with "Resent-From: ". */
#define WORD_MOST 62

bool
from822_form(struct span word, enum from822_form *out)
{
	*out = span_is_nocase(word, "obsolete") ? FROM822_OBSOLETE
	    : FROM822_STANDARD;
	return *out == FROM822_OBSOLETE || span_is_nocase(word, "standard");
}

/* ---- words of RFC 2047 ---- */

/* What may stand for itself in a phrase (5, rule 3). */
static bool
stands_for_itself(char c)
{
	return ascii_is_alnum(c) || (c != '\0' && strchr("!*+-/", c) != NULL);
}

static void
code_character(struct str *out, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.p[i];

		if (c <= ' ' || c == 127)
			str_putc(out, '_');
		else if (stands_for_itself((char)c))
			str_putc(out, (char)c);
		else
			str_addf(out, "=%02X", c);
	}
}

/* A character of several bytes is in one word. */
static struct span
next_character(struct span *rest)
{
	struct span before = *rest;

	if (utf8_next(rest) < 0)
		*rest = span_skip(before, 1);
	return span_sub(before, 0, before.len - rest->len);
}

static void
add_words(struct str *out, struct span name, const char *charset)
{
	struct str word = STR_EMPTY, unit = STR_EMPTY;
	size_t around = strlen(charset) + strlen("=?" "?Q?" "?=");
	bool first = true;

	while (!span_empty(name)) {
		str_clear(&word);
		while (!span_empty(name)) {
			struct span rest = name;

			str_clear(&unit);
			code_character(&unit, next_character(&rest));
			if (str_len(&word) > 0 && around + str_len(&word) +
			    str_len(&unit) > WORD_MOST)
				break;
			str_add(&word, str_span(&unit));
			name = rest;
		}
		str_addf(out, "%s=?%s?Q?%s?=", first ? "" : "\n ", charset,
		    str_cstr(&word));
		first = false;
	}
	str_fini(&word);
	str_fini(&unit);
}

/* ---- names as they are ---- */

static void
add_escaped(struct str *out, struct span name, const char *escaped)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i];

		if ((unsigned char)c < ' ' || c == 127)
			c = ' ';
		else if (strchr(escaped, c) != NULL)
			str_putc(out, '\\');
		str_putc(out, c);
	}
}

static bool
is_words(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_alnum(name.p[i]) && name.p[i] != ' ')
			return false;
	return true;
}

static void
add_phrase(struct str *out, struct span name)
{
	if (is_words(name)) {
		str_add(out, name);
		return;
	}
	str_putc(out, '"');
	add_escaped(out, name, "\"\\");
	str_putc(out, '"');
}

/* ---- both ---- */

void
from822_print(struct str *out, enum from822_form form, struct span name,
    struct span address, const char *charset)
{
	bool coded = charset[0] != '\0' && !span_is_ascii(name);

	if (span_empty(name)) {
		address_quote(out, address);
		return;
	}
	if (form == FROM822_OBSOLETE) {
		address_quote(out, address);
		str_adds(out, coded ? "\n (" : " (");
		if (coded)
			add_words(out, name, charset);
		else
			add_escaped(out, name, "()\\");
		str_putc(out, ')');
		return;
	}
	if (coded)
		add_words(out, name, charset);
	else
		add_phrase(out, name);
	str_adds(out, coded ? "\n <" : " <");
	address_quote(out, address);
	str_putc(out, '>');
}
