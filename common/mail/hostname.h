/*
 * hostname - valid host names (RFC 1123, labels with "_" tolerated) and
 * address literals (RFC 5321 4.1.3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_HOSTNAME_H
#define COMMON_MAIL_HOSTNAME_H

#include "common/base/ipaddr.h"
#include "common/base/span.h"
#include "common/base/str.h"

#define HOSTNAME_MOST 255
#define HOSTNAME_LABEL_MOST 63

/* Letters, digits, "-", "_" and UTF-8 in labels of 1 to 63 bytes, not all
 * numeric; a final dot is not part of a name. False with a reason. */
bool hostname_valid(struct span name, struct str *why);
bool hostname_is_fqdn(struct span name);	/* has a dot inside */
/* "[192.0.2.1]", "[IPv6:2001:db8::1]": the address. No scope. */
bool hostname_literal_address(struct span domain, struct ipaddr *out);

#endif
