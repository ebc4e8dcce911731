/*
 * world - local between accounts, files and a rewrite service that are those of a
 * table: ann and bob have homes below /h, here.test is this host. No mailbox is
 * written, no command runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_DAEMONS_LOCAL_WORLD_H
#define TESTS_DAEMONS_LOCAL_WORLD_H

#include "daemons/local/local_priv.h"
#include "tests/harness/t.h"

/* Runs fn in a fiber, under these lines of main.cf; once in a process. */
void world_run(const char *conf, void (*fn)(void));

/* The work on a recipient of here.test; good while fn runs. */
struct expansion *world_begin(const char *name);

/* Names and what they come to: "mailbox ann; /file as 1001; to x@out.test; 5.3.5
 * why; ". */
struct world_case {
	const char *name, *want;
};
void world_expand(const struct world_case *cases, size_t count);
/* From now on with " <DELIVERED-TO>", and for commands " for NAME". */
void world_tell_delivered(void);
/* The message has a Delivered-To line with this address. */
void world_been(const char *address);

const char *world_log(void);		/* all lines so far */
/* The last command: "/bin/true as 1001 in "/directory"", or "". */
const char *world_ran(void);

#endif
