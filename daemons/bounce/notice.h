/*
 * notice - delivery status notifications (RFC 3464) composed and committed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_BOUNCE_NOTICE_H
#define DAEMONS_BOUNCE_NOTICE_H

#include "common/base/arena.h"
#include "daemons/bounce/verdicts.h"
#include "daemons/shared/bounce_template.h"

struct notice {
	struct verdict_choice choice;	/* whom it is about */
	const struct outcome *only;	/* this one alone, or NULL */
	enum bounce_template_kind template;
	const struct bounce_send *about;	/* the message, its descriptor */
	const struct envelope *envelope;
	struct span sender;		/* of the notice: "" or double-bounce */
	struct span rcpt;
	const char *kind;		/* "sender non-delivery", for the log */
	bool for_postmaster;		/* other subject, no text for people */
	bool headers_only;		/* of the returned message */
};

/* Reads bounce_template_file, complaining in the log; before the jail. */
void notice_setup(void);
/* Does the file have no mistakes? Else they are logged as errors. */
bool notice_check(void);
/* The notice in the queue, durably, and logged; false when it is not. What it says
 * is read from the log of the message. Suspends. */
bool notice_send(const struct notice *n, struct arena *arena);

#endif
