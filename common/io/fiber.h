/*
 * fiber - code that reads as if it blocked; a wait parks the fiber only.
 *
 * Stacks are 64 KiB (256 KiB under sanitizers) with a guard page, pooled in
 * slabs; the control block sits at the top of the stack. Between two
 * suspensions nothing else of the process runs; across one anything may have
 * changed. Fibers live in groups; closing a group cancels and joins them: the
 * call a cancelled fiber waits in, and each later one that would wait, returns
 * IO_CANCELLED. What needs no wait still works: a last line to a peer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_FIBER_H
#define COMMON_IO_FIBER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/list.h"
#include "common/io/deadline.h"
#include "common/io/io_status.h"

struct fiber;
typedef void fiber_fn(void *arg);

struct fiber_group {
	struct list fibers;
	size_t count;
	bool closing;
	struct list joiners;		/* fibers waiting in fiber_group_join */
};

void fiber_group_init(struct fiber_group *group);
/* Starts at the end of the run queue; name is kept, not copied. Never NULL
 * but when stacks cannot be had: NULL then, the caller sheds load. */
struct fiber *fiber_spawn(struct fiber_group *group, const char *name,
    fiber_fn *fn, void *arg);
/* Cancels every fiber of the group; does not wait. */
void fiber_group_cancel(struct fiber_group *group);
/* Waits until the group is empty. Suspends. */
enum io_status fiber_group_join(struct fiber_group *group,
    struct deadline deadline);
/* Cancel, then join without a deadline; not itself cancellable. Suspends. */
void fiber_group_close(struct fiber_group *group);

struct fiber *fiber_self(void);		/* NULL on the loop's stack */
const char *fiber_name(const struct fiber *fiber);
bool fiber_cancelled(void);
void fiber_cancel(struct fiber *fiber);
void fiber_yield(void);			/* Suspends. */
/* IO_TIMEOUT when the time has come, else IO_CANCELLED. Suspends. */
enum io_status fiber_sleep(struct deadline until);

/* The fiber's own arena: gone when the fiber ends. On the loop's stack, one
 * that the loop resets each turn. */
struct arena *fiber_arena(void);
/* fn(arg) runs when the fiber ends, newest first. */
void fiber_defer(void (*fn)(void *), void *arg);
void fiber_defer_fd(int fd);		/* closes it */

/*
 * Log context: "QID: " in front of every line. The text is copied (63 bytes
 * at most); NULL or "" removes it. fiber_note_work also writes role, id and
 * peer into this process's crash slot, for master's report after a crash.
 */
void fiber_log_context(const char *queue_id);
const char *fiber_log_queue_id(void);	/* "" if none */
void fiber_note_work(const char *queue_id, const char *peer);

/*
 * Waiting for one another. A wait queue needs no lock: nothing runs between
 * test and wait. Spurious wake-ups do not happen, but re-test anyway.
 */
struct fiber_queue {
	struct list waiters;
};
#define FIBER_QUEUE(name) { LIST_HEAD((name).waiters) }
void fiber_queue_init(struct fiber_queue *queue);
/* Suspends. */
enum io_status fiber_queue_wait(struct fiber_queue *queue,
    struct deadline deadline);
void fiber_queue_wake_one(struct fiber_queue *queue);
void fiber_queue_wake_all(struct fiber_queue *queue);
bool fiber_queue_has_waiters(const struct fiber_queue *queue);

/*
 * One fiber parks, anyone wakes it (loop stack or another fiber): the
 * primitive under the rest. fiber_park returns IO_OK when woken. A wake for a
 * fiber that is not parked is remembered once. Suspends.
 */
enum io_status fiber_park(struct deadline deadline);
void fiber_wake(struct fiber *fiber);

/* Gives the unused part of this stack back to the system; called before waits
 * that may be long (stream reads between commands do it by themselves). */
void fiber_trim_stack(void);

/*
 * Runs fn(arg), which must not suspend, on the process's one 1 MiB stack:
 * regexec, Berkeley DB, PCRE2 compile, iconv, anything over 24 KB of stack.
 */
void fiber_call_deep(void (*fn)(void *arg), void *arg);

/* Runs fn as the first fiber of a new group and the loop until it ends; for
 * main functions of commands and for tests. loop_start must have been called. */
void fiber_run_main(fiber_fn *fn, void *arg);

size_t fiber_count(void);		/* that live */
struct fiber_stats {
	size_t live, stacks_cached, stack_high_water;
};
void fiber_stats(struct fiber_stats *out);

#endif
