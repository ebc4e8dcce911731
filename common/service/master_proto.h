/*
 * master_proto - what master tells administrators over "pid/master.socket",
 * which only its own user can reach: `waypost status -v`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_SERVICE_MASTER_PROTO_H
#define COMMON_SERVICE_MASTER_PROTO_H

#include "common/mail/attr.h"

#define MASTER_PROTOCOL "master"
#define MASTER_VERSION 1
#define MASTER_SOCKET_CLASS "pid"
#define MASTER_SOCKET_NAME "master.socket"

struct master_query {			/* form 1 */
	bool counters;			/* the sums too */
};
struct master_process {
	uint64_t pid, generation, state; /* enum control_state */
	uint64_t clients, connections, peak, served;
	uint64_t cpu_permille, age_s;
	struct span jail, note;
};
struct master_counter {
	struct span name;
	uint64_t value;
};
struct master_service {
	struct span name, type, program;
	uint64_t limit;			/* 0: no bound */
	uint64_t clients;
	bool throttled, stress, listening; /* listening: master does */
	struct attr_list processes;	/* struct master_process */
	struct attr_list counters;	/* struct master_counter, not zero */
};
struct master_answer {			/* form 2 */
	uint64_t pid, generation, uptime_s, table_generation;
	struct span version, state;	/* "running", "draining", "stopping" */
	struct attr_list services;	/* struct master_service */
};
extern const struct attr_form master_query_form, master_answer_form;

#endif
