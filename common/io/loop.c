/*
 * loop - one epoll, a timer heap, wake-ups from threads, end-of-turn work.
 *
 * epoll gives back a number and the time it was added, not an address: an event
 * for what was removed meanwhile, or was closed here and lives on in another
 * process, finds nobody. The eventfd is edge-triggered and never read: each
 * write is an edge of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/io/fault.h"
#include "common/io/loop.h"

enum { BATCH = 256 };
#define NS_PER_MS 1000000
#define WAKE UINT64_MAX			/* the eventfd's, in place of a tag */

struct post {
	void (*fn)(void *arg);
	void *arg;
	struct post *next;
};

static struct {
	int epoll, wake;
	bool started, stopping, in_turn, hurry;
	_Atomic uint64_t turns;
	struct epoll_event batch[BATCH];
	struct heap timers;
	struct list hooks[LOOP_RANK_COUNT];
	bool (*run_fibers)(void);
} loop = {
	.epoll = -1,
	.wake = -1,
	.hooks = { LIST_HEAD(loop.hooks[LOOP_RANK_LOG]),
	    LIST_HEAD(loop.hooks[LOOP_RANK_PEERS]),
	    LIST_HEAD(loop.hooks[LOOP_RANK_LAST]) },
};

/* By descriptor. */
static struct watched {
	struct loop_fd *lfd;		/* NULL: nobody */
	uint32_t added;			/* the count of additions then */
} *watched;
static size_t nwatched;
static uint32_t additions;

static struct {
	pthread_mutex_t lock;
	struct post *first, **end;
} posts = { PTHREAD_MUTEX_INITIALIZER, NULL, &posts.first };

void
loop_start(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET,
		.data.u64 = WAKE };

	CHECK(!loop.started);
	signal(SIGPIPE, SIG_IGN);
	loop.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop.epoll < 0)
		fatal("create epoll: %m");
	loop.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop.wake < 0 ||
	    epoll_ctl(loop.epoll, EPOLL_CTL_ADD, loop.wake, &event) != 0)
		fatal("create eventfd: %m");
	loop.started = true;
	clock_refresh();
}

bool
loop_started(void)
{
	return loop.started;
}

/* --- Descriptors ---------------------------------------------------------*/

static void
watch(struct loop_fd *lfd)
{
	size_t at = (size_t)lfd->fd;

	CHECK(lfd->fd >= 0);
	if (at >= nwatched) {
		size_t room = at + at / 2 + 64;

		watched = mem_regrow(watched, room, sizeof(*watched));
		memset(watched + nwatched, 0,
		    (room - nwatched) * sizeof(*watched));
		nwatched = room;
	}
	watched[at] = (struct watched){ lfd, ++additions };
}

static uint64_t
tag_of(const struct loop_fd *lfd)
{
	return (uint64_t)watched[lfd->fd].added << 32 | (uint32_t)lfd->fd;
}

/* NULL: nobody waits for it any more. */
static struct loop_fd *
by_tag(uint64_t tag)
{
	size_t fd = (uint32_t)tag;

	return fd < nwatched && watched[fd].added == tag >> 32
	    ? watched[fd].lfd : NULL;
}

static bool
tell_epoll(struct loop_fd *lfd, int operation)
{
	struct epoll_event event = { .data.u64 = tag_of(lfd) };

	if (lfd->level)
		event.events = EPOLLIN | EPOLLEXCLUSIVE;
	else
		event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
	if (lfd->out_armed)
		event.events |= EPOLLOUT;
	return epoll_ctl(loop.epoll, operation, lfd->fd, &event) == 0;
}

bool
loop_add(struct loop_fd *lfd)
{
	CHECK(loop.started && !lfd->added);
	lfd->out_armed = !lfd->level && !lfd->quiet;
	if (FAULT("loop.add"))
		return false;
	watch(lfd);
	if (!tell_epoll(lfd, EPOLL_CTL_ADD)) {
		watched[lfd->fd].lfd = NULL;
		return false;
	}
	lfd->added = true;
	lfd->paused = false;
	return true;
}

