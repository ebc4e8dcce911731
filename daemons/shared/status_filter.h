/*
 * status_filter - <agent>_delivery_status_filter: a table makes another status
 * code and text of what became of a recipient, before it is logged, kept and
 * reported. What was delivered stays delivered, and the other way round; only
 * between "not now" and "never" may it choose.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_STATUS_FILTER_H
#define DAEMONS_SHARED_STATUS_FILTER_H

#include "common/base/arena.h"
#include "common/mail/dsn.h"

/* Before the jail; fatal when the value is bad. */
void status_filter_open(const char *parameter, const char *value);
void status_filter_close(void);		/* tests */
bool status_filter_wanted(void);

struct status_text {
	enum outcome_kind kind;
	char dsn[12];			/* its class is that of the kind */
	struct span reason;
};
/*
 * The key is "dsn text", and so is the result. One that makes no sense is
 * warned about and changes nothing; when the table cannot be asked, nothing is
 * returned to the sender for good. The new reason is in the arena. May suspend.
 */
void status_filter(struct status_text *text, struct arena *arena);

#endif
