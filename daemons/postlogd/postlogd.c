/*
 * postlogd - takes log lines of commands ("public/postlog") and writes them
 * where the daemons write theirs, which master has opened.
 *
 * A datagram is one finished line of a log file. What else comes in is made
 * into one: control bytes are replaced, the length is bounded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <sys/socket.h>

#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/io/loop.h"
#include "common/service/service.h"
#include "daemons/postlogd/postlogd_line.h"

#define AT_ONCE 200

static struct loop_fd source;
static char datagram[65536];

static void
on_datagrams(struct loop_fd *lfd, unsigned events)
{
	(void)events;
	/* A flood gets its turns, so that what was read is written. */
	for (int i = 0; i < AT_ONCE; i++) {
		ssize_t n = recv(lfd->fd, datagram, sizeof(datagram),
		    MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		postlogd_write(span_of(datagram, (size_t)n));
	}
	lfd->ready = 0;
}

static void
serve(int fd)
{
	source = (struct loop_fd){ .fd = fd, .level = true,
		.notify = on_datagrams };
	if (!loop_add(&source))
		fatal("watch the log socket: %m");
}

static const struct service postlogd = {
	.name = "postlogd",
	.solitary = true,
	.serve_datagrams = serve,
};

int
main(int argc, char **argv)
{
	return service_main(&postlogd, argc, argv);
}
