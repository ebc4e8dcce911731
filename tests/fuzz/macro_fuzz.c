/*
 * macro: any text gives its expansion or a reason, whatever the values hold
 * and whichever name leads to which.
 *
 * The text up to the first NUL is expanded; the bytes behind are the value of
 * $x, and what is behind another NUL the value of $y.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/mail/macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 1000 };

struct values {
	struct span x, y;
};

static bool
look_up(struct span name, struct str *value_out, void *arg)
{
	const struct values *values = arg;

	CHECK(name.len > 0);
	if (span_is(name, "x"))
		str_add(value_out, values->x);
	else if (span_is(name, "y"))
		str_add(value_out, values->y);
	else
		return false;
	return true;
}

static void
note(struct span name, void *arg)
{
	const struct span *text = arg;

	CHECK(name.len > 0 && name.p >= text->p
	    && name.p + name.len <= text->p + text->len);
}

static struct span
part(struct span *rest)
{
	ssize_t nul = span_find(*rest, '\0');
	struct span first = nul < 0 ? *rest
	    : span_sub(*rest, 0, (size_t)nul);

	*rest = nul < 0 ? SPAN_NONE : span_skip(*rest, (size_t)nul + 1);
	return first;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of((const char *)data, size), text;
	struct values values;
	struct str why = STR_EMPTY;
	int one, two;

	if (size > TEXT_MAX)
		return 0;
	text = part(&rest);
	values.x = part(&rest);
	values.y = part(&rest);
	macro_each_name(text, note, &text);
	for (int recursive = 0; recursive < 2; recursive++) {
		struct macro macro = { .lookup = look_up,
			.arg = &values, .recursive = recursive };
		struct str out = STR_EMPTY;

		str_clear(&why);
		CHECK(macro_expand(&macro, text, &out, &why)
		    == (str_len(&why) == 0));
		if (!span_has(text, '$') && str_len(&why) == 0)
			CHECK(span_eq(str_span(&out), text));
		str_fini(&out);
	}
	if (macro_compare_levels(text, values.x, &one)) {
		CHECK(macro_compare_levels(values.x, text, &two));
		CHECK((one < 0) == (two > 0) && (one == 0) == (two == 0));
	}
	str_fini(&why);
	return 0;
}
