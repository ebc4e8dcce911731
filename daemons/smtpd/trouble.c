/*
 * trouble - sessions that the postmaster wants to hear of (notify_classes).
 *
 * A refusal whose class nobody noted is a mistake of the client's in the
 * protocol. An accepted message settles what was wrong before it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/mem.h"
#include "daemons/shared/debug_peer.h"
#include "daemons/smtpd/smtpd_priv.h"

#define TROUBLE_HERE (TROUBLE_BOUNCE | TROUBLE_DATA | TROUBLE_POLICY \
	| TROUBLE_PROTOCOL | TROUBLE_RESOURCE | TROUBLE_SOFTWARE)

void
trouble_begin(struct session *s)
{
	bool followed = debug_peer_listed(SPAN(s->name), &s->ip);

	if (s->transcript == NULL
	    && (followed || postmaster_wants(TROUBLE_HERE)))
		s->transcript = MEM_NEW(struct transcript);
	if (s->transcript != NULL)
		transcript_follow(s->transcript, followed ? s->peer : NULL);
}

void
trouble_note(struct session *s, unsigned trouble)
{
	s->trouble_known = true;
	if (postmaster_wants(trouble))
		transcript_trouble(s->transcript, trouble);
}

void
trouble_note_none(struct session *s)
{
	s->trouble_known = true;
}

void
trouble_over(struct session *s)
{
	transcript_settle(s->transcript);
}

/* A notice that comes back to us must not beget the next one. */
static void
tell(const struct transcript *t, const char *peer, const char *end, bool ours)
{
	struct transcript_notice n = { .role = "SMTP server", .peer = peer,
		.recipient = t->trouble & TROUBLE_BOUNCE
		    ? postmaster_conf.bounce_recipient
		    : postmaster_conf.error_recipient, .end = end };

	if (t->trouble != 0 && !ours)
		transcript_send(t, &n);
}

void
trouble_flush(struct session *s)
{
	if (s->transcript == NULL || (int64_t)s->transcript->lines
	    <= smtpd_conf.history_flush_threshold)
		return;
	tell(s->transcript, s->peer, NULL, s->of_our_own);
	transcript_forget(s->transcript);
	s->of_our_own = false;
}

/* Nobody waits for the session any more: it does not hold up its client, nor count
 * as one. */
void
trouble_end(struct session *s)
{
	struct transcript *t = s->transcript;
	char *peer = mem_strdup(s->peer);
	const char *end = s->ending;
	bool ours = s->of_our_own;

	s->transcript = NULL;
	session_free(s);
	if (t != NULL)
		tell(t, peer, end, ours);
	transcript_free(&t);
	mem_free(peer);
}
