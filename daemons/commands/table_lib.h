/*
 * table_lib - postmap and postalias: one program with two faces.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_TABLE_LIB_H
#define DAEMONS_COMMANDS_TABLE_LIB_H

#include "common/base/span.h"
#include "common/base/str.h"

struct table_command {
	const char *name;		/* "postmap" */
	const char *options;		/* for getopt */
	const char *usage;		/* "[-bfh...]" */
	unsigned make_flags;		/* enum make_flags */
	bool aliases;			/* "key:" in listings */
};

/* The whole command; returns its exit status. */
int table_command_run(const struct table_command *command, int argc,
    char **argv);

/*
 * Splits a message into look-up keys: logical header lines with their inner
 * newlines, then the lines of the body, the empty line first. Both spans are
 * part of rest. False at the end.
 */
struct table_message {
	struct span rest;
	bool in_body;
};
bool table_message_next(struct table_message *m, struct span *key_out,
    bool *is_body_out);

#endif
