/*
 * header - names of message headers, what kind they are, and their lines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_HEADER_H
#define COMMON_MAIL_HEADER_H

#include "common/base/span.h"

enum header_id {
	HEADER_OTHER, HEADER_APPARENTLY_TO, HEADER_BCC, HEADER_CC,
	HEADER_CONTENT_DESCRIPTION, HEADER_CONTENT_DISPOSITION,
	HEADER_CONTENT_ID, HEADER_CONTENT_LENGTH,
	HEADER_CONTENT_TRANSFER_ENCODING, HEADER_CONTENT_TYPE, HEADER_DATE,
	HEADER_DELIVERED_TO, HEADER_DISPOSITION_NOTIFICATION_TO,
	HEADER_ERRORS_TO, HEADER_FROM, HEADER_MESSAGE_ID, HEADER_MIME_VERSION,
	HEADER_RECEIVED, HEADER_REPLY_TO, HEADER_RESENT_BCC, HEADER_RESENT_CC,
	HEADER_RESENT_DATE, HEADER_RESENT_FROM, HEADER_RESENT_MESSAGE_ID,
	HEADER_RESENT_REPLY_TO, HEADER_RESENT_SENDER, HEADER_RESENT_TO,
	HEADER_RETURN_PATH, HEADER_RETURN_RECEIPT_TO, HEADER_SENDER,
	HEADER_SUBJECT, HEADER_TO, HEADER_AUTO_SUBMITTED, HEADER_MAIL_FOLLOWUP_TO,
	HEADER_COUNT			/* at most 64: sets are two words */
};

enum header_flags {
	HEADER_IS_SENDER = 1,		/* addresses of the originator */
	HEADER_IS_RCPT = 2,		/* addresses of recipients */
	HEADER_IS_RESENT = 4,
	HEADER_IS_EXTRACTED = 8,	/* recipients for sendmail -t */
	HEADER_IS_MIME = 16,		/* speaks of the body (RFC 2045 3) */
};

enum header_id header_find(struct span name);	/* case ignored */
const char *header_name(enum header_id id);
unsigned header_flags(enum header_id id);

/*
 * Is this the start of a header line: printable bytes, optional space, colon?
 * The length of the name, or 0.
 */
size_t header_name_length(struct span line);
/* Value behind "Name:", without leading white space, folds kept. */
struct span header_value(struct span line, size_t name_length);

#endif
