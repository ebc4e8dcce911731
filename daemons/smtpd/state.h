/*
 * state - which command may come when, as a table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SMTPD_STATE_H
#define DAEMONS_SMTPD_STATE_H

#include "common/mail/smtp_cmd.h"

enum smtpd_state {
	STATE_START,			/* connected */
	STATE_GREETED,			/* HELO or EHLO was accepted */
	STATE_MAIL,			/* MAIL was accepted, no RCPT came */
	STATE_NO_RCPT,			/* RCPT came, none was accepted */
	STATE_RCPT,			/* a recipient was accepted */
	STATE_BDAT,			/* a chunk came, more will */
	STATE_BDAT_FAILED,		/* same, but its message is lost */
	STATE_DENIED,			/* this client was rejected */
	STATE_COUNT
};

/* A reply for a command that may not come now; NULL: it may. */
struct state_refusal {
	const char *code, *dsn, *text;
	bool expected;			/* of a client that did not wait */
};
const struct state_refusal *state_refuses(enum smtpd_state state,
    enum smtp_verb verb, bool helo_required);

/* RFC 2920: must be the last of a group of commands. */
bool state_ends_group(enum smtp_verb verb);
/* NOOP and friends: too many of them are errors. */
bool state_is_junk(enum smtp_verb verb);

#endif
