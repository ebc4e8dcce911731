/*
 * smtpd_priv - a session with a client, a transaction inside it, and what the
 * files of this role ask of each other.
 *
 * A session is a small heap struct; everything of one message lives in the
 * transaction's arena, so a client that only waits costs little.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SMTPD_SMTPD_PRIV_H
#define DAEMONS_SMTPD_SMTPD_PRIV_H

#include <stdio.h>

#include "common/io/sock.h"
#include "common/io/stream.h"
#include "common/mail/ehlo.h"
#include "common/mail/smtp_cmd.h"
#include "common/mail/smtp_data.h"
#include "daemons/shared/cleanup_client.h"
#include "daemons/shared/resolver_client.h"
#include "daemons/shared/postmaster.h"
#include "daemons/shared/rewrite_client.h"
#include "daemons/shared/transcript.h"
#include "daemons/smtpd/smtpd_conf.h"
#include "daemons/smtpd/state.h"
#include "queue/queue_id.h"

/* smtpd_forbid_bare_newline, for this client. */
enum bare_lf { BARE_LF_ALLOW, BARE_LF_NORMALIZE, BARE_LF_NOTE, BARE_LF_REJECT };

struct text {				/* a list of words in the arena */
	struct span text;
	struct text *next;
};

struct transaction {
	struct arena *arena;
	char id[QUEUE_ID_MAX];		/* "" before the first recipient */
	struct span sender;		/* as given, internal form */
	struct rewrite_want from;	/* of the sender */
	bool from_known;		/* from has its answer */
	uint64_t size_said;
	struct envelope envelope;
	struct envelope_rcpt *rcpts;
	size_t nrcpts, rcpts_room;
	size_t overshoot;		/* recipients refused for their number */
	struct span first_rcpt;		/* as given */
	struct span at_rcpt;		/* the one at hand, as given */

	/* What restrictions asked for. */
	bool hold, discard;
	struct text *prepend, *bcc;
	struct text **prepend_end;	/* where the next one goes; NULL: first */
	struct span redirect;

	/* Content. */
	enum smtp_body body;		/* as said */
	struct cleanup_client *cleanup;	/* or */
	struct proxy *proxy;		/* smtpd_proxy_filter */
	struct smtp_data parser;
	bool in_front;			/* of the content, at its first lines */
	size_t front_at;		/* where the next of them begins in out */
	struct str *out;		/* content on its way to cleanup */
	uint64_t bytes;			/* received, as sent by the client */
	uint64_t content;		/* passed on */
	bool in_content;		/* between 354 and the last dot, or chunks */
	bool too_big, broken;
};

struct client_limits;			/* limits.c */

/* XFORWARD: who the client says sent it this message. NULL: not said. */
struct forwarded {
	char *name, *address, *port, *proto, *helo, *ident;
	bool source_given, local;
};

struct session {
	struct stream *client;
	struct ipaddr ip;		/* family 0 for a unix client */
	uint16_t port;
	char address[IPADDR_TEXT_MAX];	/* "192.0.2.1" */
	char *name, *reverse_name;	/* "unknown" */
	enum resolver_status name_status, reverse_status;
	char *peer;			/* name[address], for logs */
	char *helo;			/* NULL before HELO */
	bool esmtp;
	enum smtpd_state state;
	enum smtp_verb doing;		/* for logs: after, reject */
	const char *where;		/* same, as text */
	unsigned ehlo_discard;
	enum bare_lf bare_lf;
	bool saw_bare_lf, bad_pipelining;
	bool leaving;			/* after this reply: no more commands */
	bool hung_up;			/* without a reply, too */
	const char *ending;		/* "lost connection"; NULL: in good order */
	int64_t errors, junk;
	char *denied;			/* the reply to a client that was rejected
					   before its first command */
	char last_code[4];
	uint32_t good[SMTP_VERB_COUNT], total[SMTP_VERB_COUNT];
	struct transaction *tx;
	struct forwarded *forwarded;	/* NULL: no XFORWARD */
	bool may_xclient, may_xforward, may_xverp;
	struct client_limits *limits;	/* NULL: not counted */
	/* delay_reject = no: verdicts of HELO and MAIL that stay */
	struct check_memory *memory;
	struct transcript *transcript;	/* NULL: nobody wants one */
	bool trouble_known;		/* of this command: its class is noted */
	bool of_our_own;		/* a notice to a postmaster came here */
};

