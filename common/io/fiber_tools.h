/*
 * fiber_tools - what address sanitizer and valgrind want to be told of stacks.
 *
 * Calls to the sanitizer vanish in builds without it; valgrind's are a few
 * instructions, made only when a stack changes hands.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_FIBER_TOOLS_H
#define COMMON_IO_FIBER_TOOLS_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif

#ifdef FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>

#define FIBER_STACK_KIB 256
#define FIBER_NO_ASAN __attribute__((no_sanitize("address"), noinline))

static const bool tools_sanitized = true;

/* fake_save NULL: the fiber that is left never runs again. */
static inline void
tools_before_switch(void **fake_save, const void *bottom, size_t size)
{
	__sanitizer_start_switch_fiber(fake_save, bottom, size);
}

static inline void
tools_after_switch(void *fake, const void **from_bottom, size_t *from_size)
{
	__sanitizer_finish_switch_fiber(fake, from_bottom, from_size);
}

static inline void
tools_asan_new(char *base, size_t size)
{
	__lsan_register_root_region(base, size);
}

static inline void
tools_asan_reuse(char *base, size_t size)
{
	__asan_unpoison_memory_region(base, size);
}

#else

#define FIBER_STACK_KIB 64
#define FIBER_NO_ASAN

static const bool tools_sanitized = false;

static inline void
tools_before_switch(void **fake_save, const void *bottom, size_t size)
{
	(void)fake_save;
	(void)bottom;
	(void)size;
}

static inline void
tools_after_switch(void *fake, const void **from_bottom, size_t *from_size)
{
	(void)fake;
	(void)from_bottom;
	(void)from_size;
}

static inline void
tools_asan_new(char *base, size_t size)
{
	(void)base;
	(void)size;
}

static inline void
tools_asan_reuse(char *base, size_t size)
{
	(void)base;
	(void)size;
}

#endif

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_STACK_REGISTER(low, high) 0
#define VALGRIND_MAKE_MEM_UNDEFINED(p, len) 0
#define VALGRIND_DISABLE_ERROR_REPORTING (void)0
#define VALGRIND_ENABLE_ERROR_REPORTING (void)0
#endif

/* Once for each piece of memory that will hold a stack. */
static inline void
tools_stack_new(char *base, size_t size)
{
	tools_asan_new(base, size);
	(void)VALGRIND_STACK_REGISTER(base, base + size);
}

/* Each time before a stack gets a new owner. */
static inline void
tools_stack_reuse(char *base, size_t size)
{
	tools_asan_reuse(base, size);
	(void)VALGRIND_MAKE_MEM_UNDEFINED(base, size);
}

#endif
