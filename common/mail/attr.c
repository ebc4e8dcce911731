/*
 * attr - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/attr.h"

#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/base/reader.h"
#include "common/io/fs.h"

#define HEADER_BYTES 12			/* length, form, descriptors, request */
#define CRITICAL 0x80
#define WIRE_VARINT 0
#define WIRE_BYTES 1
#define DEPTH_MOST 4

static const struct attr_field hello_fields[] = {
	ATTR_FIELD(struct attr_hello, protocol, 1, ATTR_SPAN, .required = true,
	    .limit = 64),
	ATTR_FIELD(struct attr_hello, version, 2, ATTR_U64, .required = true),
	ATTR_FIELD(struct attr_hello, build, 3, ATTR_SPAN, .limit = 128),
};
const struct attr_form attr_hello_form =
    ATTR_FORM("hello", 0, struct attr_hello, hello_fields);

/* ---- writing ---- */

static const void *
member(const void *fields, const struct attr_field *f)
{
	return (const char *)fields + f->offset;
}

static void
put_tag(struct str *out, const struct attr_field *f, uint8_t wire)
{
	writer_u8(out, (uint8_t)(f->tag | (f->critical ? CRITICAL : 0)));
	writer_u8(out, wire);
}

static void
put_number(struct str *out, const struct attr_field *f, uint64_t v)
{
	if (v == 0 && !f->required)
		return;
	put_tag(out, f, WIRE_VARINT);
	writer_varint(out, v);
}

/* The length of a nested form is not known before it is written: room for a
 * five byte varint is left, and closed up. */
static void
put_nested(struct str *out, const struct attr_form *form, const void *fields)
{
	size_t at = str_len(out), len;
	char length[10];
	size_t n = 0;

	str_reserve(out, 5);
	str_advance(out, 5);
	attr_encode_body(out, form, fields);
	len = str_len(out) - at - 5;
	for (size_t v = len; ; v >>= 7) {
		length[n++] = (char)(v < 0x80 ? v : v | 0x80);
		if (v < 0x80)
			break;
	}
	memcpy(out->buf + at, length, n);
	memmove(out->buf + at + n, out->buf + at + 5, len);
	str_truncate(out, at + n + len);
}

static void
put_list(struct str *out, const struct attr_field *f,
    const struct attr_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		put_tag(out, f, WIRE_BYTES);
		put_nested(out, f->of,
		    (const char *)list->items + i * f->of->size);
	}
}

static void
put_field(struct str *out, const struct attr_field *f, const void *fields)
{
	const void *p = member(fields, f);

	switch (f->kind) {
	case ATTR_U64:
		put_number(out, f, *(const uint64_t *)p);
		break;
	case ATTR_I64: {
		int64_t v = *(const int64_t *)p;

		put_number(out, f, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
		break;
	}
	case ATTR_BOOL:
		put_number(out, f, *(const bool *)p);
		break;
	case ATTR_SPAN: {
		const struct span *s = p;

		if (s->len == 0 && !f->required)
			break;
		put_tag(out, f, WIRE_BYTES);
		writer_varint(out, s->len);
		str_add(out, *s);
		break;
	}
	case ATTR_LIST:
		put_list(out, f, p);
		break;
	case ATTR_FD:			/* present or not; it travels beside */
		put_number(out, f, *(const int *)p >= 0);
		break;
	}
}

void
attr_encode_body(struct str *out, const struct attr_form *form,
    const void *fields)
{
	for (size_t i = 0; i < form->nfields; i++)
		put_field(out, &form->fields[i], fields);
}

static size_t
list_fds(const struct attr_form *form, const void *fields, int *fds)
{
	size_t n = 0;

	for (size_t i = 0; i < form->nfields; i++) {
		const struct attr_field *f = &form->fields[i];

		if (f->kind != ATTR_FD || *(const int *)member(fields, f) < 0)
			continue;
		CHECK(n < ATTR_FDS_MAX);
		fds[n++] = *(const int *)member(fields, f);
	}
	return n;
}

static void
set_u32(char *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)(v >> (24 - 8 * i));
}

void
attr_encode(struct str *out, const struct attr_form *form, uint32_t request,
    const void *fields, int *fds_out, size_t *nfds_out)
{
	size_t start = str_len(out);

	*nfds_out = list_fds(form, fields, fds_out);
	writer_u32(out, 0);
	writer_u16(out, form->id);
	writer_u16(out, (uint16_t)*nfds_out);
	writer_u32(out, request);
	attr_encode_body(out, form, fields);
	CHECK(str_len(out) - start <= ATTR_FRAME_LIMIT);
	set_u32(out->buf + start, (uint32_t)(str_len(out) - start - 4));
}

