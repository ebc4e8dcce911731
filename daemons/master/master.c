/*
 * master - starts every other process, holds the queue and the sockets, and is
 * fit to be process 1.
 *
 *	TERM	no new sessions, finish, exit; a second one: at once
 *	HUP	read the configuration again
 *	USR1	no new mail, deliver until the queue is empty, exit
 *
 * The queue is held by two locks: pid/master.pid by master alone, so that it
 * tells who runs; pid/master.lock by all of its children too, so that the next
 * master begins when the last orphan has gone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/child.h"
#include "common/io/crash_slot.h"
#include "common/io/fault.h"
#include "common/io/fs.h"
#include "common/io/signal_io.h"
#include "common/mail/conf_core.h"
#include "common/mail/paths.h"
#include "common/service/counters.h"
#include "common/service/inherit.h"
#include "common/service/jail.h"
#include "common/service/logsink.h"
#include "common/service/peer.h"
#include "daemons/master/master.h"
#include "daemons/shared/spool.h"
#include "queue/names.h"
#include "queue/commit_log.h"
#include "queue/scan.h"

enum {
	ORPHANS_S = 10,			/* to wait for */
	ORPHANS_STEP_MS = 50,
	CLOSED_MS = 2000,		/* children without a master leave */
	DRAIN_LOOK_S = 1,
};

struct master master = { .rows = LIST_HEAD(master.rows), .control_rw = -1,
	.control_ro = -1, .counters = -1, .lock = -1, .log = -1 };

static struct {
	const char *config_dir;
	bool foreground;		/* start-fg: log to the terminal */
	bool test;			/* only tell whether one runs */
	int ready_fd;			/* told "ok" when all is up, or why not */
} options = { .ready_fd = -1 };

/* --- Beginning -----------------------------------------------------------*/

static void
tell_starter(const char *text)
{
	if (options.ready_fd < 0)
		return;
	if (write(options.ready_fd, text, strlen(text)) < 0)
		log_debug("the one who started this has gone");
	close(options.ready_fd);
	options.ready_fd = -1;
}

__attribute__((noreturn)) static void
give_up(const char *what)
{
	tell_starter(what);
	fatal("%s", what);
}

static void
read_options(int argc, char **argv)
{
	int c;
	const char *ready = getenv("WAYPOST_READY");

	while ((c = getopt(argc, argv, "c:de:istvw")) != -1) {
		switch (c) {
		case 'c':
			options.config_dir = optarg;
			break;
		case 's':
		case 'i':
			options.foreground = true;
			break;
		case 't':
			options.test = true;
			break;
		case 'v':
			log_verbose++;
			break;
		case 'd':
		case 'w':
		case 'e':
			break;		/* this master never goes away by itself */
		default:
			fprintf(stderr, "usage: master [-c config_dir] [-stv]\n");
			exit(1);
		}
	}
	if (ready != NULL) {
		options.ready_fd = atoi(ready);
		unsetenv("WAYPOST_READY");
		if (options.ready_fd <= STDERR_FILENO ||
		    fcntl(options.ready_fd, F_SETFD, FD_CLOEXEC) != 0)
			options.ready_fd = -1;
	}
}

static void
read_configuration(void)
{
	struct str why = STR_EMPTY;

	if (options.config_dir == NULL)
		options.config_dir = getenv("MAIL_CONFIG");
	if (options.config_dir == NULL)
		options.config_dir = PATH_CONFIG;
	/* Children and later reloads are elsewhere. */
	char *dir = realpath(options.config_dir, NULL);

	if (dir == NULL) {
		str_printf(&why, "configuration directory %s: %m",
		    options.config_dir);
		give_up(str_cstr(&why));
	}
	setenv("MAIL_CONFIG", dir, 1);
	if (!settings_load(dir, &master.settings, &why))
		give_up(str_cstr(&why));
	free(dir);
	str_fini(&why);
}

static void
open_logs(void)
{
	struct str why = STR_EMPTY;

	master.log = settings_open_log(&master.settings, options.foreground,
	    &why);
	if (str_len(&why) > 0)
		give_up(str_cstr(&why));
	logsink_open("master", master.log);
	str_fini(&why);
}

static int
open_lock(const char *name)
{
	struct str why = STR_EMPTY, path = STR_EMPTY;
	int fd;

	str_printf(&path, "pid/%s", name);
	fd = open(str_cstr(&path), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
	    0644);
	if (fd < 0) {
		str_printf(&why, "open %s/%s: %m", master.settings.queue_dir,
		    str_cstr(&path));
		give_up(str_cstr(&why));
	}
	str_fini(&path);
	return fd;
}

