/*
 * from822 - a name and an address as one mailbox of a header (RFC 5322 3.4): the
 * name is a phrase in front or a comment behind, and in words of RFC 2047 when
 * it is not ASCII.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_FROM822_H
#define COMMON_MAIL_FROM822_H

#include "common/base/span.h"
#include "common/base/str.h"

enum from822_form {
	FROM822_STANDARD,		/* Name <address> */
	FROM822_OBSOLETE,		/* address (Name) */
};
/* "standard" or "obsolete", as header_from_format has it. */
bool from822_form(struct span word, enum from822_form *out);

/*
 * Appends it, folded behind words of RFC 2047; the address is the internal form.
 * An empty name leaves the address alone. charset is what the name is in; when
 * it is empty the name goes as it is. Control characters become spaces.
 */
void from822_print(struct str *out, enum from822_form form,
    struct span name, struct span address, const char *charset);

#endif
