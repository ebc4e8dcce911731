/*
 * crash - what a dead process left behind, as log lines.
 *
 * The slot was the child's to write: texts are cut to their room and quoted by
 * the log, numbers are bounded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/wait.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "daemons/master/master.h"

static void
add_field(struct str *out, const char *label, const char *text, size_t room)
{
	size_t len = strnlen(text, room);

	if (len > 0)
		str_addf(out, ", %s %.*s", label, (int)len, text);
}

/* Addresses as offsets into the program, for addr2line. */
static void
add_backtrace(struct str *out, const struct crash_slot *slot)
{
	uint32_t depth = slot->depth;

	if (depth > ARRAY_COUNT(slot->frames))
		depth = ARRAY_COUNT(slot->frames);
	if (depth == 0)
		return;
	str_addf(out, ", backtrace %.*s",
	    (int)strnlen(slot->program, sizeof(slot->program)),
	    slot->program);
	for (uint32_t i = 0; i < depth; i++) {
		uint64_t at = slot->frames[i];
		bool ours = at >= slot->base && at - slot->base < 1ULL << 30;

		str_addf(out, " %s0x%llx", ours ? "+" : "",
		    (unsigned long long)(ours ? at - slot->base : at));
	}
}

void
crash_describe(const struct crash_slot *slot, struct str *out)
{
	add_field(out, "working on", slot->queue_id, sizeof(slot->queue_id));
	add_field(out, "for", slot->peer, sizeof(slot->peer));
	add_field(out, "in fiber", slot->fiber, sizeof(slot->fiber));
	add_field(out, "which said:", slot->message, sizeof(slot->message));
	add_backtrace(out, slot);
}

static void
report_work(const struct process *p, const struct crash_slot *slot)
{
	struct str text = STR_EMPTY;

	crash_describe(slot, &text);
	log_warn("%s pid %ld died%s", p->row->cf.command, (long)p->pid,
	    str_cstr(&text));
	str_fini(&text);
}

void
crash_report(const struct process *p, int wait_status)
{
	const struct crash_slot *slot =
	    &control_slot_at(master.control, p->slot)->crash;

	if (WIFSIGNALED(wait_status) && !(p->told_to_leave &&
	    WTERMSIG(wait_status) == SIGKILL))
		log_warn("process %s pid %ld killed by signal %d", p->row->path,
		    (long)p->pid, WTERMSIG(wait_status));
	else if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0)
		log_warn("process %s pid %ld exit status %d", p->row->path,
		    (long)p->pid, WEXITSTATUS(wait_status));
	if (WIFSIGNALED(wait_status) && (slot->signo != 0 ||
	    slot->queue_id[0] != '\0' || slot->message[0] != '\0'))
		report_work(p, slot);
}
