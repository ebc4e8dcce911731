/*
 * promise - what a trace promised, and whether a state of the disk keeps it.
 *
 *	- Each recipient of a message that was accepted is in the queue, has its
 *	  copy in a mailbox, was taken by another server, or is named in a notice
 *	  that is itself kept.
 *	- Nothing that is delivered, or lies in a mailbox as delivered, is half.
 *	- A recipient whose mark was on the disk is not delivered again, nor, where
 *	  nothing was lost, one of a message that was removed.
 *	- A mailbox that was said to have a message has it.
 *
 * Recovery and its second life are the caller's: they tell what they saw.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_POWER_PROMISE_H
#define TESTS_POWER_PROMISE_H

#include "tests/power/disk.h"

struct promises;

/* Reads the whole trace; scratch is a directory for a file. */
struct promises *promises_new(const struct trace *t, const char *scratch);
void promises_free(struct promises **p);
size_t promises_messages(const struct promises *p);	/* ever accepted */

/* ---- one state, at a position of the trace ---- */

/* Looks at what lies there before recovery. nothing_lost: all that was ever
 * written is there. */
void promises_begin(struct promises *p, const struct disk_state *s,
    size_t position, bool nothing_lost);
/* In the second life: an agent was handed this recipient with this content. */
void promises_handed(struct promises *p, struct span id, struct span rcpt,
    struct span content);
/* A notice names the recipient; it waits on hold or in maildrop. */
void promises_noticed(struct promises *p, struct span id, struct span rcpt);
void promises_held(struct promises *p, struct span id, struct span rcpt);
/* Everything of a message in maildrop. */
void promises_dropped(struct promises *p, struct span id,
    struct span content);
/* How many promises are broken; each is told to fn. */
typedef void promise_broken_fn(const char *text, void *arg);
size_t promises_end(struct promises *p, promise_broken_fn *fn, void *arg);

/* Recipients that came twice since no mark could forbid it, over all states. */
size_t promises_repeated(const struct promises *p);
/* Promises looked at, over all states: zero would prove nothing. */
size_t promises_checked(const struct promises *p);

#endif
