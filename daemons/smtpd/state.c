/*
 * state - see the header.
 *
 * A letter per state and command; the letters are explained in `refusals`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/smtpd/state.h"

static const struct {
	char letter;
	struct state_refusal reply;
} refusals[] = {
	{ 'h', { "503", "5.5.1", "Error: send HELO/EHLO first", false } },
	{ 'm', { "503", "5.5.1", "Error: need MAIL command", false } },
	{ 'n', { "503", "5.5.1", "Error: nested MAIL command", false } },
	{ 'r', { "503", "5.5.1", "Error: need RCPT command", false } },
	{ 'v', { "554", "5.5.1", "Error: no valid recipients", true } },
	{ 'b', { "503", "5.5.1", "Error: command not allowed between BDAT "
	    "commands", false } },
	{ 't', { "503", "5.5.1", "Error: MAIL transaction in progress", false } },
	{ 'a', { "503", "5.5.1", "Error: authentication not enabled", false } },
	{ 'e', { "503", NULL, "Error: MAIL transaction in progress", false } },
	{ 'x', { "502", "5.5.1", "Error: command not implemented", false } },
	{ 'd', { "503", "5.7.0", "Error: access denied", false } },
};

/*
 * '.' the command may come; 'H' it may unless smtpd_helo_required wants a
 * greeting first. Columns in the order of enum smtp_verb:
 * HELO EHLO XCLIENT XFORWARD STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY
 * ETRN QUIT HELP UNKNOWN
 */
static const char table[STATE_COUNT][SMTP_VERB_COUNT + 1] = {
	[STATE_START] =       "....xaHmrr..HH...",
	[STATE_GREETED] =     "....xa.mrr.......",
	[STATE_MAIL] =        "..ttxan.vv...e...",
	[STATE_NO_RCPT] =     "..ttxan.vv...e...",
	[STATE_RCPT] =        "..ttxan......e...",
	[STATE_BDAT] =        "..ttxanbb...be...",
	[STATE_BDAT_FAILED] = "..ttxanbb...be...",
	[STATE_DENIED] =      "dddddddddddddd..d",
};

const struct state_refusal *
state_refuses(enum smtpd_state state, enum smtp_verb verb, bool helo_required)
{
	char letter = table[state][verb];

	if (letter == 'H')
		letter = helo_required ? 'h' : '.';
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i].letter == letter)
			return &refusals[i].reply;
	return NULL;
}

bool
state_ends_group(enum smtp_verb verb)
{
	return verb == SMTP_HELO || verb == SMTP_EHLO || verb == SMTP_DATA
	    || verb == SMTP_VRFY || verb == SMTP_STARTTLS || verb == SMTP_AUTH
	    || verb == SMTP_ETRN || verb == SMTP_XCLIENT
	    || verb == SMTP_XFORWARD;
}

bool
state_is_junk(enum smtp_verb verb)
{
	return verb == SMTP_NOOP || verb == SMTP_RSET || verb == SMTP_VRFY
	    || verb == SMTP_ETRN;
}
