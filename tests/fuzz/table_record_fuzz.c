/*
 * Lines of postmap and postalias sources: what is taken is part of the line,
 * what is refused has a reason.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "maps/record_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_inside(struct span part, struct span whole)
{
	return part.len == 0 || (part.p >= whole.p &&
	    part.p + part.len <= whole.p + whole.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span line = span_of((const char *)data, size), key, value;
	struct str why = STR_EMPTY, name = STR_EMPTY;

	if (record_parse(line, &key, &value, &why)) {
		CHECK(key.len > 0 && value.len > 0);
		CHECK(is_inside(key, line) && is_inside(value, line));
		(void)record_looks_like_alias(key, value);
	} else {
		CHECK(str_len(&why) > 0);
	}
	str_clear(&why);
	if (record_parse_alias(line, &name, &value, &why)) {
		CHECK(str_len(&name) > 0 && str_len(&name) <= size);
		CHECK(value.len > 0 && is_inside(value, line));
	} else {
		CHECK(str_len(&why) > 0);
	}
	str_fini(&why);
	str_fini(&name);
	return 0;
}
