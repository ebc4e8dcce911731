/*
 * report - answers "waypost status -v" over pid/master.socket.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <unistd.h>

#include "common/base/log.h"
#include "common/io/sock.h"
#include "common/service/counters.h"
#include "common/service/master_proto.h"
#include "common/service/rpc.h"
#include "daemons/master/master.h"

static struct sock_server *server;

/* What it was told is in force only when it says so. */
static enum control_state
state_of(const struct process *p)
{
	if (!p->told_to_leave || p->state == CONTROL_DRAINING)
		return p->state;
	return p->words != NULL ? CONTROL_TOLD : CONTROL_DRAINING;
}

static void
fill_process(const struct process *p, struct master_process *out, int64_t now)
{
	const struct control_slot *s = control_slot_at(master.control,
	    p->slot);

	out->pid = (uint64_t)p->pid;
	out->generation = p->generation;
	out->state = state_of(p);
	out->clients = atomic_load(&s->clients);
	out->connections = atomic_load(&s->connections);
	out->peak = atomic_load(&s->peak);
	out->served = atomic_load(&s->served);
	out->cpu_permille = p->cpu_permille;
	out->age_s = (uint64_t)((now - p->started_ns) / 1000000000);
	out->jail = span_of(s->jail, strnlen(s->jail, sizeof(s->jail)));
	out->note = span_of(s->note, strnlen(s->note, sizeof(s->note)));
}

static uint64_t
counter_sum(const struct row *row, size_t i)
{
	uint64_t sum = atomic_load(&counters_of_row(row->number)->values[i]);

	LIST_EACH(item, &row->processes) {
		const struct process *p =
		    LIST_ITEM(item, struct process, link);

		if (!p->reaped)
			sum += atomic_load(&counters_of_slot(p->slot)->
			    values[i]);
	}
	return sum;
}

static void
fill_counters(const struct row *row, struct attr_list *out,
    struct arena *arena)
{
	struct master_counter *all = arena_array(arena, COUNTER_COUNT,
	    sizeof(*all));

	out->items = all;
	for (size_t i = 0; i < COUNTER_COUNT; i++) {
		uint64_t sum = counter_sum(row, i);

		if (sum > 0)
			all[out->count++] = (struct master_counter){
				span_cstr(counter_names[i]), sum };
	}
}

static void
fill_service(const struct row *row, struct master_service *out, bool counters,
    struct arena *arena)
{
	const struct control_row *c = &master.control->rows[row->number];
	int64_t now = clock_now_ns();
	size_t n = 0;

	out->name = span_cstr(row->cf.name);
	out->type = span_cstr(row->cf.type_text);
	out->program = span_cstr(row->cf.command);
	out->limit = (uint64_t)atomic_load(&c->limit);
	out->clients = control_clients(row->number);
	out->throttled = row->throttled_until_ns != 0;
	out->stress = atomic_load(&c->stress_until_ns) > now;
	out->listening = row->watching;
	LIST_EACH(item, &row->processes)
		n++;
	struct master_process *all = arena_array(arena, n + 1, sizeof(*all));

	out->processes.items = all;
	LIST_EACH(item, &row->processes) {
		const struct process *p =
		    LIST_ITEM(item, struct process, link);

		if (!p->reaped)
			fill_process(p, &all[out->processes.count++], now);
	}
	if (counters)
		fill_counters(row, &out->counters, arena);
}

static const char *
phase_text(void)
{
	switch (master.phase) {
	case MASTER_STARTING:
		return "starting";
	case MASTER_RUNNING:
		return "running";
	case MASTER_DRAINING:
		return "draining";
	case MASTER_STOPPING:
	case MASTER_ENDING:
		return "stopping";
	}
	return "";
}

static bool
handle_query(struct rpc_call *call, void *request, void *reply_out)
{
	const struct master_query *query = request;
	struct master_answer *a = reply_out;
	size_t n = 0;

	a->pid = (uint64_t)getpid();
	a->generation = master.generation;
	a->uptime_s = (uint64_t)((clock_now_ns() - master.started_ns) /
	    1000000000);
	a->table_generation = control_table_generation();
	a->version = span_cstr(master.settings.version);
	a->state = span_cstr(phase_text());
	LIST_EACH(item, &master.rows)
		n++;
	struct master_service *all = arena_array(call->arena, n + 1,
	    sizeof(*all));

	a->services.items = all;
	LIST_EACH(item, &master.rows) {
		const struct row *row = LIST_ITEM(item, struct row, link);

		fill_service(row, &all[a->services.count++], query->counters,
		    call->arena);
	}
	return true;
}

static const struct rpc_method methods[] = {
	{ &master_query_form, &master_answer_form, handle_query, false },
};
static const struct rpc_protocol protocol = { .name = MASTER_PROTOCOL,
	.version = MASTER_VERSION, .methods = methods, .nmethods = 1 };

static void
serve(int fd, const struct sock_peer *peer, void *arg)
{
	(void)arg;
	rpc_serve(&protocol, stream_open(fd), peer);
}

bool
report_listen(struct str *why)
{
	int fd = sock_listen_unix(MASTER_SOCKET_CLASS "/" MASTER_SOCKET_NAME,
	    16, 0600, why);

	if (fd < 0)
		return false;
	server = sock_server_start(fd, &master.fibers, "report", serve, NULL,
	    NULL);
	return true;
}

void
report_stop(void)
{
	if (server != NULL)
		sock_server_stop(server);
	server = NULL;
}
