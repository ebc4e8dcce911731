/*
 * proxy_read_maps: any value gives a list of names or a reason; nothing that
 * does not say "proxy:" is ever approved.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "daemons/proxymap/approved.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct hash *approved = hash_new();
	struct str why = STR_EMPTY;

	if (!approved_read(approved, text, &why))
		CHECK(str_len(&why) > 0);
	CHECK(hash_count(approved) == 0 ||
	    span_search(text, SPAN("proxy:")) >= 0);
	hash_free(&approved);
	str_fini(&why);
	return 0;
}
