/*
 * cleanup_priv - one message on its way into the queue, as cleanup's files
 * share it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_CLEANUP_CLEANUP_PRIV_H
#define DAEMONS_CLEANUP_CLEANUP_PRIV_H

#include "common/base/hash.h"
#include "common/base/strlist.h"
#include "common/io/sock.h"
#include "common/io/stream.h"
#include "common/mail/header.h"
#include "daemons/cleanup/cleanup_conf.h"
#include "daemons/shared/cleanup_proto.h"
#include "queue/message.h"
#include "queue/outcome_log.h"

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
	size_t nasked;			/* of these, before copies */
	struct hash *seen;		/* duplicates */
	bool rcpts_written;
	size_t rcpts_stored;
	struct outcome *expanded;	/* whose success we tell of */
	size_t nexpanded, expanded_room;

	/* Headers. */
	bool in_headers, any_header;
	struct str *line;		/* unfinished line of input */
	struct str *header;		/* the logical header so far */
	uint32_t header_seen[2];	/* bit per enum header_id */
	unsigned hops;
	struct strlist *extracted, *extracted_resent;
	bool has_8bit, has_utf8_header;

	struct convert *convert;	/* NULL: nothing is converted */

	/* Checks. */
	struct mime *mime;		/* NULL: nobody looks for parts */
	struct body_lines *lines;	/* NULL: nobody looks at them */
	struct bcc *bcc;		/* not among the recipients yet */
	bool always_bcc_done;
	struct span filter, redirect;	/* the last of each; empty: none */
};

struct bcc {
	struct bcc *next;
	struct span address;
};

enum line_fate { LINE_KEPT, LINE_CHANGED, LINE_DROPPED };
enum header_place { HEADER_PRIMARY, HEADER_OF_PART, HEADER_NESTED };

/* transaction.c: messages of one connection until it ends. Suspends. */
void transaction_serve(struct stream *client, const struct sock_peer *peer);
/* The first trouble of a message sticks; the rest of it is read and dropped. */
void transaction_fail(struct transaction *t, enum cleanup_status status,
    const char *text);
/* One more recipient, whose fate is nobody's business. Copied. */
void transaction_bcc(struct transaction *t, struct span address);

/* map.c: before the jail. */
void map_setup(void);
void map_close_all(void);		/* tests: before another set-up */
/* The sender after canonical mapping. Suspends. */
void map_sender(struct transaction *t);
/* Canonical and virtual mapping of one recipient; the results are appended to
 * t->rcpts. Suspends. */
void map_rcpt(struct transaction *t, const struct envelope_rcpt *rcpt);
/* The same for a copy that was not asked for by the sender; and as it is, for
 * the one who gets mail in place of a recipient, whose wishes it has. Suspends. */
void map_bcc(struct transaction *t, struct span address);
void map_redirect(struct transaction *t, struct span address,
    const struct envelope_rcpt *for_whom);
/* Was SMTPUTF8 asked for, or do we ask for it ourselves? */
bool map_wants_utf8(const struct transaction *t);
/* Are addresses in its headers rewritten at all? */
bool map_wants_headers(const struct transaction *t);
/* An address in a header: replaces *out, internal form; empty when it stays as
 * it is written. Suspends. */
void map_header_address(struct transaction *t, struct span address,
    unsigned header_kind, struct str *out);
/* Transports and next hops of recipients that lack them, for the notice. */
void map_resolve(struct transaction *t);

/* expanded.c: one that stands for others, who are to have its wishes: if it asks
 * for success, that is noted for its sender, and asked no more in *rcpt, whose spans
 * are those of the transaction. */
void expanded_note(struct transaction *t, struct envelope_rcpt *rcpt,
    struct span address);
/* What was noted is durable, or nothing is kept. Before the commit: a crash in
 * between leaves a log of no message (postsuper -p). Suspends. */
bool expanded_keep(struct transaction *t);
/* The message was not queued after all. */
void expanded_forget(struct transaction *t);

/* content.c */
void content_put(struct transaction *t, struct span bytes);
void content_put_line(struct transaction *t, struct span line);

/* checks.c: setup before the jail. */
void checks_setup(void);
void checks_close_all(void);		/* tests: before another set-up */
bool checks_want_any(void);
bool checks_want_body(const struct transaction *t);
/* What is to become of a line; *changed_out is its new text. What the action
 * wants of the message is noted in t. May suspend. */
enum line_fate checks_header(struct transaction *t, enum header_place place,
    enum header_id id, struct span line, struct str *changed_out);
enum line_fate checks_body(struct transaction *t, struct span line,
    struct str *changed_out);
/* "reject: header Subject: x from PEER; from=<..> to=<..> ...: text". */
void checks_log(const struct transaction *t, const char *word,
    const char *context, struct span line, struct span text);

/* body.c: the headers in front of it, then all of it. May suspend. */
void body_note_header(struct transaction *t, enum header_id id,
    struct span line, size_t name_length);
void body_begin(struct transaction *t);
void body_take(struct transaction *t, struct span bytes);
void body_end(struct transaction *t);

/* chars.c: setup before the jail; what is left of the content. */
void chars_setup(void);
struct span chars_take(struct transaction *t, struct span bytes);

/* convert.c: what is to be taken in place of what came; good until the next
 * call. */
void convert_begin(struct transaction *t);
struct span convert_take(struct transaction *t, struct span bytes);
struct span convert_end(struct transaction *t);

/* masquerade.c: setup before the jail. */
void masquerade_setup(void);
void masquerade_close_all(void);	/* tests: before another set-up */
/* Takes subdomains of masquerade_domains from an address. Suspends. */
void masquerade(struct transaction *t, struct str *address);

/* headers.c: setup before the jail. */
void headers_setup(void);
void headers_take(struct transaction *t, struct span bytes);
/* No more input: what is open is closed, missing headers are added. */
void headers_end(struct transaction *t);


#endif
