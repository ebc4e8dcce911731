/*
 * world - bounce with a queue of its own and a cleanup that keeps in memory what
 * it is given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_DAEMONS_BOUNCE_WORLD_H
#define TESTS_DAEMONS_BOUNCE_WORLD_H

#include "common/io/fiber.h"
#include "daemons/bounce/bounce_conf.h"
#include "daemons/bounce/notice.h"
#include "daemons/bounce/tell.h"
#include "tests/harness/t.h"
#include "tests/harness/t_double.h"

#define WORLD_ID "4F0A1B2C3D"

/* Runs fn in a fiber; conf goes behind our main.cf. */
void world_run(const char *conf, fiber_fn *fn, void *arg);
/* Another main.cf, and templates with it. */
void world_conf(const char *conf);

void world_append(enum queue_name which, const struct outcome *outcomes,
    size_t count);
/* What a message with this envelope and content has to be told of; the content
 * may be NULL. True when all is in the queue. */
bool world_tell(enum bounce_what what, const struct envelope *envelope,
    const char *content);
bool world_has_log(enum queue_name which);

#endif
