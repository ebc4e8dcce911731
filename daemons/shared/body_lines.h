/*
 * body_lines - cuts the content of a part into the lines that body checks see:
 * whole ones, or pieces of line_length_limit, as far as the part is looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_BODY_LINES_H
#define DAEMONS_SHARED_BODY_LINES_H

#include "common/base/span.h"
#include "common/base/str.h"

struct body_lines {
	size_t line_limit;		/* line_length_limit */
	uint64_t part_limit;		/* body_checks_size_limit */
	/* A line without its LF; ends: there is one. May suspend. */
	void (*line)(struct span line, bool ends, void *arg);
	/* What is beyond the limit, in any split. */
	void (*rest)(struct span bytes, void *arg);
	void *arg;
	struct str kept;		/* a line whose end has not come */
	uint64_t seen;			/* bytes of this part */
};

void body_lines_add(struct body_lines *b, struct span bytes);
void body_lines_new_part(struct body_lines *b);
/* A last line without an end; frees. */
void body_lines_end(struct body_lines *b);

#endif
