/*
 * lookup - answers requests for approved tables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_PROXYMAP_LOOKUP_H
#define DAEMONS_PROXYMAP_LOOKUP_H

#include "common/service/rpc.h"

/* Reads the list that goes with the service's name; opens those that may be
 * written. fatal() for a list that makes no sense. */
void lookup_setup(const char *parameter, const char *value, bool may_write);
void lookup_teardown(void);		/* tests */
extern const struct rpc_protocol lookup_protocol;

#endif
