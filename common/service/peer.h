/*
 * peer - another service by name: kept connections, pipelined requests.
 *
 * A peer keeps one connection and adds more when many calls are in flight, so
 * that a service spreads over its processes. A lost connection fails its
 * calls with IO_ERROR, or, for calls marked idempotent, is tried once again
 * within the deadline. A service that is not there is asked again every
 * 100 ms..1 s until the deadline.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_SERVICE_PEER_H
#define COMMON_SERVICE_PEER_H

#include "common/mail/attr.h"

struct peer;

/* cls is "private" or "public"; service the master.cf name. One peer per name
 * and process: asking again gives the same. Never NULL; nothing is connected
 * yet. protocol and version go into the hello. */
struct peer *peer_named(const char *cls, const char *service,
    const char *protocol, unsigned version);

/* The same, but nobody else's: with connections of its own. */
struct peer *peer_apart(const char *cls, const char *service,
    const char *protocol, unsigned version);

/* calls_per_connection before another is opened (default 256), and how many
 * connections at most (default 8). */
void peer_set_spread(struct peer *peer, size_t calls, size_t connections);

/* Calls of peer_begin that wait for a connection end with IO_TIMEOUT when none
 * could be made for so long; 0, the default: they wait on. */
void peer_set_patience(struct peer *peer, int64_t ms);

/* Its connection is kept when idle, and one that is lost is asked for again at
 * once, call or no call: for what cannot be had twice, a launcher. */
void peer_set_kept(struct peer *peer);

/* Runs for each new connection behind its hello and before anything else is
 * sent: may queue notices (attr_queue). Must not suspend. */
void peer_set_opening(struct peer *peer, void (*opening)(struct stream *s));

/*
 * Sends a request and waits for its reply, decoded into *reply_out with its
 * spans in the arena. The stream takes over descriptors in the request (dup
 * what is to be kept). Suspends.
 */
enum io_status peer_call(struct peer *peer, bool idempotent,
    const struct attr_form *request_form, const void *request,
    const struct attr_form *reply_form, void *reply_out,
    struct arena *arena, struct deadline deadline);

/* As peer_call, in two steps, for one fiber with many calls: the call is
 * finished by peer_finish, or peer_forget. done(arg), if not NULL, runs where
 * the reply is read (or the call failed); it must not suspend and may finish
 * the call. Never suspends: without a connection the request waits inside. */
struct peer_pending;
struct peer_pending *peer_begin(struct peer *peer, bool idempotent,
    const struct attr_form *request_form, const void *request,
    const struct attr_form *reply_form, void (*done)(void *arg), void *arg);
bool peer_is_done(const struct peer_pending *call);
enum io_status peer_finish(struct peer_pending *call, void *reply_out,
    struct arena *arena, struct deadline deadline);	/* Suspends. */
void peer_forget(struct peer_pending *call);

/* One-way: queued for the end of the turn, dropped (false) when there is no
 * connection now; one is then made in the background. When it is true the
 * stream has taken over descriptors in the fields. */
bool peer_notify(struct peer *peer, const struct attr_form *form,
    const void *fields);

/* A connection of one's own from the pool of idle ones, or new, hello sent:
 * for transactions that stream (cleanup). Give it back healthy between
 * transactions, or close it. NULL when the deadline passed. Suspends. */
struct stream *peer_take_connection(struct peer *peer,
    struct deadline deadline);
void peer_give_connection(struct peer *peer, struct stream *s, bool healthy);

/* What went wrong last with this peer, for people. */
const char *peer_why(const struct peer *peer);

/* A trigger: wakes a service ("public", "pickup") with one byte 'W', or with
 * these bytes (none of them 0); non-blocking; false when nobody listens. Needs
 * no loop. A FIFO of that name will do as well. */
bool peer_trigger(const char *cls, const char *service);
bool peer_trigger_bytes(const char *cls, const char *service,
    struct span bytes);

/* Sockets are below this directory: "" is the current one, where service_main
 * has gone; before that it is queue_directory. Kept, not copied. */
void peer_set_root(const char *dir);

/* Calls to this name go over sockets that connect_fn makes (-1: not now; it
 * runs in a fiber and may suspend): a launcher's workers, doubles in tests. */
void peer_connect_by(const char *cls, const char *service,
    int (*connect_fn)(void *arg), void *arg);

#endif
