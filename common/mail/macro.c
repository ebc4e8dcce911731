/*
 * macro - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/macro.h"

#include "common/base/scan.h"

#define DEPTH_MOST 100			/* braces and names, together */
#define NAMES_MOST 10000

/* The names whose values are being expanded, innermost first. */
struct frame {
	struct span name;
	const struct frame *up;
};

struct expansion {
	const struct macro *macro;
	struct str *why;
	const struct frame *inside;
	unsigned depth, names;
	bool unset;
};

static bool expand(struct expansion *e, struct span text, struct str *out);

static bool
is_name_char(char c)
{
	return ascii_is_alnum(c) || c == '_';
}

static struct span
take_name(struct span *text)
{
	size_t n = 0;

	while (n < text->len && is_name_char(text->p[n]))
		n++;

	struct span name = span_sub(*text, 0, n);

	*text = span_skip(*text, n);
	return name;
}

static bool
fail(struct expansion *e, const char *what, struct span where)
{
	str_printf(e->why, "%s in \"%.*s\"", what, SPAN_ARG(where));
	return false;
}

/* text begins with an opening bracket; its inside in *inside_out, text moves
 * behind the closing one. */
static bool
take_group(struct span *text, char open, char close, struct span *inside_out)
{
	size_t depth = 0;

	for (size_t i = 0; i < text->len; i++) {
		if (text->p[i] == open)
			depth++;
		else if (text->p[i] == close && --depth == 0) {
			*inside_out = span_sub(*text, 1, i - 1);
			*text = span_skip(*text, i + 1);
			return true;
		}
	}
	return false;
}

static bool
expand_value(struct expansion *e, struct span name, struct span value,
    struct str *out)
{
	struct frame frame = { name, e->inside };
	bool ok;

	if (!e->macro->recursive) {
		str_add(out, value);
		return true;
	}
	for (const struct frame *f = e->inside; f != NULL; f = f->up)
		if (span_eq(f->name, name)) {
			str_printf(e->why, "\"$%.*s\" refers to itself",
			    SPAN_ARG(name));
			return false;
		}
	if (++e->names > NAMES_MOST)
		return fail(e, "too many references", value);
	e->inside = &frame;
	ok = expand(e, value, out);
	e->inside = frame.up;
	return ok;
}

static bool
expand_name(struct expansion *e, struct span name, struct str *out)
{
	struct str value = STR_EMPTY;
	bool found = e->macro->lookup(name, &value, e->macro->arg);
	bool ok = !found || expand_value(e, name, str_span(&value), out);

	e->unset = e->unset || !found || str_len(&value) == 0;
	str_fini(&value);
	return ok;
}

static bool
scan_level(struct span *text, uint64_t *out)
{
	struct span part;
	ssize_t dot;

	*out = 0;
	if (text->len == 0)
		return true;
	dot = span_find(*text, '.');
	part = dot < 0 ? *text : span_sub(*text, 0, (size_t)dot);
	*text = dot < 0 ? SPAN_NONE : span_skip(*text, (size_t)dot + 1);
	return scan_u64(part, out);
}

bool
macro_compare_levels(struct span a, struct span b, int *order_out)
{
	a = span_trim(a);
	b = span_trim(b);
	*order_out = 0;
	if (a.len == 0 || b.len == 0)
		return false;
	while (a.len > 0 || b.len > 0) {
		uint64_t x, y;

		if (!scan_level(&a, &x) || !scan_level(&b, &y))
			return false;
		if (*order_out == 0)
			*order_out = x < y ? -1 : x > y;
	}
	return true;
}

static bool
is_digits(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_digit(text.p[i]))
			return false;
	return text.len > 0;
}

/* By number if both are one, else by bytes. False: a number out of range. */
static bool
order_of(struct span a, struct span b, int *order_out)
{
	int64_t x, y;
	bool numbers = scan_i64(a, &x) && scan_i64(b, &y);

	if (numbers)
		*order_out = x < y ? -1 : x > y;
	else
		*order_out = span_cmp(a, b);
	return numbers || !is_digits(a) || !is_digits(b);
}

/* "{left} op {right}" at the start of text; text moves behind it. */
static bool
compare(struct expansion *e, struct span *text, bool *result_out)
{
	struct span whole = *text, left, right, op;
	struct str a = STR_EMPTY, b = STR_EMPTY;
	size_t n = 0;
	int order = 0;
	bool ok;

	if (!take_group(text, '{', '}', &left))
		return fail(e, "missing \"}\"", whole);
	*text = span_ltrim(*text);
	while (n < text->len && text->p[n] != '{'
	    && !ascii_is_space(text->p[n]))
		n++;
	op = span_sub(*text, 0, n);
	*text = span_ltrim(span_skip(*text, n));
	if (text->len == 0 || text->p[0] != '{'
	    || !take_group(text, '{', '}', &right))
		return fail(e, "expected \"{value}\" behind the operator",
		    whole);
	ok = expand(e, left, &a) && expand(e, right, &b);
	if (ok && span_ends(op, SPAN("level"))) {
		op.len -= 5;
		if (!macro_compare_levels(str_span(&a), str_span(&b), &order))
			ok = fail(e, "bad compatibility level", whole);
	} else if (ok && !order_of(str_span(&a), str_span(&b), &order)) {
		ok = fail(e, "number out of range", whole);
	}
	str_fini(&a);
	str_fini(&b);
	if (!ok)
		return false;
	if (span_is(op, "=="))
		*result_out = order == 0;
	else if (span_is(op, "!="))
		*result_out = order != 0;
	else if (span_is(op, "<"))
		*result_out = order < 0;
	else if (span_is(op, "<="))
		*result_out = order <= 0;
	else if (span_is(op, ">"))
		*result_out = order > 0;
	else if (span_is(op, ">="))
		*result_out = order >= 0;
	else
		return fail(e, "bad operator", whole);
	return true;
}

