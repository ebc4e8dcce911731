/*
 * status - the words between master and a child, in records of one size over
 * a unix stream each. When master's end closes, the child leaves at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_SERVICE_STATUS_H
#define COMMON_SERVICE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

enum status_word {
	/* From the child. */
	STATUS_READY = 1,		/* start-up is over, it accepts */
	STATUS_LEAVING,			/* accepts no more, will exit */
	STATUS_FULL,			/* this process has no room: accepts no more */
	STATUS_AT_LIMIT,		/* the service's limit is reached */
	STATUS_SUCCESSOR,		/* text: why; drain comes when it is there */
	STATUS_TABLES_CHANGED,		/* address caches are out of date */
	STATUS_WANT_SYSLOG,		/* syslog went away: a new socket please */
	STATUS_ROOM,			/* after FULL: it accepts again */
	/* From master. */
	STATUS_DRAIN = 64,		/* accept no more, finish, exit */
	STATUS_STOP,			/* the same within `seconds` */
	STATUS_WAKEUP,			/* the timer of master.cf */
	STATUS_SYSLOG,			/* a descriptor comes along */
	STATUS_LOG,			/* the log file, reopened, comes along */
};

struct status_record {
	uint32_t word;			/* enum status_word */
	uint32_t seconds;
	char text[120];
};

_Static_assert(sizeof(struct status_record) == 128, "one size");

/* Child: sends without waiting; the socket's buffer holds hundreds. */
void status_tell(enum status_word word, const char *text);

#endif
