/*
 * dsn - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/dsn.h"

#include <stdio.h>

static size_t
scan_digits(struct span s, size_t at)
{
	size_t n = 0;

	while (n < 3 && at + n < s.len && ascii_is_digit(s.p[at + n]))
		n++;
	return n;
}

size_t
dsn_scan(struct span text)
{
	size_t subject, detail;

	if (text.len < 5 || (text.p[0] != '2' && text.p[0] != '4'
	    && text.p[0] != '5') || text.p[1] != '.')
		return 0;
	subject = scan_digits(text, 2);
	if (subject == 0 || 2 + subject >= text.len
	    || text.p[2 + subject] != '.')
		return 0;
	detail = scan_digits(text, 3 + subject);
	if (detail == 0)
		return 0;
	subject += 3 + detail;
	if (subject < text.len && !ascii_is_space(text.p[subject]))
		return 0;
	return subject;
}

bool
dsn_valid(struct span dsn)
{
	return dsn.len > 0 && dsn_scan(dsn) == dsn.len;
}

void
dsn_split(struct span text, const char *dflt, char cls, char dsn_out[12],
    struct span *text_out)
{
	size_t n;

	text = span_ltrim(text);
	n = dsn_scan(text);
	if (n > 0 && n < 12) {
		memcpy(dsn_out, text.p, n);
		dsn_out[n] = '\0';
		text = span_ltrim(span_skip(text, n));
	} else {
		snprintf(dsn_out, 12, "%s", dflt);
	}
	if (cls != 0)
		dsn_out[0] = cls;
	*text_out = text;
}

static const struct {
	const char *name;
	unsigned bit;
} notify_words[] = {
	{ "NEVER", DSN_NOTIFY_NEVER },
	{ "SUCCESS", DSN_NOTIFY_SUCCESS },
	{ "FAILURE", DSN_NOTIFY_FAILURE },
	{ "DELAY", DSN_NOTIFY_DELAY },
};

bool
dsn_notify_scan(struct span text, unsigned *mask_out)
{
	unsigned mask = 0;

	while (text.len > 0) {
		ssize_t comma = span_find(text, ',');
		struct span word = comma < 0 ? text
		    : span_sub(text, 0, (size_t)comma);
		unsigned bit = 0;

		for (size_t i = 0; i < 4; i++)
			if (span_is_nocase(word, notify_words[i].name))
				bit = notify_words[i].bit;
		if (bit == 0)
			return false;
		mask |= bit;
		if (comma < 0)
			break;
		text = span_skip(text, (size_t)comma + 1);
		if (text.len == 0)
			return false;
	}
	if (mask == 0 || ((mask & DSN_NOTIFY_NEVER)
	    && mask != DSN_NOTIFY_NEVER))
		return false;
	*mask_out = mask;
	return true;
}

void
dsn_notify_print(unsigned mask, char out[40])
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < 4; i++)
		if (mask & notify_words[i].bit)
			len += (size_t)snprintf(out + len, 40 - len, "%s%s",
			    len > 0 ? "," : "", notify_words[i].name);
}