static void
forget(struct loop_fd *lfd)
{
	watched[lfd->fd].lfd = NULL;
	if (epoll_ctl(loop.epoll, EPOLL_CTL_DEL, lfd->fd, NULL) != 0)
		panic("descriptor %d left the loop before loop_remove",
		    lfd->fd);
}

/* EPOLLEXCLUSIVE forbids EPOLL_CTL_MOD, so a pause takes the fd out. */
void
loop_pause(struct loop_fd *lfd)
{
	CHECK(lfd->level && lfd->added);
	if (!lfd->paused)
		forget(lfd);
	lfd->paused = true;
}

void
loop_resume(struct loop_fd *lfd)
{
	CHECK(lfd->level && lfd->added);
	if (lfd->paused) {
		watch(lfd);
		if (!tell_epoll(lfd, EPOLL_CTL_ADD))
			fatal("watch descriptor %d: %m", lfd->fd);
	}
	lfd->paused = false;
}

void
loop_remove(struct loop_fd *lfd)
{
	if (lfd->added && !lfd->paused)
		forget(lfd);
	lfd->added = false;
}

/* The kernel takes it out of epoll with its last descriptor. */
void
loop_close(struct loop_fd *lfd)
{
	if (lfd->added && !lfd->paused)
		watched[lfd->fd].lfd = NULL;
	lfd->added = false;
	close(lfd->fd);
}

static void
arm_out(struct loop_fd *lfd, bool armed)
{
	lfd->out_armed = armed;
	if (!tell_epoll(lfd, EPOLL_CTL_MOD))
		fatal("watch descriptor %d: %m", lfd->fd);
}

void
loop_want_out(struct loop_fd *lfd)
{
	if (lfd->added && !lfd->out_armed)
		arm_out(lfd, true);
}

/* --- Timers --------------------------------------------------------------*/

void
loop_timer_init(struct loop_timer *timer,
    void (*fire)(struct loop_timer *timer))
{
	heap_node_init(&timer->node);
	timer->fire = fire;
}

void
loop_timer_set(struct loop_timer *timer, int64_t at_ns)
{
	if (heap_has(&timer->node))
		heap_move(&loop.timers, &timer->node, at_ns);
	else
		heap_insert(&loop.timers, &timer->node, at_ns);
}

void
loop_timer_stop(struct loop_timer *timer)
{
	if (heap_has(&timer->node))
		heap_remove(&loop.timers, &timer->node);
}

/* A timer that sets itself to the past again waits for the next turn. */
static void
run_timers(void)
{
	int64_t now = clock_now_ns();

	for (size_t left = loop.timers.count; left > 0; left--) {
		struct heap_node *first = heap_first(&loop.timers);

		if (first == NULL || first->key > now)
			return;
		struct loop_timer *timer =
		    container_of(first, struct loop_timer, node);

		heap_remove(&loop.timers, first);
		timer->fire(timer);
	}
}

/* --- Work from elsewhere -------------------------------------------------*/

void
loop_post(void (*fn)(void *arg), void *arg)
{
	struct post *post = mem_alloc(sizeof(*post));
	const uint64_t one = 1;
	bool first;

	*post = (struct post){ fn, arg, NULL };
	pthread_mutex_lock(&posts.lock);
	first = posts.first == NULL;
	*posts.end = post;
	posts.end = &post->next;
	pthread_mutex_unlock(&posts.lock);
	if (first && write(loop.wake, &one, sizeof(one)) < 0)
		panic("wake the loop: errno %d", errno);
}

static void
run_posts(void)
{
	pthread_mutex_lock(&posts.lock);
	struct post *post = posts.first;

	posts.first = NULL;
	posts.end = &posts.first;
	pthread_mutex_unlock(&posts.lock);
	while (post != NULL) {
		struct post *next = post->next;

		post->fn(post->arg);
		mem_free(post);
		post = next;
	}
}

void
loop_busy_add(int delta)
{
	(void)delta;			/* matters to the simulated loop */
}

/* --- End of turn ---------------------------------------------------------*/

void
loop_hook_init(struct loop_hook *hook, void (*run)(struct loop_hook *hook))
{
	list_init(&hook->link);
	hook->run = run;
}

