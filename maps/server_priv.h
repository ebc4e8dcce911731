/*
 * server - the other end of tcp: and socketmap: tables, and the connections to
 * it that are kept between questions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_SERVER_PRIV_H
#define MAPS_SERVER_PRIV_H

#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/io/stream.h"
#include "maps/map.h"

struct server {
	char *shown;			/* "localhost:8461" or a path */
	char *host;			/* NULL: shown is the path of a socket */
	uint16_t port;
	struct list idle;		/* struct connection, newest first */
	size_t connections;		/* idle ones too */
	struct fiber_queue turn;	/* of fibers that wait for one */
	struct loop_timer sweeper;
};

/* "host:port" or "[address]:port", with a number or a service's name; false
 * with a reason. This process may then connect to inet addresses: before the
 * jail, if there will be one. */
bool server_init_inet(struct server *server, struct span text,
    struct str *why);
void server_init_unix(struct server *server, struct span path);
void server_fini(struct server *server);

/* What open gives where answers of other processes are not to be trusted. */
struct map *server_not_trusted(const struct map_spec *spec);

struct server_answer {
	enum map_status status;		/* MAP_FAILED: *why is the server's */
	struct str *value_out;
};
/*
 * Takes the answer from the stream, all of it and no more. Anything but IO_OK
 * ends the connection, which was lost when *why is empty; else the answer made
 * no sense. Suspends.
 */
typedef enum io_status server_read_fn(struct stream *s,
    struct deadline deadline, struct server_answer *answer, struct str *why);
/*
 * Sends the question and reads its answer within 100 seconds; once more over a
 * new connection when one that was kept turns out to be lost. In a fiber.
 * Suspends.
 */
enum map_status server_lookup(struct map *map, struct server *server,
    struct span question, server_read_fn *read, struct str *value_out);

#endif
