/*
 * ipaddr - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/ipaddr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>

#include "common/base/scan.h"

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0xff, 0xff };

static void
set_v6(struct ipaddr *ip, const uint8_t bytes[16], uint32_t scope)
{
	*ip = (struct ipaddr){ .family = AF_INET6, .scope = scope };
	if (memcmp(bytes, mapped_prefix, 12) == 0) {
		ip->family = AF_INET;
		ip->scope = 0;
		memcpy(ip->bytes, bytes + 12, 4);
	} else {
		memcpy(ip->bytes, bytes, 16);
	}
}

static bool
scan_scope(struct span text, uint32_t *out)
{
	char name[IF_NAMESIZE];

	if (scan_u32(text, out))
		return *out != 0;
	if (text.len == 0 || text.len >= sizeof(name))
		return false;
	memcpy(name, text.p, text.len);
	name[text.len] = '\0';
	*out = if_nametoindex(name);
	return *out != 0;
}

bool
ipaddr_scan(struct span text, struct ipaddr *out)
{
	char buf[IPADDR_TEXT_MAX];
	uint8_t bytes[16];
	uint32_t scope = 0;
	ssize_t percent = span_find(text, '%');

	if (percent >= 0) {
		if (!scan_scope(span_skip(text, (size_t)percent + 1), &scope))
			return false;
		text.len = (size_t)percent;
	}
	if (text.len == 0 || text.len >= sizeof(buf) || span_has(text, '\0'))
		return false;
	memcpy(buf, text.p, text.len);
	buf[text.len] = '\0';
	if (percent < 0 && inet_pton(AF_INET, buf, bytes) == 1) {
		*out = (struct ipaddr){ .family = AF_INET };
		memcpy(out->bytes, bytes, 4);
		return true;
	}
	if (inet_pton(AF_INET6, buf, bytes) != 1)
		return false;
	set_v6(out, bytes, scope);
	return true;
}

void
ipaddr_print(const struct ipaddr *ip, char out[IPADDR_TEXT_MAX])
{
	out[0] = '\0';
	if (ip->family == 0)
		return;
	inet_ntop(ip->family, ip->bytes, out, INET6_ADDRSTRLEN);
	if (ip->scope != 0) {
		size_t len = strlen(out);

		snprintf(out + len, IPADDR_TEXT_MAX - len, "%%%u", ip->scope);
	}
}

bool
ipaddr_eq(const struct ipaddr *a, const struct ipaddr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes,
	    a->family == AF_INET ? 4 : 16) == 0 && a->scope == b->scope;
}

bool
ipaddr_is_loopback(const struct ipaddr *ip)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (ip->family == AF_INET)
		return ip->bytes[0] == 127;
	return ip->family == AF_INET6 && memcmp(ip->bytes, one, 16) == 0;
}

bool
ipaddr_from_sockaddr(const struct sockaddr *sa, struct ipaddr *out,
    uint16_t *port_out)
{
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in =
		    (const struct sockaddr_in *)(const void *)sa;

		*out = (struct ipaddr){ .family = AF_INET };
		memcpy(out->bytes, &in->sin_addr, 4);
		*port_out = ntohs(in->sin_port);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 =
		    (const struct sockaddr_in6 *)(const void *)sa;

		set_v6(out, in6->sin6_addr.s6_addr, in6->sin6_scope_id);
		*port_out = ntohs(in6->sin6_port);
		return true;
	}
	return false;
}

socklen_t
ipaddr_to_sockaddr(const struct ipaddr *ip, uint16_t port,
    struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (ip->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)(void *)out;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, ip->bytes, 4);
		return sizeof(*in);
	}

	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)out;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, ip->bytes, 16);
	in6->sin6_scope_id = ip->scope;
	return sizeof(*in6);
}

static bool
has_host_bits(struct ipblock *block)
{
	size_t size = block->base.family == AF_INET ? 4 : 16;
	bool has = false;

	for (size_t i = 0; i < size; i++) {
		unsigned keep = block->bits >= 8 * (i + 1) ? 8
		    : block->bits <= 8 * i ? 0 : block->bits - (unsigned)(8 * i);
		uint8_t mask = (uint8_t)(0xff << (8 - keep));

		if (block->base.bytes[i] & (uint8_t)~mask)
			has = true;
		block->base.bytes[i] &= mask;
	}
	return has;
}

bool
ipblock_scan(struct span text, struct ipblock *out, struct str *why)
{
	struct span address = text, bits = SPAN_NONE;
	ssize_t slash = span_rfind(text, '/');
	uint32_t n;

	if (slash >= 0) {
		address = span_sub(text, 0, (size_t)slash);
		bits = span_skip(text, (size_t)slash + 1);
	}
	if (address.len > 2 && address.p[0] == '['
	    && address.p[address.len - 1] == ']')
		address = span_sub(address, 1, address.len - 2);
	if (!ipaddr_scan(address, &out->base)) {
		str_printf(why, "\"%.*s\" is not an address or block",
		    SPAN_ARG(text));
		return false;
	}
	out->bits = out->base.family == AF_INET ? 32 : 128;
	if (slash < 0)
		return true;
	if (!scan_u32(bits, &n)) {
		str_printf(why, "bad mask value in \"%.*s\"",
		    SPAN_ARG(text));
		return false;
	}
	/* ::ffff:10.0.0.0/104 is 10.0.0.0/8 */
	if (out->base.family == AF_INET && span_has(address, ':'))
		n = n >= 96 ? n - 96 : 999;
	if (n > out->bits) {
		str_printf(why, "bad mask length in \"%.*s\"",
		    SPAN_ARG(text));
		return false;
	}
	out->bits = (uint8_t)n;
	if (has_host_bits(out)) {
		str_printf(why, "non-null host address bits in \"%.*s\", "
		    "perhaps you should use \"", SPAN_ARG(text));
		ipblock_print(out, why);
		str_adds(why, "\" instead");
		return false;
	}
	return true;
}

bool
ipblock_covers(const struct ipblock *block, const struct ipaddr *ip)
{
	unsigned whole = block->bits / 8, rest = block->bits % 8;

	if (block->base.family != ip->family
	    || memcmp(block->base.bytes, ip->bytes, whole) != 0)
		return false;
	return rest == 0 || ((block->base.bytes[whole] ^ ip->bytes[whole])
	    >> (8 - rest)) == 0;
}

void
ipblock_print(const struct ipblock *block, struct str *out)
{
	char text[IPADDR_TEXT_MAX];

	ipaddr_print(&block->base, text);
	str_addf(out, "%s/%u", text, (unsigned)block->bits);
}

void
ipaddr_reverse_name(const struct ipaddr *ip, struct str *out)
{
	if (ip->family == AF_INET) {
		str_addf(out, "%u.%u.%u.%u.in-addr.arpa", ip->bytes[3],
		    ip->bytes[2], ip->bytes[1], ip->bytes[0]);
		return;
	}
	for (int i = 15; i >= 0; i--)
		str_addf(out, "%x.%x.", ip->bytes[i] & 15, ip->bytes[i] >> 4);
	str_adds(out, "ip6.arpa");
}
