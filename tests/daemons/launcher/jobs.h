/*
 * jobs - what the tests of mailbox writers share: a message, a job for it, and
 * what is on disk after.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_DAEMONS_LAUNCHER_JOBS_H
#define TESTS_DAEMONS_LAUNCHER_JOBS_H

#include "common/io/fiber.h"
#include "daemons/launcher/worker.h"
#include "tests/harness/t.h"

/* Runs fn as a fiber over the simulated loop. */
void jobs_run(void (*fn)(void));

/* A job for this content; the path is below t_tmpdir(). */
struct mailbox_job jobs_make(enum mailbox_style style, const char *name,
    const char *content);
/* Does it; the result stays good. "delivered", "defer" or "bounce". */
const char *jobs_do(const struct mailbox_job *job);
extern struct mailbox_result jobs_result;
const char *jobs_text(void);		/* of the last result */

/* A file below t_tmpdir(): its bytes, or "absent". */
const char *jobs_file(const char *name);
/* How many files are in this directory below t_tmpdir(), and the first one. */
size_t jobs_count(const char *name, char *first_out);
/* Absolute name, kept. */
const char *jobs_path(const char *name);

#endif