void
attr_queue(struct stream *s, const struct attr_form *form, uint32_t request,
    const void *fields)
{
	static struct str scratch;
	int fds[ATTR_FDS_MAX];
	size_t nfds;

	str_clear(&scratch);
	attr_encode(&scratch, form, request, fields, fds, &nfds);
	for (size_t i = 0; i < nfds; i++)
		stream_queue_fd(s, fds[i]);
	stream_queue(s, str_span(&scratch));
	if (scratch.room > 1024 * 1024)
		str_fini(&scratch);
}

/* ---- reading ---- */

static uint32_t
get_u32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16
	    | (uint32_t)u[2] << 8 | u[3];
}

bool
attr_frame_waits(struct stream *s)
{
	struct span seen;

	if (stream_buffered(s) < HEADER_BYTES)
		return false;
	/* what is buffered is handed out without a wait */
	if (stream_peek(s, DEADLINE_NEVER, &seen) != IO_OK
	    || seen.len < HEADER_BYTES)
		return false;
	return seen.len - 4 >= get_u32(seen.p);
}

enum io_status
attr_read_frame(struct stream *s, struct arena *arena,
    struct deadline deadline, struct attr_frame *frame_out, struct str *why)
{
	char header[HEADER_BYTES];
	enum io_status status;
	struct span seen;
	uint32_t length;
	char *body;

	status = stream_peek(s, deadline, &seen);
	if (status != IO_OK)
		return status;
	status = stream_read_exact(s, header, sizeof(header), deadline);
	if (status != IO_OK) {
		if (status == IO_EOF)
			str_sets(why, "connection closed inside a frame");
		return status == IO_EOF ? IO_ERROR : status;
	}
	length = get_u32(header);
	frame_out->form = (uint16_t)((unsigned char)header[4] << 8
	    | (unsigned char)header[5]);
	frame_out->nfds = (uint16_t)((unsigned char)header[6] << 8
	    | (unsigned char)header[7]);
	frame_out->request = get_u32(header + 8);
	if (length < HEADER_BYTES - 4 || length > ATTR_FRAME_LIMIT
	    || frame_out->nfds > ATTR_FDS_MAX) {
		str_printf(why, "bad frame of %u bytes", length);
		return IO_ERROR;
	}
	length -= HEADER_BYTES - 4;
	body = arena_alloc(arena, length + 1);
	body[length] = '\0';
	status = stream_read_exact(s, body, length, deadline);
	if (status != IO_OK) {
		if (status == IO_EOF)
			str_sets(why, "connection closed inside a frame");
		return status == IO_EOF ? IO_ERROR : status;
	}
	frame_out->body = span_of(body, length);
	return IO_OK;
}

static const struct attr_field *
field_by_tag(const struct attr_form *form, uint8_t tag)
{
	if (tag >= 1 && tag <= form->nfields && form->fields[tag - 1].tag == tag)
		return &form->fields[tag - 1];
	for (size_t i = 0; i < form->nfields; i++)
		if (form->fields[i].tag == tag)
			return &form->fields[i];
	return NULL;
}

static bool decode(const struct attr_form *form, struct span body,
    struct arena *arena, void *out, unsigned depth, struct str *why);

static bool
bad(const struct attr_form *form, const char *name, const char *what,
    struct str *why)
{
	str_printf(why, "form %s: %s: %s", form->name, name, what);
	return false;
}

static bool
take_number(const struct attr_form *form, const struct attr_field *f,
    uint64_t v, void *out, struct str *why)
{
	void *p = (char *)out + f->offset;

	switch (f->kind) {
	case ATTR_U64:
		*(uint64_t *)p = v;
		return true;
	case ATTR_I64:
		*(int64_t *)p = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
		return true;
	case ATTR_BOOL:
		*(bool *)p = v != 0;
		return true;
	case ATTR_FD:			/* filled in by attr_decode */
		*(int *)p = v != 0 ? -2 : -1;
		return true;
	case ATTR_SPAN:
	case ATTR_LIST:
		return bad(form, f->name, "a number where bytes belong", why);
	}
	return false;
}

/* Lists double as they grow; elements come one field each. */
static void *
list_slot(struct attr_list *list, size_t size, struct arena *arena)
{
	size_t n = list->count;

	if (n == 0) {
		list->items = arena_alloc(arena, 4 * size);
	} else if (n >= 4 && (n & (n - 1)) == 0) {
		void *wider = arena_alloc(arena, 2 * n * size);

		memcpy(wider, list->items, n * size);
		list->items = wider;
	}
	list->count++;
	return (char *)list->items + n * size;
}

static bool
take_bytes(const struct attr_form *form, const struct attr_field *f,
    struct span bytes, struct arena *arena, void *out, unsigned depth,
    struct str *why)
{
	void *p = (char *)out + f->offset;
	uint64_t limit = f->limit != 0 ? f->limit : ATTR_LIMIT_DEFAULT;

