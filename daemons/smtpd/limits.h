/*
 * limits - what a client may do in a time unit and how often at once, counted
 * by anvil over all processes. Clients in smtpd_client_event_limit_exceptions
 * cost nothing; without any limit nobody does.
 *
 * anvil never holds mail up: if it does not answer, there is a warning and the
 * client goes on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SMTPD_LIMITS_H
#define DAEMONS_SMTPD_LIMITS_H

#include "daemons/smtpd/smtpd_priv.h"

/* Before the jail; fatal on syntax. */
void limits_setup(void);

/* The address is known: asks, and does not wait. */
void limits_begin(struct session *s);
/* The name is known, too. False behind a reply: too many. Suspends. */
bool limits_admit(struct session *s);
/* MAIL, RCPT. False behind a reply. Suspends where there is such a limit. */
bool limits_message(struct session *s);
bool limits_rcpt(struct session *s);
/* The session is over. */
void limits_end(struct session *s);

#endif
