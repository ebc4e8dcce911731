/*
 * status_report - `waypost status -v`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "common/base/log.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/mail/conf_core.h"
#include "common/service/control.h"
#include "common/service/master_proto.h"
#include "common/service/peer.h"
#include "daemons/commands/lib/status_report.h"

enum { ANSWER_S = 5 };

static const char *
state_name(uint64_t state)
{
	switch (state) {
	case CONTROL_STARTING:
		return "starting";
	case CONTROL_READY:
		return "ready";
	case CONTROL_DRAINING:
		return "draining";
	case CONTROL_TOLD:
		return "told";
	default:
		return "?";
	}
}

static void
print_limit(const struct master_service *s, char *buf, size_t room)
{
	if (s->limit == 0)
		snprintf(buf, room, "-");
	else
		snprintf(buf, room, "%llu", (unsigned long long)s->limit);
}

static void
print_process(const struct master_service *s, const struct master_process *p,
    const char *limit)
{
	printf("%-20.*s %-10.*s %-16.*s %7llu %4llu %-8s %7llu %7s %9llu %5.1f "
	    "%.*s%s%.*s\n", SPAN_ARG(s->name), SPAN_ARG(s->type),
	    SPAN_ARG(s->program), (unsigned long long)p->pid,
	    (unsigned long long)p->generation, state_name(p->state),
	    (unsigned long long)p->clients, limit,
	    (unsigned long long)p->served, (double)p->cpu_permille / 10,
	    SPAN_ARG(p->jail), p->note.len > 0 ? "; " : "", SPAN_ARG(p->note));
}

static void
print_service(const struct master_service *s)
{
	char limit[24];

	print_limit(s, limit, sizeof(limit));
	for (size_t i = 0; i < s->processes.count; i++)
		print_process(s, ATTR_AT(s->processes, struct master_process,
		    i), limit);
	if (s->processes.count == 0)
		printf("%-20.*s %-10.*s %-16.*s %7s %4s %-8s %7s %7s\n",
		    SPAN_ARG(s->name), SPAN_ARG(s->type),
		    SPAN_ARG(s->program), "-", "-",
		    s->throttled ? "held" : "waiting", "0", limit);
	else if (s->throttled || s->stress)
		printf("    %s%s\n", s->throttled ? "restarts are held off " :
		    "", s->stress ? "at its limit" : "");
	for (size_t i = 0; i < s->counters.count; i++) {
		const struct master_counter *c = ATTR_AT(s->counters,
		    struct master_counter, i);

		if (i == 0)
			printf("   ");
		printf(" %.*s=%llu", SPAN_ARG(c->name),
		    (unsigned long long)c->value);
	}
	if (s->counters.count > 0)
		printf("\n");
}

static void
print_answer(const struct master_answer *a)
{
	printf("version %.*s, %.*s for %llu s, generation %llu\n",
	    SPAN_ARG(a->version), SPAN_ARG(a->state),
	    (unsigned long long)a->uptime_s,
	    (unsigned long long)a->generation);
	printf("%-20s %-10s %-16s %7s %4s %-8s %7s %7s %9s %5s %s\n", "SERVICE",
	    "TYPE", "PROGRAM", "PID", "GEN", "STATE", "CLIENTS", "LIMIT",
	    "SERVED", "CPU%", "JAIL");
	for (size_t i = 0; i < a->services.count; i++)
		print_service(ATTR_AT(a->services, struct master_service, i));
}

static void
ask(void *arg)
{
	bool *ok = arg;
	struct master_query query = { .counters = log_verbose > 0 };
	struct master_answer answer;
	struct peer *master = peer_named(MASTER_SOCKET_CLASS,
	    MASTER_SOCKET_NAME, MASTER_PROTOCOL, MASTER_VERSION);

	*ok = peer_call(master, true, &master_query_form, &query,
	    &master_answer_form, &answer, fiber_arena(),
	    deadline_in(ANSWER_S)) == IO_OK;
	if (*ok)
		print_answer(&answer);
	else
		log_error("master does not answer: %s", peer_why(master));
}

bool
status_report_print(void)
{
	bool ok = false;

	peer_set_root(conf_core.queue_directory);
	loop_start();
	fiber_run_main(ask, &ok);
	return ok;
}
