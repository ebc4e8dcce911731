/*
 * Next hops from tables: taken apart or refused with a reason.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "daemons/smtp/dest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span list = { (const char *)data, size }, text;

	while (dest_next(&list, &text))
		for (int lmtp = 0; lmtp < 2; lmtp++) {
			struct str why = STR_EMPTY;
			struct dest dest;

			if (dest_parse(text, 25, lmtp, &dest, &why))
				CHECK(dest.host.len > 0 && dest.port > 0);
			else
				CHECK(str_len(&why) > 0);
			str_fini(&why);
		}
	return 0;
}
