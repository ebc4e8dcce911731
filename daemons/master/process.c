/*
 * process - one child of master: started, spoken to, reaped.
 *
 * A process record ends when the child is reaped and its words are read to the
 * end, in whichever order that happens.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/child.h"
#include "common/io/sock.h"
#include "common/service/counters.h"
#include "common/service/logsink.h"
#include "daemons/master/master.h"

enum {
	QUICK_MS = 1000,		/* a death so soon is one of a series */
	QUICK_FREE = 5,			/* as many cost no delay */
	QUICK_FIRST_MS = 100,		/* then this, doubled each time, */
	QUICK_DOUBLED = 5,		/* so many times at most */
	FORK_RETRY_S = 1,
	OLDER_GENERATIONS = 2,
	LIMIT_SAID_S = 1000,
	STRESS_S = 10,
};

/* --- Counting ------------------------------------------------------------*/

static bool
stays(const struct process *p)
{
	return !p->reaped && !p->told_to_leave &&
	    (p->state == CONTROL_STARTING || p->state == CONTROL_READY);
}

static bool
accepts(const struct process *p)
{
	return stays(p) && !p->full;
}

size_t
process_count(const struct row *row, bool accepting)
{
	size_t n = 0;

	LIST_EACH(item, &row->processes) {
		const struct process *p =
		    LIST_ITEM(item, struct process, link);

		n += !p->reaped && (!accepting || accepts(p));
	}
	return n;
}

size_t
process_count_staying(const struct row *row)
{
	size_t n = 0;

	LIST_EACH(item, &row->processes)
		n += stays(LIST_ITEM(item, const struct process, link));
	return n;
}

size_t
process_count_all(bool (*counts)(const struct process *p))
{
	size_t n = 0;

	LIST_EACH(r, &master.rows) {
		const struct row *row = LIST_ITEM(r, struct row, link);

		LIST_EACH(item, &row->processes) {
			const struct process *p =
			    LIST_ITEM(item, struct process, link);

			n += !p->reaped && (counts == NULL || counts(p));
		}
	}
	return n;
}

/* --- Throttling ----------------------------------------------------------*/

static void
hold_row(struct row *row, int64_t ms)
{
	row->throttled_until_ns = clock_now_ns() + ms * 1000000;
	loop_timer_set(&row->throttle, row->throttled_until_ns);
	listen_update(row);
}

/* --- Words ---------------------------------------------------------------*/

