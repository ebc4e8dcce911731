/*
 * service - main for every role: from the loop's start to the last session.
 *
 * The main fiber starts the role and then only waits to be told to leave: by
 * master (a new generation, the end of the system), by having nothing to do,
 * or by the loss of master, after which nothing may be waited for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/panic.h"
#include "common/io/loop.h"
#include "common/io/signal_io.h"
#include "common/io/watchdog.h"
#include "common/service/control.h"
#include "common/service/logsink.h"
#include "common/service/service_priv.h"

#define ST service_state

enum {
	ORPHAN_MS = 400,		/* left for sessions without master */
	CANCEL_MS = 400,		/* for cancelled fibers to unwind */
	STEP_MS = 200,
};

/* --- Words with master ---------------------------------------------------*/

void
status_tell(enum status_word word, const char *text)
{
	struct status_record record = { .word = word };

	if (text != NULL)
		memccpy(record.text, text, '\0', sizeof(record.text) - 1);
	(void)send(INHERIT_STATUS, &record, sizeof(record),
	    MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
hear(const struct status_record *record, struct stream *s)
{
	switch (record->word) {
	case STATUS_DRAIN:
		service_begin_drain(DEADLINE_NEVER);
		return;
	case STATUS_STOP:
		service_begin_drain(deadline_in(record->seconds));
		return;
	case STATUS_WAKEUP:
		service_run_wakeup(span_cstr("W"));
		return;
	case STATUS_SYSLOG:
		logsink_take_syslog(stream_take_fd(s));
		return;
	case STATUS_LOG:
		logsink_take_file(stream_take_fd(s));
		return;
	default:
		log_warn("master said something unknown (%u)", record->word);
	}
}

void
service_hear_master(void *arg)
{
	struct stream *s = stream_open(INHERIT_STATUS);
	struct status_record record;

	(void)arg;
	stream_accept_fds(s, true);
	while (stream_read_exact(s, &record, sizeof(record), DEADLINE_NEVER) ==
	    IO_OK)
		hear(&record, s);
	if (fiber_cancelled())
		return;
	/* No master: the next one waits for us to be gone. */
	service_begin_drain(deadline_in_ms(ORPHAN_MS));
}

/* --- Leaving -------------------------------------------------------------*/

static struct loop_timer last_resort;
static struct fiber_group drain_group;

static void
exit_now(struct loop_timer *timer)
{
	(void)timer;
	logsink_finish();
	_exit(0);
}

static void
run_drain(void *arg)
{
	(void)arg;
	ST.service->drain();
}

void
service_begin_drain(struct deadline stop_by)
{
	ST.stop_by = deadline_earlier(ST.stop_by, stop_by);
	if (ST.stop_by.at_ns != INT64_MAX)
		loop_timer_set(&last_resort, ST.stop_by.at_ns +
		    3 * (int64_t)CANCEL_MS * 1000000);
	fiber_queue_wake_all(&ST.leave);
	if (ST.draining)
		return;
	ST.draining = true;
	atomic_store(&control_mine()->state, CONTROL_DRAINING);
	service_stop_listening();
	status_tell(STATUS_LEAVING, NULL);
	service_tell_idlers();
	if (ST.service->drain != NULL)
		fiber_spawn(&drain_group, "drain", run_drain, NULL);
}

static void
join_until_stopped(struct fiber_group *group)
{
	while (group->count > 0 && !deadline_passed(ST.stop_by))
		fiber_group_join(group, deadline_earlier(ST.stop_by,
		    deadline_in_ms(STEP_MS)));
	if (group->count == 0)
		return;
	fiber_group_cancel(group);
	fiber_group_join(group, deadline_in_ms(CANCEL_MS));
}

static void
run_start(void *arg)
{
	(void)arg;
	ST.service->start();
}

static void
run_service(void *arg)
{
	(void)arg;
	if (fiber_spawn(&ST.background, "status", service_hear_master, NULL) ==
	    NULL)
		fatal("memory for a fiber: %m");
	if (ST.service->start != NULL) {
		if (fiber_spawn(&ST.background, "start", run_start, NULL) ==
		    NULL)
			fatal("memory for a fiber: %m");
		fiber_yield();
	}
	service_listen();
	service_step(STEP_STARTED);
	if (!ST.draining) {
		atomic_store(&control_mine()->state, CONTROL_READY);
		status_tell(STATUS_READY, NULL);
	}
	while (!ST.draining)
		fiber_queue_wait(&ST.leave, DEADLINE_NEVER);
	join_until_stopped(&drain_group);
	join_until_stopped(&ST.sessions);
	fiber_group_cancel(&ST.background);
	fiber_group_join(&ST.background, deadline_in_ms(CANCEL_MS));
}

static void
on_terminate(int signo)
{
	(void)signo;
	service_begin_drain(deadline_in(conf_core.stop_timeout));
}

int
service_main(const struct service *service, int argc, char **argv)
{
	service_prepare(service, argc, argv);
	if (service->after_jail != NULL)
		service->after_jail();
	service_step(STEP_THREADS);	/* allowed from here */
	signal_ignore(SIGINT);		/* the terminal's: master decides */
	signal_ignore(SIGHUP);
	signal_on(SIGTERM, on_terminate);
	loop_start();
	watchdog_start((int)conf_core.daemon_timeout);
	loop_timer_init(&last_resort, exit_now);
	fiber_group_init(&drain_group);
	service_accept_setup();
	service_step(STEP_LOOP);
	fiber_run_main(run_service, NULL);
	logsink_finish();
	/* Threads and fibers may be in the middle of something, and hold memory
	 * that nobody is to free. */
	_exit(0);
}

/* --- Facts ---------------------------------------------------------------*/

const char *
service_name(void)
{
	return ST.name != NULL ? ST.name : "";
}

const char *
service_program(void)
{
	return ST.service != NULL ? ST.service->name : "";
}

const char *
service_type(void)
{
	return ST.type != NULL ? ST.type : "unix";
}

bool
service_is_chrooted(void)
{
	return ST.chroot && ST.from_master.root;
}

bool
service_has_root(void)
{
	return ST.from_master.root;
}

bool
service_draining(void)
{
	return ST.draining;
}

bool
service_stress(void)
{
	return atomic_load(&control_row_mine()->stress_until_ns) >
	    clock_now_ns();
}

unsigned
service_slot(void)
{
	return ST.from_master.slot;
}

const char *
service_refusal(void)
{
	return str_len(&ST.refusal) > 0 ? str_cstr(&ST.refusal) : NULL;
}

struct fiber_group *
service_fibers(void)
{
	if (ST.background.fibers.next == NULL)
		fiber_group_init(&ST.background);
	return &ST.background;
}

void
service_note(const char *note)
{
	struct control_slot *mine = control_mine();

	snprintf(mine->note, sizeof(mine->note), "%s", note);
}

int
service_queue_dir(void)
{
	/* Tests and commands have not come through service_main. */
	if (ST.queue_dir < 0)
		ST.queue_dir = open(conf_core.queue_directory,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return ST.queue_dir;
}

int
service_launcher_fd(void)
{
	return ST.launcher;
}

size_t
service_arguments(const char *const **args_out)
{
	*args_out = (const char *const *)ST.arguments;
	return ST.narguments;
}

void
service_restart(const char *why)
{
	if (ST.asked_successor || ST.draining)
		return;
	ST.asked_successor = true;
	log_info("%s -- restarting", why);
	status_tell(STATUS_SUCCESSOR, why);
}

void
service_tables_changed(void)
{
	status_tell(STATUS_TABLES_CHANGED, NULL);
}

struct deadline
service_ipc_deadline(void)
{
	return deadline_in(conf_core.ipc_timeout);
}
