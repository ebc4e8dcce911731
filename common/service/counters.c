/*
 * counters - plain numbers per process, in a segment that master creates.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/panic.h"
#include "common/io/fault.h"
#include "common/service/control.h"
#include "common/service/counters.h"

#define PAGE sizeof(struct counter_page)
#define TOTAL_SIZE ((CONTROL_SLOTS + CONTROL_ROWS) * PAGE)

_Static_assert(PAGE == CONTROL_PAGE, "a page of the system each");
_Static_assert((int)COUNTER_COUNT <= (int)COUNTERS_PER_PAGE, "they fit");

#define COUNTER_NAME(id, name, help) name,
const char *const counter_names[] = { COUNTERS(COUNTER_NAME) };
#define COUNTER_HELP(id, name, help) help,
const char *const counter_helps[] = { COUNTERS(COUNTER_HELP) };

static struct counter_page private_page;
static struct counter_page *all;

struct counter_page *counters_mine = &private_page;

bool
counters_create(int *fd_out, struct str *why)
{
	void *map = MAP_FAILED;
	int fd = FAULT("control.create") ? -1 :
	    memfd_create("waypost-counters", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, (off_t)TOTAL_SIZE) == 0)
		map = mmap(NULL, TOTAL_SIZE, PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		str_printf(why, "create the counters segment: %m");
		return false;
	}
	all = map;
	*fd_out = fd;
	return true;
}

struct counter_page *
counters_of_slot(unsigned slot)
{
	CHECK(all != NULL && slot < CONTROL_SLOTS);
	return &all[slot];
}

struct counter_page *
counters_of_row(unsigned row)
{
	CHECK(all != NULL && row < CONTROL_ROWS);
	return &all[CONTROL_SLOTS + row];
}

void
counters_fold(unsigned slot, unsigned row)
{
	struct counter_page *from = counters_of_slot(slot);
	struct counter_page *to = counters_of_row(row);

	for (size_t i = 0; i < COUNTER_COUNT; i++)
		atomic_fetch_add_explicit(&to->values[i],
		    atomic_exchange_explicit(&from->values[i], 0,
		    memory_order_relaxed), memory_order_relaxed);
}

bool
counters_attach(int fd, unsigned slot, struct str *why)
{
	CHECK(slot < CONTROL_SLOTS);
	void *map = FAULT("control.map") ? MAP_FAILED : mmap(NULL, PAGE,
	    PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)(slot * PAGE));

	close(fd);
	if (map == MAP_FAILED) {
		str_printf(why, "map the counters segment: %m");
		return false;
	}
	counters_mine = map;
	return true;
}
