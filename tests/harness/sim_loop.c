/*
 * sim_loop - the functions of common/io/loop.h over virtual time.
 *
 * Linked in place of loop.c. When no descriptor is ready, nothing was posted
 * and no thread is at work, the clock moves to the next timer in place of
 * sleeping: a five-minute time-out takes no time. Real descriptors work, by
 * poll(2); it only asks for what a descriptor is not known to be ready for,
 * which gives the edges that callers of the real loop see.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/io/fault.h"
#include "common/io/loop.h"

/* So long a real wait means that the test waits for something that cannot
 * come. */
enum { STUCK_MS = 20000 };

struct post {
	void (*fn)(void *arg);
	void *arg;
	struct post *next;
};

static struct {
	bool started, stopping, in_turn, hurry;
	uint64_t turns;
	int wake, busy;
	struct loop_fd **fds;		/* NULL: free */
	struct pollfd *polls;
	size_t count;
	struct heap timers;
	struct list hooks[LOOP_RANK_COUNT];
	bool (*run_fibers)(void);
} sim = {
	.wake = -1,
	.hooks = { LIST_HEAD(sim.hooks[LOOP_RANK_LOG]),
	    LIST_HEAD(sim.hooks[LOOP_RANK_PEERS]),
	    LIST_HEAD(sim.hooks[LOOP_RANK_LAST]) },
};

static struct {
	pthread_mutex_t lock;
	struct post *first, **end;
} posts = { PTHREAD_MUTEX_INITIALIZER, NULL, &posts.first };

void
loop_start(void)
{
	CHECK(!sim.started);
	signal(SIGPIPE, SIG_IGN);
	sim.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(sim.wake >= 0);
	sim.started = true;
	/* 2026-01-02 03:04:05 UTC, with an hour of monotonic time behind. */
	clock_set_virtual(INT64_C(3600000000000), INT64_C(1767323045000000));
}

bool
loop_started(void)
{
	return sim.started;
}

/* --- Descriptors ---------------------------------------------------------*/

bool
loop_add(struct loop_fd *lfd)
{
	struct stat st;
	size_t i = 0;

	CHECK(sim.started && !lfd->added);
	if (FAULT("loop.add") || fstat(lfd->fd, &st) != 0)
		return false;
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) {
		errno = EPERM;		/* as epoll says */
		return false;
	}
	while (i < sim.count && sim.fds[i] != NULL)
		i++;
	if (i == sim.count) {
		sim.count = sim.count * 2 + 16;
		sim.fds = mem_regrow(sim.fds, sim.count, sizeof(*sim.fds));
		sim.polls = mem_regrow(sim.polls, sim.count + 1,
		    sizeof(*sim.polls));
		for (size_t j = i; j < sim.count; j++)
			sim.fds[j] = NULL;
	}
	sim.fds[i] = lfd;
	lfd->added = true;
	lfd->paused = false;
	return true;
}

void
loop_pause(struct loop_fd *lfd)
{
	CHECK(lfd->level && lfd->added);
	lfd->paused = true;
}

void
loop_resume(struct loop_fd *lfd)
{
	CHECK(lfd->level && lfd->added);
	lfd->paused = false;
}

void
loop_remove(struct loop_fd *lfd)
{
	if (!lfd->added)
		return;
	/* The real loop would have an event for another file by then. */
	CHECK(fcntl(lfd->fd, F_GETFD) >= 0);
	for (size_t i = 0; i < sim.count; i++)
		if (sim.fds[i] == lfd)
			sim.fds[i] = NULL;
	lfd->added = false;
}

void
loop_close(struct loop_fd *lfd)
{
	loop_remove(lfd);
	close(lfd->fd);
}

void
loop_want_out(struct loop_fd *lfd)
{
	(void)lfd;			/* asked for while not ready */
}

static short
wanted_events(const struct loop_fd *lfd)
{
	short events = 0;

	if (lfd->level)
		return lfd->paused ? 0 : POLLIN;
	if ((lfd->ready & LOOP_IN) == 0)
		events |= POLLIN;
	if ((lfd->ready & LOOP_OUT) == 0)
		events |= POLLOUT;
	if ((lfd->ready & LOOP_HUP) == 0)
		events |= POLLRDHUP;
	return events;
}

/* Returns whether any descriptor had news, or somebody posted. */
static bool
look(int wait_ms, bool *posted_out)
{
	for (size_t i = 0; i < sim.count; i++) {
		short events = sim.fds[i] != NULL ?
		    wanted_events(sim.fds[i]) : 0;

		sim.polls[i] = (struct pollfd){
			.fd = events != 0 ? sim.fds[i]->fd : -1,
			.events = events };
	}
	if (sim.polls == NULL)
		sim.polls = mem_array(1, sizeof(*sim.polls));
	sim.polls[sim.count] = (struct pollfd){ .fd = sim.wake,
		.events = POLLIN };
	int n = poll(sim.polls, sim.count + 1, wait_ms);

	CHECK(n >= 0 || errno == EINTR);
	*posted_out = n > 0 && sim.polls[sim.count].revents != 0;
	return n > 0;
}

