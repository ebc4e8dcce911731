/*
 * token822 - the addresses inside a message header (RFC 5322 3.4), found where
 * they stand so that each can be replaced and the rest kept byte for byte.
 *
 * Display names, comments, names of groups and folds are stepped over, and so are
 * source routes in <>, which go when the address is replaced. Bad text is tolerated: words side by side are an address each, as they
 * always were in mail systems; what is not closed ends with the value.
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
	bool has_route;			/* "@a,@b:" is part of what stands there */
	size_t missing_comma;		/* where the comma before it should be;
					   0 when none is missing */
};

/* Calls fn for each address, in order; "<>" is none. Time is linear. */
typedef void token822_fn(const struct token822_address *address, void *arg);
void token822_each_address(struct span value, token822_fn *fn, void *arg);

/* So many words, quoted strings, comments and single signs of the value, and no
 * more: all of it, or its beginning. */
struct span token822_first_tokens(struct span value, size_t most);

/* The first one's internal form replaces *out; empty if there is none. */
void token822_first(struct span value, struct str *out);

/*
 * The value with each address replaced by what fn makes of it (internal form
 * both; an empty *out leaves it as it is, route and all), appended to *out, all else byte for
 * byte; where words stood side by side a comma comes between. False: nothing
 * changed, and nothing was appended.
 */
typedef void token822_replace_fn(struct span internal, struct str *out,
    void *arg);
bool token822_replace(struct span value, token822_replace_fn *fn, void *arg,
    struct str *out);

#endif
