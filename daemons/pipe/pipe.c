/*
 * pipe - delivery to commands that rows of master.cf name, as pipe(8) documents.
 * A worker that has become the row's user runs them; how they end is the outcome.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/service/service.h"
#include "daemons/pipe/pipe_conf.h"
#include "daemons/pipe/pipe_priv.h"
#include "daemons/shared/command_env.h"
#include "daemons/shared/delivery_agent.h"
#include "daemons/shared/mailbox_client.h"
#include "daemons/shared/status_filter.h"
#include "daemons/shared/tables.h"

#define ARGUMENTS_MOST (1024 * 1024)

static struct command_row row;
static int64_t time_limit;
static struct str environment;

static const struct {
	char flag;
	uint64_t style;
} styles[] = {
	{ 'F', COMMAND_FROM_LINE }, { '>', COMMAND_QUOTE_FROM },
	{ 'B', COMMAND_BLANK_END }, { '.', COMMAND_DOTS },
};

/* Messages for one recipient are delivered all the same. */
#define ONE_WANTED "service \"%s\": flags=%s: D and O want " \
    "%s_destination_recipient_limit = 1, else what has several waits"

/* ---- one message ---- */

static void
set_all(struct delivery *d, enum outcome_kind kind, const char *dsn,
    const char *reason)
{
	const struct delivery_status status = { .kind = kind, .dsn = dsn,
		.reason = SPAN(reason) };

	delivery_set_rest(d, &status);
}

static bool
speaks_of_one(void)
{
	return command_row_has(&row, 'D') || command_row_has(&row, 'O');
}

static bool
may_be_delivered(struct delivery *d)
{
	if (d->count > 1 && speaks_of_one()) {
		log_warn(ONE_WANTED, service_name(), row.flags, service_name());
		set_all(d, OUTCOME_DEFERRED, "4.3.5",
		    "mail system configuration error");
		return false;
	}
	if (row.size_limit > 0 && d->request->content_length > row.size_limit)
		set_all(d, OUTCOME_BOUNCED, "5.2.3", arena_printf(d->arena,
		    "message size %llu exceeds size limit %llu of service %s",
		    (unsigned long long)d->request->content_length,
		    (unsigned long long)row.size_limit, service_name()));
	else if (command_row_has(&row, 'D')
	    && mailbox_is_loop(d, d->rcpts[0].address))
		set_all(d, OUTCOME_BOUNCED, "5.4.6", arena_printf(d->arena,
		    "mail forwarding loop for %.*s",
		    SPAN_ARG(d->rcpts[0].address)));
	else
		return true;
	return false;
}

static bool
make_arguments(struct delivery *d, struct span sender, struct str *out)
{
	const struct arguments a = { .row = &row, .envelope = d->envelope,
		.rcpts = d->rcpts, .count = d->count, .sender = sender,
		.nexthop = d->request->nexthop,
		.queue_id = d->request->queue_id };
	struct str *why = str_in_arena(d->arena);

	if (arguments_make(&a, out, why) && str_len(out) <= ARGUMENTS_MOST)
		return true;
	log_warn("argv=: %s", str_len(why) > 0 ? str_cstr(why)
	    : "more than a command can take");
	set_all(d, OUTCOME_DEFERRED, "4.3.5",
	    "mail system configuration error");
	return false;
}

static void
take_result(struct delivery *d, const struct mailbox_result *result)
{
	struct delivery_status status = { .kind = OUTCOME_DEFERRED,
		.dsn = arena_cstr(d->arena, result->dsn),
		.reason = result->text, .diag_type = SPAN("x-unix"),
		.diag_text = result->text };

	if (result->verdict == MAILBOX_BOUNCE)
		status.kind = OUTCOME_BOUNCED;
	if (result->verdict == MAILBOX_DELIVERED)
		status = (struct delivery_status){ .kind = OUTCOME_SENT,
			.dsn = "2.0.0",
			.reason = SPAN(arena_printf(d->arena,
			    "delivered via %s service%s%.*s%s", service_name(),
			    result->output.len > 0 ? " (" : "",
			    SPAN_ARG(result->output),
			    result->output.len > 0 ? ")" : "")),
			.action_if_sent = command_row_has(&row, 'X')
			    ? DSN_DELIVERED : DSN_RELAYED };
	delivery_set_rest(d, &status);
}

static void
deliver(struct delivery *d)
{
	struct span sender = span_empty(d->envelope->sender)
	    ? SPAN(row.null_sender) : d->envelope->sender;
	struct str *arguments = str_in_arena(d->arena);
	struct command_job job = { .command = SPAN(row.argv.items[0]),
		.environment = str_span(&environment), .sender = sender,
		.directory = SPAN(row.directory != NULL ? row.directory
		    : ""), .eol = str_span(&row.eol),
		.time_limit = (uint64_t)time_limit, .fd = -1 };
	struct mailbox_result result;

	if (!may_be_delivered(d) || !make_arguments(d, sender, arguments))
		return;
	if (delivery_is_probe(d)) {
		set_all(d, OUTCOME_SENT, "2.0.0", arena_printf(d->arena,
		    "delivers to command: %s", row.argv.items[0]));
		return;
	}
	for (size_t i = 0; i < ARRAY_COUNT(styles); i++)
		if (command_row_has(&row, styles[i].flag))
			job.style |= styles[i].style;
	job.arguments = str_span(arguments);
	job.head = mailbox_head(d, sender, &d->rcpts[0], row.flags);
	mailbox_command(d, row.uid, row.gid, &job, &result);
	take_result(d, &result);
}

/* ---- the process ---- */

static bool
read_row(bool root, struct str *why)
{
	const char *const *args;
	size_t n = service_arguments(&args);

	if (!command_row_read(COMMAND_OF_PIPE, args, n, root, &row, why)
	    || !arguments_check(&row, why)
	    || !conf_template_time(service_name(), "_time_limit",
		&time_limit, why))
		return false;
	if (row.unknown_flag != '\0')
		log_warn("service \"%s\": flags=%s: '%c' means nothing",
		    service_name(), row.flags, row.unknown_flag);
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
	status_filter_open("pipe_delivery_status_filter",
	    pipe_conf.status_filter);
	command_env_begin(&environment, pipe_conf.export_environment);
	delivery_agent_setup(deliver, service_name());
	delivery_agent_answers_probes();
	str_fini(&why);
}

/* Stock files have rows for users that few systems have: nobody's mail goes
 * there. */
static bool
check(void)
{
	struct str why = STR_EMPTY;
	bool ok = read_row(geteuid() == 0, &why) || row.no_such_user;
	int64_t limit = 1;

	if (ok && !row.no_such_user && speaks_of_one())
		ok = conf_template_int(service_name(),
		    "_destination_recipient_limit", &limit, &why);
	if (limit != 1)
		log_warn(ONE_WANTED, service_name(), row.flags, service_name());
	if (!ok)
		log_error("service \"%s\": %s", service_name(),
		    str_cstr(&why));
	str_fini(&why);
	return ok;
}

static void
start(void)
{
	if (status_filter_wanted())
		tables_watch(NULL);
}

static const struct service pipe_service = {
	.name = "pipe",
	.params = &pipe_params,
	.needs = NEEDS_LAUNCHER | NEEDS_QUEUE_READ,
	.before_jail = prepare,
	.start = start,
	.check = check,
	.protocol = &delivery_protocol,
};

int
main(int argc, char **argv)
{
	return service_main(&pipe_service, argc, argv);
}