static void
dispatch(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct loop_fd *lfd = sim.fds[i];
		short got = sim.polls[i].revents;
		unsigned ready = 0;

		/* Removed, or replaced, by an earlier notify. */
		if (lfd == NULL || got == 0 || sim.polls[i].fd != lfd->fd ||
		    (lfd->level && lfd->paused))
			continue;
		if (got & POLLIN)
			ready |= LOOP_IN;
		if (got & POLLOUT)
			ready |= LOOP_OUT;
		if (got & POLLRDHUP)
			ready |= LOOP_IN | LOOP_HUP;
		if (got & (POLLHUP | POLLERR))
			ready |= LOOP_IN | LOOP_OUT | LOOP_HUP;
		CHECK((got & POLLNVAL) == 0);
		lfd->ready |= ready;
		if (lfd->notify != NULL)
			lfd->notify(lfd, ready);
	}
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
		heap_move(&sim.timers, &timer->node, at_ns);
	else
		heap_insert(&sim.timers, &timer->node, at_ns);
}

void
loop_timer_stop(struct loop_timer *timer)
{
	if (heap_has(&timer->node))
		heap_remove(&sim.timers, &timer->node);
}

static void
run_timers(void)
{
	for (size_t left = sim.timers.count; left > 0; left--) {
		struct heap_node *first = heap_first(&sim.timers);

		if (first == NULL || first->key > clock_now_ns())
			return;
		heap_remove(&sim.timers, first);
		struct loop_timer *timer =
		    container_of(first, struct loop_timer, node);

		timer->fire(timer);
	}
}

/* --- Work from elsewhere -------------------------------------------------*/

void
loop_post(void (*fn)(void *arg), void *arg)
{
	struct post *post = mem_alloc(sizeof(*post));
	const uint64_t one = 1;

	*post = (struct post){ fn, arg, NULL };
	pthread_mutex_lock(&posts.lock);
	*posts.end = post;
	posts.end = &post->next;
	pthread_mutex_unlock(&posts.lock);
	CHECK(write(sim.wake, &one, sizeof(one)) == sizeof(one));
}

static void
run_posts(void)
{
	uint64_t count;

	CHECK(read(sim.wake, &count, sizeof(count)) == sizeof(count));
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
	sim.busy += delta;
	CHECK(sim.busy >= 0);
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
		list_append(&sim.hooks[rank], &hook->link);
}

void
loop_hook_disarm(struct loop_hook *hook)
{
	list_remove(&hook->link);
}

static void
run_hooks(void)
{
	log_flush();
	for (int rank = 0; rank < LOOP_RANK_COUNT; rank++) {
		struct list now = LIST_HEAD(now);

		list_splice(&now, &sim.hooks[rank]);
		while (!list_empty(&now)) {
			struct loop_hook *hook =
			    LIST_FIRST(&now, struct loop_hook, link);

			list_remove(&hook->link);
			hook->run(hook);
		}
	}
	log_flush();
}

static bool
hooks_armed(void)
{
	for (int rank = 0; rank < LOOP_RANK_COUNT; rank++)
		if (!list_empty(&sim.hooks[rank]))
			return true;
	return false;
}

/* --- Turns ---------------------------------------------------------------*/

void
loop_set_runner(bool (*run_fibers)(void))
{
	sim.run_fibers = run_fibers;
}

void
loop_hurry(void)
{
	sim.hurry = true;
}

/* To the next timer, but not past the longest wait asked for. False when
 * there is neither. */
static bool
move_clock(int64_t max_wait_ns)
{
	struct heap_node *first = heap_first(&sim.timers);
	int64_t step = first != NULL ? first->key - clock_now_ns() : -1;

	if (first != NULL && step < 0)
		step = 0;
	if (max_wait_ns >= 0 && (step < 0 || max_wait_ns < step))
		step = max_wait_ns;
	if (step < 0)
		return false;
	clock_advance_ns(step);
	return true;
}

static void
wait_for_something(int64_t max_wait_ns, bool *posted_out)
{
	bool patient = !sim.hurry && !sim.stopping && !hooks_armed();

	if (look(0, posted_out) || !patient)
		return;
	/* Threads work in real time, and nobody else can make news. */
	if (sim.busy == 0 && move_clock(max_wait_ns))
		return;
	if (!look(STUCK_MS, posted_out) && errno != EINTR)
		panic("the simulated loop waits for what cannot happen");
}

void
loop_turn(int64_t max_wait_ns)
{
	bool posted;

	CHECK(sim.started && !sim.in_turn);
	sim.in_turn = true;
	errno = 0;
	wait_for_something(max_wait_ns, &posted);
	sim.turns++;
	dispatch(sim.count);
	if (posted)
		run_posts();
	run_timers();
	sim.hurry = false;
	if (sim.run_fibers != NULL)
		sim.run_fibers();
	run_hooks();
	sim.in_turn = false;
}

void
loop_run(void)
{
	while (!sim.stopping)
		loop_turn(-1);
	sim.stopping = false;
}

void
loop_stop(void)
{
	sim.stopping = true;
}

uint64_t
loop_turns(void)
{
	return sim.turns;
}