void
process_tell(struct process *p, enum status_word word, unsigned seconds, int fd)
{
	struct status_record record = { .word = word, .seconds = seconds };

	if (word == STATUS_DRAIN || word == STATUS_STOP)
		p->told_to_leave = true;
	if (p->words == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (fd >= 0)
		stream_queue_fd(p->words, fd);
	stream_queue(p->words, span_of((const char *)&record,
	    sizeof(record)));
}

static void
retire(struct process *p)
{
	if (!p->told_to_leave)
		process_tell(p, STATUS_DRAIN, 0, -1);
}

/* The successor is there: those before it finish. */
static void
retire_before(struct row *row, const struct process *successor)
{
	LIST_EACH(item, &row->processes) {
		struct process *p = LIST_ITEM(item, struct process, link);

		if (p != successor && !p->reaped &&
		    p->generation < successor->generation)
			retire(p);
	}
}

static size_t
count_leaving(const struct row *row)
{
	return process_count(row, false) - process_count_staying(row);
}

/* A table that changes each second must not make processes pile up. */
static void
try_successor(struct row *row)
{
	if (!row->successor_wanted || master.phase != MASTER_RUNNING ||
	    row->throttled_until_ns != 0 ||
	    count_leaving(row) >= OLDER_GENERATIONS)
		return;
	row->successor_wanted = false;
	row->generation++;
	struct process *p = process_start(row);

	/* Of a solitary role two may not even begin to work side by side. */
	if (p != NULL && row->solitary)
		retire_before(row, p);
}

static void
say_limit(struct row *row)
{
	struct control_row *c = &master.control->rows[row->number];
	int64_t now = clock_now_ns();

	atomic_store(&c->stress_until_ns, now + (int64_t)STRESS_S * 1000000000);
	if (row->limit_said_ns != 0 && now - row->limit_said_ns <
	    (int64_t)LIMIT_SAID_S * 1000000000)
		return;
	row->limit_said_ns = now;
	log_warn("service \"%s\" (%s) has reached its process limit \"%lld\": "
	    "new clients may experience noticeable delays", row->cf.name,
	    row->nlisteners > 0 ? row->listeners[0]->address : "none",
	    (long long)atomic_load(&c->limit));
	log_warn("to avoid this condition, increase the process count in "
	    "master.cf or reduce the service time per client");
	log_warn("see https://www.postfix.org/STRESS_README.html for examples "
	    "of stress-adapting configuration settings");
}

static void
give_syslog(struct process *p)
{
	int fd = logsink_connect_syslog();

	if (fd >= 0)
		process_tell(p, STATUS_SYSLOG, 0, fd);
}

static void
hear(struct process *p, const struct status_record *record)
{
	struct row *row = p->row;

	switch (record->word) {
	case STATUS_READY:
		p->was_ready = true;
		p->state = CONTROL_READY;
		retire_before(row, p);
		break;
	case STATUS_LEAVING:
		p->state = CONTROL_DRAINING;
		break;
	case STATUS_FULL:
		p->full = true;
		break;
	case STATUS_ROOM:
		p->full = false;
		break;
	case STATUS_AT_LIMIT:
		say_limit(row);
		return;
	case STATUS_SUCCESSOR:
		row->successor_wanted = true;
		try_successor(row);
		return;
	case STATUS_TABLES_CHANGED:
		if (strcmp(row->cf.command, "trivial-rewrite") == 0)
			atomic_fetch_add(&master.control->table_generation, 1);
		return;
	case STATUS_WANT_SYSLOG:
		give_syslog(p);
		return;
	default:
		log_warn("process %s pid %ld said something unknown (%u)",
		    row->path, (long)p->pid, record->word);
		return;
	}
	listen_update(row);
	fiber_queue_wake_all(&master.changed);
}

static void
bury(struct process *p)
{
	struct row *row = p->row;

	list_remove(&p->link);
	mem_free(p);
	if (!row->wanted && list_empty(&row->processes))
		row_free(row);
	fiber_queue_wake_all(&master.changed);
}

static void
hear_process(void *arg)
{
	struct process *p = arg;
	struct status_record record;

	while (stream_read_exact(p->words, &record, sizeof(record),
	    DEADLINE_NEVER) == IO_OK)
		hear(p, &record);
	stream_close(p->words);
	p->words = NULL;
	p->listener = NULL;
	/* It has ended or is about to: whether to start another one at once is
	 * for reap to say, which knows how it ended. */
	if (p->reaped)
		bury(p);
}

/* --- Starting ------------------------------------------------------------*/

static bool
take_slot(unsigned *out)
{
	uint32_t used = atomic_load(&master.control->slots_used);

	for (unsigned i = 0; i < CONTROL_SLOTS; i++) {
		struct control_slot *s = control_slot_at(master.control, i);

		if (i < used && atomic_load(&s->state) != CONTROL_FREE)
			continue;
		if (i >= used)
			atomic_store(&master.control->slots_used, i + 1);
		*out = i;
		return true;
	}
	return false;
}

static void
fill_slot(const struct process *p)
{
	struct control_slot *s = control_slot_at(master.control, p->slot);

	memset(s, 0, sizeof(*s));
	atomic_store(&s->row, p->row->number);
	atomic_store(&s->generation, p->generation);
	atomic_store(&s->started_ns, p->started_ns);
	atomic_store(&s->state, CONTROL_STARTING);
}

static void
free_slot(struct process *p)
{
	struct control_slot *s = control_slot_at(master.control, p->slot);

	counters_fold(p->slot, p->row->number);
	atomic_store(&s->clients, 0);
	atomic_store(&s->connections, 0);
	atomic_store(&s->pid, 0);
	atomic_store(&s->state, CONTROL_FREE);
}

/* As in the Postfix world: smtpd -n smtp -t inet -u -c -s 2 -o name=value */
static char **
arguments(const struct row *row)
{
	const struct master_row *cf = &row->cf;
	char **argv = mem_array(cf->args.count + 16, sizeof(*argv));
	size_t n = 0;
	static char number[24];

	argv[n++] = cf->command;
	if (strcmp(cf->name, cf->command) != 0) {
		argv[n++] = (char *)(uintptr_t)"-n";
		argv[n++] = cf->name;
	}
	if (row->solitary)
		argv[n++] = (char *)(uintptr_t)"-l";
	if (cf->maxproc == 0)
		argv[n++] = (char *)(uintptr_t)"-z";
	argv[n++] = (char *)(uintptr_t)"-t";
	argv[n++] = cf->type_text;
	if (cf->unprivileged)
		argv[n++] = (char *)(uintptr_t)"-u";
	if (cf->chroot && master.settings.root)
		argv[n++] = (char *)(uintptr_t)"-c";
	if (row->nlisteners > 1) {
		snprintf(number, sizeof(number), "%zu", row->nlisteners);
		argv[n++] = (char *)(uintptr_t)"-s";
		argv[n++] = number;
	}
	for (size_t i = 0; i < cf->args.count; i++)
		argv[n++] = cf->args.items[i];
	argv[n] = NULL;
	return argv;
}

static pid_t
run_program(struct process *p, int words, struct str *why)
{
	const struct row *row = p->row;
	struct settings *s = &master.settings;
	struct child_fd fds[INHERIT_LISTEN + INHERIT_LISTEN_MAX];
	struct str variable = STR_EMPTY;
	size_t n = 0;

	fds[n++] = (struct child_fd){ words, INHERIT_STATUS };
	fds[n++] = (struct child_fd){ master.control_ro, INHERIT_CONTROL };
	fds[n++] = (struct child_fd){ master.control_rw, INHERIT_SLOT };
	fds[n++] = (struct child_fd){ master.counters, INHERIT_COUNTERS };
	fds[n++] = (struct child_fd){ master.lock, INHERIT_LOCK };
	if (master.log >= 0)
		fds[n++] = (struct child_fd){ master.log, INHERIT_LOG };
	for (size_t i = 0; i < row->nlisteners; i++)
		fds[n++] = (struct child_fd){ row->listeners[i]->lfd.fd,
			INHERIT_LISTEN + (int)i };
	str_printf(&variable, INHERIT_ENV "=v1 slot=%u row=%u generation=%u "
	    "listen=%zu log=%d root=%d build=%s", p->slot, row->number, p->generation,
	    row->nlisteners, master.log >= 0, s->root, build_id);
	/* Room for one more was made with the environment. */
	s->environment[s->nenvironment] = variable.buf;
	s->environment[s->nenvironment + 1] = NULL;

	struct child_spec spec = { .path = row->path,
		.argv = arguments(row), .envp = s->environment, .fds = fds,
		.nfds = n, .new_session = true };
	pid_t pid = child_start(&spec, why);

	s->environment[s->nenvironment] = NULL;
	mem_free((void *)(uintptr_t)spec.argv);
	str_fini(&variable);
	return pid;
}

static struct process *
failed_start(struct process *p, int pair[2], const char *why)
{
	log_warn("start %s: %s", p->row->path, why);
	if (pair[0] >= 0)
		close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
	hold_row(p->row, FORK_RETRY_S * 1000);
	mem_free(p);
	return NULL;
}

struct process *
process_start(struct row *row)
{
	struct process *p = MEM_NEW(struct process);
	struct str why = STR_EMPTY;
	int pair[2] = { -1, -1 };

	p->row = row;
	p->generation = row->generation;
	p->state = CONTROL_STARTING;
	p->started_ns = clock_now_ns();
	list_init(&p->link);
	if (!take_slot(&p->slot))
		return failed_start(p, pair, "too many processes");
	if (!sock_pair(pair))
		return failed_start(p, pair, strerror(errno));
	fill_slot(p);
	p->pid = run_program(p, pair[1], &why);
	if (p->pid < 0) {
		free_slot(p);
		failed_start(p, pair, str_cstr(&why));
		str_fini(&why);
		return NULL;
	}
	close(pair[1]);
	atomic_store(&control_slot_at(master.control, p->slot)->pid, p->pid);
	p->words = stream_open(pair[0]);
	p->listener = fiber_spawn(&master.fibers, "child", hear_process, p);
	if (p->listener == NULL) {
		/* Nobody would hear it. It is buried when it is reaped. */
		log_warn("start %s: memory for a fiber: %m", row->path);
		kill(p->pid, SIGKILL);
		p->told_to_leave = true;
		stream_close(p->words);
		p->words = NULL;
		hold_row(row, FORK_RETRY_S * 1000);
	}
	list_append(&row->processes, &p->link);
	row->used = true;
	log_debug("started %s pid %ld slot %u generation %u", row->path,
	    (long)p->pid, p->slot, p->generation);
	listen_update(row);
	return p;
}

/* --- Ending --------------------------------------------------------------*/

static struct process *
find_process(pid_t pid)
{
	LIST_EACH(r, &master.rows) {
		struct row *row = LIST_ITEM(r, struct row, link);

		LIST_EACH(item, &row->processes) {
			struct process *p =
			    LIST_ITEM(item, struct process, link);

			if (p->pid == pid && !p->reaped)
				return p;
		}
	}
	return NULL;
}

/* One after another, so a crash that comes with each client does not make
 * master fork all day; never for long, so it does not stop the service. */
static void
slow_down(struct row *row)
{
	unsigned more = row->quick_deaths - QUICK_FREE - 1;
	int ms = QUICK_FIRST_MS << (more < QUICK_DOUBLED ? more :
	    QUICK_DOUBLED);

	log_warn("%s: %u processes died right after their start -- the next "
	    "one waits %d ms", row->path, row->quick_deaths, ms);
	hold_row(row, ms);
}

/* Its word may still be on the way when the news of its death is there. */
static bool
was_ready(const struct process *p)
{
	return p->was_ready || atomic_load(&control_slot_at(master.control,
	    p->slot)->state) != CONTROL_STARTING;
}

/* Programs were replaced and master was not: said once, as nothing that is
 * started from now on can work. Those that run go on. */
static bool
is_of_another_build(struct process *p, int status)
{
	static bool said;

	if (!WIFEXITED(status) || WEXITSTATUS(status) != INHERIT_OTHER_BUILD ||
	    p->was_ready)
		return false;
	if (!said)
		log_error("the programs in %s are of another build than this "
		    "master, which cannot start them: restart it with "
		    "\"postfix stop\" and \"postfix start\"",
		    master.settings.daemon_dir);
	said = true;
	hold_row(p->row, master.settings.throttle_time * 1000);
	return true;
}

/* Start-up failures wait; a process that had begun to work is replaced at
 * once, unless such deaths follow each other without a pause. */
static void
judge_death(struct process *p, int status)
{
	struct row *row = p->row;
	int64_t lived_ms = (clock_now_ns() - p->started_ns) / 1000000;

	if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
	    p->told_to_leave)
		return;
	/* SIGKILL is somebody else's doing, and says nothing of the start. */
	if (!was_ready(p) && !(WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGKILL)) {
		log_warn("%s: bad command startup -- throttling", row->path);
		hold_row(row, master.settings.throttle_time * 1000);
		return;
	}
	if (lived_ms >= QUICK_MS)
		row->quick_deaths = 0;
	else if (++row->quick_deaths > QUICK_FREE)
		slow_down(row);
}

