/*
 * bounce_proto - requests to bounce, defer and trace ("private/bounce", ...):
 * keep what became of recipients, and tell senders.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_BOUNCE_PROTO_H
#define DAEMONS_SHARED_BOUNCE_PROTO_H

#include "queue/outcome_log.h"

#define BOUNCE_PROTOCOL "bounce"
#define BOUNCE_VERSION 1

struct bounce_append {			/* form 1: durable when answered */
	struct span queue_id;
	struct attr_list outcomes;	/* struct outcome */
};
enum bounce_what {
	BOUNCE_FAILED = 1,		/* non-delivery notice from the bounce log */
	BOUNCE_DELAYED = 2,		/* delayed-mail warning from the defer log */
	BOUNCE_TRACE = 3,		/* delivery report from the trace log */
};
struct bounce_send {			/* form 2: notice committed when answered */
	uint64_t what;			/* enum bounce_what */
	struct span queue_name, queue_id;
	struct attr_list envelope;	/* exactly one */
	uint64_t content_offset, content_length;
	int fd;				/* the queue file, read-only; may be -1 */
	int64_t since_us;		/* outcomes from then on; 0: all */
};
struct bounce_drop {			/* form 3: forget the log of a message */
	struct span queue_id;
};
struct bounce_reply {			/* form 4 */
	bool ok;
	struct span why;
};
extern const struct attr_form bounce_append_form, bounce_send_form,
    bounce_drop_form, bounce_reply_form;

#endif
