/*
 * fiber_switch - from one stack to another.
 *
 * x86-64 and aarch64 have a few lines of assembly (fiber_switch.S); other
 * machines, and builds with FIBER=ucontext, use ucontext(3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_FIBER_SWITCH_H
#define COMMON_IO_FIBER_SWITCH_H

#if !defined(FIBER_UCONTEXT) && (defined(__x86_64__) || defined(__aarch64__))
#define FIBER_SWITCH_ASM 1
#endif

#ifndef __ASSEMBLER__
#include <stddef.h>

/* A place to switch to: entry(arg) will run on the stack below `top`, which
 * reaches down to `low`, and must never return. */
void *fiber_switch_make(char *low, char *top, void (*entry)(void *arg),
    void *arg);
/* Keeps where the caller is in *save_out and goes on at `to`. */
void fiber_switch(void **save_out, void *to);
#endif

#endif
