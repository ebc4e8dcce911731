/*
 * Commands: as whom and where they run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/io/fiber.h"
#include "tests/daemons/local/world.h"

static const char *
run_as(const struct user *user)
{
	command_deliver(world_begin("x"), SPAN("/bin/true"), user);
	return world_ran();
}

static void
run_commands(void)
{
	struct user ann, nobody;

	T_NEED(user_find(SPAN("ann"), &ann, fiber_arena()) == MAP_FOUND);
	T_NEED(user_default(&nobody));
	T_EQ_STR(run_as(&ann), "/bin/true as 1001 in \"/h/ann/sub\"");
	T_EQ_STR(run_as(&nobody), "/bin/true as 65534 in \"/sub\"");
}

T_TEST(a_command_of_nobody_starts_where_no_home_leads)
{
	world_run("alias_maps =\ncommand_execution_directory = $home/sub\n",
	    run_commands);
}

static void
run_nowhere(void)
{
	struct user nobody;
	struct part part;

	T_NEED(user_default(&nobody));
	part = command_deliver(world_begin("x"), SPAN("/bin/true"), &nobody);
	T_EQ_INT(part.kind, OUTCOME_DEFERRED);
	T_EQ_STR(part.dsn, "4.3.5");
	T_EQ_STR(world_ran(), "");
}

T_TEST(a_command_has_to_wait_for_a_directory_that_cannot_be_expanded)
{
	world_run("alias_maps =\ncommand_execution_directory = ${home\n",
	    run_nowhere);
}
