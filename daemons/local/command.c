/*
 * command - mail to a command, with the rights of the account it is for, or of the
 * owner of the alias or list that names it.
 *
 * What comes from a message gets into the environment only, and there only the
 * bytes of command_expansion_filter.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <paths.h>

#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "daemons/local/local_priv.h"
#include "daemons/shared/command_env.h"

static void
set_filtered(struct str *out, const char *name, struct span value)
{
	struct str text = STR_EMPTY;

	str_set(&text, value);
	words_filter(&text, local_conf.command_expansion_filter);
	command_env_set(out, name, str_span(&text));
	str_fini(&text);
}

static void
set_if_any(struct str *out, const char *name, struct span value)
{
	if (value.len > 0)
		set_filtered(out, name, value);
}

/* What others wrote, in a form that no shell misreads. */
static void
set_alias_name(struct str *name, struct span local)
{
	struct span base = local, extension;

	address_split_extension(local, conf_core.recipient_delimiter, &base,
	    &extension);
	str_set(name, base);
	str_lower(name);
	words_filter(name, local_conf.command_expansion_filter);
}

static struct span
environment(struct expansion *e, const struct user *user)
{
	const struct envelope *envelope = e->d->envelope;
	const struct envelope_rcpt rcpt = expansion_rcpt(e);
	struct address_parts parts = address_split(rcpt.address);
	struct str *out = str_in_arena(e->d->arena);
	struct str *name = str_in_arena(e->d->arena);

	/* Of an alias, its own name. */
	if (user->name != NULL)
		str_sets(name, user->name);
	else
		set_alias_name(name, parts.local);
	command_env_begin(out, local_conf.export_environment);
	command_env_set(out, "LOGNAME", str_span(name));
	command_env_set(out, "USER", str_span(name));
	if (user->name != NULL) {
		command_env_set(out, "HOME", SPAN(user->home));
		command_env_set(out, "SHELL", user->shell[0] != '\0' ? SPAN(user->shell)
		    : SPAN(_PATH_BSHELL));
	}
	set_filtered(out, "SENDER", expansion_sender(e));
	set_filtered(out, "RECIPIENT", rcpt.address);
	set_filtered(out, "LOCAL", parts.local);
	set_if_any(out, "DOMAIN", parts.domain);
	set_if_any(out, "EXTENSION", words_extension(&rcpt));
	set_if_any(out, "ORIGINAL_RECIPIENT", rcpt.original);
	set_if_any(out, "CLIENT_HOSTNAME", envelope->client_name);
	set_if_any(out, "CLIENT_ADDRESS", envelope->client_address);
	set_if_any(out, "CLIENT_HELO", envelope->helo);
	set_if_any(out, "CLIENT_PROTOCOL", envelope->protocol);
	set_if_any(out, "SASL_METHOD", envelope->sasl_method);
	set_if_any(out, "SASL_SENDER", envelope->sasl_sender);
	set_if_any(out, "SASL_USERNAME", envelope->sasl_username);
	return str_span(out);
}

struct part
command_deliver(struct expansion *e, struct span command,
    const struct user *user)
{
	const struct envelope_rcpt rcpt = expansion_rcpt(e);
	const struct words words = { .rcpt = &rcpt, .user = user,
		.filter = local_conf.execution_directory_expansion_filter,
		.may_lack = true };
	struct str *directory = str_in_arena(e->d->arena);
	struct command_job job = { .command = span_trim(command),
		.shell = SPAN(local_conf.local_command_shell),
		.environment = environment(e, user),
		.head = head_of(e, DELIVERED_COMMAND),
		.sender = expansion_sender(e), .style = COMMAND_FROM_LINE,
		.time_limit = (uint64_t)local_conf.command_time_limit,
		.fd = -1 };
	struct mailbox_result result;

	if (!words_expand(&words, SPAN(local_conf.command_execution_directory),
	    directory))
		return part_of(e, OUTCOME_DEFERRED, "4.3.5",
		    "command_execution_directory cannot be expanded");
	job.directory = str_span(directory);
	if (delivery_is_probe(e->d))
		return part_of(e, OUTCOME_SENT, "2.0.0",
		    arena_printf(e->d->arena, "delivers to command: %.*s",
		    SPAN_ARG(job.command)));
	mailbox_command(e->d, user->uid, user->gid, &job, &result);
	return part_of_result(e, &result);
}
