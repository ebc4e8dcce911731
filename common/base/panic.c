/*
 * panic - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"

static void (*panic_hook)(void);

void
panic_set_hook(void (*hook)(void))
{
	panic_hook = hook;
}

static void
log_panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_va(LOG_LEVEL_PANIC, format, args);
	va_end(args);
}

void
panic_at(const char *file, int line, const char *format, ...)
{
	static _Thread_local char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_panic("%s:%d: %s", file, line, text);
	log_flush();
	if (panic_hook != NULL)
		panic_hook();
	abort();
}
