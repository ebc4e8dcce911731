/*
 * fault - numbered fault points.
 *
 * Points may be passed in offload threads too, so the count has a lock. In
 * builds without FAULTS nothing can be armed, from outside least of all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/scan.h"
#include "common/io/fault.h"

#ifdef FAULTS

static struct {
	pthread_mutex_t lock;
	bool armed, any, hit;
	char name[64];
	int left, error;
} plan = { .lock = PTHREAD_MUTEX_INITIALIZER };

bool
fault_point(const char *name)
{
	bool fail = false;

	pthread_mutex_lock(&plan.lock);
	if (plan.armed && (plan.any || strcmp(plan.name, name) == 0) &&
	    --plan.left == 0) {
		plan.armed = false;
		plan.hit = fail = true;
	}
	pthread_mutex_unlock(&plan.lock);
	if (fail)
		errno = plan.error;
	return fail;
}

void
fault_arm(const char *name, int nth, int error)
{
	pthread_mutex_lock(&plan.lock);
	plan.any = name == NULL;
	snprintf(plan.name, sizeof(plan.name), "%s", name != NULL ? name : "");
	plan.left = nth;
	plan.error = error;
	plan.hit = false;
	plan.armed = nth > 0;
	pthread_mutex_unlock(&plan.lock);
}

bool
fault_was_hit(void)
{
	return plan.hit;
}

void
fault_disarm(void)
{
	plan.armed = plan.hit = false;
}

void
fault_arm_from_environment(void)
{
	const char *text = getenv("WAYPOST_FAULT");

	if (text == NULL)
		return;
	struct span rest = span_cstr(text), name, nth, error;
	uint64_t count, number;
	char copy[64] = "";

	if (!span_split(&rest, ':', &name) || !span_split(&rest, ':', &nth) ||
	    !span_split(&rest, ':', &error) || name.len >= sizeof(copy) ||
	    !scan_u64(nth, &count) || count > 1000000000 ||
	    !scan_u64(error, &number) || number == 0 || number > 4095)
		fatal("WAYPOST_FAULT=%s: want name:nth:errno-number", text);
	memcpy(copy, name.p, name.len);
	fault_arm(name.len > 0 ? copy : NULL, (int)count, (int)number);
}

#else

void
fault_arm(const char *name, int nth, int error)
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

void
fault_disarm(void)
{
}

void
fault_arm_from_environment(void)
{
}

#endif
