/*
 * fault - numbered fault points.
 *
 * Points may be passed in offload threads too, so the count has a lock. In
 * builds without FAULTS nothing can be armed, from outside least of all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/scan.h"
#include "common/io/fault.h"

#ifdef FAULTS

enum { NAME_ROOM = 48, ROLE_ROOM = 24, SEEN_MAX = 1000, CACHED = 256 };

/*
 * The board. tests/system/faults.py knows this layout: it fills in the plan
 * and sets `plan` to a new number last; 0 disarms. `left` counts down over all
 * processes of that role.
 */
struct seen {
	char role[ROLE_ROOM], point[NAME_ROOM];
	_Atomic uint32_t passes, used;
};
struct fault_board {
	_Atomic uint32_t plan;
	_Atomic int32_t left;
	int32_t error;			/* or FAULT_KILL, FAULT_STOP */
	uint32_t lasting;
	_Atomic uint32_t hits;
	int32_t hit_pid;		/* of the first hit, as the next two */
	char hit_role[ROLE_ROOM], hit_point[NAME_ROOM];
	char role[ROLE_ROOM], point[NAME_ROOM];	/* "": any */
	_Atomic uint32_t nseen;
	uint32_t unused;
	_Atomic int64_t clock_off_us;	/* wall time, of all who look here */
	struct seen seen[SEEN_MAX];	/* what was passed, by role */
};

static struct {
	pthread_mutex_t lock;
	bool armed, any, hit, lasting;
	char name[NAME_ROOM], hit_name[NAME_ROOM];
	int left, error;
} plan = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct fault_board *board;
static char my_role[ROLE_ROOM];
static struct {
	const char *name;
	struct seen *seen;
} cache[CACHED];

static void
copy_name(char *to, size_t room, const char *from)
{
	snprintf(to, room, "%s", from != NULL ? from : "");
}

/* --- The board -----------------------------------------------------------*/

static bool
is_row(const struct seen *s, const char *name)
{
	return strcmp(s->role, my_role) == 0 && strcmp(s->point, name) == 0;
}

static struct seen *
find_row(const char *name)
{
	uint32_t i, n = atomic_load(&board->nseen);

	for (i = 0; i < n && i < SEEN_MAX; i++)
		if (atomic_load(&board->seen[i].used) &&
		    is_row(&board->seen[i], name))
			return &board->seen[i];
	/* Two processes may add the same: who reads adds them up. */
	i = atomic_fetch_add(&board->nseen, 1);
	if (i >= SEEN_MAX)
		return NULL;
	copy_name(board->seen[i].role, ROLE_ROOM, my_role);
	copy_name(board->seen[i].point, NAME_ROOM, name);
	atomic_store(&board->seen[i].used, 1);
	return &board->seen[i];
}

/* Names are literals: one address, one point. */
static void
count_pass(const char *name)
{
	size_t i = ((uintptr_t)name >> 2) % CACHED;

	if (cache[i].name != name) {
		cache[i].seen = find_row(name);
		cache[i].name = name;
	}
	if (cache[i].seen != NULL)
		atomic_fetch_add(&cache[i].seen->passes, 1);
}

static bool
board_hits(const char *name)
{
	if (atomic_load(&board->plan) == 0 ||
	    (board->role[0] != '\0' && strcmp(board->role, my_role) != 0) ||
	    (board->point[0] != '\0' && strcmp(board->point, name) != 0))
		return false;
	int32_t left = atomic_fetch_sub(&board->left, 1);

	if (left > 1 || (left < 1 && !board->lasting))
		return false;
	if (atomic_fetch_add(&board->hits, 1) == 0) {
		copy_name(board->hit_role, ROLE_ROOM, my_role);
		copy_name(board->hit_point, NAME_ROOM, name);
		board->hit_pid = getpid();
	}
	return true;
}

/* --- Points --------------------------------------------------------------*/

/* False when the pass is to go on after all. */
static bool
act(int error)
{
	if (error == FAULT_KILL || error == FAULT_STOP) {
		raise(-error);
		return false;
	}
	errno = error;
	return true;
}

static bool
plan_hits(const char *name)
{
	if (!plan.armed || (!plan.any && strcmp(plan.name, name) != 0))
		return false;
	if (plan.left > 1) {
		plan.left--;
		return false;
	}
	plan.armed = plan.lasting;
	if (!plan.hit)
		copy_name(plan.hit_name, sizeof(plan.hit_name), name);
	plan.hit = true;
	return true;
}

bool
fault_point(const char *name)
{
	bool fail, on_board = false;

	pthread_mutex_lock(&plan.lock);
	fail = plan_hits(name);
	if (board != NULL) {
		count_pass(name);
		on_board = !fail && board_hits(name);
	}
	pthread_mutex_unlock(&plan.lock);
	return (fail && act(plan.error)) || (on_board && act(board->error));
}

static void
arm(const char *name, int nth, int error, bool lasting)
{
	pthread_mutex_lock(&plan.lock);
	plan.any = name == NULL;
	copy_name(plan.name, sizeof(plan.name), name);
	plan.left = nth;
	plan.error = error;
	plan.lasting = lasting;
	plan.hit = false;
	plan.hit_name[0] = '\0';
	plan.armed = nth > 0;
	pthread_mutex_unlock(&plan.lock);
}

void
fault_arm(const char *name, int nth, int error)
{
	arm(name, nth, error, false);
}

void
fault_arm_lasting(const char *name, int nth, int error)
{
	arm(name, nth, error, true);
}

bool
fault_was_hit(void)
{
	return plan.hit;
}

const char *
fault_hit_name(void)
{
	return plan.hit_name;
}

void
fault_disarm(void)
{
	plan.armed = plan.hit = false;
}

/* --- From outside --------------------------------------------------------*/

static void
arm_by_text(const char *text, const char *role)
{
	struct span rest = span_cstr(text), name, nth, error, whose;
	uint64_t count, number;
	char copy[NAME_ROOM] = "";

	if (!span_split(&rest, ':', &name) || !span_split(&rest, ':', &nth) ||
	    !span_split(&rest, ':', &error) || name.len >= sizeof(copy) ||
	    !scan_u64(nth, &count) || count > 1000000000 ||
	    !scan_u64(error, &number) || number == 0 || number > 4095)
		fatal("WAYPOST_FAULT=%s: want name:nth:errno-number[:role]",
		    text);
	if (span_split(&rest, ':', &whose) && !span_is(whose, role))
		return;
	memcpy(copy, name.p, name.len);
	fault_arm(name.len > 0 ? copy : NULL, (int)count, (int)number);
}

static void
map_board(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*board),
	    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		fatal("WAYPOST_FAULT_BOARD=%s: %m", path);
	close(fd);
	board = p;
	clock_follow(&board->clock_off_us);
}

void
fault_arm_from_environment(const char *role)
{
	const char *text = getenv("WAYPOST_FAULT");
	const char *path = getenv("WAYPOST_FAULT_BOARD");

	copy_name(my_role, sizeof(my_role), role);
	if (text != NULL)
		arm_by_text(text, role);
	if (path != NULL)
		map_board(path);
}

#else

void
fault_arm(const char *name, int nth, int error)
{
	(void)name;
	(void)nth;
	(void)error;
}

void
fault_arm_lasting(const char *name, int nth, int error)
{
	(void)name;
	(void)nth;
	(void)error;
}

bool
fault_was_hit(void)
{
	return false;
}

const char *
fault_hit_name(void)
{
	return "";
}

void
fault_disarm(void)
{
}

void
fault_arm_from_environment(const char *role)
{
	(void)role;
}

#endif
