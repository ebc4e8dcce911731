/*
 * jail - how a role gives up what it does not need, for good.
 *
 * Landlock is spoken to by number: the C library has no functions for it, and
 * its headers here may be older than the kernel. seccomp is a list of what no
 * role does; it answers EPERM, since libraries probe for things.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if HAVE_SECCOMP
#include <seccomp.h>
#endif

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fault.h"
#include "common/service/jail.h"
#include "common/service/service.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

static bool
refuse(struct str *why, const char *what)
{
	str_printf(why, "%s: %m", what);
	return false;
}

/* --- Identities ----------------------------------------------------------*/

bool
jail_as(uid_t uid, gid_t gid, void (*fn)(void *arg), void *arg,
    struct str *why)
{
	if (setegid(gid) != 0)
		return refuse(why, "borrow a group");
	if (seteuid(uid) != 0) {
		(void)refuse(why, "borrow a user");
		if (setegid(0) != 0)
			fatal("the group of root cannot be had back: %m");
		return false;
	}
	fn(arg);
	if (seteuid(0) != 0 || setegid(0) != 0)
		fatal("the rights of root cannot be had back: %m");
	return true;
}

bool
jail_become(uid_t uid, gid_t gid, struct str *why)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (FAULT("jail.identity"))
		return refuse(why, "give up root");
	if (setgroups(0, NULL) != 0)
		return refuse(why, "give up supplementary groups");
	if (setresgid(gid, gid, gid) != 0)
		return refuse(why, "change the group");
	if (setresuid(uid, uid, uid) != 0)
		return refuse(why, "change the user");
	if (getresuid(&r, &e, &s) != 0 || getresgid(&rg, &eg, &sg) != 0 ||
	    r != uid || e != uid || s != uid || rg != gid || eg != gid ||
	    sg != gid || (uid != 0 && setuid(0) == 0)) {
		errno = EPERM;
		return refuse(why, "the old identity can be had back");
	}
	return true;
}

void
jail_no_new_privileges(void)
{
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

bool
jail_change_root(const char *dir, struct str *why)
{
	if (chroot(dir) != 0)
		return refuse(why, "change the root directory");
	if (chdir("/") != 0)
		return refuse(why, "enter the new root");
	return true;
}

void
jail_limits(bool core)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		if (geteuid() == 0 && limit.rlim_max < 1 << 18)
			limit.rlim_max = 1 << 18;
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0 &&
		    getrlimit(RLIMIT_NOFILE, &limit) == 0) {
			limit.rlim_cur = limit.rlim_max;
			(void)setrlimit(RLIMIT_NOFILE, &limit);
		}
	}
	if (core)
		return;
	limit = (struct rlimit){ 0, 0 };
	(void)setrlimit(RLIMIT_CORE, &limit);
}

/* --- Landlock ------------------------------------------------------------*/

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

struct ruleset_attr {
	uint64_t fs, net, scoped;
};
struct path_rule {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

enum {
	LL_VERSION = 1,			/* flag of create_ruleset */
	LL_PATH = 1,			/* kind of rule */

	LL_EXECUTE = 1, LL_WRITE = 2, LL_READ = 4, LL_READ_DIR = 8,
	LL_FS_1 = 0x1fff,		/* all of ABI 1 */
	LL_REFER = 0x2000,		/* 2 */
	LL_TRUNCATE = 0x4000,		/* 3 */
	LL_IOCTL_DEV = 0x8000,		/* 5 */
	LL_BIND_TCP = 1, LL_CONNECT_TCP = 2, /* 4 */
	LL_ABSTRACT_UNIX = 1, LL_SIGNAL = 2, /* 6 */

