/*
 * thread - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>

#include "common/io/fault.h"
#include "common/io/fiber_priv.h"
#include "common/io/thread.h"

bool
thread_start(pthread_t *out, void *(*run)(void *arg), void *arg)
{
	/* Sanitizers make frames several times larger. */
	size_t stack = (fiber_sanitized() ? 2048 : 256) * 1024;
	pthread_attr_t attributes;
	sigset_t all, before;

	if (FAULT("thread.start"))
		return false;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, stack);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool ok = pthread_create(out, &attributes, run, arg) == 0;

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return ok;
}
