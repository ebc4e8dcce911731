/*
 * What a jail takes away, tried in processes of their own. Identities and
 * chroot are tried by the system tests, which may be root.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/service/jail.h"
#include "common/service/service.h"
#include "tests/harness/t.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

static struct str force, why;

static bool
enter(unsigned needs)
{
	struct jail jail = { .needs = needs, .queue_directory = t_tmpdir(),
		.data_directory = "/nonexistent" };

	return jail_enter(&jail, &force, &why);
}

static bool
opens(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static const struct {
	const char *name;
	unsigned needs;
	bool queue_read, queue_write, etc, network;
} cases[] = {
	{ "nothing", 0, false, false, false, false },
	{ "reads the queue", NEEDS_QUEUE_READ, true, false, false, false },
	{ "writes the queue", NEEDS_QUEUE_READ | NEEDS_QUEUE_WRITE, true, true,
	    false, false },
	{ "reads configuration", NEEDS_CONFIG_READ, true, false, true, false },
	{ "goes out", NEEDS_NETWORK_OUT, false, false, false, true },
};

static int
differences(size_t i)
{
	bool landlock = strstr(str_cstr(&force), "no landlock") == NULL;
	bool filter = strstr(str_cstr(&force), "no seccomp") == NULL;
	int n = 0;

	if (landlock) {
		n += opens("there", O_RDONLY) !=
		    (cases[i].queue_read || SANITIZED);
		n += opens("new", O_WRONLY | O_CREAT) != cases[i].queue_write;
		n += opens("/etc/hostname", O_RDONLY) !=
		    (cases[i].etc || SANITIZED);
		n += opens("/tmp/not-for-a-role", O_WRONLY | O_CREAT);
	}
	if (filter) {
		n += (socket(AF_INET, SOCK_STREAM, 0) >= 0) !=
		    cases[i].network;
		n += syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0;
		n += syscall(SYS_execve, "/bin/true", NULL, NULL) >= 0;
		n += socket(AF_UNIX, SOCK_STREAM, 0) < 0;
	}
	return n;
}

T_TEST(a_jail_lets_a_role_do_what_it_needs_and_no_more)
{
	char path[300];

	if (!opens("/etc/hostname", O_RDONLY))
		T_SKIP("no /etc/hostname to read");
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].name);
		snprintf(path, sizeof(path), "%s/there", t_tmpdir());
		T_NEED(opens(path, O_WRONLY | O_CREAT));
		T_DIES(0, NULL, {
			T_NEED(enter(cases[i].needs));
			_exit(differences(i));
		});
	}
}

T_TEST(renames_between_directories_of_the_queue_work_in_a_jail)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/a", t_tmpdir());
	T_NEED(mkdir(path, 0700) == 0);
	snprintf(path, sizeof(path), "%s/b", t_tmpdir());
	T_NEED(mkdir(path, 0700) == 0);
	T_DIES(0, NULL, {
		T_NEED(enter(NEEDS_QUEUE_READ | NEEDS_QUEUE_WRITE));
		_exit(opens("a/x", O_WRONLY | O_CREAT) &&
		    rename("a/x", "b/x") == 0 && unlink("b/x") == 0 ? 0 : 1);
	});
}

T_TEST(a_queue_that_is_not_there_is_a_reason)
{
	struct jail jail = { .queue_directory = "/nonexistent",
		.data_directory = "/nonexistent" };

	T_CHECK(!jail_enter(&jail, &force, &why));
	T_HAS_STR(str_cstr(&why), "/nonexistent");
}

T_TEST(an_identity_that_cannot_be_given_up_is_a_reason)
{
	T_EACH_FAULT("jail.identity", EPERM) {
		bool became = jail_become(getuid(), getgid(), &why);

		/* An ordinary user may not change its groups either. */
		if (T_FAULT_HIT() || getuid() != 0)
			T_CHECK(!became && str_len(&why) > 0);
		else
			T_CHECK(became);
	}
}
