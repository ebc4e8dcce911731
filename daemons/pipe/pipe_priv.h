/*
 * pipe_priv - what a delivery is to a command.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_PIPE_PIPE_PRIV_H
#define DAEMONS_PIPE_PIPE_PRIV_H

#include "common/base/str.h"
#include "daemons/shared/command_row.h"
#include "daemons/shared/delivery_proto.h"

/* arguments.c: the words of a command for one message. A word that names
 * something of a recipient is there once for each. */
struct arguments {
	const struct command_row *row;
	const struct envelope *envelope;
	const struct envelope_rcpt *rcpts;
	size_t count;
	struct span nexthop, queue_id;
	struct span sender;		/* never the null one: see null_sender= */
};
/* A NUL behind each word. False with a reason, only for words that
 * arguments_check refuses. */
bool arguments_make(const struct arguments *a, struct str *out,
    struct str *why);
/* Does each name in the row's words exist, and each brace close? */
bool arguments_check(const struct command_row *row, struct str *why);

#endif
