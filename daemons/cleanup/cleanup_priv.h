/*
 * cleanup_priv - one message on its way into the queue, as cleanup's files
 * share it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_CLEANUP_CLEANUP_PRIV_H
#define DAEMONS_CLEANUP_CLEANUP_PRIV_H

#include "common/base/hash.h"
#include "common/io/sock.h"
#include "common/io/stream.h"
#include "common/mail/header.h"
#include "daemons/cleanup/cleanup_conf.h"
#include "daemons/shared/cleanup_proto.h"
#include "queue/message.h"

struct transaction {
	struct arena *arena;
	struct arena *scratch;		/* of the frame at work */
	char id[QUEUE_ID_MAX];
	uint64_t flags;			/* enum cleanup_flags */
	struct envelope envelope;
	struct queue_writer *writer;
	enum cleanup_status status;	/* the first trouble */
	struct str *text;		/* for people, of that trouble */

	/* Recipients after all mapping, kept for the notice to qmgr. */
	struct envelope_rcpt *rcpts;
	size_t nrcpts, room;
	struct hash *seen;		/* duplicates */
	bool rcpts_written;
	size_t rcpts_stored;

	/* Headers. */
	bool in_headers, any_header;
	struct str *line;		/* unfinished line of input */
	struct str *header;		/* the logical header so far */
	uint32_t header_seen[2];	/* bit per enum header_id */
	unsigned hops;
	struct strlist *extracted, *extracted_resent;
	bool has_8bit, has_utf8_header;
};

/* transaction.c: messages of one connection until it ends. Suspends. */
void transaction_serve(struct stream *client, const struct sock_peer *peer);
/* The first trouble of a message sticks; the rest of it is read and dropped. */
void transaction_fail(struct transaction *t, enum cleanup_status status,
    const char *text);

/* map.c: before the jail. */
void map_setup(void);
void map_close_all(void);		/* tests: before another set-up */
/* The sender after canonical mapping. Suspends. */
void map_sender(struct transaction *t);
/* Canonical and virtual mapping of one recipient; the results are appended to
 * t->rcpts. Suspends. */
void map_rcpt(struct transaction *t, const struct envelope_rcpt *rcpt);
/* Was SMTPUTF8 asked for, or do we ask for it ourselves? */
bool map_wants_utf8(const struct transaction *t);
/* An address in a header: appended to out, internal form. Suspends. */
void map_header_address(struct transaction *t, struct span address,
    unsigned header_kind, struct str *out);
/* Transports and next hops of recipients that lack them, for the notice. */
void map_resolve(struct transaction *t);

/* headers.c */
void headers_setup(void);
void headers_take(struct transaction *t, struct span bytes);
/* No more input: what is open is closed, missing headers are added. */
void headers_end(struct transaction *t);


#endif
