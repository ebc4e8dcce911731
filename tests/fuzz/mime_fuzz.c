/*
 * The first line is a Content-Type, the rest content, cut in two places by the
 * first bytes: no byte may get lost or come twice, however it is cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/mail/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct str back;
	bool after_header;
};

static void
on_content(struct span bytes, void *arg)
{
	struct seen *seen = arg;

	CHECK(bytes.len > 0);
	if (seen->after_header)
		str_putc(&seen->back, '\n');
	seen->after_header = false;
	str_add(&seen->back, bytes);
}

static void
on_header(enum mime_place place, struct span line, size_t name_length,
    void *arg)
{
	struct seen *seen = arg;

	CHECK(place == MIME_PART || place == MIME_NESTED);
	CHECK(name_length > 0 && name_length == header_name_length(line));
	on_content(line, arg);
	seen->after_header = true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mime_limits limits = { .header = 1 << 20,
		.boundary = 10, .nesting = 4, .reported = ~0u };
	struct span in = span_of((const char *)data, size), type;
	struct seen seen = { .back = STR_EMPTY };
	struct mime_events events = { .header = on_header,
		.content = on_content, .arg = &seen };
	struct arena *arena;
	struct mime *m;
	struct str line = STR_EMPTY;

	if (size < 2)
		return 0;
	size_t first = data[0], second = data[1];

	in = span_skip(in, 2);
	if (!span_split(&in, '\n', &type))
		return 0;
	arena = arena_new();
	m = mime_new(arena, &limits, &events);
	str_printf(&line, "Content-Type:%.*s", SPAN_ARG(type));
	mime_primary_header(m, HEADER_CONTENT_TYPE, str_span(&line), 12);
	mime_primary_end(m);
	mime_take(m, span_sub(in, 0, first));
	mime_take(m, span_sub(in, first, second));
	mime_take(m, span_skip(in, first + second));
	mime_end(m);
	if (seen.after_header && span_ends(in, SPAN("\n")))
		str_putc(&seen.back, '\n');
	CHECK(span_eq(str_span(&seen.back), in));
	str_fini(&seen.back);
	str_fini(&line);
	arena_free(&arena);
	return 0;
}
