/*
 * jail - how a role gives up what it does not need, for good.
 *
 * Order: chroot, identities, no new privileges, Landlock, seccomp. Without root
 * the identity stays the one there is and chroot is left out; Landlock and
 * seccomp are in force all the same. Sanitizer builds leave seccomp out and
 * stay dumpable.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_SERVICE_JAIL_H
#define COMMON_SERVICE_JAIL_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/str.h"

struct jail {
	unsigned needs;			/* enum service_needs */
	bool root;			/* identities and chroot are ours to change */
	bool chroot;			/* the column of master.cf says so */
	uid_t uid;
	gid_t gid;
	const char *queue_directory;	/* also the root of a chroot */
	const char *data_directory;
};

/*
 * Goes in: the current directory is the queue directory afterwards. What is in
 * force is described in *force_out ("uid 105, chroot, landlock 4, seccomp").
 * False with a reason when something that can be had failed.
 */
bool jail_enter(const struct jail *jail, struct str *force_out,
    struct str *why);

/* Before that: enum service_needs besides those of the role, for what its
 * configuration names (a table behind a network address). */
void jail_also_needs(unsigned needs);

/* Runs fn(arg) with the effective ids of this user; for what root makes for
 * others. Ends the process where root cannot be had back. */
bool jail_as(uid_t uid, gid_t gid, void (*fn)(void *arg), void *arg,
    struct str *why);
/* Both for launchers and their workers, in this order: this directory is the
 * root, */
bool jail_change_root(const char *dir, struct str *why);
/* and the process this user, without a way back. */
bool jail_become(uid_t uid, gid_t gid, struct str *why);
/* No program started from here gains rights by its mode. */
void jail_no_new_privileges(void);
/* As many descriptors as the system lets us have; no core files unless
 * `core`. */
void jail_limits(bool core);

#endif