static void
reap(struct process *p, int status)
{
	struct row *row = p->row;

	p->reaped = true;
	if (!is_of_another_build(p, status)) {
		crash_report(p, status);
		judge_death(p, status);
	}
	free_slot(p);
	listen_update(row);
	/* Rows that work without being asked do not wait for a client. */
	if (row->cf.wakeup > 0 && !row->cf.wakeup_if_used && row->wanted &&
	    process_count_staying(row) == 0 && row->throttled_until_ns == 0)
		row_wakeup(row);
	try_successor(row);
	fiber_queue_wake_all(&master.changed);
	if (p->listener == NULL)
		bury(p);		/* and maybe the row */
}

void
process_reap_all(void)
{
	int status;
	pid_t pid;

	/* Also others' children, when we are process 1. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct process *p = find_process(pid);

		if (p != NULL)
			reap(p, status);
	}
}

void
process_retire_old(void)
{
	LIST_EACH(r, &master.rows) {
		struct row *row = LIST_ITEM(r, struct row, link);

		LIST_EACH(item, &row->processes) {
			struct process *p =
			    LIST_ITEM(item, struct process, link);

			if (p->reaped || p->generation == row->generation)
				continue;
			retire(p);
			if (row->generation - p->generation >
			    OLDER_GENERATIONS)
				process_tell(p, STATUS_STOP,
				    (unsigned)master.settings.stop_timeout, -1);
		}
	}
}

void
process_abandon_all(void)
{
	LIST_EACH(r, &master.rows) {
		struct row *row = LIST_ITEM(r, struct row, link);

		LIST_EACH(item, &row->processes) {
			struct process *p =
			    LIST_ITEM(item, struct process, link);

			p->told_to_leave = true;
			if (p->words != NULL)
				shutdown(stream_fd(p->words), SHUT_RDWR);
		}
	}
}

void
process_kill_all(void)
{
	LIST_EACH(r, &master.rows) {
		struct row *row = LIST_ITEM(r, struct row, link);

		LIST_EACH(item, &row->processes) {
			struct process *p =
			    LIST_ITEM(item, struct process, link);

			if (!p->reaped)
				kill(p->pid, SIGKILL);
		}
	}
}

/* --- Wake-ups ------------------------------------------------------------*/

void
row_wakeup(struct row *row)
{
	struct process *p = NULL;

	if (!row->wanted || row->throttled_until_ns != 0 ||
	    master.phase > MASTER_DRAINING ||
	    (row->cf.wakeup_if_used && !row->used) ||
	    (master.phase == MASTER_DRAINING && row->program != NULL &&
	    row->program->kind == PROGRAM_INTAKE))
		return;
	LIST_EACH(item, &row->processes) {
		struct process *one = LIST_ITEM(item, struct process, link);

		if (accepts(one))
			p = one;
	}
	if (p == NULL)
		p = process_start(row);
	if (p != NULL)
		process_tell(p, STATUS_WAKEUP, 0, -1);
}

void
row_set_wakeup(struct row *row, bool now)
{
	if (row->cf.wakeup <= 0) {
		loop_timer_stop(&row->wakeup);
		return;
	}
	loop_timer_set(&row->wakeup, now ? clock_now_ns() :
	    deadline_in(row->cf.wakeup).at_ns);
}
