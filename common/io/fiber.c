/*
 * fiber - code that reads as if it blocked; a wait parks the fiber only.
 *
 * The control block sits at the top of the fiber's stack, in the same page as
 * the frames of a parked session, so an idle fiber costs one page. What only
 * some fibers need (arena, deferred calls, work notes) is allocated when used.
 *
 * A parking fiber switches straight to the next runnable one; only the last
 * goes back to the loop's stack.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/pages.h"
#include "common/base/panic.h"
#include "common/io/crash_slot.h"
#include "common/io/fault.h"
#include "common/io/fiber_priv.h"
#include "common/io/fiber_stack.h"
#include "common/io/fiber_switch.h"
#include "common/io/fiber_tools.h"
#include "common/io/loop.h"

enum {
	SWITCHES_PER_TURN = 20000,	/* then the loop looks at descriptors */
	CALLS_PER_SWITCH = 64,		/* see fiber_take_turns */
	DEEP_STACK = 1 << 20,
	ID_MAX = 63,
	CROWD = 100,			/* births and deaths that make trimming worth it */
	QUIET_NS = 1000000000,
};

enum fiber_state {
	FIBER_RUNNABLE,
	FIBER_RUNNING,
	FIBER_WAITING,			/* in fiber_wait */
	FIBER_PARKED,			/* in fiber_park */
	FIBER_DEAD,
};

struct deferred {
	void (*fn)(void *);
	void *arg;
};

struct work {
	char queue_id[32];
	char peer[72];
};

struct fiber {
	void *context;			/* first: the gdb helper reads it */
	struct list all;
	struct list run;		/* in the run queue */
	struct list wait;		/* in a fiber_queue */
	struct list member;		/* of its group */
	struct fiber_group *group;
	const char *name;
	fiber_fn *fn;
	void *arg;
	struct loop_timer timer;
	enum fiber_state state;
	enum io_status answer;		/* of the wait that just ended */
	bool cancelled, cancellable, woken;
	unsigned calls;			/* since it last waited */
	struct arena *arena;
	struct deferred *deferred;
	size_t deferred_count, deferred_room;
	struct work *work;
	struct fiber_stack stack;
	void *fake;			/* address sanitizer's */
	char queue_id[ID_MAX + 1];
};

/* Offload threads ask fiber_self() too, and are in none. */
static _Thread_local struct fiber *current;

static struct {
	void *context;			/* the loop's, while a fiber runs */
	struct list all, runnable, later;
	struct fiber *dead;
	size_t live, changes;
	unsigned switches;
	bool in_deep, ready;
	struct fiber_stack deep;
	struct arena *loop_arena;
	struct loop_hook reset_arena;
	struct loop_timer trim;
	char queue_id[ID_MAX + 1];	/* of code outside fibers */
	void *fake;
	const void *bottom;
	size_t size;
} sched = {
	.all = LIST_HEAD(sched.all),
	.runnable = LIST_HEAD(sched.runnable),
	.later = LIST_HEAD(sched.later),
};

/* --- Switching -----------------------------------------------------------*/

static void
bury(void)
{
	struct fiber *dead = sched.dead;

	if (dead == NULL)
		return;
	sched.dead = NULL;
	struct fiber_stack stack = dead->stack;

	fiber_stack_put(&stack);
}

/* NULL is the loop. Returns when somebody switches back. */
FIBER_NO_ASAN static void
switch_to(struct fiber *next)
{
	struct fiber *me = current;
	void **save = me != NULL ? &me->context : &sched.context;
	void **fake = me != NULL ? &me->fake : &sched.fake;

	if (next != NULL)
		tools_before_switch(me != NULL && me->state == FIBER_DEAD ?
		    NULL : fake, next->stack.base, next->stack.size);
	else
		tools_before_switch(me->state == FIBER_DEAD ? NULL : fake,
		    sched.bottom, sched.size);
	current = next;
	fiber_switch(save, next != NULL ? next->context : sched.context);
	tools_after_switch(*fake, NULL, NULL);
	bury();
}

static struct fiber *
next_runnable(void)
{
	struct fiber *next = LIST_FIRST(&sched.runnable, struct fiber, run);

	if (next == NULL || sched.switches >= SWITCHES_PER_TURN)
		return NULL;
	sched.switches++;
	list_remove(&next->run);
	next->state = FIBER_RUNNING;
	next->calls = 0;
	return next;
}

static void
trim_when_quiet(void)
{
	sched.changes = 0;
	loop_timer_set(&sched.trim, clock_now_ns() + 2 * (int64_t)QUIET_NS);
}