static void
say_taken(const char *what)
{
	struct str why = STR_EMPTY;
	pid_t pid;

	(void)spool_master(master.settings.queue_dir, &pid);
	if (pid > 0)
		str_printf(&why, "%s: process %ld", what, (long)pid);
	else
		str_sets(&why, what);
	give_up(str_cstr(&why));
}

static void
write_pid(int fd)
{
	struct str text = STR_EMPTY;

	str_printf(&text, "%*ld\n", 10, (long)getpid());
	if (!fs_truncate(fd, 0, NULL) ||
	    !fs_pwrite_all(fd, str_span(&text), 0, NULL))
		log_warn("write pid/master.pid: %m");
	str_fini(&text);
}

static void
take_queue(void)
{
	int pid_fd = open_lock("master.pid");

	if (!fs_ofd_lock(pid_fd, true))
		say_taken("the Postfix mail system is already running on "
		    "this queue");
	/* At once: the number of an earlier one is anybody's by now. */
	write_pid(pid_fd);
	master.lock = open_lock("master.lock");
	for (int waited = 0; flock(master.lock, LOCK_EX | LOCK_NB) != 0;
	     waited += ORPHANS_STEP_MS) {
		if (waited == 0)
			log_info("waiting for processes of an earlier master "
			    "to leave");
		if (waited >= ORPHANS_S * 1000)
			say_taken("processes of an earlier master still use "
			    "this queue");
		usleep(ORPHANS_STEP_MS * 1000);
	}
	/* pid_fd stays open, and locked. */
}

static bool
make_queue(struct str *why)
{
	const struct settings *s = &master.settings;
	const struct spool_owner owner = { s->root, s->uid, s->gid,
		s->setgid_gid };

	queue_names_setup(conf_core.hash_queue_names,
	    conf_core.hash_queue_depth);
	return spool_prepare(s->queue_dir, &owner, false, why);
}

static void
prepare_queue(void)
{
	const struct settings *s = &master.settings;
	struct str why = STR_EMPTY;

	if (!make_queue(&why))
		give_up(str_cstr(&why));
	int dir = open(s->queue_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || fchdir(dir) != 0) {
		str_printf(&why, "enter %s: %m", s->queue_dir);
		give_up(str_cstr(&why));
	}
	if (!queue_directories_sync(dir, &why))
		give_up(str_cstr(&why));
	close(dir);
	peer_set_root("");
	str_fini(&why);
}

/* Where files belong may have changed with hash_queue_names and _depth. */
static void
restructure_queue(void)
{
	struct str why = STR_EMPTY;
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t moved = 0;

	if (dir < 0 || !queue_restructure(dir, &moved, &why))
		log_warn("queue files in wrong sub-directories: %s",
		    str_cstr(&why));
	if (moved > 0)
		log_info("queue files moved to other sub-directories: %zu",
		    moved);
	if (dir >= 0)
		close(dir);
	str_fini(&why);
}

/* False when it could not even begin. */
static bool
run_recovery(struct str *why)
{
	struct settings *s = &master.settings;
	/* The next master waits for it as for all orphans. */
	const struct child_fd fds[] = { { master.lock, INHERIT_LOCK },
		{ master.log, INHERIT_LOG } };
	struct str path = STR_EMPTY;
	char *argv[] = { (char *)(uintptr_t)"recover", (char *)(uintptr_t)"-m",
		master.log >= 0 ? (char *)(uintptr_t)"-l" : NULL, NULL };
	int status = 0;
	pid_t pid;

	str_printf(&path, "%s/recover", s->daemon_dir);
	struct child_spec spec = { .path = str_cstr(&path), .argv = argv,
		.envp = s->environment, .fds = fds,
		.nfds = master.log >= 0 ? 2 : 1, .new_session = true };

	log_flush();
	pid = child_start(&spec, why);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	/* 1: it said what could not be done, and kept the log. */
	if (pid > 0 && (!WIFEXITED(status) || WEXITSTATUS(status) > 1))
		child_describe_status(status, why);
	str_fini(&path);
	return pid > 0 && str_len(why) == 0;
}

/* Commit logs, that is: nobody works on the queue before and after us. */
static void
recover_queue(bool starting)
{
	struct str why = STR_EMPTY;
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir >= 0 && commit_log_any(dir) && !run_recovery(&why)) {
		struct str text = STR_EMPTY;

		str_printf(&text, "the commit logs of the queue were not "
		    "recovered: %s", str_cstr(&why));
		if (starting)
			give_up(str_cstr(&text));
		log_error("%s", str_cstr(&text));
		str_fini(&text);
	}
	if (dir >= 0)
		close(dir);
	str_fini(&why);
}

