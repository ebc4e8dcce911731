/*
 * cleanup_proto - one message on a connection of its own ("public/cleanup",
 * from the sender's pool): begin, recipients, content, end; one status comes
 * back after end. Closing before end drops the message. The connection can
 * carry the next message after the status.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_CLEANUP_PROTO_H
#define DAEMONS_SHARED_CLEANUP_PROTO_H

#include "queue/envelope.h"

#define CLEANUP_PROTOCOL "cleanup"
#define CLEANUP_VERSION 1
#define CLEANUP_DATA_MAX 32768		/* content bytes per frame */

enum cleanup_flags {
	CLEANUP_BOUNCE = 1,		/* bounce it yourself on late errors
					   (pickup); else only tell (smtpd) */
	CLEANUP_FILTER = 2,		/* header and body checks, milters */
	CLEANUP_HOLD = 4,
	CLEANUP_DISCARD = 8,
	CLEANUP_BCC_OK = 16,		/* always_bcc and friends */
	CLEANUP_MAP_OK = 32,		/* canonical, virtual, masquerade */
	CLEANUP_EXTRACT_RCPT = 64,	/* sendmail -t */
	CLEANUP_SMTP_REPLY = 128,
	CLEANUP_FIX_HEADERS = 256,	/* add missing, rewrite (local) */
	/* Which mail of our own it is, for smtputf8_autodetect_classes. */
	CLEANUP_OF_FORWARD = 512, CLEANUP_OF_BOUNCE = 1024,
	CLEANUP_OF_NOTIFY = 2048, CLEANUP_OF_VERIFY = 4096,
};
#define CLEANUP_OF_OUR_OWN (CLEANUP_OF_FORWARD | CLEANUP_OF_BOUNCE \
	| CLEANUP_OF_NOTIFY | CLEANUP_OF_VERIFY)
/* Usual sets: smtpd; pickup; notices and forwards of our own. */
#define CLEANUP_EXTERNAL (CLEANUP_FILTER | CLEANUP_BCC_OK | CLEANUP_MAP_OK)
#define CLEANUP_INTERNAL (CLEANUP_MAP_OK)

enum cleanup_status {
	CLEANUP_OK = 0,
	CLEANUP_BAD = 1,		/* protocol error: 451 */
	CLEANUP_WRITE_ERROR = 2,	/* 451 4.3.0 queue file write error */
	CLEANUP_NO_SPACE = 3,		/* 452 4.3.1 */
	CLEANUP_TOO_BIG = 4,		/* 552 5.3.4 */
	CLEANUP_HOPS = 5,		/* 554 5.4.0 too many hops */
	CLEANUP_CONTENT = 6,		/* 550 5.7.1 content rejected, see text */
	CLEANUP_NO_RCPT = 7,		/* 550 5.1.0 no recipients */
	CLEANUP_DEFER = 8,		/* 451 4.7.1 try again, see text */
	CLEANUP_PROXY = 9,		/* 554 5.6.0 */
	CLEANUP_CONFIG = 10,		/* 451 4.3.5 protection missing */
};

struct cleanup_begin {			/* form 1 */
	struct span queue_id;		/* made by the sender, logged already;
					   empty: cleanup makes one */
	uint64_t flags;			/* enum cleanup_flags */
	struct attr_list envelope;	/* struct envelope, exactly one */
	struct attr_list rcpts;		/* struct envelope_rcpt, the first ones */
};
struct cleanup_rcpts {			/* form 2, any number of times */
	struct attr_list rcpts;
};
struct cleanup_data {			/* form 3: LF line ends, any split */
	struct span bytes;
};
struct cleanup_end {			/* form 4 */
	bool has_prepended;		/* unused fields stay out of the wire */
};
struct cleanup_result {			/* form 5, from cleanup */
	uint64_t status;		/* enum cleanup_status */
	struct span queue_id;
	struct span dsn;		/* "5.3.4" or empty */
	struct span text;		/* for the SMTP reply, may be empty */
	uint64_t size;			/* content bytes queued */
	uint64_t rcpts;			/* of a probe, after all mapping: one of
					   several is not queued */
};
extern const struct attr_form cleanup_begin_form, cleanup_rcpts_form,
    cleanup_data_form, cleanup_end_form, cleanup_result_form;

#endif
