/*
 * programs - what master has to know of a program before it runs it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "common/base/mem.h"
#include "common/service/programs.h"

enum { INTERNAL_LIMIT = 10000 };

static const struct program programs[] = {
	{ .name = "anvil", .kind = PROGRAM_INTERNAL, .solitary = true },
	{ .name = "bounce", .kind = PROGRAM_INTERNAL },
	{ .name = "cleanup", .kind = PROGRAM_INTERNAL },
	{ .name = "discard", .kind = PROGRAM_AGENT },
	{ .name = "dnsblog", .kind = PROGRAM_INTERNAL, .idle = true },
	{ .name = "error", .kind = PROGRAM_AGENT },
	{ .name = "flush", .kind = PROGRAM_INTERNAL },
	{ .name = "lmtp", .kind = PROGRAM_AGENT },
	{ .name = "local", .kind = PROGRAM_AGENT },
	{ .name = "nqmgr", .kind = PROGRAM_QUEUE, .solitary = true },
	{ .name = "oqmgr", .kind = PROGRAM_QUEUE, .solitary = true },
	{ .name = "pickup", .kind = PROGRAM_INTAKE, .solitary = true },
	{ .name = "pipe", .kind = PROGRAM_AGENT },
	{ .name = "postlogd", .kind = PROGRAM_INTERNAL, .solitary = true },
	{ .name = "postscreen", .kind = PROGRAM_SERVER,
	    .solitary = true, .idle = true },
	{ .name = "proxymap", .kind = PROGRAM_INTERNAL },
	{ .name = "qmgr", .kind = PROGRAM_QUEUE, .solitary = true },
	{ .name = "qmqpd", .kind = PROGRAM_SERVER, .idle = true },
	{ .name = "resolver", .kind = PROGRAM_INTERNAL, .solitary = true },
	{ .name = "scache", .kind = PROGRAM_INTERNAL,
	    .solitary = true, .idle = true },
	{ .name = "showq", .kind = PROGRAM_INTERNAL },
	{ .name = "smtp", .kind = PROGRAM_AGENT },
	{ .name = "smtpd", .kind = PROGRAM_SERVER },
	{ .name = "spawn", .kind = PROGRAM_AGENT },
	{ .name = "tlsmgr", .kind = PROGRAM_INTERNAL,
	    .solitary = true, .idle = true },
	{ .name = "tlsproxy", .kind = PROGRAM_INTERNAL, .idle = true },
	{ .name = "trivial-rewrite", .kind = PROGRAM_INTERNAL },
	{ .name = "verify", .kind = PROGRAM_INTERNAL, .solitary = true },
	{ .name = "virtual", .kind = PROGRAM_AGENT },
};

const char program_own_rows[] =
    "resolver unix - - n - 1 resolver\n";

const struct program *
program_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_COUNT(programs); i++)
		if (strcmp(programs[i].name, name) == 0)
			return &programs[i];
	return NULL;
}

bool
program_is_solitary(const struct master_row *row)
{
	const struct program *p = program_find(row->command);

	return p != NULL && (p->solitary ||
	    (p->kind == PROGRAM_INTERNAL && row->maxproc == 1));
}

int64_t
program_limit(const struct master_row *row)
{
	const struct program *p = program_find(row->command);
	int64_t limit = master_row_limit(row);

	if (program_is_solitary(row))
		return 0;
	if (p != NULL && p->kind == PROGRAM_INTERNAL && limit != 0 &&
	    limit < INTERNAL_LIMIT)
		return INTERNAL_LIMIT;
	return limit;
}
