/*
 * body_lines - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/body_lines.h"

static void
give(struct body_lines *b, bool ends)
{
	b->line(str_span(&b->kept), ends, b->arg);
	b->seen += str_len(&b->kept) + 1;
	str_clear(&b->kept);
}

void
body_lines_add(struct body_lines *b, struct span bytes)
{
	while (bytes.len > 0) {
		size_t room = b->line_limit - str_len(&b->kept);
		ssize_t lf = span_find(span_sub(bytes, 0, room + 1), '\n');
		struct span part = span_sub(bytes, 0, lf >= 0 ? (size_t)lf
		    : room);

		if (b->seen >= b->part_limit && str_len(&b->kept) == 0) {
			b->rest(bytes, b->arg);
			return;
		}
		str_add(&b->kept, part);
		bytes = span_skip(bytes, part.len + (lf >= 0 ? 1 : 0));
		if (lf >= 0 || str_len(&b->kept) == b->line_limit)
			give(b, lf >= 0);
	}
}

void
body_lines_new_part(struct body_lines *b)
{
	b->seen = 0;
}

void
body_lines_end(struct body_lines *b)
{
	if (str_len(&b->kept) > 0)
		give(b, false);
	str_fini(&b->kept);
}
