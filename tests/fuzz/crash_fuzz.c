/*
 * crash: whatever a dead child left in its slot, master makes a text of it that
 * has an end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "daemons/master/master.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct master master;			/* its own lives beside main */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct crash_slot slot;
	struct str out = STR_EMPTY;

	memset(&slot, 0xa5, sizeof(slot));
	memcpy(&slot, data, size < sizeof(slot) ? size : sizeof(slot));
	crash_describe(&slot, &out);
	CHECK(str_len(&out) < 4 * sizeof(slot));
	str_fini(&out);
	return 0;
}
