/*
 * postmap - create, change, query and list look-up tables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/commands/table_lib.h"

static const struct table_command postmap = {
	.name = "postmap", .options = "bc:d:fFhijmnNopq:rsuUvw",
	.usage = "[-bfFhijmnNoprsuUvw]",
};

int
main(int argc, char **argv)
{
	return table_command_run(&postmap, argc, argv);
}
