/*
 * The control segment, counters, what master hands down, the program table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mail/conf_core.h"
#include "common/service/control.h"
#include "common/service/counters.h"
#include "common/service/inherit.h"
#include "common/service/programs.h"
#include "tests/harness/t.h"

T_TEST(without_master_there_is_a_private_segment)
{
	atomic_store(&control_mine()->clients, 3);
	T_EQ_INT(control_clients(0), 3);
	T_EQ_INT(control_row_mine()->limit, 0);
	counter_add(COUNTER_SENT, 2);
	T_EQ_INT(counters_mine->values[COUNTER_SENT], 2);
}

T_TEST(clients_are_summed_over_the_processes_of_a_row)
{
	struct str why = STR_EMPTY;
	int rw, ro;
	struct control *c = control_create(&rw, &ro, &why);

	T_NEED(c != NULL);
	static const struct {
		unsigned slot, row, clients;
		enum control_state state;
	} slots[] = {
		{ 0, 1, 5, CONTROL_READY }, { 1, 2, 7, CONTROL_READY },
		{ 2, 1, 11, CONTROL_DRAINING }, { 3, 1, 100, CONTROL_FREE },
		{ 9, 1, 1000, CONTROL_READY },
	};

	for (size_t i = 0; i < T_COUNT(slots); i++) {
		struct control_slot *s = control_slot_at(c, slots[i].slot);

		s->row = slots[i].row;
		s->clients = slots[i].clients;
		s->state = slots[i].state;
	}
	c->slots_used = 4;
	T_EQ_INT(control_clients(1), 16);
	T_EQ_INT(control_clients(2), 7);
	T_EQ_INT(control_clients(3), 0);
	c->slots_used = 10;
	T_EQ_INT(control_clients(1), 1016);
}

T_TEST(a_child_writes_its_own_slot_and_reads_the_rest)
{
	struct str why = STR_EMPTY;
	int rw, ro, counters;
	struct control *c = control_create(&rw, &ro, &why);

	T_NEED(c != NULL && counters_create(&counters, &why));
	c->table_generation = 42;
	c->slots_used = 8;
	for (int slot = 0; slot < 2; slot++)
		control_slot_at(c, 6 + (unsigned)slot)->state = CONTROL_READY;
	T_DIES(0, NULL, {
		T_NEED(control_attach(ro, rw, 7, &why));
		T_NEED(counters_attach(counters, 7, &why));
		T_EQ_INT(control_table_generation(), 42);
		control_mine()->clients = 9;
		counter_add(COUNTER_CALLS, 5);
		_exit(control_clients(0) == 9 ? 0 : 1);
	});
	T_EQ_INT(control_slot_at(c, 7)->clients, 9);
	T_EQ_INT(counters_of_slot(7)->values[COUNTER_CALLS], 5);
	counters_fold(7, 3);
	T_EQ_INT(counters_of_slot(7)->values[COUNTER_CALLS], 0);
	T_EQ_INT(counters_of_row(3)->values[COUNTER_CALLS], 5);
	T_DIES(0, NULL, {
		T_NEED(control_attach(ro, rw, 7, &why));
		_exit(mprotect((void *)(uintptr_t)control(), CONTROL_PAGE,
		    PROT_READ | PROT_WRITE) != 0 ? 0 : 1);
	});
}

static const struct {
	const char *name, *text;
	bool good;
	struct inherit want;
} handed[] = {
	{ "all", "v1 slot=3 row=7 generation=2 listen=1 log=1 root=1", true,
	    { 3, 7, 2, 1, true, true } },
	{ "build", "v1 slot=3 build=0123456789abcdef", true,
	    { .slot = 3, .build = "0123456789abcdef" } },
	{ "build too long", "v1 build=0123456789abcdef0", false, { .slot = 0 } },
	{ "few", "v1 slot=3 row=7", true, { .slot = 3, .row = 7 } },
	{ "zero", "v1 log=0 root=0", true, { .slot = 0 } },
	{ "other version", "v2 slot=3", false, { .slot = 0 } },
	{ "empty", "", false, { .slot = 0 } },
	{ "slot too high", "v1 slot=4096", false, { .slot = 0 } },
	{ "row too high", "v1 row=512", false, { .slot = 0 } },
	{ "listen too high", "v1 listen=49", false, { .slot = 0 } },
	{ "not a number", "v1 slot=x", false, { .slot = 0 } },
	{ "no value", "v1 slot", false, { .slot = 0 } },
	{ "unknown", "v1 colour=3", false, { .slot = 0 } },
};

T_TEST(what_master_hands_down_is_read_or_refused)
{
	for (size_t i = 0; i < T_COUNT(handed); i++) {
		struct inherit got;

		T_CASE(handed[i].name);
		T_EQ_INT(inherit_parse(handed[i].text, &got), handed[i].good);
		if (!handed[i].good)
			continue;
		T_EQ_INT(got.slot, handed[i].want.slot);
		T_EQ_INT(got.row, handed[i].want.row);
		T_EQ_INT(got.generation, handed[i].want.generation);
		T_EQ_INT(got.listen, handed[i].want.listen);
		T_EQ_INT(got.log, handed[i].want.log);
		T_EQ_INT(got.root, handed[i].want.root);
		T_EQ_STR(got.build, handed[i].want.build);
	}
}

static const struct {
	const char *program;
	int64_t maxproc;
	bool solitary;
	int64_t limit, limit_with_default_50;
} rows[] = {
	{ "smtpd", -1, false, 10000, 50 },
	{ "smtpd", 100, false, 100, 100 },
	{ "smtpd", 0, false, 0, 0 },
	{ "smtp", -1, false, 1000, 50 },
	{ "local", -1, false, 100, 50 },
	{ "pipe", -1, false, 100, 50 },
	{ "cleanup", 0, false, 0, 0 },
	{ "cleanup", 5, false, 10000, 10000 },
	{ "bounce", -1, false, 10000, 10000 },
	{ "qmgr", 1, true, 0, 0 },
	{ "proxymap", 1, true, 0, 0 },
	{ "proxymap", -1, false, 10000, 10000 },
	{ "virtual", 1, false, 1, 1 },
	{ "unheard-of", 7, false, 7, 7 },
};

T_TEST(limits_are_meant_as_the_program_is)
{
	struct str why = STR_EMPTY;

	for (int set = 0; set < 2; set++) {
		conf_unload();
		T_NEED(conf_load_text("main.cf", set ?
		    span_cstr("default_process_limit = 50\n") : SPAN_NONE,
		    &why));
		conf_register(&conf_core_params);
		T_NEED(conf_fill(&conf_core_params, &why));
		for (size_t i = 0; i < T_COUNT(rows); i++) {
			struct master_row row = { .maxproc = rows[i].maxproc,
				.command = (char *)(uintptr_t)rows[i].program };

			T_CASEF("%s %lld, default %s", rows[i].program,
			    (long long)rows[i].maxproc, set ? "50" : "not set");
			T_EQ_INT(program_is_solitary(&row), rows[i].solitary);
			T_EQ_INT(program_limit(&row), set ?
			    rows[i].limit_with_default_50 : rows[i].limit);
		}
	}
}
