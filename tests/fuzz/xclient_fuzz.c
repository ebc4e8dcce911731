/*
 * xclient: any line of attributes ends, and what it gives has a bound and no
 * control bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/mail/xclient.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xclient_value value = { .text = STR_EMPTY };
	struct str why = STR_EMPTY;
	struct span rest;
	unsigned attrs;

	if (size < 1)
		return 0;
	attrs = data[0] & 1 ? XCLIENT_ATTRS : XFORWARD_ATTRS;
	rest = span_of((const char *)data + 1, size - 1);
	while (xclient_next(&rest, attrs, &value, &why) == XCLIENT_OK) {
		CHECK(value.attr & attrs);
		CHECK(str_len(&value.text) <= XCLIENT_VALUE_MOST);
		for (size_t i = 0; i < str_len(&value.text); i++)
			CHECK((unsigned char)value.text.buf[i] >= ' ');
		CHECK(value.known != XCLIENT_GIVEN
		    || str_len(&value.text) > 0);
	}
	str_fini(&value.text);
	str_fini(&why);
	return 0;
}
