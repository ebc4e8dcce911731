/*
 * anvil_proto - what smtpd and anvil say to each other ("private/anvil").
 *
 * A client is named by a key, "service:address" or "service:block". How many
 * sessions of it a process holds is always said as the whole number, never as
 * a step, so it may be said twice, and again after a connection was lost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_ANVIL_PROTO_H
#define DAEMONS_SHARED_ANVIL_PROTO_H

#include "common/mail/attr.h"

#define ANVIL_PROTOCOL "anvil"
#define ANVIL_VERSION 1
#define ANVIL_KEY_MOST 512

enum anvil_rate { ANVIL_CONNECTIONS, ANVIL_MESSAGES, ANVIL_RCPTS,
	ANVIL_NEW_TLS, ANVIL_AUTH, ANVIL_RATES };

/* Something happened, and the answer is waited for. */
struct anvil_event {
	struct span key;
	uint64_t rate;			/* enum anvil_rate */
	uint64_t held;			/* sessions the asking process has now */
};
struct anvil_answer {
	uint64_t sessions;		/* of this client, in all processes */
	uint64_t happened;		/* in the time unit, this one included */
};

/* One-way: the same without an answer, and what became of sessions. With these
 * a new connection begins: one for each client that has sessions. */
struct anvil_note {
	struct span key;
	uint64_t held;
	uint64_t connections, messages, rcpts;	/* happened since the last */
};

/* One-way, from an anvil that is replaced to its successor. */
struct anvil_legacy {
	struct span key;
	uint64_t age_ms;		/* of the time unit that is counted */
	uint64_t connections, messages, rcpts, new_tls, auth;
};

extern const struct attr_form anvil_event_form, anvil_answer_form,
    anvil_note_form, anvil_legacy_form;

#endif
