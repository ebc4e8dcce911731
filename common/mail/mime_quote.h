/*
 * mime_quote - parts that are said to be 8bit or binary become quoted-printable
 * (RFC 6152 3, RFC 2045 6.7) while the message comes out of mime.
 *
 * What is said to be nothing goes as it is. Containers, which must not be
 * encoded, are said to be 7bit: what is in them has become so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_MIME_QUOTE_H
#define COMMON_MAIL_MIME_QUOTE_H

#include "common/mail/mime.h"

/* Zeroed: nothing has come yet. */
struct mime_quote {
	bool held_header;		/* "8bit" was said and is held back */
	bool quoted;			/* this part is being encoded */
	size_t column;			/* of its line */
	char held;			/* white space that may end it, or 0 */
};

/* True: this header must not be written now, mime_quote_settle will. */
bool mime_quote_holds(struct mime_quote *q, enum header_id id,
    struct span line);
/* Before content, and at the end: the headers of a part are over. */
void mime_quote_settle(struct mime_quote *q, const struct mime *m,
    struct str *out);
/* Content, in any pieces. */
void mime_quote_put(struct mime_quote *q, struct span bytes, struct str *out);
/* Before a boundary, and at the end. */
void mime_quote_end_part(struct mime_quote *q, struct str *out);

#endif
