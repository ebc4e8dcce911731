/*
 * postalias - create, change, query and list alias databases.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/commands/table_lib.h"
#include "maps/make.h"

static const struct table_command postalias = {
	.name = "postalias", .options = "c:d:fijnNopq:rsuvw",
	.usage = "[-fijnNoprsuvw]", .make_flags = MAKE_ALIASES,
	.aliases = true,
};

int
main(int argc, char **argv)
{
	return table_command_run(&postalias, argc, argv);
}
