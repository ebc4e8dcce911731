/*
 * body - what comes behind the message's own headers: passed on as it is
 * unless checks want to see its lines, or the headers of its parts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/mail/conf_core.h"
#include "common/mail/mime.h"
#include "daemons/cleanup/cleanup_priv.h"
#include "daemons/shared/body_lines.h"
#include "daemons/shared/mime_conf.h"

/* ---- lines for body_checks ---- */

static void
put_line(struct span line, bool ends, void *arg)
{
	struct transaction *t = arg;
	struct str changed = STR_EMPTY;

	if (t->status != CLEANUP_OK)
		return;
	switch (checks_body(t, line, &changed)) {
	case LINE_KEPT:
		content_put(t, line);
		break;
	case LINE_CHANGED:
		content_put(t, str_span(&changed));
		break;
	case LINE_DROPPED:
		ends = false;
		break;
	}
	if (ends)
		content_put(t, SPAN("\n"));
	str_fini(&changed);
}

static void
put_rest(struct span bytes, void *arg)
{
	content_put(arg, bytes);
}

static void
lines_over(void *arg)
{
	struct body_lines *lines = arg;

	str_fini(&lines->kept);
}

static void
put_body(struct span bytes, void *arg)
{
	struct transaction *t = arg;

	if (t->lines == NULL && !checks_want_body(t)) {
		content_put(t, bytes);
		return;
	}
	if (t->lines == NULL) {
		t->lines = arena_zalloc(t->arena, sizeof(*t->lines));
		*t->lines = (struct body_lines){
			.line_limit = (size_t)conf_core.line_length_limit,
			.part_limit =
			    (uint64_t)cleanup_conf.body_checks_size_limit,
			.line = put_line, .rest = put_rest, .arg = t };
		arena_on_free(t->arena, lines_over, t->lines);
	}
	body_lines_add(t->lines, bytes);
}

/* ---- parts ---- */

static void
part_begins(void *arg)
{
	struct transaction *t = arg;

	if (t->lines != NULL)
		body_lines_new_part(t->lines);
}

static void
put_header(enum mime_place place, struct span line, size_t name_length,
    void *arg)
{
	struct transaction *t = arg;
	struct str changed = STR_EMPTY;

	switch (checks_header(t, place == MIME_PART ? HEADER_OF_PART
	    : HEADER_NESTED, header_find(span_sub(line, 0, name_length)),
	    line, &changed)) {
	case LINE_KEPT:
		content_put_line(t, line);
		break;
	case LINE_CHANGED:
		content_put_line(t, str_span(&changed));
		break;
	case LINE_DROPPED:
		break;
	}
	str_fini(&changed);
}

static const struct {
	enum mime_trouble trouble;
	const char *text;
} complaints[] = {
	{ MIME_TOO_DEEP, "message parts are nested too deep" },
	{ MIME_8BIT_HEADER, "8-bit data in a message header" },
	{ MIME_8BIT_BODY, "8-bit data in a body that is declared 7bit" },
	{ MIME_ENCODED_CONTAINER, "encoding not allowed for this content type" },
};

static void
refuse_trouble(struct transaction *t)
{
	struct span place;
	unsigned trouble = mime_trouble(t->mime, &place);
	struct str context = STR_EMPTY, reason = STR_EMPTY;

	for (size_t i = 0; trouble != 0 && t->status == CLEANUP_OK
	    && i < sizeof(complaints) / sizeof(complaints[0]); i++) {
		if (!(trouble & complaints[i].trouble))
			continue;
		str_printf(&context, "mime-error %s:", complaints[i].text);
		str_printf(&reason, "5.6.0 %s", complaints[i].text);
		checks_log(t, "reject", str_cstr(&context), place, SPAN_NONE);
		transaction_fail(t, CLEANUP_CONTENT, str_cstr(&reason));
	}
	str_fini(&context);
	str_fini(&reason);
}

/* What of the structure is a reason to refuse a message. */
static unsigned
reported(void)
{
	unsigned mask = 0;

	if (cleanup_conf.strict_8bitmime || cleanup_conf.strict_7bit_headers)
		mask |= MIME_8BIT_HEADER;
	if (cleanup_conf.strict_8bitmime || cleanup_conf.strict_8bitmime_body)
		mask |= MIME_8BIT_BODY;
	if (cleanup_conf.strict_mime_encoding_domain)
		mask |= MIME_ENCODED_CONTAINER;
	if (mask != 0 || checks_want_any())
		mask |= MIME_TOO_DEEP;
	return mask;
}

static bool
wants_structure(const struct transaction *t)
{
	return (t->flags & CLEANUP_FILTER) != 0
	    && !cleanup_conf.disable_mime_input_processing && reported() != 0;
}

void
body_note_header(struct transaction *t, enum header_id id, struct span line,
    size_t name_length)
{
	struct mime_limits limits = mime_conf_limits();
	const struct mime_events events = { .header = put_header,
		.part = part_begins, .content = put_body, .arg = t };

	if (!wants_structure(t))
		return;
	limits.reported = reported();
	if (t->mime == NULL)
		t->mime = mime_new(t->arena, &limits, &events);
	mime_primary_header(t->mime, id, line, name_length);
	refuse_trouble(t);
}

void
body_begin(struct transaction *t)
{
	if (t->mime == NULL)
		return;
	mime_primary_end(t->mime);
	refuse_trouble(t);
	if (mime_is_flat(t->mime) && !(reported() & MIME_8BIT_BODY))
		t->mime = NULL;
}

void
body_take(struct transaction *t, struct span bytes)
{
	if (t->mime == NULL) {
		put_body(bytes, t);
		return;
	}
	mime_take(t->mime, bytes);
	refuse_trouble(t);
}

void
body_end(struct transaction *t)
{
	if (t->mime != NULL) {
		mime_end(t->mime);
		refuse_trouble(t);
	}
	if (t->lines != NULL)
		body_lines_end(t->lines);
}