	if (f->kind == ATTR_SPAN) {
		if (bytes.len > limit)
			return bad(form, f->name, "too long", why);
		*(struct span *)p = arena_span(arena, bytes);
		return true;
	}
	if (f->kind != ATTR_LIST)
		return bad(form, f->name, "bytes where a number belongs", why);

	struct attr_list *list = p;

	if (list->count >= limit)
		return bad(form, f->name, "too many elements", why);
	return decode(f->of, bytes, arena,
	    list_slot(list, f->of->size, arena), depth + 1, why);
}

static void
clear(const struct attr_form *form, void *out)
{
	memset(out, 0, form->size);
	for (size_t i = 0; i < form->nfields; i++)
		if (form->fields[i].kind == ATTR_FD)
			*(int *)(void *)((char *)out + form->fields[i].offset) =
			    -1;
}

static bool
decode(const struct attr_form *form, struct span body, struct arena *arena,
    void *out, unsigned depth, struct str *why)
{
	struct reader r = reader_over(body);
	uint64_t seen[2] = { 0, 0 };

	clear(form, out);
	if (depth > DEPTH_MOST)
		return bad(form, "list", "nested too deeply", why);
	while (reader_left(&r) > 0) {
		uint8_t tag = reader_u8(&r), wire = reader_u8(&r);
		const struct attr_field *f = field_by_tag(form,
		    (uint8_t)(tag & ~CRITICAL));
		uint64_t v = reader_varint(&r);
		struct span bytes = SPAN_NONE;

		if (wire == WIRE_BYTES)
			bytes = reader_bytes(&r, v);
		else if (wire != WIRE_VARINT)
			reader_fail(&r);
		if (reader_failed(&r))
			return bad(form, "frame", "cut short", why);
		if (f == NULL) {
			if (tag & CRITICAL)
				return bad(form, "field",
				    "unknown but required", why);
			continue;
		}
		seen[f->tag / 64] |= (uint64_t)1 << f->tag % 64;
		if (!(wire == WIRE_VARINT
		    ? take_number(form, f, v, out, why)
		    : take_bytes(form, f, bytes, arena, out, depth, why)))
			return false;
	}
	for (size_t i = 0; i < form->nfields; i++) {
		const struct attr_field *f = &form->fields[i];

		if (f->required
		    && !(seen[f->tag / 64] >> f->tag % 64 & 1))
			return bad(form, f->name, "missing", why);
	}
	return true;
}

bool
attr_decode_body(const struct attr_form *form, struct span body,
    struct arena *arena, void *fields_out, struct str *why)
{
	return decode(form, body, arena, fields_out, 0, why);
}

static struct span *
text_at(const struct attr_field *f, void *fields)
{
	return (struct span *)(void *)((char *)fields + f->offset);
}

void *
attr_pack(const struct attr_form *form, void *fields, size_t head)
{
	size_t size = head;
	char *block, *to;

	for (size_t i = 0; i < form->nfields; i++)
		if (form->fields[i].kind == ATTR_SPAN)
			size += text_at(&form->fields[i], fields)->len + 1;
	block = mem_alloc(size);
	to = block + head;
	for (size_t i = 0; i < form->nfields; i++) {
		struct span *text;

		if (form->fields[i].kind != ATTR_SPAN)
			continue;
		text = text_at(&form->fields[i], fields);
		if (text->len > 0)
			memcpy(to, text->p, text->len);
		to[text->len] = '\0';
		text->p = to;
		to += text->len + 1;
	}
	return block;
}

void
attr_close_fds(const struct attr_form *form, void *fields)
{
	for (size_t i = 0; i < form->nfields; i++) {
		const struct attr_field *f = &form->fields[i];
		int *fd = (int *)(void *)((char *)fields + f->offset);

		if (f->kind != ATTR_FD)
			continue;
		if (*fd >= 0)
			fs_let_go(*fd);
		*fd = -1;
	}
}

bool
attr_decode(const struct attr_form *form, const struct attr_frame *frame,
    struct stream *fds_from, struct arena *arena, void *fields_out,
    struct str *why)
{
	bool ok = decode(form, frame->body, arena, fields_out, 0, why);
	uint16_t left = frame->nfds;

	for (size_t i = 0; i < form->nfields; i++) {
		const struct attr_field *f = &form->fields[i];
		int *fd = (int *)(void *)((char *)fields_out + f->offset);

		if (f->kind != ATTR_FD || *fd != -2)
			continue;
		*fd = -1;
		if (left > 0 && fds_from != NULL) {
			*fd = stream_take_fd(fds_from);
			left--;
		}
		if (*fd < 0 && ok)
			ok = bad(form, f->name, "descriptor missing", why);
	}
	while (left-- > 0 && fds_from != NULL) {
		int extra = stream_take_fd(fds_from);

		if (extra >= 0)
			close(extra);
	}
	if (!ok)
		attr_close_fds(form, fields_out);
	return ok;
}
