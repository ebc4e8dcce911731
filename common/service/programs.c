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
	{ "anvil", PROGRAM_INTERNAL, .solitary = true, .idle = true },
	{ "bounce", PROGRAM_INTERNAL },
	{ "cleanup", PROGRAM_INTERNAL },
	{ "discard", PROGRAM_AGENT },
	{ "dnsblog", PROGRAM_INTERNAL, .idle = true },
	{ "error", PROGRAM_AGENT },
	{ "flush", PROGRAM_INTERNAL, .idle = true },
	{ "lmtp", PROGRAM_AGENT },
	{ "local", PROGRAM_AGENT },
	{ "nqmgr", PROGRAM_QUEUE, .solitary = true },
	{ "oqmgr", PROGRAM_QUEUE, .solitary = true },
	{ "pickup", PROGRAM_INTAKE, .solitary = true },
	{ "pipe", PROGRAM_AGENT },
	{ "postlogd", PROGRAM_INTERNAL, .solitary = true },
	{ "postscreen", PROGRAM_SERVER, .solitary = true, .idle = true },
	{ "proxymap", PROGRAM_INTERNAL },
	{ "qmgr", PROGRAM_QUEUE, .solitary = true },
	{ "qmqpd", PROGRAM_SERVER, .idle = true },
	{ "resolver", PROGRAM_INTERNAL, .solitary = true },
	{ "scache", PROGRAM_INTERNAL, .solitary = true, .idle = true },
	{ "showq", PROGRAM_INTERNAL },
	{ "smtp", PROGRAM_AGENT },
	{ "smtpd", PROGRAM_SERVER },
	{ "spawn", PROGRAM_SERVER, .idle = true },
	{ "tlsmgr", PROGRAM_INTERNAL, .solitary = true, .idle = true },
	{ "tlsproxy", PROGRAM_INTERNAL, .idle = true },
	{ "trivial-rewrite", PROGRAM_INTERNAL },
	{ "verify", PROGRAM_INTERNAL, .solitary = true, .idle = true },
	{ "virtual", PROGRAM_AGENT },
};

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
