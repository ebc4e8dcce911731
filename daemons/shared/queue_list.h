/*
 * queue_list - what is in the queue, message by message, for showq and for
 * postqueue when the mail system is down. Memory stays bounded by one message
 * and its recipients.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_QUEUE_LIST_H
#define DAEMONS_SHARED_QUEUE_LIST_H

#include "queue/message.h"

/* Addresses are in external form; the null sender has a name. */
struct listed_message {
	const char *queue_name;		/* "active" */
	const char *id;
	time_t when;			/* arrival */
	uint64_t size;
	bool forced_expire;
	struct span sender;
	struct span unreadable;		/* why: then no recipients follow */
};
struct listed_rcpt {
	struct span original, address;
	struct span reason;		/* why it was delayed; may be empty */
};

/* Calls in order: message, its recipients, end. False from any stops. */
struct queue_lister {
	bool (*message)(const struct listed_message *m, void *arg);
	bool (*rcpt)(const struct listed_rcpt *r, void *arg);
	bool (*end)(void *arg);
	void *arg;
	bool no_reasons;		/* saves a look at each log */
};

/*
 * A message that cannot be read is listed with what the file system knows, "?"
 * as its sender and the reason in unreadable. Works on the loop's stack, in a
 * fiber and without a loop. False when the lister stopped it, and when part of
 * the queue could not be listed, which is in the log.
 */
bool queue_list(int queue_dir, const struct queue_lister *lister);

#endif
