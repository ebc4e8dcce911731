/*
 * waypost - the control command; installed also as postfix.
 *
 *	waypost [-c config_dir] [-Dv] start | start-fg | stop | quick-stop |
 *	    abort | drain | reload | flush | check | status [-v] |
 *	    set-permissions | queue export [-kn] [-s sendmail] [queue ...]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/strlist.h"
#include "common/io/child.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/mail/conf_core.h"
#include "common/mail/paths.h"
#include "common/service/logsink.h"
#include "common/service/peer.h"
#include "daemons/commands/lib/check.h"
#include "daemons/commands/lib/queue_export.h"
#include "daemons/commands/lib/commands_conf.h"
#include "daemons/commands/lib/status_report.h"
#include "daemons/commands/lib/upkeep.h"
#include "daemons/shared/spool.h"

enum {
	STEP_MS = 50,
	BEYOND_STOP_S = 8,		/* after stop_timeout: closing and killing */
	READY_TEXT_MAX = 2000,
	DYING_MS = 300,
};

static struct {
	const char *config_dir;
	bool verbose;			/* -v behind the command */
} options;

/* --- Configuration, logs, identity ---------------------------------------*/

static void
read_configuration(void)
{
	struct str why = STR_EMPTY;

	if (options.config_dir == NULL)
		options.config_dir = getenv("MAIL_CONFIG");
	if (options.config_dir == NULL)
		options.config_dir = PATH_CONFIG;
	char *dir = realpath(options.config_dir, NULL);

	if (dir == NULL)
		fatal("configuration directory %s: %m", options.config_dir);
	setenv("MAIL_CONFIG", dir, 1);
	free(dir);
	if (!conf_load(NULL, &why))
		fatal("%s", str_cstr(&why));
	conf_register(&conf_core_params);
	conf_register(&commands_params);
	if (!conf_fill(&conf_core_params, &why) ||
	    !conf_fill(&commands_params, &why))
		fatal("%s", str_cstr(&why));
	str_fini(&why);
}

static int
open_log_file(const char *file)
{
	struct str why = STR_EMPTY;
	mode_t mode;

	(void)logsink_file_mode(&mode, &why);	/* master says it */
	str_fini(&why);
	return open(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW |
	    O_CLOEXEC, mode);
}

/* Into the log of the system, and to the one who types. */
static void
open_log(void)
{
	const char *file = conf_core.maillog_file;
	int fd = -1;

	if (file[0] != '\0' && strncmp(file, "/dev/", 5) != 0)
		fd = open_log_file(file);
	if (file[0] != '\0' && fd < 0) {
		struct str tag = STR_EMPTY;

		conf_core_log_tag("postfix-script", &tag);
		log_remove_sinks();
		log_set_tag(str_cstr(&tag));
		str_fini(&tag);
	} else {
		logsink_open("postfix-script", fd);
	}
	log_add_sink(log_sink_stderr(false));
}

static struct spool_owner
owner(void)
{
	struct spool_owner o = { .root = geteuid() == 0 };
	struct str why = STR_EMPTY;

	if (!conf_core_ids(&o.uid, &o.gid, &o.setgid_gid, &why))
		fatal("%s", str_cstr(&why));
	str_fini(&why);
	return o;
}

static pid_t
running(void)
{
	pid_t pid;

	switch (spool_master(conf_core.queue_directory, &pid)) {
	case SPOOL_FREE:
		return 0;
	case SPOOL_RUNNING:
		if (pid > 0)
			return pid;
		fatal("%s/pid/master.pid is held, but names no process",
		    conf_core.queue_directory);
	case SPOOL_UNKNOWN:
		fatal("%s/pid/master.pid: %m", conf_core.queue_directory);
	}
	return 0;
}

static pid_t
must_run(void)
{
	pid_t pid = running();

	if (pid == 0)
		fatal("the Postfix mail system is not running");
	return pid;
}

static void
tell(pid_t pid, int signo)
{
	if (kill(pid, signo) != 0)
		fatal("signal process %ld: %m", (long)pid);
}

/* --- start ---------------------------------------------------------------*/

/* One that was killed a moment ago may still be on its way out. */
static void
must_not_run(void)
{
	for (int ms = 0; running() != 0 && ms < DYING_MS; ms += STEP_MS)
		usleep(STEP_MS * 1000);
	if (running() != 0)
		fatal("the Postfix mail system is already running");
}

static void
prepare(void)
{
	struct spool_owner o = owner();
	struct str why = STR_EMPTY;

	if (!check_master_cf(&why) ||
	    !spool_prepare(conf_core.queue_directory, &o, false, &why) ||
	    !spool_prepare_data(conf_core.data_directory, &o, false, &why))
		fatal("%s", str_cstr(&why));
	str_fini(&why);
	check_say_doubts();
}

