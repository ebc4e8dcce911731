/*
 * Recovery beside writers: what is being written is no damage.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/scan.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/queue/files.h"

enum { MESSAGES = 8000 };

static void
write_many(int queue)
{
	for (unsigned i = 0; i < MESSAGES; i++) {
		char id[QUEUE_ID_MAX];
		struct files_message m = { .id = id, .sender = "s@a",
			.before = "a@b", .content = 60 };

		snprintf(id, sizeof(id), "4F0A1B2%05X", i);
		if (files_write(queue, &m, QUEUE_INCOMING) != QUEUE_OK)
			_exit(1);
	}
	_exit(0);
}

/* A file is locked a moment after it was made: who looks at it just then must not
 * take it for one that lost its end. */
T_TEST(a_file_that_is_just_being_written_is_left_alone)
{
	struct queue_recovery done = { .requeued = 0 };
	char id[QUEUE_ID_MAX];
	int queue, status = -1;
	bool ended = false;
	unsigned next = 0;
	pid_t child;

	t_tmpdir_in_memory();
	queue = files_queue("q");
	child = fork();
	T_NEED(child >= 0);
	if (child == 0)
		write_many(queue);
	while (next < MESSAGES && done.corrupt == 0) {
		snprintf(id, sizeof(id), "4F0A1B2%05X", next);
		queue_recover_one(queue, QUEUE_INCOMING, SPAN(id), 0, &done);
		/* On to the next one when that is there. */
		if (files_read(queue, QUEUE_INCOMING, id)[0] == 's')
			next++;
		else if (ended)
			break;
		else
			ended = waitpid(child, &status, WNOHANG) == child;
	}
	if (!ended)
		(void)waitpid(child, &status, 0);
	T_EQ_INT(status, 0);
	T_EQ_INT(done.corrupt, 0);
	T_EQ_INT(done.removed, 0);
	T_EQ_INT(next, MESSAGES);
	close(queue);
}
