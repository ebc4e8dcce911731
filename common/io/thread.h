/*
 * thread - threads as this tree has them: all signals blocked, which are the
 * loop's, and a small stack.
 *
 * Started after the jail. They touch only what they are handed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_THREAD_H
#define COMMON_IO_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* False when there is none to be had. */
bool thread_start(pthread_t *out, void *(*run)(void *arg), void *arg);

#endif
