/*
 * launcher - keeps the rights that its agent gave up, and does one thing with
 * them: starts workers, for mailboxes or for commands, which become the user they
 * were asked for before they look at any input.
 *
 * Single-threaded. Never starts a worker as root; for pipe and spawn only as the
 * user that their row of master.cf names. Without root every worker is the one
 * user there is. Ends when its agent does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/io/child.h"
#include "common/io/fault.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/io/signal_io.h"
#include "common/mail/conf_core.h"
#include "common/service/inherit.h"
#include "common/service/jail.h"
#include "common/service/logsink.h"
#include "common/service/rpc.h"
#include "daemons/launcher/worker.h"
#include "daemons/shared/command_row.h"

#define WORKERS_MOST 200
#define WORKER_ARGUMENT "--worker"
#define COMMANDS_ARGUMENT "--commands"

static size_t workers;
static bool has_log, in_chroot;
static enum command_role role;
static struct command_row row;		/* of pipe and spawn */

struct identity {
	uid_t uid;
	gid_t gid;
	bool commands;
};

/* First thing in a worker, which has just been started with our rights. Commands
 * may start what gains others by its mode: postdrop, to submit mail. */
static void
become(const char *uid_text, const char *gid_text, const char *root_dir,
    bool for_commands)
{
	struct str why = STR_EMPTY;
	uint32_t uid, gid;

	if (!scan_u32(SPAN(uid_text), &uid) || !scan_u32(SPAN(gid_text), &gid))
		_exit(2);
	tzset();			/* a new root may be without */
	if (geteuid() == 0 && (uid == 0 || gid == 0
	    || (root_dir[0] != '\0' && !jail_change_root(root_dir, &why))
	    || !jail_become(uid, gid, &why)))
		_exit(3);
	if (!for_commands)
		jail_no_new_privileges();
	str_fini(&why);
}

static void
reap(int signo)
{
	int status;
	pid_t pid;

	(void)signo;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		workers--;
		if (status != 0) {
			struct str text = STR_EMPTY;

			child_describe_status(status, &text);
			log_warn("mailbox worker pid %ld %s", (long)pid,
			    str_cstr(&text));
			str_fini(&text);
		}
	}
}

/* Of commands: what the row and its chroot column say, and nobody else. */
static void
find_root(struct str *out)
{
	if (in_chroot)
		str_adds(out, conf_core.queue_directory);
	if (row.chroot != NULL)
		str_adds(out, row.chroot);
}

static bool
start_worker(struct identity *id, int socket, struct str *why)
{
	struct str root_dir = STR_EMPTY;
	char uid[16], gid[16];
	char *argv[] = { "launcher", id->commands ? COMMANDS_ARGUMENT
		: WORKER_ARGUMENT, uid, gid, NULL, NULL };
	extern char **environ;
	const struct child_fd fds[] = {
		{ socket, INHERIT_LAUNCHER_SOCKET },
		{ INHERIT_LOCK, INHERIT_LOCK },
		{ INHERIT_LOG, INHERIT_LOG },
	};
	/* This program, also when another has taken its name meanwhile. */
	struct child_spec spec = { .path = "/proc/self/exe", .argv = argv,
		.envp = environ, .fds = fds, .nfds = has_log ? 3 : 2,
		.chdir_to = "/" };
	bool ok;

	snprintf(uid, sizeof(uid), "%u", (unsigned)id->uid);
	snprintf(gid, sizeof(gid), "%u", (unsigned)id->gid);
	if (role != COMMAND_OF_NONE)
		find_root(&root_dir);
	argv[4] = (char *)(uintptr_t)str_cstr(&root_dir);
	ok = child_start(&spec, why) >= 0;
	if (ok)
		workers++;
	str_fini(&root_dir);
	return ok;
}

