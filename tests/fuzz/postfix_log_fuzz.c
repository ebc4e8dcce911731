/*
 * Logs of outcomes that Postfix wrote: any bytes become whole entries of ours,
 * no more than they have lines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>

#include "common/base/codec.h"
#include "common/base/panic.h"
#include "common/base/reader.h"
#include "queue/outcome_log.h"
#include "queue/postfix_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct str entries = STR_EMPTY, why = STR_EMPTY;
	struct reader r;
	size_t count = 0;

	postfix_log_translate(span_of((const char *)data, size), 1, &entries);
	r = reader_over(str_span(&entries));
	while (reader_left(&r) > 0) {
		uint32_t length = reader_u32(&r), crc = reader_u32(&r);
		struct span body = reader_bytes(&r, length);
		struct outcome outcome;

		CHECK(!reader_failed(&r));
		CHECK(crc32c(0, body.p, body.len) == crc);
		CHECK(attr_decode_body(&outcome_form, body, arena, &outcome,
		    &why));
		CHECK(++count <= size);
	}
	str_fini(&entries);
	str_fini(&why);
	arena_free(&arena);
	return 0;
}
