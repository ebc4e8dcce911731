/*
 * rewrite - addresses in standard form, user@fully.qualified.domain, by the
 * rules of trivial-rewrite(8).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_TRIVIAL_REWRITE_REWRITE_H
#define DAEMONS_TRIVIAL_REWRITE_REWRITE_H

#include "common/base/span.h"
#include "common/base/str.h"

/*
 * Appends the standard form of an internal address. context: "local" adds
 * myorigin and mydomain, "remote" adds remote_header_rewrite_domain or, when
 * that is empty, changes nothing; "invalid" changes nothing.
 */
void rewrite_standard_form(struct str *out, struct span address,
    struct span context);

#endif
