/*
 * smtp_priv - what the files of the SMTP and LMTP client share.
 *
 *	deliver.c	next hop -> destinations -> addresses -> attempts
 *	connect.c	addresses and sockets
 *	session.c	greeting, EHLO, commands with their deadlines
 *	transaction.c	MAIL, RCPT, DATA, content; who got what
 *	content.c	what this server gets of the content
 *	generic.c	addresses as the world is to see them
 *	idle.c		sessions kept for the next message
 *	replies.c	what servers say, made other by a table
 *	pix.c		firewalls that mangle the conversation
 *	xforward.c	whose message it is, for a filter behind
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SMTP_SMTP_PRIV_H
#define DAEMONS_SMTP_SMTP_PRIV_H

#include "common/base/list.h"
#include "common/mail/ehlo.h"
#include "common/mail/smtp_reply.h"
#include "daemons/shared/delivery_agent.h"
#include "daemons/shared/postmaster.h"
#include "daemons/shared/transcript.h"
#include "daemons/smtp/dest.h"
#include "daemons/smtp/smtp_conf.h"

/* What the conversation is at: chooses the time limit and the words. */
enum smtp_step { SMTP_GREETING, SMTP_EHLO, SMTP_HELO, SMTP_LHLO,
	SMTP_XFORWARD, SMTP_MAIL, SMTP_RCPT, SMTP_DATA, SMTP_BODY, SMTP_DOT, SMTP_RSET, SMTP_QUIT };

/* The settings that are computed from parameters before the jail. */
struct smtp_setup {
	bool lmtp;
	uint16_t port;			/* when a next hop has none */
	unsigned discard;		/* EHLO keywords */
	unsigned lookup;		/* enum resolver_flags */
	bool verify_at_data;		/* probes go as far as DATA */
	uint8_t prefer;			/* family, or 0 */
	struct ipaddr bind4, bind6;	/* family 0: the system chooses */
	struct maps *discard_maps;
	unsigned pix;			/* enum smtp_pix */
	struct matchlist *cache_destinations;
};
extern struct smtp_setup smtp_setup;
void smtp_setup_prepare(bool lmtp);
void smtp_setup_watch(void);	/* Suspends. */
void smtp_setup_close_all(void);	/* tests: before another set-up */
/* The one that this program goes by. */
const char *smtp_own_name(const char *smtp_name, const char *lmtp_name);

/* Why recipients could not be served; the latest one speaks for the rest. */
struct smtp_why {
	enum outcome_kind kind;		/* DEFERRED, or BOUNCED for good */
	char dsn[12];
	struct str reason;
	struct str said;		/* reply text, without a LF */
	struct str mta;			/* host that said it */
	struct str relay;		/* for the log; empty: "none" */
	bool site;			/* says something of the whole site */
};

struct smtp_session {
	struct list idle;		/* in the list of idle ones */
	struct list same_relay;		/* and among those of its relay */
	struct stream *stream;
	struct str host;		/* "host[address]" */
	struct str relay;		/* "host[address]:port" */
	struct str helo_reply;		/* what it calls itself */
	struct ehlo_offer offer;
	struct smtp_reply reply;
	struct str nexthop;		/* for which it was opened */
	bool esmtp;
	bool dirty;			/* a transaction is open: RSET first */
	bool broken;			/* not to be spoken to again */
	bool unbracketed;		/* loops are our own fault */
	unsigned pix;			/* enum smtp_pix: what is done for it */
	unsigned uses;
	int64_t opened_ns, idle_until_ns;
	struct deadline end;		/* per_request_deadline: of this step */
	struct transcript *transcript;	/* NULL: nobody wants one */
};

/* One delivery with all its attempts. */
struct smtp_job {
	struct delivery *d;
	struct smtp_why why;
	bool *done;			/* by recipient: a verdict was given */
	size_t left;			/* without one */
	bool last_try;			/* 4xx counts now */
	bool needs_utf8;
	size_t sessions;		/* with this destination */
};

/* --- session.c ---*/

/* Takes the connected descriptor. host may be a unix socket's: port 0. Suspends. */
struct smtp_session *smtp_session_new(int fd, struct span host,
    struct span address, uint16_t port);
/* Says QUIT when it can be said, and frees. In the background if a reply is
 * waited for. */
void smtp_session_quit(struct smtp_session *s);
void smtp_session_free(struct smtp_session *s);	/* just closes */
/* Of the server, as text; of a unix socket its path. The session's. */
struct span smtp_session_address(const struct smtp_session *s);

/* Greeting and EHLO. False with the reason in *why. Suspends. */
bool smtp_session_greet(struct smtp_session *s, struct smtp_why *why);

/* What was said belongs to another message from here on. */
void smtp_session_next_message(struct smtp_session *s);
/* Tells the postmaster of what was said, if it has to be. A notice to a postmaster
 * must not beget the next one. Suspends. */
void smtp_session_report(const struct smtp_session *s,
    const struct envelope *about);

/* A command into the buffer. False: the connection is gone, *why says so. */
__attribute__((format(printf, 4, 5))) bool
smtp_say(struct smtp_session *s, enum smtp_step step, struct smtp_why *why,
    const char *format, ...);
bool smtp_send(struct smtp_session *s, enum smtp_step step,
    struct smtp_why *why);	/* what is in the buffer. Suspends. */
