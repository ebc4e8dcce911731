/*
 * record - lines of table sources: map format and aliases(5) format.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/record_priv.h"

static bool
refuse(struct str *why, const char *reason)
{
	str_sets(why, reason);
	return false;
}

bool
record_parse(struct span line, struct span *key_out, struct span *value_out,
    struct str *why)
{
	bool quoted = false;
	size_t len = 0;

	for (; len < line.len; len++) {
		if (!quoted && ascii_is_space(line.p[len]))
			break;
		if (line.p[len] == '"')
			quoted = !quoted;
		if (line.p[len] == '\\' && len + 1 < line.len)
			len++;
	}
	if (quoted) {
		str_printf(why, "unbalanced '\"' in '%.*s'", SPAN_ARG(line));
		return false;
	}
	*key_out = span_sub(line, 0, len);
	*value_out = span_trim(span_skip(line, len));
	if (key_out->len == 0 || value_out->len == 0)
		return refuse(why, "expected format: key whitespace value");
	return true;
}

bool
record_looks_like_alias(struct span key, struct span value)
{
	return key.p[key.len - 1] == ':' && !span_is(key, "@:") &&
	    value.len > 0;
}

/* A quoted string of a name; *at is behind the opening quote. */
static bool
take_quoted(struct span line, size_t *at, struct str *out)
{
	for (; *at < line.len && line.p[*at] != '"'; ++*at) {
		if (line.p[*at] == '\\' && *at + 1 < line.len)
			++*at;
		str_putc(out, line.p[*at]);
	}
	return *at < line.len;
}

/* A comment in parentheses, which nest; *at is on the first one. */
static bool
skip_comment(struct span line, size_t *at)
{
	size_t depth = 0;

	for (; *at < line.len; ++*at) {
		if (line.p[*at] == '\\' && *at + 1 < line.len)
			++*at;
		else if (line.p[*at] == '(')
			depth++;
		else if (line.p[*at] == ')' && --depth == 0)
			return true;
	}
	return false;
}

bool
record_parse_alias(struct span line, struct str *key_out,
    struct span *value_out, struct str *why)
{
	bool remote = false, pending_space = false;
	size_t at = 0;

	str_clear(key_out);
	for (; at < line.len && line.p[at] != ':'; at++) {
		char c = line.p[at];
		size_t before = str_len(key_out);

		if (ascii_is_space(c)) {
			pending_space = before > 0;
			continue;
		}
		if (c == '(') {
			if (!skip_comment(line, &at))
				return refuse(why, "need name:value pair");
			continue;
		}
		if (pending_space)
			str_putc(key_out, ' ');
		pending_space = false;
		if (c == '"') {
			at++;
			if (!take_quoted(line, &at, key_out))
				return refuse(why, "need name:value pair");
			continue;
		}
		if (c == '\\' && at + 1 < line.len)
			c = line.p[++at];
		else if (c == ',' || c == ';')	/* two names */
			return refuse(why, "need name:value pair");
		else
			remote |= c == '@';
		str_putc(key_out, c);
	}
	*value_out = span_trim(span_skip(line, at + 1));
	if (at >= line.len || str_len(key_out) == 0 || value_out->len == 0)
		return refuse(why, "need name:value pair");
	if (remote)
		return refuse(why, "name must be local");
	return true;
}
