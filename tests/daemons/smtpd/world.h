/*
 * world - what smtpd meets in tests: services that answer as told, and clients
 * that speak from a script. See script.c for the language.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_DAEMONS_SMTPD_WORLD_H
#define TESTS_DAEMONS_SMTPD_WORLD_H

#include "common/base/ipaddr.h"
#include "common/io/stream.h"
#include "daemons/shared/resolver_proto.h"

struct world {
	/* As main.cf: lines. */
	struct str conf;
	const char *refusal;		/* service_refusal */
	/* The client. */
	struct ipaddr ip;
	uint16_t port;
	char name[256];			/* "" without one */
	bool mismatch;			/* the name points elsewhere */
	enum resolver_status dns;	/* of the reverse look-up */
	/* The services. */
	bool no_rewrite, no_cleanup, no_anvil, no_verify;
	bool cleanup_stalls;		/* takes the message, never answers */
	bool cleanup_deaf;		/* does not read behind the beginning */
	uint64_t cleanup_status;
	char cleanup_text[256];
	/* A server at smtpd_proxy_filter, if wanted: its replies by step, else
	 * the usual ones; "close", "stall". What it hears is in `got`. */
	bool filter, filter_down;
	bool no_incoming;		/* no file can be made for it */
	char filter_offers[200];	/* keywords, a blank between two */
	struct { char step[16], reply[200]; } filter_says[8];
	size_t nfilter_says;
	/* What came of it. */
	struct str got;			/* messages that reached cleanup */
	struct str told;		/* notes that reached anvil */
	unsigned messages, lost;	/* complete, and broken off */
	struct str log;
};
extern struct world world;

void world_reset(void);
/* Configuration, doubles, loop; runs fn as the client of one session. */
void world_run(void (*fn)(struct stream *to_server, void *arg), void *arg);
/* Another session for the same server. */
struct stream *world_connect(void);
/* The same; NULL where a fault kept it from being. */
struct stream *world_try_connect(void);
void world_take_log(void);		/* logged lines into world.log */

/* Runs tests/scripts/NAME. */
void script_run(const char *path);

#endif
