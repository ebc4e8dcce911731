/*
 * Content cut at any place gives the same text and the same end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/mail/smtp_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
take(unsigned flags, struct span in, size_t step, struct str *out)
{
	struct smtp_data d;
	size_t used = 0;

	smtp_data_init(&d, flags);
	while (used < in.len && !d.ended)
		used += smtp_data_take(&d, span_sub(in, used, step), out);
	if (!d.ended)
		smtp_data_finish(&d, out);
	return used;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str whole = STR_EMPTY, cut = STR_EMPTY;
	struct span in;

	if (size < 2)
		return 0;
	in = span_of((const char *)data + 2, size - 2);
	CHECK(take(data[0] & 3, in, in.len, &whole)
	    == take(data[0] & 3, in, 1 + data[1] % 7, &cut));
	CHECK(span_eq(str_span(&whole), str_span(&cut)));
	str_fini(&whole);
	str_fini(&cut);
	return 0;
}
