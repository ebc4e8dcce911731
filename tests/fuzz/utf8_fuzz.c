/*
 * utf8: walking and checking agree, what is read is written the same, and
 * folding is done once for all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size), rest = text;
	struct str written = STR_EMPTY, once = STR_EMPTY, twice = STR_EMPTY;
	bool broken = false;

	while (rest.len > 0) {
		size_t before = rest.len;
		int32_t c = utf8_next(&rest);

		CHECK(rest.len < before && before - rest.len <= 4);
		CHECK(c >= 0 || before - rest.len == 1);
		if (c < 0)
			broken = true;
		else
			utf8_add(&written, (uint32_t)c);
	}
	CHECK(utf8_valid(text) == !broken);
	CHECK(broken || span_eq(str_span(&written), text));
	utf8_fold(&once, text);
	CHECK(utf8_valid(str_span(&once)) == !broken);
	utf8_fold(&twice, str_span(&once));
	CHECK(span_eq(str_span(&once), str_span(&twice)));
	str_fini(&written);
	str_fini(&once);
	str_fini(&twice);
	return 0;
}