static bool
handle_worker(struct rpc_call *call, void *request, void *reply_out)
{
	struct worker_request *rq = request;
	struct worker_reply *reply = reply_out;
	struct str *why = str_in_arena(call->arena);
	struct identity id = { (uid_t)rq->uid, (gid_t)rq->gid, rq->commands };
	int pair[2];

	reply->fd = -1;
	if (geteuid() == 0 && (id.uid == 0 || id.gid == 0)) {
		reply->why = SPAN("refusing to deliver as root");
		return true;
	}
	if (role != COMMAND_OF_NONE && (!id.commands || (geteuid() == 0
	    && (id.uid != row.uid || id.gid != row.gid)))) {
		reply->why = SPAN("not what the row of master.cf names");
		return true;
	}
	if (workers >= WORKERS_MOST) {
		reply->why = SPAN("too many mailbox workers");
		return true;
	}
	if (!sock_pair(pair)) {
		reply->why = SPAN("cannot make a socket");
		return true;
	}
	if (start_worker(&id, pair[1], why)) {
		reply->ok = true;
		reply->fd = pair[0];
	} else {
		close(pair[0]);
		reply->why = str_span(why);
	}
	close(pair[1]);
	return true;
}

static const struct rpc_method methods[] = {
	{ .request = &worker_request_form, .reply = &worker_reply_form,
	    .handle = handle_worker },
};

static const struct rpc_protocol protocol = {
	.name = LAUNCHER_PROTOCOL, .version = LAUNCHER_VERSION,
	.methods = methods, .nmethods = ARRAY_COUNT(methods),
};

static void
serve(void *arg)
{
	struct sock_peer agent = { .pid = getppid(), .uid = geteuid() };

	(void)arg;
	sock_set_nonblock(INHERIT_LAUNCHER_SOCKET, true);
	rpc_serve(&protocol, stream_open(INHERIT_LAUNCHER_SOCKET), &agent);
}

static void
read_configuration(int argc, char **argv)
{
	struct str why = STR_EMPTY;
	int option;

	if (!conf_load(NULL, &why))
		fatal("%s", str_cstr(&why));
	while ((option = getopt(argc, argv, "n:o:vc")) != -1) {
		if (option == 'v')
			log_verbose++;
		else if (option == 'c')
			in_chroot = true;
		else if (option == 'o' && !conf_override_assignment(
		    SPAN(optarg), "-o", &why))
			fatal("%s", str_cstr(&why));
	}
	if (!conf_fill(&conf_core_params, &why))
		fatal("%s", str_cstr(&why));
	if (optind < argc)
		role = command_role_of(argv[optind++]);
	if (role != COMMAND_OF_NONE && !command_row_read(role,
	    (const char *const *)argv + optind, (size_t)(argc - optind),
	    geteuid() == 0, &row, &why))
		fatal("%s", str_cstr(&why));
	str_fini(&why);
}

int
main(int argc, char **argv)
{
	const char *given = getenv(INHERIT_LAUNCHER_ENV);

	if (given == NULL) {
		fprintf(stderr, "launcher: started by delivery agents only\n");
		return 1;
	}
	has_log = strstr(given, "log=1") != NULL;
	signal(SIGINT, SIG_IGN);	/* a terminal's; our agent tells us */
	signal(SIGTERM, SIG_IGN);
	if (argc == 5 && strcmp(argv[1], WORKER_ARGUMENT) == 0) {
		fault_arm_from_environment("worker");
		become(argv[2], argv[3], argv[4], false);
		return worker_main(INHERIT_LAUNCHER_SOCKET);
	}
	if (argc == 5 && strcmp(argv[1], COMMANDS_ARGUMENT) == 0) {
		fault_arm_from_environment("commands");
		become(argv[2], argv[3], argv[4], true);
		return command_main(INHERIT_LAUNCHER_SOCKET);
	}
	fault_arm_from_environment("launcher");
	read_configuration(argc, argv);
	logsink_open("launcher", has_log ? INHERIT_LOG : -1);
	loop_start();
	signal_on(SIGCHLD, reap);
	fiber_run_main(serve, NULL);
	log_flush();
	return 0;
}
