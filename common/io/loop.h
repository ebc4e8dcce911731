/*
 * loop - one epoll, a timer heap, wake-ups from threads, end-of-turn work.
 *
 * The only caller of epoll. A process has one loop; it is created by
 * loop_start after the last exec or fork. tests/harness/sim_loop.c provides
 * the same functions over virtual time: when nothing is ready it moves the
 * clock to the next timer in place of sleeping.
 *
 * A turn: wait, dispatch ready descriptors, run due timers, run fibers until
 * none is runnable, then end-of-turn hooks in order of their rank.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_LOOP_H
#define COMMON_IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/heap.h"
#include "common/base/list.h"

enum { LOOP_IN = 1, LOOP_OUT = 2, LOOP_HUP = 4 };

/*
 * A registered descriptor. Edge-triggered for both directions, registered
 * once: `ready` collects LOOP_* until a caller meets EAGAIN and clears the
 * bit. notify runs on the loop's stack (never a fiber's), must not suspend.
 */
struct loop_fd {
	int fd;
	unsigned ready;
	bool level;			/* listeners: level, EPOLLEXCLUSIVE */
	bool quiet;			/* LOOP_OUT only after loop_want_out */
	bool added, paused, out_armed;	/* the loop's own */
	void (*notify)(struct loop_fd *lfd, unsigned events);
};

struct loop_timer {
	struct heap_node node;
	void (*fire)(struct loop_timer *timer);	/* on the loop's stack */
};

/* End-of-turn hooks: armed again by whoever has something to flush. */
enum loop_rank { LOOP_RANK_LOG, LOOP_RANK_PEERS, LOOP_RANK_LAST,
	LOOP_RANK_COUNT };
struct loop_hook {
	struct list link;
	void (*run)(struct loop_hook *hook);
};

void loop_start(void);			/* fatal on error; once per process */
bool loop_started(void);

/* fd is non-blocking. False with errno when it cannot be waited for: EPERM is
 * a regular file, ENOSPC too many. `ready` may be preset. */
bool loop_add(struct loop_fd *lfd);
/* Listeners: stop and resume being told, without forgetting the fd. */
void loop_pause(struct loop_fd *lfd);
void loop_resume(struct loop_fd *lfd);
void loop_remove(struct loop_fd *lfd);	/* before close(fd) */
/* Removes and closes, one system call less. Whether it was added or not. */
void loop_close(struct loop_fd *lfd);
/* A quiet descriptor met EAGAIN in writing: tell when it can be written. (A
 * unix socket has an edge whenever its peer reads, so a descriptor that is not
 * quiet wakes its process for nothing.) */
void loop_want_out(struct loop_fd *lfd);

void loop_timer_init(struct loop_timer *timer,
    void (*fire)(struct loop_timer *timer));
void loop_timer_set(struct loop_timer *timer, int64_t at_ns);
void loop_timer_stop(struct loop_timer *timer);

void loop_hook_init(struct loop_hook *hook,
    void (*run)(struct loop_hook *hook));
/* Runs once at the end of this turn; arming twice is one run. */
void loop_hook_arm(struct loop_hook *hook, enum loop_rank rank);
void loop_hook_disarm(struct loop_hook *hook);

/* From any thread: the loop will call fn(arg) on its own stack soon. Calls
 * that come before the loop looks share one eventfd write. */
void loop_post(void (*fn)(void *arg), void *arg);

/* Work in threads that the simulated loop must wait for in real time. */
void loop_busy_add(int delta);

/* Fibers are runnable, or will be after this turn's have run: the next wait
 * returns at once. */
void loop_hurry(void);

void loop_turn(int64_t max_wait_ns);	/* one turn; -1 waits for an event */
void loop_run(void);			/* turns until loop_stop */
void loop_stop(void);
uint64_t loop_turns(void);

/* The fiber layer installs itself: run every runnable fiber; true if any. */
void loop_set_runner(bool (*run_fibers)(void));

#endif
