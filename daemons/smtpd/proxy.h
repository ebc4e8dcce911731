/*
 * proxy - smtpd_proxy_filter: another SMTP server sees each message before the
 * client is answered, and its answers are ours. What it takes it sends back to
 * us, by another way.
 *
 * Commands go to it as they come; with smtpd_proxy_options = speed_adjust all
 * of the message is read first (kept.h), so that a slow client does not keep it
 * waiting.
 * What it cannot be asked is put off: nothing passes by it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SMTPD_PROXY_H
#define DAEMONS_SMTPD_PROXY_H

#include "daemons/smtpd/smtpd_priv.h"

/* Before the jail; fatal on nonsense. */
void proxy_setup(void);
/* The same, and behind that: opens what a process that serves needs. */
void proxy_prepare(void);
bool proxy_is_wanted(void);

/* Each of these is false after a reply to the client. All suspend. */

/* A recipient that our lists have let in; with the first one, the sender. */
bool proxy_rcpt(struct session *s, const struct smtp_rcpt *rcpt);
/* DATA: content may follow. */
bool proxy_begin_content(struct session *s);

/* Content with LF line ends. False: it is lost, and the end says so. */
bool proxy_content(struct transaction *t, struct span bytes);
/* The last dot, and the filter's verdict; true when it took the message. */
bool proxy_finish(struct session *s);
/* The message will not be sent to its end. */
void proxy_abort(struct transaction *t);

#endif
