/*
 * recover - makes a queue whole without its commit logs: run by master before
 * anybody works on the queue and after everybody has left it.
 *
 * A process of its own, since logs are bytes that nobody vouches for and master
 * is root: this one gives that up first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/io/crash_slot.h"
#include "common/io/fault.h"
#include "common/mail/conf_core.h"
#include "common/service/inherit.h"
#include "common/service/jail.h"
#include "common/service/logsink.h"
#include "common/service/service.h"
#include "daemons/shared/spool.h"
#include "queue/commit_log.h"

static struct {
	bool only_list;
	bool by_master;			/* who holds the queue */
	bool has_log;			/* and handed its log file down */
} options;

static void
read_options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "lmn")) != -1) {
		switch (c) {
		case 'l':
			options.has_log = true;
			break;
		case 'm':
			options.by_master = true;
			break;
		case 'n':
			options.only_list = true;
			break;
		default:
			fprintf(stderr, "usage: recover [-n]\n");
			exit(1);
		}
	}
}

static void
read_configuration(void)
{
	struct str why = STR_EMPTY;

	if (!conf_load(NULL, &why) || !conf_fill(&conf_core_params, &why))
		fatal("%s", str_cstr(&why));
	queue_names_setup(conf_core.hash_queue_names,
	    conf_core.hash_queue_depth);
	str_fini(&why);
}

static void
enter_jail(void)
{
	struct jail jail = { .needs = NEEDS_QUEUE_READ | NEEDS_QUEUE_WRITE,
		.root = geteuid() == 0,
		.queue_directory = conf_core.queue_directory,
		.data_directory = conf_core.data_directory };
	struct str why = STR_EMPTY, force = STR_EMPTY;
	gid_t setgid_group;

	if (!conf_core_ids(&jail.uid, &jail.gid, &setgid_group, &why)
	    || !jail_enter(&jail, &force, &why))
		fatal("%s", str_cstr(&why));
	log_debug("recover: %s", str_cstr(&force));
	str_fini(&why);
	str_fini(&force);
}

static void
print_one(const char *log, const char *id, void *arg)
{
	(void)arg;
	printf("%s %s\n", log, id);
}

static void
must_be_alone(void)
{
	pid_t pid;

	if (!options.by_master
	    && spool_master(conf_core.queue_directory, &pid) != SPOOL_FREE)
		fatal("the mail system is running, and recovers its logs by "
		    "itself");
}

/* 0 when no log is left. */
static int
recover(int queue_dir)
{
	struct commit_log_recovery done;

	commit_log_recover(queue_dir, &done);
	if (done.complete + done.restored + done.removed + done.lost
	    + done.troubles > 0)
		log_info("commit logs recovered: %zu messages complete, %zu "
		    "written again, %zu removed, %zu lost, %zu troubles",
		    done.complete, done.restored, done.removed, done.lost,
		    done.troubles);
	return done.troubles > 0;
}

int
main(int argc, char **argv)
{
	int queue_dir, status = 0;

	log_set_tag("postfix/recover");
	log_add_sink(log_sink_stderr(false));
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	fault_arm_from_environment("recover");
	read_options(argc, argv);
	read_configuration();
	logsink_open("recover", options.has_log ? INHERIT_LOG : -1);
	if (!options.by_master)
		log_add_sink(log_sink_stderr(false));
	crash_handlers_install();
	queue_dir = open(conf_core.queue_directory,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (queue_dir < 0)
		fatal("open %s: %m", conf_core.queue_directory);
	if (!options.only_list)
		must_be_alone();
	enter_jail();
	if (options.only_list)
		commit_log_list(queue_dir, print_one, NULL);
	else
		status = recover(queue_dir);
	logsink_finish();
	return status;
}
