/*
 * children - the programs that a worker for commands starts, each behind a guard
 * (common/io/child.h), so that none outlives the process that has to say how it
 * ended: its mail would be handed out again beside it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_LAUNCHER_CHILDREN_H
#define DAEMONS_LAUNCHER_CHILDREN_H

#include <sys/types.h>

#include "common/base/list.h"
#include "common/base/str.h"
#include "common/base/strlist.h"
#include "common/io/fiber.h"

/* One that runs; in the stack of the fiber that waits for it. */
struct running {
	struct list link;
	pid_t pid;			/* also of its process group */
	bool ended;
	int status;			/* of wait */
	struct fiber_queue waits;
};

struct program {
	struct strlist words;		/* the first is its path */
	struct span environment;	/* "NAME=value", a NUL behind each */
	const char *directory;
	int in, out, err;
};

/* After loop_start. */
void children_setup(void);
/* Starts a program. One that cannot be run ends with EX_TEMPFAIL and says why.
 * False with a reason. */
bool children_start(struct running *r, const struct program *program,
    struct str *why);
/* Waits until it has ended. False: the time was over, and it was killed with all
 * that it had started and left in its process group; also what runs when nobody
 * asks any more. Suspends. */
bool children_wait(struct running *r, int64_t seconds);
/* Words of a list with a NUL behind each. */
void children_words(struct span text, struct strlist *out);

#endif