	LL_LOOK = LL_READ | LL_READ_DIR,
	LL_FILE_RIGHTS = LL_EXECUTE | LL_WRITE | LL_READ | LL_TRUNCATE |
	    LL_IOCTL_DEV,
};

static int
landlock_abi(void)
{
	long n = syscall(SYS_landlock_create_ruleset, NULL, 0, LL_VERSION);

	return n > 0 ? (int)n : 0;
}

static uint64_t
landlock_fs_rights(int abi)
{
	uint64_t rights = LL_FS_1;

	if (abi >= 2)
		rights |= LL_REFER;
	if (abi >= 3)
		rights |= LL_TRUNCATE;
	if (abi >= 5)
		rights |= LL_IOCTL_DEV;
	return rights;
}

/* What is not there needs no rule. */
static bool
allow_path(int rules, const char *path, uint64_t rights, struct str *why)
{
	struct path_rule rule = { .allowed = rights,
		.parent = open(path, O_PATH | O_CLOEXEC) };
	struct stat st;

	if (rule.parent < 0)
		return true;
	if (fstat(rule.parent, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed &= LL_FILE_RIGHTS;
	long n = syscall(SYS_landlock_add_rule, rules, LL_PATH, &rule, 0);

	close(rule.parent);
	if (n == 0)
		return true;
	str_printf(why, "Landlock rule for %s: %m", path);
	return false;
}

static const char *const look_at[] = { "/usr", "/lib", "/lib64",
	"/etc/localtime", "/dev/urandom", "/dev/random", "/proc/self" };

static bool
allow_paths(int rules, const struct jail *jail, uint64_t all, struct str *why)
{
	uint64_t queue = jail->needs & NEEDS_QUEUE_WRITE ? all & ~LL_EXECUTE :
	    LL_LOOK;
	bool everything = SANITIZED ||
	    (jail->needs & (NEEDS_CONFIG_READ | NEEDS_NSS)) != 0;

	if (!allow_path(rules, "/dev/null", LL_READ | LL_WRITE, why))
		return false;
	if (everything && !allow_path(rules, "/", LL_LOOK, why))
		return false;
	for (size_t i = 0; !everything && i < ARRAY_COUNT(look_at); i++)
		if (!allow_path(rules, look_at[i], LL_LOOK, why))
			return false;
	if ((jail->needs & (NEEDS_QUEUE_READ | NEEDS_QUEUE_WRITE)) != 0 &&
	    !allow_path(rules, ".", queue, why))
		return false;
	if ((jail->needs & NEEDS_DATA_WRITE) != 0 &&
	    !allow_path(rules, jail->data_directory, all & ~LL_EXECUTE, why))
		return false;
	return true;
}

/* *abi_out is 0 where there is no Landlock, or none that would do. */
static bool
landlock(const struct jail *jail, int *abi_out, struct str *why)
{
	int abi = landlock_abi();
	struct ruleset_attr attr = { 0 };
	size_t size = sizeof(attr.fs);

	*abi_out = 0;
	/* ABI 1 forbids every rename from one directory to another. */
	if (abi < ((jail->needs & NEEDS_QUEUE_WRITE) ? 2 : 1))
		return true;
	attr.fs = landlock_fs_rights(abi);
	if (abi >= 4) {
		if ((jail->needs & NEEDS_NETWORK_OUT) == 0)
			attr.net = LL_CONNECT_TCP;
		if ((jail->needs & (NEEDS_NETWORK_OUT | NEEDS_LISTEN)) == 0)
			attr.net |= LL_BIND_TCP;
		size = offsetof(struct ruleset_attr, scoped);
	}
	if (abi >= 6) {
		attr.scoped = LL_ABSTRACT_UNIX | LL_SIGNAL;
		size = sizeof(attr);
	}
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);

	if (rules < 0)
		return refuse(why, "create Landlock rules");
	bool ok = allow_paths(rules, jail, attr.fs, why);

	if (ok && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
		ok = refuse(why, "enforce Landlock rules");
	close(rules);
	if (ok)
		*abi_out = abi;
	return ok;
}

/* --- seccomp -------------------------------------------------------------*/

#if HAVE_SECCOMP

static const int never[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork),
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(kcmp), SCMP_SYS(pidfd_getfd),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root),
	SCMP_SYS(chroot), SCMP_SYS(setns), SCMP_SYS(unshare),
	SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen),
	SCMP_SYS(fsmount), SCMP_SYS(fsconfig), SCMP_SYS(fspick),
	SCMP_SYS(mount_setattr), SCMP_SYS(open_by_handle_at),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(reboot),
	SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(acct),
	SCMP_SYS(quotactl), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd), SCMP_SYS(keyctl), SCMP_SYS(add_key),
	SCMP_SYS(request_key), SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
	SCMP_SYS(sethostname), SCMP_SYS(setdomainname),
	SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(adjtimex),
	SCMP_SYS(clock_adjtime), SCMP_SYS(personality), SCMP_SYS(iopl),
	SCMP_SYS(ioperm), SCMP_SYS(modify_ldt), SCMP_SYS(vhangup),
	SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid),
	SCMP_SYS(setregid), SCMP_SYS(setresuid), SCMP_SYS(setresgid),
	SCMP_SYS(setgroups), SCMP_SYS(setfsuid), SCMP_SYS(setfsgid),
	SCMP_SYS(capset), SCMP_SYS(mknod), SCMP_SYS(mknodat),
};

