/*
 * cleanup_headers: any content of a message, cut anywhere, comes to the same
 * headers, the same recipients for sendmail -t, and the same length, which
 * stays within message_size_limit.
 *
 * The first byte chooses the context, and where the content is cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/base/strlist.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/service/service.h"
#include "daemons/cleanup/cleanup_priv.h"
#include "daemons/shared/rewrite_client.h"
#include "tests/fuzz/surroundings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_LIMIT 6000

static const char conf[] =
    "compatibility_level = 3.6\n"
    "myhostname = mail.test\n"
    "inet_interfaces = 127.0.0.1\n"
    "message_size_limit = 6000\n"
    "header_size_limit = 1000\n"
    "hopcount_limit = 5\n"
    "canonical_maps = inline:{a@b.example=c@d.example, c@d.example=e}\n"
    "masquerade_domains = !b.example, example\n"
    "header_checks = regexp:{{/^X-I/ IGNORE}, {/^X-R:(.*)/ REPLACE To:$$1}, "
    "{/^X-P/ PREPEND X: y}, {/^X-B/ BCC x@y}, {/^X-N/ REJECT}}\n"
    "body_checks = regexp:{{/^r(.*)/ REPLACE $$1}, {/^i/ STRIP}, "
    "{/^p/ PREPEND q}}\n"
    "line_length_limit = 512\n"
    "mime_nesting_limit = 2\n"
    "strict_8bitmime = yes\n"
    "undisclosed_recipients_header = To: undisclosed-recipients:;\n";

static const struct service service = { .name = "cleanup" };

/* ---- one message ---- */

struct outcome_of {
	enum cleanup_status status;
	uint64_t length;
	unsigned hops;
	bool has_8bit, has_utf8_header;
	struct str rcpts;
};

struct input {
	struct span text;
	const char *context;
	size_t piece;
};

static void
begin(struct transaction *t, struct arena *arena, const char *context)
{
	*t = (struct transaction){ .arena = arena, .scratch = arena,
		.id = "4F0A1B2C3D", .in_headers = true,
		.flags = CLEANUP_EXTERNAL | CLEANUP_EXTRACT_RCPT,
		.text = str_in_arena(arena), .line = str_in_arena(arena),
		.header = str_in_arena(arena),
		.extracted = arena_zalloc(arena, sizeof(struct strlist)),
		.extracted_resent = arena_zalloc(arena,
		    sizeof(struct strlist)) };
	t->envelope = (struct envelope){ .sender = SPAN("s@a.example"),
		.full_name = SPAN("A \"B\" C"), .arrival_us = 1700000000000000,
		.rewrite_context = SPAN(context) };
	t->writer = queue_writer_new(arena, AT_FDCWD, t->id);
	queue_writer_envelope(t->writer, &t->envelope);
}

static void
clean_up(const struct input *in, size_t piece, struct outcome_of *out)
{
	struct arena *arena = arena_new();
	struct transaction t;
	struct span rest = in->text;

	begin(&t, arena, in->context);
	while (rest.len > 0) {
		struct span bytes = span_sub(rest, 0, piece);

		if (t.status == CLEANUP_OK)
			headers_take(&t, bytes);
		rest = span_skip(rest, bytes.len);
	}
	if (t.status == CLEANUP_OK)
		headers_end(&t);
	*out = (struct outcome_of){ .status = t.status, .hops = t.hops,
		.length = queue_writer_content_length(t.writer),
		.has_8bit = t.has_8bit,
		.has_utf8_header = t.has_utf8_header };
	strlist_join(t.extracted, "\n", &out->rcpts);
	str_adds(&out->rcpts, "\n\n");
	strlist_join(t.extracted_resent, "\n", &out->rcpts);
	CHECK(out->length <= SIZE_LIMIT);
	CHECK(out->hops <= 6);
	for (size_t i = 0; i < t.extracted->count; i++)
		CHECK(t.extracted->items[i][0] != '\0');
	queue_writer_abort(t.writer);
	strlist_fini(t.extracted);
	strlist_fini(t.extracted_resent);
	arena_free(&arena);
}

static void
run(void *arg)
{
	const struct input *in = arg;
	struct outcome_of whole, cut;

	clean_up(in, SIZE_MAX, &whole);
	clean_up(in, in->piece, &cut);
	CHECK(whole.status == cut.status);
	if (whole.status == CLEANUP_OK) {
		CHECK(whole.length == cut.length);
		CHECK(whole.hops == cut.hops);
		CHECK(whole.has_8bit == cut.has_8bit);
		CHECK(whole.has_utf8_header == cut.has_utf8_header);
		CHECK(span_eq(str_span(&whole.rcpts), str_span(&cut.rcpts)));
	}
	str_fini(&whole.rcpts);
	str_fini(&cut.rcpts);
}

static void
set_up(void)
{
	surroundings_quiet();
	surroundings_configure(conf, &cleanup_params);
	service_double(&service, NULL);
	map_setup();
	masquerade_setup();
	checks_setup();
	headers_setup();
	loop_start();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct input in;

	if (!ready)
		set_up();
	ready = true;
	if (size == 0)
		return 0;
	in.text = span_of((const char *)data + 1, size - 1);
	in.context = data[0] & 1 ? "local" : "remote";
	in.piece = 1 + (data[0] >> 1);
	fiber_run_main(run, &in);
	return 0;
}
