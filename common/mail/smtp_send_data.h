/*
 * smtp_send_data - message content on its way to an SMTP server: LF becomes
 * CRLF, a dot at the start of a line is doubled, lines over the limit are
 * broken with CRLF SPACE. The output never has a CR or LF outside a CRLF, so
 * nothing in a message can look like its end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_SMTP_SEND_DATA_H
#define COMMON_MAIL_SMTP_SEND_DATA_H

#include "common/base/span.h"
#include "common/base/str.h"

struct smtp_send_data {
	size_t line_limit;		/* without CRLF; 0: none */
	size_t column;			/* bytes of this line so far */
	bool held_cr;			/* a CR came last; LF may follow */
	bool broke_line;
};

void smtp_send_data_init(struct smtp_send_data *e, size_t line_limit);
/* Content in pieces of any size; appends what is to be sent. */
void smtp_send_data_add(struct smtp_send_data *e, struct span content,
    struct str *out);
/* Ends a last line that had no end, and adds the final dot. */
void smtp_send_data_end(struct smtp_send_data *e, struct str *out);

#endif