static bool
run_fibers(void)
{
	struct fiber *next;

	sched.switches = 0;
	list_splice(&sched.runnable, &sched.later);
	while ((next = next_runnable()) != NULL)
		switch_to(next);
	if (!list_empty(&sched.runnable) || !list_empty(&sched.later))
		loop_hurry();
	if (pages_many() && !heap_has(&sched.trim.node))
		trim_when_quiet();
	return sched.switches > 0;
}

static void
make_runnable(struct fiber *fiber, enum io_status answer)
{
	loop_timer_stop(&fiber->timer);
	/* A wake of its queue must not be spent on one that has its answer. */
	list_remove(&fiber->wait);
	fiber->answer = answer;
	fiber->state = FIBER_RUNNABLE;
	list_append(&sched.runnable, &fiber->run);
	loop_hurry();
}

static void
on_timer(struct loop_timer *timer)
{
	make_runnable(container_of(timer, struct fiber, timer), IO_TIMEOUT);
}

static enum io_status
park_as(enum fiber_state state, struct deadline deadline, bool cancellable)
{
	struct fiber *me = current;

	CHECK(me != NULL && !sched.in_deep);
	if (cancellable && me->cancelled)
		return IO_CANCELLED;
	if (deadline.at_ns != INT64_MAX) {
		if (deadline_passed(deadline))
			return IO_TIMEOUT;
		loop_timer_set(&me->timer, deadline.at_ns);
	}
	me->state = state;
	me->cancellable = cancellable;

	struct fiber *next = next_runnable();

	/* Not itself: it has just left the run queue and nothing ran since. */
	switch_to(next);
	return me->answer;
}

/* --- Birth and death -----------------------------------------------------*/

static void
run_deferred(struct fiber *me)
{
	while (me->deferred_count > 0) {
		struct deferred last = me->deferred[--me->deferred_count];

		last.fn(last.arg);
	}
	mem_free(me->deferred);
}

static void
leave_group(struct fiber *me)
{
	struct fiber_group *group = me->group;

	list_remove(&me->member);
	if (--group->count == 0)
		while (!list_empty(&group->joiners))
			make_runnable(LIST_FIRST(&group->joiners,
			    struct fiber, wait), IO_OK);
}

static void note_change(void);

static void
entry(void *arg)
{
	struct fiber *me = arg;
	const void *bottom;
	size_t size;

	tools_after_switch(NULL, &bottom, &size);
	/* The first switch of a turn comes from the loop: learn its stack. */
	if (tools_sanitized && sched.bottom == NULL) {
		sched.bottom = bottom;
		sched.size = size;
	}
	bury();
	me->fn(me->arg);
	run_deferred(me);
	arena_free(&me->arena);
	mem_free(me->work);
	list_remove(&me->all);
	sched.live--;
	note_change();
	leave_group(me);
	me->state = FIBER_DEAD;
	sched.dead = me;
	switch_to(next_runnable());
	panic("a dead fiber ran");
}

static const char *
context_text(void)
{
	static char text[ID_MAX + 3];
	const char *id = fiber_log_queue_id();

	if (id[0] == '\0')
		return NULL;
	snprintf(text, sizeof(text), "%s: ", id);
	return text;
}

/* After a crowd has come, and no more come: what was kept for the next ones,
 * and holes in the heap, go back. While they come, what they did not need. */
static void
trim_heap(struct loop_timer *timer)
{
	bool busy = pages_settle();

	(void)timer;
	if (busy || sched.changes >= CROWD) {
		fiber_stack_settle();
		trim_when_quiet();
		return;
	}
	fiber_stack_cool();
	pages_cool();
	malloc_trim(0);
}

static void
note_change(void)
{
	if (++sched.changes == CROWD && !heap_has(&sched.trim.node))
		trim_when_quiet();
}

static void
reset_loop_arena(struct loop_hook *hook)
{
	(void)hook;
	arena_reset(sched.loop_arena);
}

static void
get_ready(void)
{
	if (sched.ready)
		return;
	sched.ready = true;
	loop_set_runner(run_fibers);
	loop_hook_init(&sched.reset_arena, reset_loop_arena);
	loop_timer_init(&sched.trim, trim_heap);
	(void)pages_settle();
	log_set_context_source(context_text);
}

struct fiber *
fiber_spawn(struct fiber_group *group, const char *name, fiber_fn *fn,
    void *arg)
{
	struct fiber_stack stack;

	get_ready();
	if (!fiber_stack_get(&stack))
		return NULL;
	uintptr_t top = (uintptr_t)stack.base + stack.size - sizeof(struct fiber);
	struct fiber *fiber = (struct fiber *)(top & ~(uintptr_t)63);

	*fiber = (struct fiber){ .group = group, .name = name, .fn = fn,
		.arg = arg, .stack = stack, .cancelled = group->closing };
	list_init(&fiber->wait);
	list_append(&sched.all, &fiber->all);
	list_append(&group->fibers, &fiber->member);
	group->count++;
	loop_timer_init(&fiber->timer, on_timer);
	fiber->context = fiber_switch_make(stack.base, (char *)fiber, entry,
	    fiber);
	list_append(&sched.runnable, &fiber->run);
	loop_hurry();
	sched.live++;
	note_change();
	return fiber;
}