/* The next reply into s->reply. Suspends. */
bool smtp_hear(struct smtp_session *s, enum smtp_step step,
    struct smtp_why *why);
/* The time limit of a step, from now on. */
struct deadline smtp_step_deadline(struct smtp_session *s,
    enum smtp_step step);
void smtp_step_begin(struct smtp_session *s, enum smtp_step step);
void smtp_lost(struct smtp_session *s, enum io_status status,
    enum smtp_step step, struct smtp_why *why);
const char *smtp_step_command(enum smtp_step step);
/* "host X said: 550 no (in reply to RCPT TO command)". */
void smtp_why_said(struct smtp_why *why, const struct smtp_session *s,
    enum smtp_step step);

/* --- why.c ---*/

void smtp_why_init(struct smtp_why *why);
void smtp_why_fini(struct smtp_why *why);
__attribute__((format(printf, 4, 5))) void
smtp_why_set(struct smtp_why *why, enum outcome_kind kind, const char *dsn,
    const char *format, ...);
/* As a status for delivery_set; spans are the why's. */
void smtp_why_status(const struct smtp_why *why,
    struct delivery_status *status_out);

/* --- transaction.c ---*/

/*
 * One message over a session that stands. Recipients get their verdicts as
 * replies come. False when the connection was lost: *lost_early_out tells that
 * nothing but commands had been sent, so that a session which had been idle
 * may be replaced in silence. Suspends.
 */
bool smtp_transact(struct smtp_job *job, struct smtp_session *s,
    bool *lost_early_out);

/* job->why, for all recipients that are left, if it counts: the last try, or
 * for good; else it is only logged. s may be NULL. */
void smtp_fail_rest(struct smtp_job *job, const struct smtp_session *s);

/* --- content.c ---*/

struct smtp_content;
void smtp_content_setup(void);		/* before the jail */
void smtp_content_close_all(void);	/* tests */
bool smtp_content_checked(void);	/* by any table */
/* Is it made quoted-printable for this server, so that its size is not known? */
bool smtp_content_grows(const struct smtp_session *s, const struct envelope *e);
/* In the arena; NULL when the message goes as it is. */
struct smtp_content *smtp_content_new(struct arena *arena,
    const struct smtp_session *s, const struct envelope *e);
/* What is to be sent of more content is appended. Suspends. */
void smtp_content_add(struct smtp_content *c, struct span bytes,
    struct str *out);
void smtp_content_end(struct smtp_content *c, struct str *out);
/* A table failed: the message must not be sent to its end. */
bool smtp_content_failed(const struct smtp_content *c);

/* --- generic.c ---*/

void smtp_generic_setup(void);		/* before the jail */
void smtp_generic_close_all(void);	/* tests */
bool smtp_generic_wanted(void);
/* What smtp_generic_maps makes of an address (internal form), else itself. False:
 * a table failed. Suspends. */
bool smtp_generic(struct span address, struct str *out);

/* --- idle.c ---*/

struct smtp_session *smtp_idle_take(struct span relay);
/* Keeps it or says QUIT. */
void smtp_idle_give(struct smtp_session *s, bool wanted);
void smtp_idle_close_all(void);
/* True when deliveries to this next hop follow one another closely. */
bool smtp_idle_demand(struct span nexthop);

/* --- replies.c ---*/

void smtp_replies_setup(void);		/* before the jail */
void smtp_replies_close_all(void);	/* tests */
bool smtp_replies_wanted(void);
/* NULL without a table. */
smtp_reply_filter_fn *smtp_replies_filter(void);

/* --- pix.c ---*/

enum smtp_pix { SMTP_PIX_NO_ESMTP = 1, SMTP_PIX_LATE_DOT = 2 };

void smtp_pix_setup(void);		/* before the jail */
void smtp_pix_close_all(void);		/* tests */
bool smtp_pix_wanted(void);		/* by any table */
/* By the greeting in s->reply: what is to be done, logged. May suspend. */
unsigned smtp_pix_of(const struct smtp_session *s);
/* How long to wait before the final dot, in seconds. */
int64_t smtp_pix_delay(const struct smtp_session *s,
    const struct envelope *e);

/* --- xforward.c ---*/

enum { SMTP_XFORWARD_MOST = 2 };
/* Appends the commands that this server understands, each with its CRLF; how
 * many. 0: it is not wanted, or there is nothing to say. */
unsigned smtp_xforward_add(const struct smtp_session *s,
    const struct delivery *d, struct str *out);

/* --- connect.c ---*/

struct smtp_target {			/* one address of a destination */
	struct span host, address;	/* text */
	uint16_t port;
	struct ipaddr ip;		/* family 0: unix */
};
/* In the order they are to be tried; false with *why. Suspends. */
bool smtp_find_targets(const struct dest *dest, struct arena *arena,
    struct smtp_target **targets_out, size_t *count_out,
    struct smtp_why *why);
/* "host[address]:port" */
struct span smtp_target_relay(const struct smtp_target *t,
    struct arena *arena);
/* Logs failures. NULL with *why. Suspends. */
struct smtp_session *smtp_connect(const struct smtp_target *t,
    struct arena *arena, struct smtp_why *why);

/* --- deliver.c ---*/

void smtp_deliver(struct delivery *d);

#endif
