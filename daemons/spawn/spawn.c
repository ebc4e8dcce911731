/*
 * spawn - a command for each client: its standard input, output and errors are the
 * connection. Nothing of what they say comes by here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <unistd.h>

#include "common/base/log.h"
#include "common/service/service.h"
#include "daemons/shared/command_env.h"
#include "daemons/shared/command_row.h"
#include "daemons/shared/mailbox_client.h"
#include "daemons/spawn/spawn_conf.h"

static struct command_row row;
static int64_t time_limit;
static struct str arguments, environment;

static void
serve(struct stream *client, const struct sock_peer *peer)
{
	struct session_job job = { .arguments = str_span(&arguments),
		.environment = str_span(&environment),
		.time_limit = (uint64_t)time_limit,
		.fd = stream_release_fd(client) };
	struct mailbox_result result;

	(void)peer;
	mailbox_session(row.uid, row.gid, &job, &result, fiber_arena());
	if (result.verdict != MAILBOX_DELIVERED)
		log_warn("command %s: %.*s", row.argv.items[0],
		    SPAN_ARG(result.text));
}

static bool
read_row(bool root, struct str *why)
{
	const char *const *args;
	size_t n = service_arguments(&args);

	if (!command_row_read(COMMAND_OF_SPAWN, args, n, root, &row, why)
	    || !conf_template_time(service_name(), "_time_limit",
		&time_limit, why))
		return false;
	if (time_limit > 0)
		return true;
	str_printf(why, "%s_time_limit: not above 0", service_name());
	return false;
}

static void
prepare(void)
{
	struct str why = STR_EMPTY;

	if (!read_row(service_has_root(), &why))
		fatal("service \"%s\": %s", service_name(), str_cstr(&why));
	for (size_t i = 0; i < row.argv.count; i++) {
		str_adds(&arguments, row.argv.items[i]);
		str_putc(&arguments, '\0');
	}
	command_env_begin(&environment, spawn_conf.export_environment);
	str_fini(&why);
}

static bool
check(void)
{
	struct str why = STR_EMPTY;
	bool ok = read_row(geteuid() == 0, &why) || row.no_such_user;

	if (!ok)
		log_error("service \"%s\": %s", service_name(),
		    str_cstr(&why));
	str_fini(&why);
	return ok;
}

static const struct service spawn_service = {
	.name = "spawn",
	.params = &spawn_params,
	.needs = NEEDS_LAUNCHER,
	.before_jail = prepare,
	.check = check,
	.serve = serve,
};

int
main(int argc, char **argv)
{
	return service_main(&spawn_service, argc, argv);
}
