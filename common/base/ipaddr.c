/*
 * ipaddr - IPv4 and IPv6 addresses and blocks.
 *
 * An IPv4-mapped IPv6 address becomes IPv4 wherever one enters: from text and
 * from a socket. IPv4 with a leading zero in a part is refused: some read
 * it as octal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>

#include "common/base/ipaddr.h"
#include "common/base/scan.h"

_Static_assert(INET6_ADDRSTRLEN + 1 + IF_NAMESIZE <= IPADDR_TEXT_MAX,
    "an address and its scope fit");

static const unsigned char mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

static size_t
address_bytes(const struct ipaddr *ip)
{
	return ip->family == AF_INET ? 4 : 16;
}

static void
set_v4(struct ipaddr *out, const void *bytes)
{
	*out = (struct ipaddr){ .family = AF_INET };
	memcpy(out->bytes, bytes, 4);
}

static void
set_v6(struct ipaddr *out, const unsigned char *bytes)
{
	if (memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0) {
		set_v4(out, bytes + 12);
		return;
	}
	*out = (struct ipaddr){ .family = AF_INET6 };
	memcpy(out->bytes, bytes, 16);
}

/* --- Addresses from text ---------------------------------------------------*/

static bool
scan_v4(struct span text, unsigned char bytes[4])
{
	for (int part = 0; part < 4; part++) {
		ssize_t dot = span_find(text, '.');
		struct span digits = part < 3 ?
		    span_sub(text, 0, dot < 0 ? 0 : (size_t)dot) : text;
		uint32_t value;

		if (digits.len > 3 || !scan_u32(digits, &value) ||
		    value > 255 || (digits.len > 1 && digits.p[0] == '0'))
			return false;
		bytes[part] = (unsigned char)value;
		text = span_skip(text, digits.len + 1);
	}
	return true;
}

/* Groups of text, ended by "::" or the end, as bytes; the count in *n. */
static bool
scan_groups(struct span *text, unsigned char *bytes, size_t *n)
{
	*n = 0;
	while (text->len > 0 && *n < 16) {
		ssize_t colon = span_find(*text, ':');
		struct span group = colon < 0 ? *text :
		    span_sub(*text, 0, (size_t)colon);
		uint64_t value;

		if (colon < 0 && span_has(group, '.')) {
			if (*n > 12 || !scan_v4(group, bytes + *n))
				return false;
			*n += 4;
			*text = SPAN_NONE;
			return true;
		}
		if (group.len > 4 || !scan_hex64(group, &value))
			return false;
		bytes[(*n)++] = (unsigned char)(value >> 8);
		bytes[(*n)++] = (unsigned char)value;
		*text = span_skip(*text, group.len);
		if (text->len == 0 || span_starts(*text, SPAN("::")))
			return true;
		*text = span_skip(*text, 1);	/* the colon wants a group */
		if (text->len == 0)
			return false;
	}
	return text->len == 0;
}

static bool
scan_v6(struct span text, unsigned char bytes[16])
{
	unsigned char tail[16];
	size_t before = 0, after;

	memset(bytes, 0, 16);
	if (!span_starts(text, SPAN("::"))) {
		if (!scan_groups(&text, bytes, &before))
			return false;
		if (text.len == 0)
			return before == 16;
	}
	/* What "::" stands for is at least one group of zeros. */
	if (!span_starts(text, SPAN("::")))
		return false;
	text = span_skip(text, 2);
	if (!scan_groups(&text, tail, &after) || text.len > 0 ||
	    before + after > 14)
		return false;
	memcpy(bytes + 16 - after, tail, after);
	return true;
}

static bool
is_link_local(const struct ipaddr *ip)
{
	if (ip->family != AF_INET6)
		return false;
	return (ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80) ||
	    (ip->bytes[0] == 0xff && (ip->bytes[1] & 0x0f) == 0x02);
}

static bool
scan_scope(struct span name, uint32_t *out)
{
	char interface[IF_NAMESIZE];

	if (scan_u32(name, out))
		return *out != 0;
	if (name.len == 0 || name.len >= sizeof(interface) ||
	    span_has(name, '\0'))
		return false;
	memcpy(interface, name.p, name.len);
	interface[name.len] = '\0';
	*out = if_nametoindex(interface);
	return *out != 0;
}

