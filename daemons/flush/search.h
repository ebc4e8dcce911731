/*
 * search - finds the deferred messages of sites and has the queue manager try
 * them now.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_FLUSH_SEARCH_H
#define DAEMONS_FLUSH_SEARCH_H

#include "common/base/hash.h"
#include "daemons/shared/queue_list.h"

struct search {
	const struct hash *sites;	/* lower case -> anything */
	/* Is told each message once; false stops. May suspend. */
	bool (*found)(const char *id, void *arg);
	void *arg;

	/* The message at hand. */
	char id[64];
	bool deferred, matches;
};

/* A lister (queue_list.h) that feeds it. */
struct queue_lister search_lister(struct search *search);

#endif
