/*
 * transcript - what was said in an SMTP session, kept for the case that there is
 * trouble in it which notify_classes wants the postmaster to hear of.
 *
 * Of a session without trouble what was said since the last accepted message is
 * kept, a few kilobytes at most; from the first trouble on all that is said, up to
 * a bound. Where the log follows the session (debug_peer_list), each line goes there
 * as well. Passwords and the content of messages are in neither.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_TRANSCRIPT_H
#define DAEMONS_SHARED_TRANSCRIPT_H

#include "common/base/str.h"

/* Bounds in bytes: before there is trouble, behind it, and of a line. */
enum { TRANSCRIPT_QUIET_MOST = 4096, TRANSCRIPT_MOST = 32768,
	TRANSCRIPT_LINE_MOST = 512 };

struct transcript {
	struct str text;
	unsigned lines;			/* since it was forgotten */
	unsigned left_out;
	unsigned trouble;		/* enum trouble: what happened */
	bool hiding;			/* what belongs to an AUTH */
	char *followed;			/* whose lines are logged; NULL: not */
};

/* With all its memory. */
void transcript_free(struct transcript **t);
void transcript_forget(struct transcript *t);
/* From now on the log has each line, too, as "< PEER: line" (of the peer) and
 * "> PEER: line". The name is copied; NULL: no longer. */
void transcript_follow(struct transcript *t, const char *peer);
/* All of these do nothing for NULL. A line of the peer, or of ours; a line end is
 * cut off, what may be a password is not kept. Ours comes in two pieces. */
void transcript_in(struct transcript *t, struct span line);
void transcript_out(struct transcript *t, struct span head, struct span line);
/* Commands, or a reply of several lines. */
void transcript_in_lines(struct transcript *t, struct span lines);
void transcript_out_lines(struct transcript *t, struct span lines);
/* All went well: there is no trouble any more; where there was none before
 * either, what was said is not needed. */
void transcript_settle(struct transcript *t);
void transcript_trouble(struct transcript *t, unsigned trouble);

struct transcript_notice {
	const char *role;		/* "SMTP server": who reports it */
	const char *peer;		/* host[address] */
	const char *recipient;		/* as configured */
	const char *end;		/* what it ended by, or NULL */
};
/* Mails it; the log tells what became of that. Suspends. */
void transcript_send(const struct transcript *t,
    const struct transcript_notice *n);

#endif
