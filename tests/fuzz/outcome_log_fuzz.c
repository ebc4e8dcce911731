/*
 * outcome_log: a log with any bytes gives the entries in front of the damage,
 * and what is appended behind it is read again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/panic.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "queue/outcome_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ID "4F0A1B2C3D"

static int queue_dir = -1;
static char dir[200];

static void
tidy_up(void)
{
	unlinkat(queue_dir, "defer/" ID, 0);
	unlinkat(queue_dir, "defer", AT_REMOVEDIR);
	rmdir(dir);
}

static void
set_up(void)
{
	const char *memory = getenv("T_MEMORY");	/* each input is synced */

	snprintf(dir, sizeof(dir), "%s/outcome-log-XXXXXX",
	    memory != NULL ? memory : "/tmp");
	CHECK(mkdtemp(dir) != NULL);
	queue_dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(queue_dir >= 0);
	CHECK(mkdirat(queue_dir, "defer", 0700) == 0);
	queue_names_setup("", 0);
	loop_start();
	atexit(tidy_up);
}

struct input {
	const uint8_t *data;
	size_t size;
};

static void
run(void *arg)
{
	const struct input *in = arg;
	struct arena *arena = arena_new();
	struct outcome more = { .rcpt = SPAN("a@b.example"),
		.dsn = SPAN("4.2.0"), .reason = SPAN("later") };
	struct outcome *list;
	struct str why = STR_EMPTY;
	size_t before, after;
	int fd;

	/* Forgotten, as after a crash. */
	CHECK(outcome_log_remove(queue_dir, QUEUE_DEFER, SPAN(ID), &why));
	fd = openat(queue_dir, "defer/" ID, O_WRONLY | O_CREAT | O_TRUNC
	    | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && write(fd, in->data, in->size) == (ssize_t)in->size);
	close(fd);
	CHECK(outcome_log_read(queue_dir, QUEUE_DEFER, SPAN(ID), arena, &list,
	    &before, &why) == QUEUE_OK);
	CHECK(before <= in->size / 8);
	CHECK(outcome_log_append(queue_dir, QUEUE_DEFER, SPAN(ID), &more, 1,
	    &why));
	CHECK(outcome_log_read(queue_dir, QUEUE_DEFER, SPAN(ID), arena, &list,
	    &after, &why) == QUEUE_OK);
	CHECK(after == before + 1);
	CHECK(span_eq(list[after - 1].rcpt, more.rcpt));
	arena_free(&arena);
	str_fini(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (queue_dir < 0)
		set_up();
	fiber_run_main(run, &in);
	return 0;
}
