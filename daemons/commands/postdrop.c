/*
 * postdrop - puts a message from sendmail into maildrop, durably. Runs setgid,
 * so it trusts nothing: not its input, not its environment, not its limits.
 *
 * The file belongs to the user who called; pickup takes the identity from
 * there. Works while the mail system is down.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/io/fault.h"
#include "common/io/fiber.h"
#include "common/mail/conf_core.h"
#include "common/service/logsink.h"
#include "common/service/peer.h"
#include "daemons/commands/lib/commands_conf.h"
#include "daemons/commands/lib/drop.h"
#include "daemons/commands/lib/setgid_conf.h"
#include "daemons/commands/lib/user_acl.h"
#include "queue/names.h"

struct run {
	int queue_dir, exit_status;
	struct str senders;		/* patterns of those it may use */
};

__attribute__((format(printf, 2, 3))) static int
refuse(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_va(LOG_LEVEL_FATAL, format, args);
	va_end(args);
	logsink_finish();
	return status;
}

static void
receive(void *arg)
{
	struct run *run = arg;

	run->exit_status = drop_message(STDIN_FILENO, run->queue_dir,
	    str_span(&run->senders));
}

/* MAIL_CONFIG stays, and without a group that is lent what sets parameters. */
static void
keep_environment_clean(void)
{
	extern char **environ;
	const char *config = getenv("MAIL_CONFIG");
	static char *empty[] = { NULL };
	char **given = environ;

	environ = empty;
	for (char **e = given; !setgid_conf_lends_rights() && *e != NULL; e++)
		if (span_starts(SPAN(*e), SPAN(CONF_ENVIRONMENT)))
			putenv(*e);
	if (config != NULL && strlen(config) < PATH_MAX)
		setenv("MAIL_CONFIG", config, 1);
}

int
main(int argc, char **argv)
{
	struct run run = { .exit_status = EX_SOFTWARE,
		.senders = STR_EMPTY };
	struct str why = STR_EMPTY;
	const char *dir = NULL;
	int option;

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0
		    && open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd)
			return EX_OSERR;
	umask(022);
	fault_arm_from_environment("postdrop");
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	keep_environment_clean();
	while ((option = getopt(argc, argv, "c:rv")) != -1) {
		if (option == 'c')
			dir = optarg;
		else if (option == '?')
			return EX_USAGE;
	}
	log_set_tag("postdrop");
	conf_register(&commands_params);
	if (!setgid_conf_load(dir, &why) || !conf_fill(&conf_core_params, &why)
	    || !conf_fill(&commands_params, &why)) {
		fprintf(stderr, "postdrop: fatal: %s\n", str_cstr(&why));
		return EX_CONFIG;
	}
	logsink_open("postdrop", -1);
	log_set_name("postdrop");
	log_add_sink(log_sink_stderr(false));
	if (conf_unmet_protection("postdrop", &why)) {
		log_error("%s", str_cstr(&why));
		return EX_NOPERM;
	}
	run.exit_status = user_acl_check(commands_conf.submit_users, "submit mail",
	    &why);
	if (run.exit_status == EX_OK)
		run.exit_status = user_acl_senders(commands_conf.login_senders,
		    &run.senders, &why);
	if (run.exit_status != EX_OK)
		return refuse(run.exit_status, "%s", str_cstr(&why));
	if (chdir(conf_core.queue_directory) < 0
	    || (run.queue_dir = open(".", O_PATH | O_DIRECTORY
	    | O_CLOEXEC)) < 0)
		return refuse(EX_TEMPFAIL, "open %s: %m",
		    conf_core.queue_directory);
	queue_names_setup(conf_core.hash_queue_names,
	    conf_core.hash_queue_depth);
	fiber_run_main(receive, &run);
	if (run.exit_status == EX_OK)
		peer_trigger("public", conf_core.pickup_service_name);
	logsink_finish();
	return run.exit_status;
}
