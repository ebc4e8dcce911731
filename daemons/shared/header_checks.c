/*
 * header_checks - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/header_checks.h"

#include "common/base/names.h"
#include "common/mail/address.h"
#include "common/mail/header.h"

#define FILTER_MOST 4096		/* what an envelope can hold */

static const struct name_value words[] = {
	{ "bcc", LINE_BCC }, { "discard", LINE_DISCARD },
	{ "dunno", LINE_DUNNO }, { "filter", LINE_FILTER },
	{ "hold", LINE_HOLD }, { "ignore", LINE_IGNORE },
	{ "info", LINE_INFO }, { "ok", LINE_DUNNO }, { "pass", LINE_PASS },
	{ "prepend", LINE_PREPEND }, { "redirect", LINE_REDIRECT },
	{ "reject", LINE_REJECT }, { "replace", LINE_REPLACE },
	{ "strip", LINE_STRIP }, { "warn", LINE_WARN },
	{ NULL, 0 },
};

static bool
wants(struct str *why, struct span word, const char *what)
{
	str_printf(why, "\"%.*s\" wants %s", SPAN_ARG(word), what);
	return false;
}

bool
header_checks_parse(struct span value, bool in_header, struct line_check *out,
    struct str *why)
{
	struct span word = SPAN_NONE, text;
	int action;

	value = span_ltrim(value);
	text = value;
	span_token(&text, " \t", &word);
	text = span_trim(text);
	action = names_value(words, word);
	if (action < 0) {
		str_printf(why, "\"%.*s\" is no action", SPAN_ARG(word));
		return false;
	}
	*out = (struct line_check){ .action = (enum line_action)action,
		.text = text };
	switch (out->action) {
	case LINE_BCC:
	case LINE_REDIRECT:
		if (!address_split(text).has_domain
		    || span_empty(address_split(text).local))
			return wants(why, word, "user@domain");
		break;
	case LINE_FILTER:
		if (span_find(text, ':') <= 0 || text.len > FILTER_MOST)
			return wants(why, word, "transport:destination");
		break;
	case LINE_PREPEND:
	case LINE_REPLACE:
		if (in_header ? header_name_length(text) == 0
		    : span_empty(text))
			return wants(why, word, in_header ? "a header"
			    : "text");
		break;
	case LINE_DUNNO:
	case LINE_DISCARD:
	case LINE_HOLD:
	case LINE_IGNORE:
	case LINE_INFO:
	case LINE_PASS:
	case LINE_REJECT:
	case LINE_STRIP:
	case LINE_WARN:
		break;
	}
	return true;
}

const char *
header_checks_word(enum line_action action)
{
	return action == LINE_WARN ? "warning" : names_name(words, action);
}
