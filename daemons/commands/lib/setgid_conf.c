/*
 * setgid_conf - see the header. The list of the system's own main.cf is read
 * first, and forgotten before the one that was asked for is read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/mail/conf.h"
#include "common/mail/paths.h"
#include "daemons/commands/lib/setgid_conf.h"

bool
setgid_conf_lends_rights(void)
{
	if (getuid() == 0 && geteuid() == 0)
		return false;
	return getegid() != getgid() || geteuid() != getuid();
}

/* Names of directories: they begin with a slash and are no files to read. */
static bool
is_listed(const char *name, const char *dir, bool *listed, struct str *why)
{
	struct str value = STR_EMPTY;
	bool ok = conf_value(name, &value, why);
	struct span rest = str_span(&value), one;

	while (ok && span_token(&rest, " \t\r\n,", &one))
		*listed |= span_eq(one, span_cstr(dir));
	str_fini(&value);
	return ok;
}

static bool
is_trusted(const char *dir, struct str *why)
{
	bool listed = false;
	bool ok = conf_load(PATH_CONFIG, why) &&
	    is_listed("alternate_config_directories", dir, &listed, why) &&
	    is_listed("multi_instance_directories", dir, &listed, why);

	conf_unload();
	if (ok && !listed)
		str_printf(why, "%s is not a configuration directory of this "
		    "system: alternate_config_directories in " PATH_CONFIG
		    "/main.cf does not list it", dir);
	return ok && listed;
}

bool
setgid_conf_load(const char *dir, struct str *why)
{
	const char *wanted = dir != NULL ? dir : getenv("MAIL_CONFIG");

	if (wanted == NULL || wanted[0] == '\0')
		wanted = PATH_CONFIG;
	if (!setgid_conf_lends_rights())
		return conf_load(dir, why);

	char *copy = mem_strdup(wanted);

	/* WAYPOST_CONF_name and what libraries look at are for owners alone. */
	clearenv();
	bool ok = (strcmp(copy, PATH_CONFIG) == 0 || is_trusted(copy, why)) &&
	    conf_load(copy, why);

	mem_free(copy);
	return ok;
}