bool
ipaddr_scan(struct span text, struct ipaddr *out)
{
	ssize_t percent = span_find(text, '%');
	struct span address = percent < 0 ? text :
	    span_sub(text, 0, (size_t)percent);
	unsigned char bytes[16];
	struct ipaddr ip;

	if (span_has(address, ':')) {
		if (!scan_v6(address, bytes))
			return false;
		set_v6(&ip, bytes);
	} else {
		if (!scan_v4(address, bytes))
			return false;
		set_v4(&ip, bytes);
	}
	if (percent >= 0 && (!is_link_local(&ip) ||
	    !scan_scope(span_skip(text, (size_t)percent + 1), &ip.scope)))
		return false;
	*out = ip;
	return true;
}

/* --- Addresses as text, compared, from and to sockets -----------------------*/

static char *
print_byte(char *to, unsigned value)
{
	if (value >= 100)
		*to++ = (char)('0' + value / 100);
	if (value >= 10)
		*to++ = (char)('0' + value / 10 % 10);
	*to++ = (char)('0' + value % 10);
	return to;
}

static void
print_scope(uint32_t scope, char *to, size_t room)
{
	char name[IF_NAMESIZE];

	if (if_indextoname(scope, name) != NULL)
		snprintf(to, room, "%%%s", name);
	else
		snprintf(to, room, "%%%u", (unsigned)scope);
}

void
ipaddr_print(const struct ipaddr *ip, char out[IPADDR_TEXT_MAX])
{
	char *to = out;

	out[0] = '\0';
	switch (ip->family) {
	case AF_INET:
		for (int i = 0; i < 4; i++) {
			to = print_byte(to, ip->bytes[i]);
			*to++ = i < 3 ? '.' : '\0';
		}
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, ip->bytes, out, IPADDR_TEXT_MAX);
		if (ip->scope != 0) {
			size_t len = strlen(out);

			print_scope(ip->scope, out + len,
			    IPADDR_TEXT_MAX - len);
		}
		break;
	}
}

bool
ipaddr_eq(const struct ipaddr *a, const struct ipaddr *b)
{
	if (a->family != b->family || a->scope != b->scope)
		return false;
	return a->family == 0 ||
	    memcmp(a->bytes, b->bytes, address_bytes(a)) == 0;
}

bool
ipaddr_is_loopback(const struct ipaddr *ip)
{
	if (ip->family == AF_INET)
		return ip->bytes[0] == 127;
	return ip->family == AF_INET6 &&
	    memcmp(ip->bytes, &in6addr_loopback, 16) == 0;
}

bool
ipaddr_from_sockaddr(const struct sockaddr *sa, struct ipaddr *out,
    uint16_t *port_out)
{
	const struct sockaddr_in *in4 = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;
	uint16_t port;

	switch (sa->sa_family) {
	case AF_INET:
		set_v4(out, &in4->sin_addr);
		port = ntohs(in4->sin_port);
		break;
	case AF_INET6:
		set_v6(out, in6->sin6_addr.s6_addr);
		if (is_link_local(out))
			out->scope = in6->sin6_scope_id;
		port = ntohs(in6->sin6_port);
		break;
	default:
		return false;
	}
	if (port_out != NULL)
		*port_out = port;
	return true;
}

socklen_t
ipaddr_to_sockaddr(const struct ipaddr *ip, uint16_t port,
    struct sockaddr_storage *out)
{
	struct sockaddr_in *in4 = (void *)out;
	struct sockaddr_in6 *in6 = (void *)out;

	memset(out, 0, sizeof(*out));
	switch (ip->family) {
	case AF_INET:
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		memcpy(&in4->sin_addr, ip->bytes, 4);
		return sizeof(*in4);
	case AF_INET6:
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, ip->bytes, 16);
		in6->sin6_scope_id = ip->scope;
		return sizeof(*in6);
	}
	return 0;
}

/* --- Blocks -----------------------------------------------------------------*/

static bool
refuse(struct str *why, const char *problem, struct span text)
{
	if (why != NULL)
		str_printf(why, "%s in \"%.*s\"", problem, SPAN_ARG(text));
	return false;
}

/* Clears what lies behind the first `bits`; true if any of it was set. */
static bool
clear_host_bits(struct ipaddr *ip, unsigned bits)
{
	bool any = false;

	for (unsigned i = 0; i < address_bytes(ip); i++) {
		unsigned kept = bits > i * 8 ? bits - i * 8 : 0;
		unsigned char host = kept >= 8 ? 0 :
		    (unsigned char)(0xff >> kept);

		any |= (ip->bytes[i] & host) != 0;
		ip->bytes[i] &= (unsigned char)~host;
	}
	return any;
}