static void
create_segments(void)
{
	struct str why = STR_EMPTY;

	master.control = control_create(&master.control_rw, &master.control_ro,
	    &why);
	if (master.control == NULL || !counters_create(&master.counters, &why))
		give_up(str_cstr(&why));
	atomic_store(&master.control->table_generation, 1);
	str_fini(&why);
}

/* --- Signals -------------------------------------------------------------*/

static void
on_signal(int signo)
{
	switch (signo) {
	case SIGCHLD:
		process_reap_all();
		return;
	case SIGHUP:
		master.reload = true;
		break;
	case SIGUSR1:
		master.drain = true;
		break;
	default:
		if (!master.terminate)
			log_info("terminating on signal %d", signo);
		else
			master.at_once = true;
		master.terminate = true;
	}
	fiber_queue_wake_all(&master.changed);
}

static void
hear_signals(void)
{
	static const int all[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT, SIGUSR1 };

	for (size_t i = 0; i < ARRAY_COUNT(all); i++)
		signal_on(all[i], on_signal);
	signal_ignore(SIGPIPE);
	signal_ignore(SIGTTOU);
}

/* --- Running -------------------------------------------------------------*/

static void
update_all(bool wake)
{
	LIST_EACH(item, &master.rows) {
		struct row *row = LIST_ITEM(item, struct row, link);

		listen_update(row);
		if (!row->wanted)
			continue;
		row_set_wakeup(row, false);
		if (wake && row->cf.wakeup > 0 && !row->cf.wakeup_if_used)
			row_wakeup(row);
	}
}

static void
reopen_log(const struct settings *s)
{
	struct str why = STR_EMPTY;
	int fd = settings_open_log(s, options.foreground, &why);

	if (str_len(&why) > 0)
		log_error("%s", str_cstr(&why));
	else if ((fd >= 0) != (master.log >= 0))
		log_warn("maillog_file: from or to syslog takes a stop and a "
		    "start");
	else if (fd >= 0)
		dup2(fd, master.log);
	if (fd >= 0)
		close(fd);
	str_fini(&why);
}

/* Children of older generations write to the new file, too. */
static void
pass_log(void)
{
	LIST_EACH(r, &master.rows) {
		struct row *row = LIST_ITEM(r, struct row, link);

		LIST_EACH(item, &row->processes) {
			struct process *p =
			    LIST_ITEM(item, struct process, link);

			if (master.log >= 0 && !p->reaped)
				process_tell(p, STATUS_LOG, 0,
				    fcntl(master.log, F_DUPFD_CLOEXEC, 3));
		}
	}
}

static void
reload(void)
{
	struct settings new;
	struct str why = STR_EMPTY;

	master.reload = false;
	if (master.phase != MASTER_RUNNING)
		return;
	if (!settings_load(master.settings.config_dir, &new, &why)) {
		log_error("reload refused, the old configuration stays: %s",
		    str_cstr(&why));
		settings_free(&new);
		str_fini(&why);
		return;
	}
	if (strcmp(new.queue_dir, master.settings.queue_dir) != 0) {
		log_error("queue_directory has changed, which takes a stop and "
		    "a start: the old one stays");
		mem_free(new.queue_dir);
		new.queue_dir = mem_strdup(master.settings.queue_dir);
	}
	settings_free(&master.settings);
	master.settings = new;
	log_info("reload -- version %s, configuration %s",
	    master.settings.version, master.settings.config_dir);
	reopen_log(&master.settings);
	pass_log();
	if (!make_queue(&why))
		log_error("%s", str_cstr(&why));
	str_clear(&why);
	restructure_queue();
	if (!rows_load(false, &why))
		log_error("%s", str_cstr(&why));
	master.generation++;
	LIST_EACH(item, &master.rows)
		LIST_ITEM(item, struct row, link)->generation++;
	atomic_fetch_add(&master.control->table_generation, 1);
	process_retire_old();
	update_all(true);
	str_fini(&why);
}

/* --- Stopping ------------------------------------------------------------*/

static bool
is_outer(const struct process *p)
{
	const struct program *program = p->row->program;

	return program == NULL || program->kind == PROGRAM_SERVER ||
	    program->kind == PROGRAM_INTAKE;
}

static bool
is_queue(const struct process *p)
{
	return p->row->program != NULL &&
	    p->row->program->kind == PROGRAM_QUEUE;
}

static bool
is_any(const struct process *p)
{
	(void)p;
	return true;
}

