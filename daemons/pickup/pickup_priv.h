/*
 * pickup_priv - between the files of pickup.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_PICKUP_PICKUP_PRIV_H
#define DAEMONS_PICKUP_PICKUP_PRIV_H

/* Before the first message; reads the parameters. */
void pickup_setup(void);
/* Brings maildrop/NAME into the queue, or logs why not. Suspends. */
void pickup_take(const char *name);

#endif
