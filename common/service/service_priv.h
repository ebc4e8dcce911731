/*
 * service_priv - what the parts of service_main know of one another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_SERVICE_SERVICE_PRIV_H
#define COMMON_SERVICE_SERVICE_PRIV_H

#include "common/service/inherit.h"
#include "common/service/service.h"
#include "common/service/status.h"

/* Start-up, in this order; going back or skipping is a broken promise. */
enum service_step {
	STEP_NONE, STEP_CONFIGURATION, STEP_LAUNCHER, STEP_TABLES,
	STEP_DESCRIPTORS, STEP_JAIL, STEP_THREADS, STEP_LOOP, STEP_STARTED,
};

struct service_state {
	const struct service *service;
	struct inherit from_master;
	char *name, *type;
	bool chroot;
	char **arguments;
	size_t narguments;
	enum service_step step;
	int queue_dir, launcher;
	struct str refusal, jail;

	struct fiber_group sessions, background;
	struct fiber_queue leave;
	bool draining, asked_successor;
	const struct stream *kept;	/* while draining: one client stays */
	struct deadline stop_by;
};

extern struct service_state service_state;

void service_step(enum service_step step);

/* service_options.c: argv as master gives it. Fatal on nonsense. */
void service_read_options(int argc, char **argv);
/* service_start.c: all that happens before the loop. */
void service_prepare(const struct service *service, int argc, char **argv);
/* service_accept.c: listeners and sessions. */
void service_learn_memory(void);		/* before the jail */
void service_accept_setup(void);	/* before any fiber */
void service_listen(void);
void service_stop_listening(void);
void service_tell_idlers(void);		/* draining has begun */
void service_run_wakeup(struct span bytes);
/* service.c. */
void service_begin_drain(struct deadline stop_by);
/* The status socket: runs until master's end closes. */
void service_hear_master(void *arg);
/* Rows whose value depends on `stress` follow it. */
void service_follow_stress(void);

#endif
