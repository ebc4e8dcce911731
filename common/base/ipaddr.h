/*
 * ipaddr - IPv4 and IPv6 addresses and blocks.
 *
 * An IPv4-mapped IPv6 address is stored as IPv4, so that one rule covers both.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_IPADDR_H
#define COMMON_BASE_IPADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "common/base/span.h"
#include "common/base/str.h"

struct ipaddr {
	uint8_t family;			/* AF_INET, AF_INET6, 0 = none */
	uint8_t bytes[16];		/* network order; IPv4 uses 4 */
	uint32_t scope;			/* of a link-local address, or 0 */
};

struct ipblock {
	struct ipaddr base;
	uint8_t bits;
};

#define IPADDR_TEXT_MAX 64

bool ipaddr_scan(struct span text, struct ipaddr *out);	/* no brackets */
void ipaddr_print(const struct ipaddr *ip, char out[IPADDR_TEXT_MAX]);
bool ipaddr_eq(const struct ipaddr *a, const struct ipaddr *b);
bool ipaddr_is_loopback(const struct ipaddr *ip);
bool ipaddr_from_sockaddr(const struct sockaddr *sa, struct ipaddr *out,
    uint16_t *port_out);
socklen_t ipaddr_to_sockaddr(const struct ipaddr *ip, uint16_t port,
    struct sockaddr_storage *out);
/* "10.0.0.0/8", "[2001:db8::]/32", "[2001:db8::/32]", a lone address. Host bits must be zero:
 * the reason names the block that was probably meant. */
bool ipblock_scan(struct span text, struct ipblock *out, struct str *why);
bool ipblock_covers(const struct ipblock *block, const struct ipaddr *ip);
void ipblock_print(const struct ipblock *block, struct str *out);
/* "1.2.0.192.in-addr.arpa" and the nibble form; no final dot. */
void ipaddr_reverse_name(const struct ipaddr *ip, struct str *out);

#endif
