/*
 * signal_io - signals as calls on the loop's stack, by signalfd.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_SIGNAL_IO_H
#define COMMON_IO_SIGNAL_IO_H

typedef void signal_fn(int signo);

/* Blocks the signal and calls fn from the loop each time it arrives. Replaces
 * an earlier fn. Call before any thread exists. */
void signal_on(int signo, signal_fn *fn);
void signal_ignore(int signo);		/* SIGPIPE by default, from loop_start */

#endif
