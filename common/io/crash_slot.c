/*
 * crash_slot - what a process was working on, readable after it died.
 *
 * The handler only copies and walks the stack; it runs on a stack of its own,
 * since the one in use may be what overflowed. backtrace() is called once at
 * start, because its first call loads a library.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/io/crash_slot.h"
#include "common/io/fiber_priv.h"

enum { HANDLER_STACK = 64 * 1024 };

static struct crash_slot private_slot;
static struct crash_slot *slot = &private_slot;
static char handler_stack[HANDLER_STACK] __attribute__((aligned(16)));

static void
copy_text(char *to, size_t room, const char *from, size_t len)
{
	if (len >= room)
		len = room - 1;
	memcpy(to, from, len);
	to[len] = '\0';
}

static int
find_base(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(uint64_t *)arg = info->dlpi_addr;
	return 1;			/* the first is the program itself */
}

void
crash_slot_use(struct crash_slot *to)
{
	slot = to != NULL ? to : &private_slot;
	memset(slot, 0, sizeof(*slot));

	const char *tag = log_tag(), *slash = strrchr(tag, '/');
	const char *role = slash != NULL ? slash + 1 : tag;
	ssize_t n = readlink("/proc/self/exe", slot->program,
	    sizeof(slot->program) - 1);

	copy_text(slot->role, sizeof(slot->role), role, strlen(role));
	slot->program[n > 0 ? n : 0] = '\0';
	dl_iterate_phdr(find_base, &slot->base);
}

struct crash_slot *
crash_slot(void)
{
	return slot;
}

void
crash_slot_note(const char *queue_id, const char *peer)
{
	copy_text(slot->queue_id, sizeof(slot->queue_id), queue_id,
	    strlen(queue_id));
	copy_text(slot->peer, sizeof(slot->peer), peer, strlen(peer));
}

static void
keep_panic(struct log_sink *sink, const struct log_record *record)
{
	(void)sink;
	if (record->level == LOG_LEVEL_PANIC)
		copy_text(slot->message, sizeof(slot->message),
		    record->text.p, record->text.len);
}

static void
no_flush(struct log_sink *sink)
{
	(void)sink;
}

static void
on_crash(int signo)
{
	/* Back to the default: returning kills, with the right status. */
	signal(signo, SIG_DFL);
	slot->signo = signo;
	fiber_describe_crash(slot);

	void *frames[ARRAY_COUNT(slot->frames)];
	int depth = backtrace(frames, ARRAY_COUNT(frames));

	for (int i = 0; i < depth; i++)
		slot->frames[i] = (uintptr_t)frames[i];
	slot->depth = depth > 0 ? (uint32_t)depth : 0;
	raise(signo);
}

void
crash_handlers_install(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE,
		SIGILL };
	static struct log_sink panics = { keep_panic, no_flush };
	static bool installed;
	void *frame[1];
	stack_t stack = { .ss_sp = handler_stack,
		.ss_size = sizeof(handler_stack) };
	struct sigaction action = { .sa_handler = on_crash,
		.sa_flags = SA_ONSTACK };

	if (installed)
		return;
	installed = true;
	backtrace(frame, 1);
	log_add_sink(&panics);
	if (fiber_sanitized())
		return;		/* the sanitizer's own report says more */
	CHECK(sigaltstack(&stack, NULL) == 0);
	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_COUNT(signals); i++)
		sigaction(signals[i], &action, NULL);
}