void
loop_hook_arm(struct loop_hook *hook, enum loop_rank rank)
{
	if (!list_linked(&hook->link))
		list_append(&loop.hooks[rank], &hook->link);
}

void
loop_hook_disarm(struct loop_hook *hook)
{
	list_remove(&hook->link);
}

/* Log lines go first, so that they precede what makes others go on; hooks
 * that arm themselves again run in the next turn, which then does not wait. */
static void
run_hooks(void)
{
	bool any = false;

	log_flush();
	for (int rank = 0; rank < LOOP_RANK_COUNT; rank++) {
		struct list now = LIST_HEAD(now);

		list_splice(&now, &loop.hooks[rank]);
		while (!list_empty(&now)) {
			struct loop_hook *hook =
			    LIST_FIRST(&now, struct loop_hook, link);

			list_remove(&hook->link);
			hook->run(hook);
			any = true;
		}
	}
	if (any)
		log_flush();
}

static bool
hooks_armed(void)
{
	for (int rank = 0; rank < LOOP_RANK_COUNT; rank++)
		if (!list_empty(&loop.hooks[rank]))
			return true;
	return false;
}

/* --- Turns ---------------------------------------------------------------*/

void
loop_set_runner(bool (*run_fibers)(void))
{
	loop.run_fibers = run_fibers;
}

void
loop_hurry(void)
{
	loop.hurry = true;
}

static int
wait_ms(int64_t max_wait_ns)
{
	struct heap_node *first = heap_first(&loop.timers);
	int64_t wait_ns = max_wait_ns;

	if (loop.hurry || loop.stopping || hooks_armed())
		return 0;
	if (first != NULL) {
		int64_t left;

		clock_refresh();
		left = first->key - clock_now_ns();
		if (left < 0)
			left = 0;
		if (wait_ns < 0 || left < wait_ns)
			wait_ns = left;
	}
	if (wait_ns < 0)
		return -1;
	/* Rounded up: a timer is never early. */
	int64_t ms = wait_ns / NS_PER_MS + (wait_ns % NS_PER_MS != 0);

	return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static void
dispatch(const struct epoll_event *event)
{
	struct loop_fd *lfd = by_tag(event->data.u64);
	unsigned ready = 0;

	if (lfd == NULL)
		return;
	if (event->events & EPOLLIN)
		ready |= LOOP_IN;
	if (event->events & EPOLLOUT)
		ready |= LOOP_OUT;
	if (event->events & EPOLLRDHUP)
		ready |= LOOP_IN | LOOP_HUP;
	if (event->events & (EPOLLHUP | EPOLLERR))
		ready |= LOOP_IN | LOOP_OUT | LOOP_HUP;
	/* Nobody waited for this: do not come again until asked. */
	if (lfd->quiet && event->events == EPOLLOUT &&
	    (lfd->ready & LOOP_OUT) != 0) {
		arm_out(lfd, false);
		return;
	}
	lfd->ready |= ready;
	if (lfd->notify != NULL)
		lfd->notify(lfd, ready);
}

void
loop_turn(int64_t max_wait_ns)
{
	bool posted = false;

	CHECK(loop.started && !loop.in_turn);
	loop.in_turn = true;
	int n = epoll_wait(loop.epoll, loop.batch, BATCH,
	    wait_ms(max_wait_ns));

	if (n < 0 && errno != EINTR)
		fatal("wait for events: %m");
	atomic_fetch_add_explicit(&loop.turns, 1, memory_order_relaxed);
	clock_refresh();
	for (int i = 0; i < n; i++) {
		if (loop.batch[i].data.u64 == WAKE)
			posted = true;
		else
			dispatch(&loop.batch[i]);
	}
	if (posted)
		run_posts();
	run_timers();
	loop.hurry = false;
	if (loop.run_fibers != NULL)
		loop.run_fibers();
	run_hooks();
	loop.in_turn = false;
}

void
loop_run(void)
{
	while (!loop.stopping)
		loop_turn(-1);
	loop.stopping = false;
}

void
loop_stop(void)
{
	loop.stopping = true;
}

uint64_t
loop_turns(void)
{
	return atomic_load_explicit(&loop.turns, memory_order_relaxed);
}
