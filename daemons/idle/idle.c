/*
 * idle - stands in for roles that a stock master.cf names and that have no
 * work here (scache, tlsproxy): it listens and hangs up on who calls, so that
 * nothing ever waits for such a row. It goes by the name it was started as.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "common/service/service.h"

static void
serve(struct stream *client, const struct sock_peer *peer)
{
	(void)peer;
	stream_close(client);
}

static void
wake(struct span bytes)
{
	(void)bytes;
}

int
main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	struct service idle = {
		.name = slash != NULL ? slash + 1 : argc > 0 ? argv[0] : "idle",
		.serve = serve,
		.wakeup = wake,
	};

	return service_main(&idle, argc, argv);
}
