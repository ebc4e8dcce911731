/*
 * proxy_header: whatever a proxy sends, the header lies within its bytes, is not
 * longer than it may be, and ends at the same byte however much has come.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/mail/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of((const char *)data, size);
	struct proxy_header header, part;
	struct str why = STR_EMPTY;
	char text[IPADDR_TEXT_MAX];

	if (proxy_header_parse(bytes, &header, &why) == PROXY_HEADER_DONE) {
		CHECK(header.length > 0 && header.length <= size);
		CHECK(header.length <= PROXY_HEADER_MOST);
		CHECK(header.own || (header.client.family != 0
		    && header.server.family != 0));
		if (!header.own)
			ipaddr_print(&header.client, text);
		CHECK(proxy_header_parse(span_sub(bytes, 0, header.length),
		    &part, &why) == PROXY_HEADER_DONE);
		CHECK(part.length == header.length);
		CHECK(proxy_header_parse(span_sub(bytes, 0,
		    header.length - 1), &part, &why) == PROXY_HEADER_MORE);
	}
	str_fini(&why);
	return 0;
}