static void
warn_without_syslog(void)
{
	if (conf_core.maillog_file[0] == '\0' &&
	    access("/dev/log", W_OK) != 0)
		log_warn("maillog_file is empty and there is no syslog at "
		    "/dev/log: nothing will be logged");
}

static char *
master_path(void)
{
	struct str path = STR_EMPTY;

	str_printf(&path, "%s/master", conf_core.daemon_directory);
	if (access(str_cstr(&path), X_OK) != 0)
		fatal("daemon_directory: found \"%s\", expected the directory "
		    "of the daemons (%s: %m)", conf_core.daemon_directory,
		    str_cstr(&path));
	return str_release(&path);
}

/* What master says when all is up, or has failed. */
static int
hear_ready(int fd)
{
	char text[READY_TEXT_MAX];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(text) - 1 &&
	    ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0 ||
	    (n < 0 && errno == EINTR)))
		len += n > 0 ? (size_t)n : 0;
	text[len] = '\0';
	if (strcmp(text, "ok") == 0)
		return 0;
	log_error("%s", len > 0 ? text : "master ended without a word; its log "
	    "may say why");
	return 1;
}

static int
start(void)
{
	char number[16];
	int pipes[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct str why = STR_EMPTY;

	must_not_run();
	prepare();
	warn_without_syslog();
	log_info("starting the Postfix mail system");
	if (null < 0 || pipe2(pipes, O_CLOEXEC) != 0)
		fatal("open /dev/null and a pipe: %m");
	snprintf(number, sizeof(number), "%d", STDERR_FILENO + 1);
	setenv("WAYPOST_READY", number, 1);

	char *path = master_path();
	char *argv[] = { path, (char *)(uintptr_t)"-w", NULL };
	struct child_fd fds[] = { { null, 0 }, { null, 1 }, { null, 2 },
		{ pipes[1], STDERR_FILENO + 1 } };
	struct child_spec spec = { .path = path, .argv = argv,
		.envp = environ, .fds = fds, .nfds = 4, .chdir_to = "/",
		.new_session = true };

	if (child_start(&spec, &why) < 0)
		fatal("%s", str_cstr(&why));
	close(pipes[1]);
	mem_free(path);
	return hear_ready(pipes[0]);
}

static int
start_here(void)
{
	struct str why = STR_EMPTY;

	must_not_run();
	prepare();
	log_info("starting the Postfix mail system");
	if (!isatty(STDOUT_FILENO))
		warn_without_syslog();

	char *path = master_path();
	char *argv[] = { path, (char *)(uintptr_t)"-s", NULL };

	child_replace(path, argv, environ, &why);
	fatal("%s", str_cstr(&why));
}

/* --- stop and the like ---------------------------------------------------*/

static bool
wait_stopped(int64_t seconds)
{
	struct deadline end = deadline_in(seconds);

	while (running() != 0) {
		if (deadline_passed(end))
			return false;
		usleep(STEP_MS * 1000);
		clock_refresh();
	}
	return true;
}

static int
stop(void)
{
	pid_t pid = must_run();

	log_info("stopping the Postfix mail system");
	tell(pid, SIGTERM);
	if (wait_stopped(conf_core.stop_timeout + BEYOND_STOP_S))
		return 0;
	log_error("process %ld does not stop", (long)pid);
	return 1;
}

static int
stop_quickly(const char *words)
{
	pid_t pid = must_run();

	log_info("%s the Postfix mail system", words);
	tell(pid, SIGTERM);
	usleep(STEP_MS * 1000);
	/* It may be gone by now. */
	(void)kill(pid, SIGTERM);
	return wait_stopped(BEYOND_STOP_S) ? 0 : 1;
}

static int
quick_stop(void)
{
	return stop_quickly("stopping");
}

static int
abort_all(void)
{
	return stop_quickly("aborting");
}

static int
drain(void)
{
	tell(must_run(), SIGUSR1);
	log_info("draining the Postfix mail system");
	return 0;
}

static int
reload(void)
{
	pid_t pid = must_run();
	struct str why = STR_EMPTY;

	if (!check_master_cf(&why))
		fatal("%s", str_cstr(&why));
	check_say_doubts();
	log_info("refreshing the Postfix mail system");
	tell(pid, SIGHUP);
	return 0;
}

static int
flush(void)
{
	must_run();
	peer_set_root(conf_core.queue_directory);
	if (peer_trigger_bytes("public", conf_core.queue_service_name,
	    span_cstr("FAD")))
		return 0;
	log_error("the queue manager cannot be reached: %m");
	return 1;
}

/* --- Several instances ---------------------------------------------------*/

/*
 * Where main.cf lists other instances, the command is for all of them, and their
 * manager calls this program again with -c for each. Returns when there are none.
 */
static void
hand_to_manager(char **words)
{
	struct str value = STR_EMPTY, why = STR_EMPTY;
	struct strlist argv = STRLIST_EMPTY;

	if (!conf_value("multi_instance_directories", &value, &why))
		fatal("%s", str_cstr(&why));
	if (str_len(&value) == 0)
		return;
	str_clear(&value);
	if (!conf_value("multi_instance_wrapper", &value, &why))
		fatal("%s", str_cstr(&why));
	if (str_len(&value) == 0)
		fatal("main.cf has multi_instance_directories, and "
		    "multi_instance_wrapper does not say who works on them");
	if (strcmp(words[0], "start-fg") == 0)
		fatal("start-fg is for one instance: -c says which");
	strlist_split(&argv, str_span(&value), STRLIST_CONF);
	for (; *words != NULL; words++)
		strlist_adds(&argv, *words);
	child_replace(argv.items[0], argv.items, environ, &why);
	fatal("multi_instance_wrapper: %s", str_cstr(&why));
}

/* --- Looking -------------------------------------------------------------*/

static int
check(void)
{
	struct spool_owner o = owner();

	if (o.root)
		upkeep_check_programs(o.setgid_gid);
	return check_everything(conf_core.queue_directory) ? 0 : 1;
}

static int
status(void)
{
	pid_t pid = running();

	if (pid == 0) {
		log_info("the Postfix mail system is not running");
		return 1;
	}
	log_info("the Postfix mail system is running: PID: %ld", (long)pid);
	log_flush();
	return !options.verbose || status_report_print() ? 0 : 1;
}

static int
set_permissions(void)
{
	struct spool_owner o = owner();
	struct str why = STR_EMPTY;

	if (!spool_prepare(conf_core.queue_directory, &o, true, &why) ||
	    !spool_prepare_data(conf_core.data_directory, &o, true, &why) ||
	    (o.root && !upkeep_programs(o.setgid_gid, &why)))
		fatal("%s", str_cstr(&why));
	return 0;
}

static int
upgrade_configuration(void)
{
	struct str why = STR_EMPTY;

	if (!upkeep_master_cf(&why))
		fatal("%s", str_cstr(&why));
	return 0;
}

static int
logrotate(void)
{
	struct str why = STR_EMPTY;

	if (!upkeep_logrotate(running(), open_log_file, &why))
		fatal("%s", str_cstr(&why));
	return 0;
}

/* --- Main ----------------------------------------------------------------*/

static const struct {
	const char *name;
	int (*run)(void);
} commands[] = {
	{ "start", start }, { "start-fg", start_here }, { "stop", stop },
	{ "quick-stop", quick_stop }, { "abort", abort_all },
	{ "drain", drain }, { "reload", reload }, { "flush", flush },
	{ "check", check }, { "status", status },
	{ "set-permissions", set_permissions },
	{ "upgrade-configuration", upgrade_configuration },
	{ "logrotate", logrotate },
};

__attribute__((noreturn)) static void
usage(void)
{
	struct str names = STR_EMPTY;

	for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
		str_addf(&names, "%s%s", i > 0 ? " | " : "", commands[i].name);
	fprintf(stderr, "usage: waypost [-c config_dir] [-Dv] %s | "
	    "queue export\n",
	    str_cstr(&names));
	exit(1);
}

int
main(int argc, char **argv)
{
	int c;

	log_set_tag("postfix");
	log_add_sink(log_sink_stderr(false));
	signal(SIGPIPE, SIG_IGN);
	while ((c = getopt(argc, argv, "+c:Dv")) != -1) {
		if (c == 'c')
			options.config_dir = optarg;
		else if (c == 'v')
			log_verbose++;
		else if (c != 'D')
			usage();
	}
	if (optind >= argc)
		usage();
	const char *word = argv[optind];

	if (strcmp(word, "queue") == 0) {
		read_configuration();
		open_log();
		int result = queue_export(argc - optind - 1,
		    argv + optind + 1);

		logsink_finish();
		return result;
	}
	for (int i = optind + 1; i < argc; i++) {
		if (strcmp(argv[i], "-v") != 0)
			usage();
		options.verbose = true;
	}
	for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
		if (strcmp(commands[i].name, word) != 0)
			continue;
		bool one_only = options.config_dir != NULL;

		read_configuration();
		if (!one_only)
			hand_to_manager(argv + optind);
		open_log();
		int result = commands[i].run();

		logsink_finish();
		return result;
	}
	usage();
}