/* "[a]/n", "[a/n]", "[a]", "a/n" or "a", taken apart; false if brackets do
 * not pair. */
static bool
take_apart(struct span text, struct span *address, struct span *length,
    bool *has_length)
{
	bool bracket = span_starts(text, SPAN("["));

	if (bracket && span_ends(text, SPAN("]"))) {
		text = span_sub(text, 1, text.len - 2);
		bracket = false;
	}

	ssize_t slash = span_rfind(text, '/');

	*has_length = slash >= 0;
	*address = slash < 0 ? text : span_sub(text, 0, (size_t)slash);
	*length = slash < 0 ? SPAN_NONE : span_skip(text, (size_t)slash + 1);
	if (bracket) {
		if (!span_ends(*address, SPAN("]")))
			return false;
		*address = span_sub(*address, 1, address->len - 2);
	}
	return !span_has(*address, '[') && !span_has(*address, ']');
}

static void
suggest(const struct ipblock *block, bool brackets, struct span text,
    struct str *why)
{
	char base[IPADDR_TEXT_MAX];

	if (why == NULL)
		return;
	ipaddr_print(&block->base, base);
	brackets = brackets && block->base.family == AF_INET6;
	str_printf(why, "non-null host address bits in \"%.*s\", "
	    "perhaps you should use \"%s%s%s/%u\" instead", SPAN_ARG(text),
	    brackets ? "[" : "", base, brackets ? "]" : "",
	    (unsigned)block->bits);
}

bool
ipblock_scan(struct span text, struct ipblock *out, struct str *why)
{
	struct span address, length;
	struct ipblock block;
	bool has_length;
	uint32_t bits;

	if (!take_apart(text, &address, &length, &has_length))
		return refuse(why, "unbalanced brackets", text);
	if (!ipaddr_scan(address, &block.base)) {
		if (why != NULL)
			str_printf(why, "\"%.*s\" is not an address or block",
			    SPAN_ARG(text));
		return false;
	}

	uint32_t most = (uint32_t)address_bytes(&block.base) * 8;
	bool mapped = most == 32 && span_has(address, ':');

	/* ::ffff:10.0.0.0/104 is 10.0.0.0/8. */
	bits = mapped ? 128 : most;
	if (has_length && !scan_u32(length, &bits))
		return refuse(why, "bad mask value", text);
	if (bits > (mapped ? 128 : most) || (mapped && bits < 96))
		return refuse(why, "bad mask length", text);
	if (mapped)
		bits -= 96;
	block.bits = (uint8_t)bits;
	if (clear_host_bits(&block.base, bits)) {
		suggest(&block, span_starts(text, SPAN("[")), text, why);
		return false;
	}
	*out = block;
	return true;
}

bool
ipblock_covers(const struct ipblock *block, const struct ipaddr *ip)
{
	unsigned whole = block->bits / 8, rest = block->bits % 8;

	if (ip->family != block->base.family || ip->family == 0 ||
	    (block->base.scope != 0 && block->base.scope != ip->scope) ||
	    memcmp(ip->bytes, block->base.bytes, whole) != 0)
		return false;
	return rest == 0 || ((ip->bytes[whole] ^ block->base.bytes[whole]) &
	    (0xff00 >> rest) & 0xff) == 0;
}

void
ipblock_print(const struct ipblock *block, struct str *out)
{
	char base[IPADDR_TEXT_MAX];

	ipaddr_print(&block->base, base);
	str_addf(out, "%s/%u", base, (unsigned)block->bits);
}

void
ipaddr_reverse_name(const struct ipaddr *ip, struct str *out)
{
	static const char digits[] = "0123456789abcdef";

	switch (ip->family) {
	case AF_INET:
		str_addf(out, "%u.%u.%u.%u.in-addr.arpa",
		    (unsigned)ip->bytes[3], (unsigned)ip->bytes[2],
		    (unsigned)ip->bytes[1], (unsigned)ip->bytes[0]);
		break;
	case AF_INET6:
		for (int i = 15; i >= 0; i--) {
			const char nibbles[4] = { digits[ip->bytes[i] & 15],
				'.', digits[ip->bytes[i] >> 4], '.' };

			str_add(out, span_of(nibbles, sizeof(nibbles)));
		}
		str_adds(out, "ip6.arpa");
		break;
	}
}
