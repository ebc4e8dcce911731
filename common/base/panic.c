/*
 * panic - the last line of a process that broke a promise to itself.
 *
 * A second panic, from a sink or the hook or another thread, goes straight to
 * abort: the first one has the better story.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/panic.h"
#include "common/base/log.h"
#include "common/base/log_priv.h"

static void (*panic_hook)(void);
static atomic_flag panicking = ATOMIC_FLAG_INIT;

void
panic_set_hook(void (*hook)(void))
{
	panic_hook = hook;
}

/* Through log_va, so that the record is built in one place. */
__attribute__((format(printf, 1, 2))) static void
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
	char text[512];
	va_list args;

	if (atomic_flag_test_and_set(&panicking))
		abort();
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_panic("%s:%d: %s", file, line, text);
	log_end();
	if (panic_hook != NULL)
		panic_hook();
	abort();
}
