/*
 * Queue files and mail in maildrop that Postfix wrote: any bytes are refused
 * with a reason, or become a whole message of ours that is not longer than they
 * could make it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/panic.h"
#include "queue/postfix_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_message(int fd, size_t size)
{
	struct arena *arena = arena_new();
	struct queue_message m;
	struct str why = STR_EMPTY;
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(queue_message_open_path(path, arena, &m, &why) == QUEUE_OK);
	CHECK(!m.is_copy && m.layout.content_length <= size);
	CHECK(m.layout.rcpt_count <= size);
	CHECK(queue_message_check(&m, &why) == QUEUE_OK);
	queue_message_close(&m);
	str_fini(&why);
	arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str why = STR_EMPTY;
	int fd = memfd_create("Postfix's", MFD_CLOEXEC);
	int copy;

	CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	postfix_file_is(span_of((const char *)data, size));
	if (postfix_file_copy(fd, size, &copy, &why) == QUEUE_OK) {
		check_message(copy, size);
		close(copy);
	} else {
		CHECK(copy < 0 && str_len(&why) > 0);
	}
	close(fd);
	str_fini(&why);
	return 0;
}
