/*
 * Datagrams to postlogd.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "daemons/postlogd/postlogd_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str out = STR_EMPTY;
	struct span text;

	if (postlogd_line(span_of((const char *)data, size), &out, &text) &&
	    (out.len == 0 || memchr(out.buf, '\n', out.len - 1) != NULL))
		abort();
	str_fini(&out);
	return 0;
}
