/*
 * files - queues of tests: a directory, messages in it, what is left of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_QUEUE_FILES_H
#define TESTS_QUEUE_FILES_H

#include "queue/message.h"
#include "tests/harness/t.h"

/* A new queue directory below t_tmpdir(). */
int files_queue(const char *name);

struct files_message {
	const char *id, *sender;
	const char *before, *after;	/* recipients around the content */
	size_t content;			/* bytes of it */
	const char *filter;		/* of late; NULL: none */
	bool redirect;			/* those after are all */
};
/* Writes it as cleanup does; QUEUE_OK when it was committed. */
enum queue_result files_write(int queue, const struct files_message *m,
    enum queue_name to);
/* "s@a -> a@b c@d (17)": sender, recipients left, content bytes, "{filter}"; or
 * what is wrong with it. */
const char *files_read(int queue, enum queue_name where, const char *id);
/* "active 4F..; hold 4F..;": all there is. */
const char *files_list(int queue);

#endif
