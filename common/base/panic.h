/*
 * panic - the program broke a promise to itself.
 *
 * CHECK is for broken contracts between functions, never for bad input. It is
 * compiled in always: a worker that trips dies alone and master starts another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_PANIC_H
#define COMMON_BASE_PANIC_H

/* Logs "panic: ..." through the log sinks, runs the hook, aborts. */
__attribute__((noreturn, format(printf, 3, 4))) void
panic_at(const char *file, int line, const char *format, ...);

/* Called once, after the message and before abort; crash slots use it. */
void panic_set_hook(void (*hook)(void));

#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)

#define CHECK(condition)                                                     \
	do {                                                                 \
		if (__builtin_expect(!(condition), 0))                       \
			panic_at(__FILE__, __LINE__, "CHECK(%s)", #condition); \
	} while (0)

#endif
