/*
 * fiber_switch over ucontext(3): slower (two system calls a switch, for signal
 * masks), the same elsewhere. The context sits at the top of its stack.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/io/fiber_switch.h"

#ifndef FIBER_SWITCH_ASM
#include <stdint.h>
#include <ucontext.h>

#include "common/base/panic.h"

struct place {
	ucontext_t context;
	void (*entry)(void *arg);
	void *arg;
};

static struct place main_place;
static struct place *here = &main_place;

/* makecontext passes ints: a pointer goes in two halves. */
static void
start(unsigned high, unsigned low)
{
	struct place *place = (struct place *)
	    (((uintptr_t)high << 16 << 16) | (uintptr_t)low);

	place->entry(place->arg);
	panic("the entry of a fiber returned");
}

void *
fiber_switch_make(char *low, char *top, void (*entry)(void *arg), void *arg)
{
	struct place *place = (struct place *)
	    (((uintptr_t)top - sizeof(*place)) & ~(uintptr_t)63);
	uintptr_t bits = (uintptr_t)place;

	CHECK(getcontext(&place->context) == 0);
	place->entry = entry;
	place->arg = arg;
	place->context.uc_stack.ss_sp = low;
	place->context.uc_stack.ss_size = (size_t)((char *)place - low);
	place->context.uc_link = NULL;
	makecontext(&place->context, (void (*)(void))start, 2,
	    (unsigned)(bits >> 16 >> 16), (unsigned)bits);
	return place;
}

void
fiber_switch(void **save_out, void *to)
{
	struct place *from = here;

	*save_out = from;
	here = to;
	CHECK(swapcontext(&from->context, &here->context) == 0);
}
#endif
