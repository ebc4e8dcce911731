/*
 * ipaddr: accepts what inet_pton accepts, prints what it scans, and a block
 * covers its own base.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>

#include "common/base/ipaddr.h"
#include "common/base/panic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_address(struct span text)
{
	char copy[128], printed[IPADDR_TEXT_MAX];
	unsigned char bytes[16];
	struct ipaddr ip, again;
	bool ok = ipaddr_scan(text, &ip);

	if (text.len < sizeof(copy) && !span_has(text, '\0') &&
	    !span_has(text, '%')) {
		memcpy(copy, text.p, text.len);
		copy[text.len] = '\0';
		CHECK(ok == (inet_pton(AF_INET, copy, bytes) == 1 ||
		    inet_pton(AF_INET6, copy, bytes) == 1));
	}
	if (!ok)
		return;
	ipaddr_print(&ip, printed);
	CHECK(ipaddr_scan(span_cstr(printed), &again));
	CHECK(ipaddr_eq(&ip, &again));

	struct sockaddr_storage sa;

	CHECK(ipaddr_to_sockaddr(&ip, 25, &sa) > 0);
	CHECK(ipaddr_from_sockaddr((struct sockaddr *)&sa, &again, NULL));
	CHECK(ipaddr_eq(&ip, &again));
}

static void
try_block(struct span text)
{
	struct str why = STR_EMPTY;
	struct ipblock block, again;

	if (ipblock_scan(text, &block, &why)) {
		CHECK(ipblock_covers(&block, &block.base));
		CHECK(block.bits <= (block.base.family == AF_INET ? 32 : 128));
		str_clear(&why);
		ipblock_print(&block, &why);
		CHECK(ipblock_scan(str_span(&why), &again, NULL));
		CHECK(ipaddr_eq(&block.base, &again.base));
		CHECK(block.bits == again.bits);
	} else {
		CHECK(str_len(&why) > 0);
	}
	str_fini(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);

	try_address(text);
	try_block(text);
	return 0;
}
