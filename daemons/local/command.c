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
#include <stdlib.h>

#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "daemons/local/local_priv.h"

static void
set(struct str *out, const char *name, struct span value)
{
	if (value.p == NULL || span_has(value, '\0'))
		return;
	str_adds(out, name);
	str_putc(out, '=');
	str_add(out, value);
	str_putc(out, '\0');
}

static void
set_filtered(struct str *out, const char *name, struct span value)
{
	struct str text = STR_EMPTY;

	str_set(&text, value);
	words_filter(&text, local_conf.command_expansion_filter);
	set(out, name, str_span(&text));
	str_fini(&text);
}

static void
set_if_any(struct str *out, const char *name, struct span value)
{
	if (value.len > 0)
		set_filtered(out, name, value);
}

/* export_environment: "NAME" as it is here, "NAME=value" as written. */
static void
add_exported(struct str *out)
{
	struct strlist words = STRLIST_EMPTY;
	struct str why = STR_EMPTY;

	if (strlist_split_braced(&words, SPAN(local_conf.export_environment),
	    STRLIST_CONF, &why))
		for (size_t i = 0; i < words.count; i++) {
			char *equals = strchr(words.items[i], '=');
			const char *value = equals != NULL ? equals + 1
			    : getenv(words.items[i]);

			if (equals != NULL)
				*equals = '\0';
			if (value != NULL)
				set(out, words.items[i], SPAN(value));
		}
	strlist_fini(&words);
	str_fini(&why);
}

static struct span
environment(struct expansion *e, const struct user *user)
{
	const struct envelope *envelope = e->d->envelope;
	struct address_parts parts = address_split(e->rcpt->address);
	struct str *out = str_in_arena(e->d->arena);

	add_exported(out);
	set(out, "PATH", SPAN(_PATH_DEFPATH));
	if (user->name != NULL) {
		set(out, "LOGNAME", SPAN(user->name));
		set(out, "USER", SPAN(user->name));
		set(out, "HOME", SPAN(user->home));
		set(out, "SHELL", user->shell[0] != '\0' ? SPAN(user->shell)
		    : SPAN(_PATH_BSHELL));
	}
	set_filtered(out, "SENDER", envelope->sender);
	set_filtered(out, "RECIPIENT", e->rcpt->address);
	set_filtered(out, "LOCAL", parts.local);
	set_if_any(out, "DOMAIN", parts.domain);
	set_if_any(out, "EXTENSION", words_extension(e->rcpt));
	set_if_any(out, "ORIGINAL_RECIPIENT", e->rcpt->original);
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
	const struct words words = { .rcpt = e->rcpt, .user = user,
		.filter = local_conf.execution_directory_expansion_filter };
	struct str *directory = str_in_arena(e->d->arena);
	struct command_job job = { .command = span_trim(command),
		.shell = SPAN(local_conf.local_command_shell),
		.environment = environment(e, user),
		.head = mailbox_head(e->d, e->rcpt, e->rcpt->address,
		    delivered_where & DELIVERED_COMMAND ? "ROD" : "RO"),
		.sender = e->d->envelope->sender,
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
