/*
 * spread - another process for a service only when those it has are busy for
 * most of a core: fuller batches beat more processes.
 *
 * Master reads the processor time of its children itself, so that they need
 * not wake up to report it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log.h"
#include "daemons/master/master.h"

enum {
	BUSY_PERMILLE = 850,
	BUSY_SAMPLES = 2,		/* in a row */
	PROCESSES_MAX = 16,
	SAMPLE_BUSY_MS = 1000,
	SAMPLE_CALM_MS = 4000,
	CALM_PERMILLE = 200,
	STARTING_MAX_S = 120,
};

static struct loop_timer sampler;

size_t
spread_most(const struct row *row)
{
	int64_t per_process = master.settings.clients_per_process;
	int64_t limit = atomic_load(&master.control->rows[row->number].limit);
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t most = cpus < 1 ? 1 : cpus > PROCESSES_MAX ? PROCESSES_MAX :
	    (size_t)cpus;

	if (row->solitary || row->program == NULL)
		return 1;
	if (per_process <= 0)
		return most;
	/* Isolation is asked for: as many as the clients need. */
	if (limit <= 0 || limit > CONTROL_SLOTS / 2)
		limit = CONTROL_SLOTS / 2;
	int64_t needed = (limit + per_process - 1) / per_process;

	return needed > (int64_t)most ? (size_t)needed : most;
}

size_t
spread_most_full(const struct row *row)
{
	size_t most = spread_most(row);

	/* Full for want of descriptors: however few processors there are. */
	if (row->solitary || row->program == NULL || most >= PROCESSES_MAX ||
	    master.settings.clients_per_process > 0)
		return most;
	return PROCESSES_MAX;
}

static void
sample(struct process *p, int64_t now)
{
	clockid_t clock;
	struct timespec t;

	if (p->reaped || clock_getcpuclockid(p->pid, &clock) != 0 ||
	    clock_gettime(clock, &t) != 0)
		return;
	int64_t used = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;

	if (p->cpu_seen_ns != 0 && now > p->cpu_seen_ns)
		p->cpu_permille = (unsigned)((used - p->cpu_ns) * 1000 /
		    (now - p->cpu_seen_ns));
	p->cpu_ns = used;
	p->cpu_seen_ns = now;
	p->busy_samples = p->cpu_permille >= BUSY_PERMILLE ?
	    p->busy_samples + 1 : 0;
}

/* Stuck before its loop, where its watchdog does not look. */
static void
end_if_stuck(const struct process *p, int64_t now)
{
	if (p->reaped || p->state != CONTROL_STARTING ||
	    now - p->started_ns < (int64_t)STARTING_MAX_S * 1000000000)
		return;
	log_warn("process %s pid %ld has not started within %d seconds",
	    p->row->path, (long)p->pid, STARTING_MAX_S);
	kill(p->pid, SIGKILL);
}

/* True when every process that accepts has been busy for a while. */
static bool
sample_row(struct row *row, int64_t now, unsigned *most_out)
{
	bool all = true, any = false;

	LIST_EACH(item, &row->processes) {
		struct process *p = LIST_ITEM(item, struct process, link);

		sample(p, now);
		end_if_stuck(p, now);
		if (p->cpu_permille > *most_out)
			*most_out = p->cpu_permille;
		if (p->reaped || p->told_to_leave ||
		    p->state == CONTROL_DRAINING || p->full)
			continue;
		any = true;
		all = all && p->state == CONTROL_READY &&
		    p->busy_samples >= BUSY_SAMPLES;
	}
	return any && all;
}

static void
on_sample(struct loop_timer *timer)
{
	int64_t now = clock_now_ns();
	unsigned most = 0;

	LIST_EACH(item, &master.rows) {
		struct row *row = LIST_ITEM(item, struct row, link);

		if (sample_row(row, now, &most) &&
		    master.phase == MASTER_RUNNING && row->wanted &&
		    process_count_staying(row) < spread_most(row))
			process_start(row);
	}
	loop_timer_set(timer, deadline_in_ms(most >= CALM_PERMILLE ?
	    SAMPLE_BUSY_MS : SAMPLE_CALM_MS).at_ns);
}

void
spread_start(void)
{
	loop_timer_init(&sampler, on_sample);
	loop_timer_set(&sampler, deadline_in_ms(SAMPLE_CALM_MS).at_ns);
}
