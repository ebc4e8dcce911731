/*
 * ehlo - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/ehlo.h"

#include "common/base/mem.h"
#include "common/base/scan.h"

struct name {
	const char *word;
	unsigned bit;
};

static const struct name keywords[] = {
	{ "8BITMIME", EHLO_8BITMIME },
	{ "PIPELINING", EHLO_PIPELINING },
	{ "VRFY", EHLO_VRFY },
	{ "ETRN", EHLO_ETRN },
	{ "AUTH", EHLO_AUTH },
	{ "XVERP", EHLO_VERP },
	{ "VERP", EHLO_VERP },
	{ "STARTTLS", EHLO_STARTTLS },
	{ "XCLIENT", EHLO_XCLIENT },
	{ "ENHANCEDSTATUSCODES", EHLO_ENHANCEDSTATUSCODES },
	{ "DSN", EHLO_DSN },
	{ "SMTPUTF8", EHLO_SMTPUTF8 },
	{ "CHUNKING", EHLO_CHUNKING },
	{ "REQUIRETLS", EHLO_REQUIRETLS },
	{ "SIZE", EHLO_SIZE },
	{ "XFORWARD", EHLO_XFORWARD },
	{ "HELP", EHLO_HELP },
	{ "SILENT-DISCARD", EHLO_SILENT_DISCARD },
};

static const struct name xforward_names[] = {
	{ "NAME", EHLO_XFORWARD_NAME },
	{ "ADDR", EHLO_XFORWARD_ADDR },
	{ "PORT", EHLO_XFORWARD_PORT },
	{ "PROTO", EHLO_XFORWARD_PROTO },
	{ "HELO", EHLO_XFORWARD_HELO },
	{ "IDENT", EHLO_XFORWARD_IDENT },
	{ "SOURCE", EHLO_XFORWARD_SOURCE },
};

static unsigned
find(const struct name *names, size_t count, struct span word)
{
	for (size_t i = 0; i < count; i++)
		if (span_is_nocase(word, names[i].word))
			return names[i].bit;
	return 0;
}

unsigned
ehlo_keyword(struct span word)
{
	return find(keywords, ARRAY_COUNT(keywords), word);
}

const char *
ehlo_keyword_name(unsigned bit)
{
	for (size_t i = 0; i < ARRAY_COUNT(keywords); i++)
		if (keywords[i].bit == bit)
			return keywords[i].word;
	return "";
}

bool
ehlo_keyword_list(struct span list, unsigned *mask_out, struct str *why)
{
	struct span word;
	bool good = true;

	*mask_out = 0;
	while (span_token(&list, ", \t\r\n", &word)) {
		unsigned bit = ehlo_keyword(word);

		*mask_out |= bit;
		if (bit == 0 && good) {
			str_printf(why, "unknown EHLO keyword \"%.*s\"",
			    SPAN_ARG(word));
			good = false;
		}
	}
	return good;
}

static unsigned
read_xforward(struct span rest)
{
	unsigned mask = 0;
	struct span word;

	while (span_token(&rest, " \t", &word))
		mask |= find(xforward_names, ARRAY_COUNT(xforward_names), word);
	return mask;
}

void
ehlo_read_line(struct ehlo_offer *offer, struct span line, unsigned discard)
{
	struct span rest = line, word, number;
	unsigned bit = 0;

	if (span_starts_nocase(line, SPAN("AUTH="))) {	/* before RFC 2554 */
		bit = EHLO_AUTH;
		rest = span_skip(line, 5);
	} else if (span_token(&rest, " \t", &word)) {
		bit = ehlo_keyword(word) & ~EHLO_SILENT_DISCARD;
	}
	if (bit == 0 || (bit & discard))
		return;
	offer->keywords |= bit;
	switch (bit) {
	case EHLO_SIZE:
		if (span_token(&rest, " \t", &number))
			(void)scan_u64(number, &offer->size_limit);
		break;
	case EHLO_AUTH:
		offer->auth = span_trim(rest);
		break;
	case EHLO_XFORWARD:
		offer->xforward |= read_xforward(rest);
		break;
	}
}
