/*
 * Queue files: any bytes are refused with a reason, or read as an envelope and
 * no more recipients than the file could hold. The checksum, which would hide
 * the records from chance, is not looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/panic.h"
#include "queue/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t seen;

static void
count(const struct envelope_rcpt *rcpt, bool done, void *arg)
{
	(void)arg;
	(void)done;
	CHECK(rcpt->mark_at > 0);
	seen++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct envelope_rcpt rcpts[7];
	struct arena *arena;
	struct queue_message m;
	struct str why = STR_EMPTY;
	uint64_t cursor = 0;
	size_t n = 0, total = 0;
	char path[40];
	int fd = memfd_create("queue file", MFD_CLOEXEC);

	CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	arena = arena_new();
	if (queue_message_open_path(path, arena, &m, &why) == QUEUE_OK) {
		CHECK(m.layout.content_offset + m.layout.content_length
		    <= size);
		do {
			if (queue_message_rcpts(&m, &cursor, 7, arena, rcpts,
			    &n, &why) != QUEUE_OK)
				break;
			total += n;
			CHECK(total <= size);
		} while (cursor != 0);
		seen = 0;
		/* It stops at one that is done and makes no sense, which the
		 * other passes over. */
		if (queue_message_each_rcpt(&m, count, NULL, &why) == QUEUE_OK)
			CHECK(seen >= total);
		CHECK(seen <= size);
		queue_message_close(&m);
	} else {
		CHECK(str_len(&why) > 0);
	}
	close(fd);
	str_fini(&why);
	arena_free(&arena);
	return 0;
}
