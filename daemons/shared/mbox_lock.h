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
#include "common/mail/param.h"

enum mbox_locks {
	MBOX_LOCK_FCNTL = 1, MBOX_LOCK_DOTLOCK = 2, MBOX_LOCK_FLOCK = 4,
};
struct mbox_lock_rules {
	uint64_t locks;			/* enum mbox_locks */
	uint64_t attempts;		/* deliver_lock_attempts */
	uint64_t delay;			/* seconds between them */
	uint64_t stale_time;		/* seconds */
};

/* The parameters, for the rows of whoever takes such locks, and where they are
 * filled in. */
struct mbox_lock_conf {
	const char *words;		/* mailbox_delivery_lock */
	bool mailtool;			/* dotlock alone, whatever that says */
	int64_t attempts, delay, stale_time;
};
extern struct mbox_lock_conf mbox_lock_conf;

#define MBOX_LOCK_ROWS							\
	PARAM_INT("deliver_lock_attempts", &mbox_lock_conf.attempts,	\
	    .dflt = "20", .min = 1),					\
	PARAM_TIME("deliver_lock_delay", &mbox_lock_conf.delay,		\
	    .dflt = "1s", .min = 1),					\
	PARAM_TIME("stale_lock_time", &mbox_lock_conf.stale_time,	\
	    .dflt = "500s", .min = 1)
#define MBOX_LOCK_WORDS_ROW						\
	PARAM_STR("mailbox_delivery_lock", &mbox_lock_conf.words,	\
	    .dflt = "fcntl, dotlock", .min = 1),			\
	PARAM_BOOL("sun_mailtool_compatibility",			\
	    &mbox_lock_conf.mailtool, .dflt = "no")

/* As these parameters say, with the locks that these words name: "fcntl,
 * dotlock". False with a reason. */
bool mbox_lock_rules_read(const char *words, struct mbox_lock_rules *out,
    struct str *why);

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
