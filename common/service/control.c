/*
 * control - the segment that master shares with its children.
 *
 * The header and the rows come first, then one page per slot, so that a child
 * can be given its own slot alone for writing. Slots are read up to slots_used
 * only: a page of a sparse segment is not touched before a process has it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/panic.h"
#include "common/io/fault.h"
#include "common/service/control.h"

#define CONTROL_MAGIC 0x31747370796177ULL
#define HEAD_SIZE                                                            \
	((sizeof(struct control) + CONTROL_PAGE - 1) / CONTROL_PAGE *        \
	CONTROL_PAGE)
#define TOTAL_SIZE (HEAD_SIZE + (size_t)CONTROL_SLOTS * CONTROL_PAGE)

_Static_assert(sizeof(struct control_slot) <= CONTROL_PAGE, "one page each");

static struct control private_control = { .magic = CONTROL_MAGIC,
	.slots_used = 0 };
static struct control_slot private_slot;

static const struct control *segment = &private_control;
static struct control_slot *mine = &private_slot;

struct control *
control_create(int *rw_out, int *ro_out, struct str *why)
{
	char path[64];
	struct control *c = MAP_FAILED;
	int rw = FAULT("control.create") ? -1 :
	    memfd_create("waypost-control", MFD_CLOEXEC), ro = -1;

	if (rw >= 0 && ftruncate(rw, (off_t)TOTAL_SIZE) == 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", rw);
		ro = open(path, O_RDONLY | O_CLOEXEC);
		/* Without /proc, readers get what could also write. */
		if (ro < 0)
			ro = fcntl(rw, F_DUPFD_CLOEXEC, 3);
		c = mmap(NULL, TOTAL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		    rw, 0);
	}
	if (c == MAP_FAILED) {
		str_printf(why, "create the control segment: %m");
		return NULL;
	}
	c->magic = CONTROL_MAGIC;
	segment = c;
	*rw_out = rw;
	*ro_out = ro;
	return c;
}

static struct control_slot *
slot_of(const struct control *c, unsigned slot)
{
	CHECK(slot < CONTROL_SLOTS);
	return (struct control_slot *)(void *)((char *)(uintptr_t)c +
	    HEAD_SIZE + (size_t)slot * CONTROL_PAGE);
}

struct control_slot *
control_slot_at(struct control *c, unsigned slot)
{
	return slot_of(c, slot);
}

bool
control_attach(int ro, int rw, unsigned slot, struct str *why)
{
	CHECK(slot < CONTROL_SLOTS);
	struct control *all = FAULT("control.map") ? MAP_FAILED :
	    mmap(NULL, TOTAL_SIZE, PROT_READ, MAP_SHARED, ro, 0);
	struct control_slot *own = mmap(NULL, CONTROL_PAGE,
	    PROT_READ | PROT_WRITE, MAP_SHARED, rw,
	    (off_t)(HEAD_SIZE + (size_t)slot * CONTROL_PAGE));

	close(ro);
	close(rw);
	if (all == MAP_FAILED || own == MAP_FAILED) {
		str_printf(why, "map the control segment: %m");
		return false;
	}
	if (all->magic != CONTROL_MAGIC) {
		str_printf(why, "the control segment is of another version");
		return false;
	}
	segment = all;
	mine = own;
	return true;
}

const struct control *
control(void)
{
	return segment;
}

struct control_slot *
control_mine(void)
{
	return mine;
}

const struct control_row *
control_row_mine(void)
{
	uint32_t row = atomic_load(&mine->row);

	return &segment->rows[row < CONTROL_ROWS ? row : 0];
}

uint64_t
control_clients(unsigned row)
{
	if (segment == &private_control)
		return atomic_load(&private_slot.clients);

	uint32_t used = atomic_load(&segment->slots_used);
	uint64_t sum = 0;

	if (used > CONTROL_SLOTS)
		used = CONTROL_SLOTS;
	for (uint32_t i = 0; i < used; i++) {
		struct control_slot *s = slot_of(segment, i);

		if (atomic_load(&s->state) != CONTROL_FREE &&
		    atomic_load(&s->row) == row)
			sum += atomic_load(&s->clients);
	}
	return sum;
}

uint64_t
control_table_generation(void)
{
	return atomic_load_explicit(&segment->table_generation,
	    memory_order_relaxed);
}
