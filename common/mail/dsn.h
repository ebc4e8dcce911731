/*
 * dsn - enhanced status codes (RFC 3463) and what became of a recipient.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_DSN_H
#define COMMON_MAIL_DSN_H

#include "common/base/span.h"

enum dsn_action {			/* RFC 3464 2.3.3 */
	DSN_FAILED, DSN_DELAYED, DSN_DELIVERED, DSN_RELAYED, DSN_EXPANDED,
};

enum dsn_notify {			/* RFC 3461 4.1 */
	DSN_NOTIFY_NEVER = 1, DSN_NOTIFY_SUCCESS = 2, DSN_NOTIFY_FAILURE = 4,
	DSN_NOTIFY_DELAY = 8,
};
enum dsn_ret { DSN_RET_NONE, DSN_RET_FULL, DSN_RET_HDRS };

/* "d.ddd.ddd" at the start of text; its length, or 0. */
size_t dsn_scan(struct span text);
bool dsn_valid(struct span dsn);
/*
 * Splits "4.2.2 mailbox full" into code and text; without a code in front,
 * the code is dflt. With first digit `cls` ('2','4','5' or 0) forced onto it.
 */
void dsn_split(struct span text, const char *dflt, char cls,
    char dsn_out[12], struct span *text_out);
/* NOTIFY=...: a list of words into a mask; false on nonsense. */
bool dsn_notify_scan(struct span text, unsigned *mask_out);
void dsn_notify_print(unsigned mask, char out[40]);

/* What became of one recipient. */
enum outcome_kind {
	OUTCOME_SENT,			/* delivered or relayed */
	OUTCOME_DEFERRED,		/* try again */
	OUTCOME_BOUNCED,		/* never */
};

#endif