/* The C library asks the kernel for addresses of this machine by netlink. */
static bool
needs_family(const struct jail *jail, int family)
{
	switch (family) {
	case AF_UNIX:
		return true;
	case AF_INET:
	case AF_INET6:
		return (jail->needs & NEEDS_NETWORK_OUT) != 0;
	case AF_NETLINK:
		return (jail->needs & (NEEDS_NETWORK_OUT | NEEDS_NSS)) != 0;
	default:
		return false;
	}
}

static bool
forbid_sockets(scmp_filter_ctx filter, const struct jail *jail)
{
	const uint32_t eperm = SCMP_ACT_ERRNO(EPERM);

	for (int family = 0; family < AF_MAX; family++)
		if (!needs_family(jail, family) &&
		    seccomp_rule_add(filter, eperm, SCMP_SYS(socket), 1,
		    SCMP_A0(SCMP_CMP_EQ, (unsigned)family, 0)) != 0)
			return false;
	return seccomp_rule_add(filter, eperm, SCMP_SYS(socket), 1,
	    SCMP_A0(SCMP_CMP_GE, (unsigned)AF_MAX, 0)) == 0;
}

/* Threads may be made, processes not. clone3 hides its flags from filters:
 * it is not there, and the C library then uses clone. */
static bool
forbid_processes(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone),
	    1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)) == 0 &&
	    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3),
	    0) == 0;
}

static bool
filter_calls(const struct jail *jail, bool *done_out, struct str *why)
{
	*done_out = false;
	if (SANITIZED)
		return true;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool ok = filter != NULL && forbid_processes(filter) &&
	    forbid_sockets(filter, jail);

	/* A call that this machine does not have is not an error. */
	for (size_t i = 0; ok && i < ARRAY_COUNT(never); i++)
		ok = never[i] < 0 || seccomp_rule_add(filter,
		    SCMP_ACT_ERRNO(EPERM), never[i], 0) == 0;
	int status = ok ? seccomp_load(filter) : -ENOMEM;

	if (filter != NULL)
		seccomp_release(filter);
	/* A kernel without it is no reason not to carry mail. */
	*done_out = status == 0;
	if (status == 0 || status == -EINVAL || status == -ENOSYS)
		return true;
	errno = -status;
	return refuse(why, "load the system call filter");
}

#else

static bool
filter_calls(const struct jail *jail, bool *done_out, struct str *why)
{
	(void)jail;
	(void)why;
	*done_out = false;
	return true;
}

#endif

/* --- All of it -----------------------------------------------------------*/

static unsigned also_needed;

void
jail_also_needs(unsigned needs)
{
	also_needed |= needs;
}

bool
jail_enter(const struct jail *plan, struct str *force_out, struct str *why)
{
	struct jail all = *plan;
	const struct jail *jail = &all;
	int abi = 0;
	bool filtered = false;

	all.needs |= also_needed;
	if (chdir(jail->queue_directory) != 0) {
		str_printf(why, "enter %s: %m", jail->queue_directory);
		return false;
	}
	if (jail->root && jail->chroot &&
	    !jail_change_root(jail->queue_directory, why))
		return false;
	if (jail->root && (jail->needs & NEEDS_ROOT) == 0 &&
	    !jail_become(jail->uid, jail->gid, why))
		return false;
	jail_limits(SANITIZED);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return refuse(why, "refuse new privileges");
	/* Where all run as one user, that user may look at its processes. */
	prctl(PR_SET_DUMPABLE, SANITIZED || !jail->root ? 1 : 0, 0, 0, 0);
	if (!landlock(jail, &abi, why) || !filter_calls(jail, &filtered, why))
		return false;

	str_printf(force_out, "uid %ld", (long)geteuid());
	if (jail->root && jail->chroot)
		str_adds(force_out, ", chroot");
	if (abi > 0)
		str_addf(force_out, ", landlock %d", abi);
	else
		str_adds(force_out, ", no landlock");
	str_adds(force_out, filtered ? ", seccomp" : ", no seccomp");
	return true;
}
