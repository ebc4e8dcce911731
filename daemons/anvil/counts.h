/*
 * counts - who holds how many sessions, what each client did in the time
 * unit, and the most that was seen of anything. Knows no clock and no wire.
 *
 * A client's time unit begins with the first thing it does, and the first one
 * after its end begins another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_ANVIL_COUNTS_H
#define DAEMONS_ANVIL_COUNTS_H

#include <time.h>

#include "common/base/span.h"
#include "common/base/str.h"
#include "daemons/shared/anvil_proto.h"

struct counts;
struct counts_holder;			/* a process that has sessions */

/* unit_s: the time unit. most: clients that are known at once; those beyond
 * are answered as if they came for the first time, which is logged. */
struct counts *counts_new(int64_t unit_s, size_t most);
void counts_free(struct counts **counts);

struct counts_holder *counts_holder_new(struct counts *c);
/* What it held is held no more. */
void counts_holder_free(struct counts_holder **holder);

/* The holder has so many sessions of this client now; returns those of all
 * holders. */
uint64_t counts_hold(struct counts_holder *holder, struct span key,
    uint64_t sessions, int64_t now_ns, time_t wall);
/* n more of this; returns how many in this time unit. */
uint64_t counts_add(struct counts *c, struct span key, enum anvil_rate rate,
    uint64_t n, int64_t now_ns, time_t wall);

/* Forgets clients without sessions whose time unit is over. */
void counts_sweep(struct counts *c, int64_t now_ns);
size_t counts_known(const struct counts *c);

/* What a predecessor counted. */
void counts_adopt(struct counts *c, const struct anvil_legacy *legacy,
    int64_t now_ns, time_t wall);
/* Calls give with each client whose time unit is not over, and forgets what
 * it did; spans are valid during the call. */
void counts_give(struct counts *c, int64_t now_ns,
    void (*give)(const struct anvil_legacy *legacy, void *arg), void *arg);

/* Calls say with each line of the statistics since the last time, without
 * "statistics: ". Nothing when nothing happened. */
void counts_report(struct counts *c, void (*say)(const char *line));

#endif
