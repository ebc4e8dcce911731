/*
 * command_env - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/command_env.h"

#include <paths.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/strlist.h"

void
command_env_set(struct str *out, const char *name, struct span value)
{
	if (value.p == NULL || span_has(value, '\0'))
		return;
	str_adds(out, name);
	str_putc(out, '=');
	str_add(out, value);
	str_putc(out, '\0');
}

void
command_env_begin(struct str *out, const char *export_environment)
{
	struct strlist words = STRLIST_EMPTY;
	struct str why = STR_EMPTY;

	if (!strlist_split_braced(&words, SPAN(export_environment),
	    STRLIST_CONF, &why)) {
		log_warn("export_environment: %s", str_cstr(&why));
		strlist_clear(&words);
	}
	for (size_t i = 0; i < words.count; i++) {
		char *equals = strchr(words.items[i], '=');
		const char *value = equals != NULL ? equals + 1
		    : getenv(words.items[i]);

		if (equals != NULL)
			*equals = '\0';
		if (value != NULL)
			command_env_set(out, words.items[i], SPAN(value));
	}
	command_env_set(out, "PATH", SPAN(_PATH_DEFPATH));
	strlist_fini(&words);
	str_fini(&why);
}