/* --- Groups --------------------------------------------------------------*/

void
fiber_group_init(struct fiber_group *group)
{
	list_init(&group->fibers);
	list_init(&group->joiners);
	group->count = 0;
	group->closing = false;
}

void
fiber_group_cancel(struct fiber_group *group)
{
	LIST_EACH(item, &group->fibers)
		fiber_cancel(LIST_ITEM(item, struct fiber, member));
}

static enum io_status
join(struct fiber_group *group, struct deadline deadline, bool cancellable)
{
	while (group->count > 0) {
		CHECK(current != NULL && current->group != group);
		list_append(&group->joiners, &current->wait);

		enum io_status status = park_as(FIBER_WAITING, deadline,
		    cancellable);

		list_remove(&current->wait);
		if (status != IO_OK)
			return status;
	}
	return IO_OK;
}

enum io_status
fiber_group_join(struct fiber_group *group, struct deadline deadline)
{
	return join(group, deadline, true);
}

void
fiber_group_close(struct fiber_group *group)
{
	group->closing = true;
	fiber_group_cancel(group);
	if (current != NULL)
		join(group, DEADLINE_NEVER, false);
	while (group->count > 0)
		loop_turn(-1);
	group->closing = false;
}

/* --- The calling fiber ---------------------------------------------------*/

struct fiber *
fiber_self(void)
{
	return current;
}

const char *
fiber_name(const struct fiber *fiber)
{
	return fiber->name;
}

bool
fiber_cancelled(void)
{
	return current != NULL && current->cancelled;
}

void
fiber_cancel(struct fiber *fiber)
{
	fiber->cancelled = true;
	if (fiber->cancellable && (fiber->state == FIBER_WAITING ||
	    fiber->state == FIBER_PARKED))
		make_runnable(fiber, IO_CANCELLED);
}

void
fiber_yield(void)
{
	struct fiber *me = current;

	CHECK(me != NULL && !sched.in_deep);
	me->state = FIBER_RUNNABLE;
	list_append(&sched.later, &me->run);
	loop_hurry();
	switch_to(next_runnable());
}

void
fiber_take_turns(void)
{
	if (current != NULL && ++current->calls >= CALLS_PER_SWITCH)
		fiber_yield();
}

enum io_status
fiber_sleep(struct deadline until)
{
	return park_as(FIBER_WAITING, until, true);
}

struct arena *
fiber_arena(void)
{
	struct arena **arena = current != NULL ? &current->arena :
	    &sched.loop_arena;

	get_ready();
	if (*arena == NULL)
		*arena = arena_new();
	if (current == NULL)
		loop_hook_arm(&sched.reset_arena, LOOP_RANK_LAST);
	return *arena;
}

void
fiber_defer(void (*fn)(void *), void *arg)
{
	struct fiber *me = current;

	CHECK(me != NULL);
	if (me->deferred_count == me->deferred_room) {
		me->deferred_room = me->deferred_room > 0 ?
		    me->deferred_room * 2 : 4;
		me->deferred = mem_regrow(me->deferred, me->deferred_room,
		    sizeof(*me->deferred));
	}
	me->deferred[me->deferred_count++] = (struct deferred){ fn, arg };
}

static void
close_deferred(void *arg)
{
	close((int)(intptr_t)arg);
}

void
fiber_defer_fd(int fd)
{
	fiber_defer(close_deferred, (void *)(intptr_t)fd);
}

/* --- Log context and work notes ------------------------------------------*/

void
fiber_log_context(const char *queue_id)
{
	char *id = current != NULL ? current->queue_id : sched.queue_id;

	get_ready();
	snprintf(id, ID_MAX + 1, "%s", queue_id != NULL ? queue_id : "");
}

const char *
fiber_log_queue_id(void)
{
	return current != NULL ? current->queue_id : sched.queue_id;
}

void
fiber_note_work(const char *queue_id, const char *peer)
{
	struct fiber *me = current;

	fiber_log_context(queue_id);
	queue_id = queue_id != NULL ? queue_id : "";
	peer = peer != NULL ? peer : "";
	crash_slot_note(queue_id, peer);
	if (me == NULL)
		return;
	if (me->work == NULL)
		me->work = MEM_NEW(struct work);
	snprintf(me->work->queue_id, sizeof(me->work->queue_id), "%s",
	    queue_id);
	snprintf(me->work->peer, sizeof(me->work->peer), "%s", peer);
}

