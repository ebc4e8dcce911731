/*
 * biff - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/launcher/biff.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/str.h"

void
biff_notify(struct span user, uint64_t offset, uint16_t port)
{
	const struct sockaddr_in comsat = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct str text = STR_EMPTY;
	int fd;

	if (span_empty(user))
		return;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	str_add(&text, user);
	str_addf(&text, "@%llu", (unsigned long long)offset);
	if (sendto(fd, str_cstr(&text), str_len(&text), 0,
	    (const struct sockaddr *)&comsat, sizeof(comsat)) < 0)
		log_debug("biff: %m");
	close(fd);
	str_fini(&text);
}
