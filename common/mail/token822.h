/*
 * token822 - the addresses inside a message header (RFC 5322 3.4), found where
 * they stand so that each can be replaced and the rest kept byte for byte.
 *
 * Display names, comments, groups, quoted strings, source routes and folded
 * lines are stepped over. Bad text is tolerated: what cannot be an address is
 * left alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_TOKEN822_H
#define COMMON_MAIL_TOKEN822_H

#include "common/base/span.h"
#include "common/base/str.h"

struct token822_address {
	size_t at, len;			/* of the addr-spec within the value */
	struct span internal;		/* unquoted; good during the call */
};

/* Calls fn for each address, in order; "<>" is none. */
typedef void token822_fn(const struct token822_address *address, void *arg);
void token822_each_address(struct span value, token822_fn *fn, void *arg);

#endif