void
fiber_describe_crash(struct crash_slot *slot)
{
	const struct fiber *me = current;

	if (me == NULL)
		return;
	memccpy(slot->fiber, me->name, '\0', sizeof(slot->fiber) - 1);
	if (me->work == NULL)
		return;
	memcpy(slot->queue_id, me->work->queue_id, sizeof(slot->queue_id));
	memcpy(slot->peer, me->work->peer, sizeof(slot->peer));
}

bool
fiber_sanitized(void)
{
	return tools_sanitized;
}

/* --- Waiting -------------------------------------------------------------*/

enum io_status
fiber_wait(struct deadline deadline, bool cancellable)
{
	return park_as(FIBER_WAITING, deadline, cancellable);
}

void
fiber_ready(struct fiber *fiber)
{
	if (fiber->state == FIBER_WAITING)
		make_runnable(fiber, IO_OK);
}

enum io_status
fiber_park(struct deadline deadline)
{
	CHECK(current != NULL);
	if (current->woken) {
		current->woken = false;
		return IO_OK;
	}
	return park_as(FIBER_PARKED, deadline, true);
}

void
fiber_wake(struct fiber *fiber)
{
	if (fiber->state == FIBER_PARKED)
		make_runnable(fiber, IO_OK);
	else
		fiber->woken = true;
}

void
fiber_queue_init(struct fiber_queue *queue)
{
	list_init(&queue->waiters);
}

enum io_status
fiber_queue_wait(struct fiber_queue *queue, struct deadline deadline)
{
	CHECK(current != NULL);
	list_append(&queue->waiters, &current->wait);

	enum io_status status = park_as(FIBER_WAITING, deadline, true);

	list_remove(&current->wait);
	return status;
}

void
fiber_queue_wake_one(struct fiber_queue *queue)
{
	if (!list_empty(&queue->waiters))
		make_runnable(LIST_FIRST(&queue->waiters, struct fiber, wait),
		    IO_OK);
}

void
fiber_queue_wake_all(struct fiber_queue *queue)
{
	while (!list_empty(&queue->waiters))
		fiber_queue_wake_one(queue);
}

bool
fiber_queue_has_waiters(const struct fiber_queue *queue)
{
	return !list_empty(&queue->waiters);
}

void
fiber_trim_stack(void)
{
	if (current != NULL)
		fiber_stack_trim(&current->stack, __builtin_frame_address(0));
}

/* --- The deep stack ------------------------------------------------------*/

struct deep_call {
	void (*fn)(void *arg);
	void *arg;
	void *back, *deep;		/* contexts */
	void *fake;
};

FIBER_NO_ASAN static void
deep_entry(void *arg)
{
	struct deep_call *call = arg;

	tools_after_switch(NULL, NULL, NULL);
	call->fn(call->arg);
	tools_before_switch(NULL, current->stack.base, current->stack.size);
	fiber_switch(&call->deep, call->back);
	panic("a deep call ran on");
}

FIBER_NO_ASAN static void
switch_deep(struct deep_call *call)
{
	void *deep = fiber_switch_make(sched.deep.base,
	    sched.deep.base + sched.deep.size, deep_entry, call);

	tools_before_switch(&call->fake, sched.deep.base, sched.deep.size);
	fiber_switch(&call->back, deep);
	tools_after_switch(call->fake, NULL, NULL);
}

void
fiber_call_deep(void (*fn)(void *arg), void *arg)
{
	struct deep_call call = { .fn = fn, .arg = arg };

	if (current == NULL) {
		fn(arg);		/* the process's own stack is deep */
		return;
	}
	CHECK(!sched.in_deep);
	if (sched.deep.base == NULL &&
	    !fiber_stack_map(DEEP_STACK, &sched.deep))
		fatal("map a stack of %d bytes: %m", DEEP_STACK);
	sched.in_deep = true;
	switch_deep(&call);
	sched.in_deep = false;
}

/* --- Main and figures ----------------------------------------------------*/

void
fiber_run_main(fiber_fn *fn, void *arg)
{
	struct fiber_group group;

	CHECK(current == NULL);
	fiber_group_init(&group);
	if (fiber_spawn(&group, "main", fn, arg) == NULL)
		fatal("memory for the first fiber: %m");
	while (group.count > 0)
		loop_turn(-1);
}

size_t
fiber_count(void)
{
	return sched.live;
}

void
fiber_stats(struct fiber_stats *out)
{
	*out = (struct fiber_stats){ .live = sched.live,
		.stacks_cached = fiber_stack_cached() };
	LIST_EACH(item, &sched.all) {
		const struct fiber *fiber =
		    LIST_ITEM(item, struct fiber, all);
		size_t used = fiber_stack_used(&fiber->stack);

		if (used > out->stack_high_water)
			out->stack_high_water = used;
	}
}
