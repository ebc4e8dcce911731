/*
 * attr - the internal protocol: forms of named values over stream sockets.
 *
 * A form declares a struct's fields once, in the header of the service that
 * answers it. On the wire a frame is
 *
 *	u32 length of what follows | u16 form | u16 descriptors | u32 request
 *	then fields: u8 tag (bit 7: the receiver must know it) | u8 wire | data
 *
 * wire 0: varint; wire 1: varint length and bytes. A list is one wire-1 field
 * per element, each holding that element's fields. Numbers are big endian.
 * The receiver trusts nothing: lengths, counts, limits and required fields are
 * checked, unknown fields skipped unless marked, and a frame that breaks a
 * rule is IO_ERROR with a reason, after which the connection is closed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_ATTR_H
#define COMMON_MAIL_ATTR_H

#include "common/base/arena.h"
#include "common/base/span.h"
#include "common/base/str.h"
#include "common/io/stream.h"

enum attr_kind {
	ATTR_U64,			/* uint64_t */
	ATTR_I64,			/* int64_t, zigzag */
	ATTR_BOOL,			/* bool */
	ATTR_SPAN,			/* struct span, copied into the arena,
					   NUL-terminated behind its length */
	ATTR_LIST,			/* struct attr_list of `of` structs */
	ATTR_FD,			/* int; -1 when absent */
};

struct attr_form;

struct attr_list {
	void *items;			/* array of the form's structs */
	size_t count;
};

/* Element i of a list as a pointer to type. */
#define ATTR_AT(list, type, i) (&((type *)(list).items)[i])

struct attr_field {
	uint8_t tag;			/* 1..127, unique in the form, for ever */
	enum attr_kind kind;
	bool required;			/* refused when missing */
	bool critical;			/* receivers that do not know it refuse */
	const char *name;
	size_t offset;
	uint64_t limit;			/* bytes of a span, elements of a list;
					   0: ATTR_LIMIT_DEFAULT */
	const struct attr_form *of;	/* lists */
};

#define ATTR_LIMIT_DEFAULT 65536
#define ATTR_FRAME_LIMIT (16 * 1024 * 1024)

struct attr_form {
	const char *name;
	uint16_t id;			/* unique within one service; 0 is hello */
	size_t size;			/* of the struct */
	const struct attr_field *fields;
	size_t nfields;
};

#define ATTR_FIELD(type, member, tag_no, attr_kind, ...)                     \
	{ .tag = (tag_no), .kind = (attr_kind), .name = #member,             \
	    .offset = offsetof(type, member), __VA_ARGS__ }
#define ATTR_FORM(form_name, form_id, type, table)                           \
	{ .name = (form_name), .id = (form_id), .size = sizeof(type),        \
	    .fields = (table), .nfields = sizeof(table) / sizeof((table)[0]) }

/* Appends one frame to out; descriptors in the struct are listed in fds_out
 * (room for ATTR_FDS_MAX; not duplicated). Zero and empty fields are left out. */
#define ATTR_FDS_MAX 8
void attr_encode(struct str *out, const struct attr_form *form,
    uint32_t request, const void *fields, int *fds_out, size_t *nfds_out);
/* Queues one frame on the stream for the end of the turn. Never suspends. The
 * stream takes over descriptors in the struct (fs_hold keeps one). */
void attr_queue(struct stream *s, const struct attr_form *form,
    uint32_t request, const void *fields);

struct attr_frame {
	uint16_t form;
	uint16_t nfds;
	uint32_t request;
	struct span body;		/* in the arena */
};

/* The next frame's header and body. Suspends. IO_EOF only between frames. */
enum io_status attr_read_frame(struct stream *s, struct arena *arena,
    struct deadline deadline, struct attr_frame *frame_out, struct str *why);
/* True when a whole frame is in the stream's buffer: no wait would happen. */
bool attr_frame_waits(struct stream *s);
/* Fills the struct (zeroed first, fds -1); spans and lists live in the arena;
 * descriptors are taken from the stream. False with a reason. */
bool attr_decode(const struct attr_form *form, const struct attr_frame *frame,
    struct stream *fds_from, struct arena *arena, void *fields_out,
    struct str *why);
/* Lets go of descriptors a decoded struct still holds (sets -1). */
void attr_close_fds(const struct attr_form *form, void *fields);

/* Body only, without frame header: records in files, nested use. */
void attr_encode_body(struct str *out, const struct attr_form *form,
    const void *fields);
bool attr_decode_body(const struct attr_form *form, struct span body,
    struct arena *arena, void *fields_out, struct str *why);

/* For what is kept long: moves the texts of a struct into one block of memory,
 * each with a NUL behind it, the first after `head` bytes that are the caller's.
 * Returns the block, which the caller frees with mem_free; lists and
 * descriptors stay as they are. */
void *attr_pack(const struct attr_form *form, void *fields, size_t head);

/* First frame on each connection, from the client: form 0. */
struct attr_hello {
	struct span protocol;		/* "cleanup" */
	uint64_t version;
	struct span build;		/* mail_version, for the log line */
};
extern const struct attr_form attr_hello_form;

#endif
