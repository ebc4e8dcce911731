/*
 * master_proto - the forms of "pid/master.socket".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/service/master_proto.h"

static const struct attr_field query_fields[] = {
	ATTR_FIELD(struct master_query, counters, 1, ATTR_BOOL),
};
const struct attr_form master_query_form =
    ATTR_FORM("master query", 1, struct master_query, query_fields);

static const struct attr_field process_fields[] = {
	ATTR_FIELD(struct master_process, pid, 1, ATTR_U64),
	ATTR_FIELD(struct master_process, generation, 2, ATTR_U64),
	ATTR_FIELD(struct master_process, state, 3, ATTR_U64),
	ATTR_FIELD(struct master_process, clients, 4, ATTR_U64),
	ATTR_FIELD(struct master_process, connections, 5, ATTR_U64),
	ATTR_FIELD(struct master_process, peak, 6, ATTR_U64),
	ATTR_FIELD(struct master_process, served, 7, ATTR_U64),
	ATTR_FIELD(struct master_process, cpu_permille, 8, ATTR_U64),
	ATTR_FIELD(struct master_process, age_s, 9, ATTR_U64),
	ATTR_FIELD(struct master_process, jail, 10, ATTR_SPAN),
	ATTR_FIELD(struct master_process, note, 11, ATTR_SPAN),
};
static const struct attr_form process_form =
    ATTR_FORM("process", 3, struct master_process, process_fields);

static const struct attr_field counter_fields[] = {
	ATTR_FIELD(struct master_counter, name, 1, ATTR_SPAN),
	ATTR_FIELD(struct master_counter, value, 2, ATTR_U64),
};
static const struct attr_form counter_form =
    ATTR_FORM("counter", 4, struct master_counter, counter_fields);

static const struct attr_field service_fields[] = {
	ATTR_FIELD(struct master_service, name, 1, ATTR_SPAN),
	ATTR_FIELD(struct master_service, type, 2, ATTR_SPAN),
	ATTR_FIELD(struct master_service, program, 3, ATTR_SPAN),
	ATTR_FIELD(struct master_service, limit, 4, ATTR_U64),
	ATTR_FIELD(struct master_service, clients, 5, ATTR_U64),
	ATTR_FIELD(struct master_service, throttled, 6, ATTR_BOOL),
	ATTR_FIELD(struct master_service, stress, 7, ATTR_BOOL),
	ATTR_FIELD(struct master_service, listening, 8, ATTR_BOOL),
	ATTR_FIELD(struct master_service, processes, 9, ATTR_LIST,
	    .of = &process_form),
	ATTR_FIELD(struct master_service, counters, 10, ATTR_LIST,
	    .of = &counter_form),
};
static const struct attr_form service_form =
    ATTR_FORM("service", 5, struct master_service, service_fields);

static const struct attr_field answer_fields[] = {
	ATTR_FIELD(struct master_answer, pid, 1, ATTR_U64),
	ATTR_FIELD(struct master_answer, generation, 2, ATTR_U64),
	ATTR_FIELD(struct master_answer, uptime_s, 3, ATTR_U64),
	ATTR_FIELD(struct master_answer, table_generation, 4, ATTR_U64),
	ATTR_FIELD(struct master_answer, version, 5, ATTR_SPAN),
	ATTR_FIELD(struct master_answer, state, 6, ATTR_SPAN),
	ATTR_FIELD(struct master_answer, services, 7, ATTR_LIST,
	    .of = &service_form),
};
const struct attr_form master_answer_form =
    ATTR_FORM("master answer", 2, struct master_answer, answer_fields);