/* session.c */
void session_serve(struct stream *client, const struct sock_peer *peer);
void session_free(struct session *s);
/* The address as header and policy fields want it: "IPv6:2001:db8::1". */
const char *session_header_address(const struct session *s);

/* What a client is or may changed: its name, address or port. */
void session_renamed(struct session *s);
void session_set_name(char **field, struct span name);
/* The greeting, or what smtpd_delay_reject = no says in its stead. Suspends. */
void session_greet(struct session *s);

/* upstream.c: who is behind the proxy that connected; false: it did not say.
 * Suspends. */
bool upstream_read(struct session *s);

/* etrn.c */
void command_etrn(struct session *s, struct span rest);

/* xclient.c */
void command_xclient(struct session *s, struct span rest);
void command_xforward(struct session *s, struct span rest);
void forwarded_free(struct forwarded **forwarded);

/* local_header_rewrite_clients, for the message at hand. Suspends. */
void session_learn_context(struct session *s);

/* state changes of a transaction (commands.c) */
void transaction_begin(struct session *s);
void transaction_end(struct session *s);	/* harmless without one */
/* Standard form and class of the sender, before the first recipient. False
 * when it could not be learnt. Suspends. */
bool session_resolve_sender(struct session *s);

/* reply.c */

/* One reply line, or the lines of text that a \n divides. dsn NULL: none. A
 * 4xx or 5xx counts as an error; behind too many of them every reply waits.
 * Suspends. */
__attribute__((format(printf, 4, 5))) void
reply(struct session *s, const char *code, const char *dsn,
    const char *format, ...);
/* Sends what waits in the buffer. False when the client is gone. Suspends. */
bool reply_flush(struct session *s);
/* "550 5.1.1 <a@b>: text" as one string. */
void reply_text(struct session *s, const char *text);
/* A line that has no queue id in front, whatever is at work. */
__attribute__((format(printf, 2, 3))) void
log_plain(struct session *s, const char *format, ...);
/* Logs "QID: reject: WHERE from PEER: text; from=..." and replies. */
void reply_reject(struct session *s, const char *text, struct span rcpt);
/* smtpd_forbid_bare_newline = reject. Suspends. */
void reply_bare_lf(struct session *s);
/* kind: "reject", "reject_warning", "hold", ... */
void log_event(struct session *s, const char *kind, const char *where,
    const char *text, struct span rcpt);
/* The same of somebody else's words: without "from PEER". */
void log_verdict(struct session *s, const char *kind, const char *where,
    const char *text, struct span rcpt);

/* trouble.c: for the postmaster */

/* Starts the transcript, where notify_classes or the log (debug_peer_list) may want
 * it; again when the client has become another. Suspends. */
void trouble_begin(struct session *s);
/* This is what is wrong with the command at hand: enum trouble. */
void trouble_note(struct session *s, unsigned trouble);
/* It is refused, and that is no trouble. */
void trouble_note_none(struct session *s);
/* All is well again: a message was accepted. */
void trouble_over(struct session *s);
/* A stretch of the session ends: a long transcript is told of, if it has to be, and
 * forgotten. Suspends. */
void trouble_flush(struct session *s);
/* The session, which is freed, has ended: tells of it, if it has to be told.
 * Suspends. */
void trouble_end(struct session *s);

/* commands.c: one line; the reply is in the buffer. */
void command_run(struct session *s, struct smtp_line *line);

/* data.c, bdat.c */
void command_data(struct session *s, struct span rest);
void command_bdat(struct session *s, struct span rest);
/* Opens the transaction with cleanup and sends the Received header; false
 * after a reply. */
bool content_begin(struct session *s);
/* Passes t->out on when there is enough of it, or flush is set. */
void content_pass(struct session *s, bool flush);
/* Bytes came from the client: limits and smuggling. */
void content_account(struct session *s, size_t bytes);
/* All content is there: restrictions, the verdict of cleanup, the reply. */
void content_end(struct session *s, bool bdat);
/* What has come of the content, as stream_peek. False when the client is gone, or
 * has been told that it took too long. Suspends. */
bool content_peek(struct session *s, struct deadline deadline,
    struct span *bytes);
struct deadline content_deadline(struct session *s, struct deadline whole);
struct deadline content_whole(void);

/* received.c */
void received_header(struct session *s, struct str *out);

#endif
