/*
 * rpc - serving forms: a table of requests, each with one handler.
 *
 * A connection is kept and carries any number of requests at once; replies
 * bear the request's number and may overtake one another. Replies of one loop
 * turn leave in one send.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_SERVICE_RPC_H
#define COMMON_SERVICE_RPC_H

#include "common/io/sock.h"
#include "common/mail/attr.h"

struct rpc_call {
	const struct sock_peer *peer;	/* of the connection */
	struct arena *arena;		/* of this call */
	const struct attr_form *form;
	uint32_t request;
	struct stream *stream;		/* for one-way forms and streaming */
};

/*
 * Fills *reply_out (zeroed, fds -1; spans may point into the arena). Taken
 * descriptors of the request must be closed or kept by the handler (set to -1
 * in the request, which is closed afterwards). False: the request is nonsense,
 * the connection is closed with a warning.
 */
typedef bool rpc_handle_fn(struct rpc_call *call, void *request,
    void *reply_out);

struct rpc_method {
	const struct attr_form *request;
	const struct attr_form *reply;	/* NULL: one-way */
	rpc_handle_fn *handle;
	bool suspends;			/* gets a fiber of its own */
};

struct rpc_protocol {
	const char *name;
	unsigned version;
	const struct rpc_method *methods;
	size_t nmethods;
	size_t calls_per_connection;	/* in flight; 0 = 1000: reading stops */
	bool accepts_fds;
	/* Its handlers close at once what they have no room for: requests are
	 * taken while descriptors are short. What waits in a socket counts against all
	 * processes of the user, and would keep this one from sending any. */
	bool sheds_fds;
};

/* Serves one connection until it ends; closes it. When the client goes away
 * calls in progress are finished, not cancelled. Suspends. */
void rpc_serve(const struct rpc_protocol *protocol, struct stream *client,
    const struct sock_peer *peer);

/* For services that speak forms in an order of their own (cleanup): the hello
 * that begins each connection. False: not a client of this protocol, or gone;
 * logged where it matters. Suspends. */
bool rpc_read_hello(struct stream *client, const char *protocol,
    unsigned version, struct arena *arena, struct deadline deadline);

/* Tells the client of an attr connection to use it no more and to close it
 * when its calls are answered; what it has sent already is still served. */
void rpc_say_bye(struct stream *client);
#define RPC_BYE 0xffff			/* the form's number; no fields */

#endif
