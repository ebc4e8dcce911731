/*
 * verp - variable envelope return paths: each recipient's copy of a mailing has
 * a sender that names the recipient, so that a bounce tells whose it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_VERP_H
#define COMMON_MAIL_VERP_H

#include "common/base/span.h"
#include "common/base/str.h"

/* Two characters, each one of filter. */
bool verp_delims_valid(struct span delims, struct span filter);
/* "owner@list.test" for "user@site.test" by "+=" is
 * "owner+user=site.test@list.test"; internal forms. Appended. */
void verp_sender(struct str *out, struct span sender, struct span rcpt,
    struct span delims);

#endif
