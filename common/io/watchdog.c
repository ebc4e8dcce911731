/*
 * watchdog - end a process whose loop has stopped turning.
 *
 * A loop timer makes an idle loop turn a few times per limit, so that turns
 * stand still only when something hangs. The signal handler must not allocate
 * or log: what it has to say goes to the crash slot and standard error.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/io/crash_slot.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/io/watchdog.h"

static struct {
	int64_t beat_ns;
	struct loop_timer beat;
	_Atomic unsigned pats;
	uint64_t turns_seen;
	unsigned pats_seen;
} dog;

static void
say(const char *text)
{
	struct crash_slot *slot = crash_slot();

	if (slot->message[0] == '\0')
		memccpy(slot->message, text, '\0', sizeof(slot->message) - 1);
	if (write(STDERR_FILENO, text, strlen(text)) < 0 ||
	    write(STDERR_FILENO, "\n", 1) < 0)
		return;
}

static void
on_alarm(int signo)
{
	uint64_t turns = loop_turns();
	unsigned pats = atomic_load(&dog.pats);

	(void)signo;
	if (turns != dog.turns_seen || pats != dog.pats_seen) {
		dog.turns_seen = turns;
		dog.pats_seen = pats;
		return;
	}
	const struct fiber *fiber = fiber_self();
	static char text[160];

	strcpy(text, "panic: watchdog: nothing has moved in fiber ");
	strncat(text, fiber != NULL ? fiber_name(fiber) : "(none)", 64);
	say(text);
	abort();
}

static void
beat(struct loop_timer *timer)
{
	loop_timer_set(timer, clock_now_ns() + dog.beat_ns);
}

void
watchdog_start(int limit_seconds)
{
	struct sigaction action = { .sa_handler = on_alarm,
		.sa_flags = SA_ONSTACK | SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGALRM };
	struct itimerspec each = { .it_interval.tv_sec = limit_seconds,
		.it_value.tv_sec = limit_seconds };
	timer_t timer;

	if (limit_seconds <= 0)
		return;
	dog.beat_ns = (int64_t)limit_seconds * 1000000000 / 3;
	loop_timer_init(&dog.beat, beat);
	beat(&dog.beat);
	sigfillset(&action.sa_mask);
	if (sigaction(SIGALRM, &action, NULL) != 0 ||
	    timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
	    timer_settime(timer, 0, &each, NULL) != 0)
		fatal("start the watchdog: %m");
}

void
watchdog_pat(void)
{
	atomic_fetch_add(&dog.pats, 1);
}