/* One branch behind ? or :, "{text}" or the rest; text moves behind it. */
static bool
take_branch(struct expansion *e, struct span *text, struct span *branch_out)
{
	struct span trimmed = span_ltrim(*text);

	if (trimmed.len > 0 && trimmed.p[0] == '{') {
		if (!take_group(&trimmed, '{', '}', branch_out))
			return fail(e, "missing \"}\"", *text);
		*text = span_ltrim(trimmed);
		return true;
	}
	*branch_out = *text;
	*text = SPAN_NONE;
	return true;
}

/* Behind the condition: "?yes:no", "?yes", ":no", with or without braces. */
static bool
expand_branches(struct expansion *e, struct span rest, bool condition,
    struct str *out)
{
	struct span whole = rest, branch = SPAN_NONE, other = SPAN_NONE;
	bool is_question = rest.p[0] == '?';

	rest = span_skip(rest, 1);
	if (!take_branch(e, &rest, &branch))
		return false;
	if (is_question && rest.len > 0 && rest.p[0] == ':') {
		rest = span_skip(rest, 1);
		if (!take_branch(e, &rest, &other))
			return false;
	}
	if (rest.len > 0)
		return fail(e, "extra text behind \"}\"", whole);
	if (condition == is_question)
		return expand(e, branch, out);
	return expand(e, other, out);
}

/* ${domain_to_ascii{text}}: names without bytes above ASCII are their own
 * translation; others need a library that this floor does not have. */
static bool
call_function(struct expansion *e, struct span name, struct span rest,
    struct str *out)
{
	struct span whole = rest, argument;
	struct str value = STR_EMPTY;
	bool ok;

	if (!span_is(name, "domain_to_ascii")
	    && !span_is(name, "domain_to_utf8"))
		return fail(e, "unknown function", name);
	if (!take_group(&rest, '{', '}', &argument) || span_trim(rest).len > 0)
		return fail(e, "expected one \"{text}\"", whole);
	ok = expand(e, span_trim(argument), &value);
	if (ok && !span_is_ascii(str_span(&value)))
		ok = fail(e, "a name that is not ASCII", str_span(&value));
	str_add(out, str_span(&value));
	str_fini(&value);
	return ok;
}

static bool
expand_braced(struct expansion *e, struct span inside, struct str *out)
{
	struct span rest = span_ltrim(inside), name;
	struct str value = STR_EMPTY;
	bool condition, ok, unset = e->unset;

	if (rest.len > 0 && rest.p[0] == '{') {
		if (!compare(e, &rest, &condition))
			return false;
		e->unset = unset;
		rest = span_ltrim(rest);
		if (rest.len == 0) {
			if (condition)
				str_adds(out, "true");
			return true;
		}
	} else {
		name = take_name(&rest);
		if (name.len == 0)
			return fail(e, "missing name", inside);
		if (rest.len > 0 && rest.p[0] == '{')
			return call_function(e, name, rest, out);
		rest = span_ltrim(rest);
		if (rest.len == 0)
			return expand_name(e, name, out);
		ok = expand_name(e, name, &value);
		e->unset = unset;
		condition = str_len(&value) > 0;
		str_fini(&value);
		if (!ok)
			return false;
	}
	if (rest.p[0] != '?' && rest.p[0] != ':')
		return fail(e, "expected \"?\" or \":\"", inside);
	return expand_branches(e, rest, condition, out);
}

static bool
expand_text(struct expansion *e, struct span text, struct str *out)
{
	struct span whole = text, inside;

	while (text.len > 0) {
		ssize_t dollar = span_find(text, '$');
		char next;

		if (dollar < 0) {
			str_add(out, text);
			return true;
		}
		str_add(out, span_sub(text, 0, (size_t)dollar));
		text = span_skip(text, (size_t)dollar + 1);
		next = text.len > 0 ? text.p[0] : '\0';
		if (next == '{' || next == '(') {
			if (!take_group(&text, next, next == '{' ? '}' : ')',
			    &inside))
				return fail(e, "missing closing brace", whole);
			if (!expand_braced(e, inside, out))
				return false;
		} else if (next == '$') {
			str_putc(out, '$');
			text = span_skip(text, 1);
		} else if (is_name_char(next)) {
			if (!expand_name(e, take_name(&text), out))
				return false;
		} else {
			return fail(e, "\"$\" without a name", whole);
		}
	}
	return true;
}

static bool
expand(struct expansion *e, struct span text, struct str *out)
{
	bool ok = e->depth < DEPTH_MOST;

	if (!ok)
		return fail(e, "too many braces and names in one another",
		    span_sub(text, 0, 60));
	e->depth++;
	ok = expand_text(e, text, out);
	e->depth--;
	return ok;
}

bool
macro_expand(const struct macro *macro, struct span text, struct str *out,
    struct str *why)
{
	struct expansion e = { .macro = macro, .why = why };
	bool ok = expand(&e, text, out);

	if (macro->unset_out != NULL && e.unset)
		*macro->unset_out = true;
	return ok;
}

void
macro_each_name(struct span text, void (*fn)(struct span name, void *arg),
    void *arg)
{
	ssize_t dollar;

	while ((dollar = span_find(text, '$')) >= 0) {
		struct span name;

		text = span_skip(text, (size_t)dollar + 1);
		if (text.len > 0 && text.p[0] == '$') {
			text = span_skip(text, 1);
			continue;
		}
		if (text.len > 0 && (text.p[0] == '{' || text.p[0] == '('))
			text = span_ltrim(span_skip(text, 1));
		name = take_name(&text);
		if (name.len > 0)
			fn(name, arg);
	}
}
