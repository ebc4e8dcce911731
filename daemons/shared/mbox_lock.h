/*
 * mbox_lock - the locks of a mailbox that is one file, as mail readers and other
 * delivery agents take them: mailbox_delivery_lock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_MBOX_LOCK_H
#define DAEMONS_SHARED_MBOX_LOCK_H

#include "common/base/names.h"
#include "common/base/str.h"

enum mbox_locks {
	MBOX_LOCK_FCNTL = 1, MBOX_LOCK_DOTLOCK = 2, MBOX_LOCK_FLOCK = 4,
};
extern const struct name_value mbox_lock_words[];	/* "fcntl" ... */

struct mbox_lock_rules {
	uint64_t locks;			/* enum mbox_locks */
	uint64_t attempts;		/* deliver_lock_attempts */
	uint64_t delay;			/* seconds between them */
	uint64_t stale_time;		/* seconds */
};

/*
 * Creates this file, which must not be there; one that is stale is taken away,
 * once. False with errno: EEXIST when somebody else holds it. Suspends; outside
 * of a fiber it sleeps.
 */
bool mbox_lock_dot(const char *lock_path, const struct mbox_lock_rules *rules,
    struct str *why);
/* The exclusive locks of the kernel, whichever are among the rules; they end
 * with the descriptor. False with EAGAIN. Suspends, or sleeps. */
bool mbox_lock_fd(int fd, const struct mbox_lock_rules *rules);

#endif
