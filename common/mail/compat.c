/*
 * compat - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/compat.h"

#include <stdarg.h>

#include "common/base/log.h"
#include "common/base/str.h"
#include "common/mail/conf.h"

bool
compat_default(const char *name, const char *level)
{
	return conf_find(name) == NULL && conf_level_below(level);
}

void
compat_say(const char *format, ...)
{
	struct str text = STR_EMPTY;
	va_list args;

	va_start(args, format);
	str_vaddf(&text, format, args);
	va_end(args);
	log_info("using backwards-compatible default setting %s",
	    str_cstr(&text));
	str_fini(&text);
}