static void
tell_to_stop(bool (*which)(const struct process *p), struct deadline end)
{
	unsigned seconds = (unsigned)((deadline_left_ms(end) + 999) / 1000);

	LIST_EACH(r, &master.rows) {
		struct row *row = LIST_ITEM(r, struct row, link);

		LIST_EACH(item, &row->processes) {
			struct process *p =
			    LIST_ITEM(item, struct process, link);

			if (!p->reaped && which(p))
				process_tell(p, STATUS_STOP, seconds, -1);
		}
		listen_update(row);
	}
}

/* Until none of them is left, the time is over, or patience is. */
static void
wait_gone(bool (*which)(const struct process *p), struct deadline end)
{
	while (process_count_all(which) > 0 && !master.at_once &&
	    !deadline_passed(end))
		fiber_queue_wait(&master.changed, end);
}

/* Those who bring mail, then the queue, then those who carry it. */
static void
stop(void)
{
	struct deadline end = deadline_in(master.settings.stop_timeout);

	master.phase = MASTER_STOPPING;
	supervisor_tell("STOPPING=1\nSTATUS=waiting for transactions to end");
	tell_to_stop(is_outer, end);
	wait_gone(is_outer, end);
	tell_to_stop(is_queue, end);
	wait_gone(is_queue, end);
	master.phase = MASTER_ENDING;
	tell_to_stop(is_any, end);
	wait_gone(is_any, end);
	if (process_count_all(NULL) == 0)
		return;
	process_abandon_all();
	master.at_once = false;
	wait_gone(is_any, deadline_in_ms(CLOSED_MS));
	process_kill_all();
	master.at_once = false;
	wait_gone(is_any, deadline_in_ms(CLOSED_MS));
}

static void
begin_drain(void)
{
	master.drain = false;
	if (master.phase != MASTER_RUNNING)
		return;
	log_info("draining: no new mail, until the queue is empty");
	master.phase = MASTER_DRAINING;
	supervisor_tell("STATUS=draining: no new mail");
	tell_to_stop(is_outer, deadline_in(master.settings.stop_timeout));
	if (!peer_trigger_bytes("public", master.settings.queue_service,
	    span_cstr("FAD")))
		log_warn("the queue manager could not be told to flush");
}

/* Mail in maildrop stays there for the next start. */
static bool
queue_has_drained(void)
{
	return process_count_all(is_outer) == 0 &&
	    spool_is_empty(master.settings.queue_dir);
}

/* A signal may have come while the one before it was acted upon. */
static bool
was_told(void)
{
	return master.terminate || master.reload || master.drain;
}

static void
run(void *arg)
{
	(void)arg;
	while (!master.terminate) {
		struct deadline next = master.phase == MASTER_DRAINING ?
		    deadline_in(DRAIN_LOOK_S) : DEADLINE_NEVER;

		if (master.reload)
			reload();
		if (master.drain)
			begin_drain();
		if (master.phase == MASTER_DRAINING && queue_has_drained()) {
			log_info("the queue is empty");
			break;
		}
		if (!was_told())
			fiber_queue_wait(&master.changed, next);
	}
	stop();
}

static void
begin(void)
{
	struct str why = STR_EMPTY;

	if (!rows_load(true, &why) || !report_listen(&why))
		give_up(str_cstr(&why));
	master.phase = MASTER_RUNNING;
	master.generation = 1;
	master.started_ns = clock_now_ns();
	log_info("daemon started -- version %s, configuration %s",
	    master.settings.version, master.settings.config_dir);
	update_all(true);
	spread_start();
	tell_starter("ok");
	supervisor_tell("READY=1\nSTATUS=serving");
	str_fini(&why);
}

static int
test_lock(void)
{
	pid_t pid;

	return spool_master(master.settings.queue_dir, &pid) == SPOOL_FREE ?
	    0 : 1;
}

int
main(int argc, char **argv)
{
	log_set_tag("postfix/master");
	log_add_sink(log_sink_stderr(false));
	signal(SIGPIPE, SIG_IGN);
	umask(022);
	read_options(argc, argv);
	fault_arm_from_environment("master");
	read_configuration();
	if (options.test)
		return test_lock();
	open_logs();
	crash_handlers_install();
	jail_limits(true);
	prepare_queue();
	take_queue();
	restructure_queue();
	recover_queue(true);
	create_segments();
	fiber_group_init(&master.fibers);
	fiber_queue_init(&master.changed);
	loop_start();
	hear_signals();
	begin();
	fiber_run_main(run, NULL);
	report_stop();
	recover_queue(false);
	logsink_finish();
	return 0;
}
