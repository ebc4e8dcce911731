/*
 * conf_override - what counts instead of main.cf: -o of master.cf and of the
 * command line, and variables of the environment, whose entries are added after
 * those of the file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/conf.h"

#include "common/base/mem.h"
#include "common/mail/conf_priv.h"

/* CONF_ENVIRONMENT name=value, for containers; its origin is the variable. */
bool
conf_read_environment(struct str *why)
{
	extern char **environ;
	const size_t skip = sizeof(CONF_ENVIRONMENT) - 1;

	for (char **e = environ; e != NULL && *e != NULL; e++) {
		struct span text = SPAN(*e);
		ssize_t eq = span_find(text, '=');

		if (!span_starts(text, SPAN(CONF_ENVIRONMENT)) || eq < 0)
			continue;
		if ((size_t)eq == skip) {
			str_sets(why, CONF_ENVIRONMENT ": found no name of a "
			    "parameter behind it");
			return false;
		}
		char *variable = mem_strndup(text.p, (size_t)eq);

		conf_add_entry(SPAN(variable + skip),
		    span_trim(span_skip(text, (size_t)eq + 1)), variable, 0);
		mem_free(variable);
	}
	return true;
}

bool
conf_override(struct span name, struct span value, const char *origin,
    struct str *why)
{
	conf_setup_store();
	if (!conf_name_is_valid(name)) {
		str_printf(why, "\"%.*s\" is not a parameter name",
		    SPAN_ARG(name));
		return false;
	}
	conf_add_entry(name, span_trim(value), origin, 0);
	return true;
}

bool
conf_override_assignment(struct span text, const char *origin,
    struct str *why)
{
	struct span name, value;

	text = span_trim(text);
	if (text.len >= 2 && text.p[0] == '{' && text.p[text.len - 1] == '}')
		text = span_trim(span_sub(text, 1, text.len - 2));
	return conf_split_assignment(text, &name, &value, why)
	    && conf_override(name, value, origin, why);
}
