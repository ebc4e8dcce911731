/*
 * Whatever a socketmap: server sends, piece by piece: a netstring within its
 * bounds, and in it a value without NUL, or a reason.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "maps/socketmap_priv.h"

enum { LIMIT = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(struct span text)
{
	struct str value = STR_EMPTY, why = STR_EMPTY;
	enum map_status status;
	bool sense = socketmap_reply_parse(text, &status, &value, &why);

	CHECK(sense || status == MAP_FAILED);
	CHECK((status == MAP_FAILED) == (str_len(&why) > 0));
	CHECK(status != MAP_FOUND || !span_has(str_span(&value), '\0'));
	CHECK(str_len(&value) + 3 <= text.len || str_len(&value) == 0);
	str_fini(&value);
	str_fini(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = { (const char *)data, size };
	size_t head = 0, len = 0, early = 0;

	check_text(bytes);
	/* However many bytes have come, what is said does not change. */
	enum netstring_status whole = netstring_head(bytes, LIMIT, &head,
	    &len);

	while (early < size && netstring_head(span_sub(bytes, 0, early), LIMIT,
	    &head, &len) == NETSTRING_SHORT)
		early++;
	CHECK(netstring_head(span_sub(bytes, 0, early), LIMIT, &head, &len)
	    == whole);
	if (whole != NETSTRING_OK)
		return 0;
	CHECK(len <= LIMIT && head >= 2 && head <= size);
	if (size - head > len && bytes.p[head + len] == ',')
		check_text(span_sub(bytes, head, len));
	return 0;
}
