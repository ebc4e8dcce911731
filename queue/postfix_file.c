/*
 * postfix_file - see the header. Two walks over the records: the first gathers
 * what our envelope says at the front, the second writes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/postfix_file.h"

#include <stddef.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/io/fs.h"
#include "queue/window.h"

#define HEAD_MOST 6			/* type and length of a record */
#define RECORD_MOST (1024 * 1024)	/* lines of content are 2048 bytes long */

enum segment { SEGMENT_ENVELOPE, SEGMENT_CONTENT, SEGMENT_EXTRACTED };

struct record {
	char type;
	uint64_t at;			/* in the file */
	struct span body;
};

struct postfix_file {
	struct window w;
	uint64_t at;
	uint64_t passed;		/* bytes of records so far */
	enum segment segment;
	enum queue_result result;
	struct str *why;
	/* First walk. */
	struct arena *arena;
	struct envelope envelope;
	struct span redirect;		/* in place of all recipients */
	uint64_t late_flags;
	bool has_time, has_sender;
	/* Both: what precedes a recipient. */
	struct str orcpt, original;
	uint64_t notify;
	/* Second walk. */
	struct queue_writer *writer;
	bool redirected;		/* its recipient is written */
};

typedef bool record_fn(struct postfix_file *f, const struct record *record);

static bool
damaged(struct postfix_file *f, uint64_t at, const char *what)
{
	f->result = QUEUE_DAMAGED;
	str_printf(f->why, "a file of Postfix's: offset %llu: %s",
	    (unsigned long long)at, what);
	return false;
}

/* ---- records ---- */

static bool
no_end(struct postfix_file *f)
{
	f->result = f->w.failed ? QUEUE_IO_ERROR : QUEUE_INCOMPLETE;
	str_sets(f->why, f->w.failed ? "read error"
	    : "a file of Postfix's: no end of message");
	return false;
}

static bool
read_length(struct postfix_file *f, struct span head, uint64_t *length_out,
    size_t *used_out)
{
	uint64_t length = 0;

	for (size_t i = 1; i < head.len; i++) {
		length |= (uint64_t)(head.p[i] & 0x7f) << (7 * (i - 1));
		if (head.p[i] & 0x80)
			continue;
		*length_out = length;
		*used_out = i + 1;
		return length <= RECORD_MOST
		    || damaged(f, f->at, "a record is too long");
	}
	return head.len == HEAD_MOST
	    ? damaged(f, f->at, "a length makes no sense") : no_end(f);
}

static bool
next_record(struct postfix_file *f, struct record *out)
{
	uint64_t left = f->w.end - f->at, length;
	size_t used;
	struct span head;

	if (f->passed > f->w.end)
		return damaged(f, f->at, "records go round in circles");
	if (!window_fill(&f->w, f->at, left < HEAD_MOST ? (size_t)left
	    : HEAD_MOST))
		return no_end(f);
	head = span_sub(window_at(&f->w, f->at), 0, HEAD_MOST);
	if (!read_length(f, head, &length, &used))
		return false;
	if (length > left - used
	    || !window_fill(&f->w, f->at + used, (size_t)length))
		return no_end(f);
	out->type = head.p[0];
	out->at = f->at;
	f->at += used;
	out->body = span_sub(window_at(&f->w, f->at), 0, (size_t)length);
	if (out->body.len < length)
		return no_end(f);
	f->at += length;
	f->passed += used + length;
	return true;
}

static bool
jump(struct postfix_file *f, const struct record *record)
{
	uint64_t to;

	if (!scan_u64(span_trim(record->body), &to) || to >= f->w.end)
		return damaged(f, record->at, "a pointer to nowhere");
	if (to > 0)
		f->at = to;
	return true;
}

/* From a mark between two parts to the next one. */
static bool
enter(struct postfix_file *f, const struct record *record, enum segment next)
{
	if (f->segment + 1 != next)
		return damaged(f, record->at, "its parts are out of order");
	f->segment = next;
	return true;
}

static enum queue_result
walk(struct postfix_file *f, record_fn *each)
{
	struct record record;
	bool go_on = true;

	f->at = f->passed = 0;
	f->segment = SEGMENT_ENVELOPE;
	f->result = QUEUE_OK;
	while (go_on && next_record(f, &record)) {
		switch (record.type) {
		case 'p':
			go_on = jump(f, &record);
			break;
		case 'w':		/* text that a filter deleted */
			break;
		case 'M':
			go_on = enter(f, &record, SEGMENT_CONTENT);
			break;
		case 'X':
			go_on = enter(f, &record, SEGMENT_EXTRACTED);
			break;
		case 'E':
			if (f->segment != SEGMENT_EXTRACTED)
				damaged(f, record.at, "it ends too early");
			return f->result;
		default:
			go_on = each(f, &record);
			break;
		}
	}
	return f->result;
}

/* ---- the first walk ---- */

static bool
keep(struct postfix_file *f, const struct record *record, struct span value,
    size_t limit, struct span *out)
{
	if (value.len > limit)
		return damaged(f, record->at, "a value is too long");
	*out = arena_span(f->arena, value);
	return true;
}

static bool
check_address(struct postfix_file *f, const struct record *record)
{
	struct span a = record->body;

	if (a.len > ENVELOPE_ADDRESS_MOST)
		return damaged(f, record->at, "an address is too long");
	for (size_t i = 0; i < a.len; i++)
		if ((unsigned char)a.p[i] < ' ' || a.p[i] == 127)
			return damaged(f, record->at,
			    "an address has control characters");
	return true;
}

/* Names of attributes that our envelope has, too. Those for logs and for the
 * next hop come first; the others may be what a proxy in between said. */
static const struct {
	const char *name;
	size_t field, limit;
	bool second;			/* only if there is nothing yet */
} attributes[] = {
#define FIELD(f) offsetof(struct envelope, f)
	{ "log_client_name", FIELD(client_name), 1024, false },
	{ "log_client_address", FIELD(client_address), 256, false },
	{ "log_client_port", FIELD(client_port), 16, false },
	{ "log_helo_name", FIELD(helo), 4096, false },
	{ "log_protocol_name", FIELD(protocol), 64, false },
	{ "log_message_origin", FIELD(origin), 4096, false },
	{ "log_ident", FIELD(ident), 256, false },
	{ "client_name", FIELD(client_name), 1024, true },
	{ "client_address", FIELD(client_address), 256, true },
	{ "client_port", FIELD(client_port), 16, true },
	{ "helo_name", FIELD(helo), 4096, true },
	{ "protocol_name", FIELD(protocol), 64, true },
	{ "sasl_method", FIELD(sasl_method), 256, false },
	{ "sasl_username", FIELD(sasl_username), 1024, false },
	{ "sasl_sender", FIELD(sasl_sender), ENVELOPE_ADDRESS_MOST, false },
	{ "rewrite_context", FIELD(rewrite_context), 256, false },
	{ "envelope_id", FIELD(dsn_envid), 1024, false },
#undef FIELD
};

/* As a bit field of numbers: what was asked of delivery with sendmail -v, -bv. */
enum { POSTFIX_VERIFY_SENDER = 256, POSTFIX_VERIFY_USER = 512,
	POSTFIX_REPORT = 1024 };

static uint64_t
trace_flags(uint64_t theirs)
{
	uint64_t flags = 0;

	if (theirs & (POSTFIX_VERIFY_SENDER | POSTFIX_VERIFY_USER))
		flags |= ENVELOPE_VERIFY;
	if (theirs & (POSTFIX_VERIFY_USER | POSTFIX_REPORT))
		flags |= ENVELOPE_TRACE;
	return flags;
}

static bool
gather_attribute(struct postfix_file *f, const struct record *record)
{
	struct span value = record->body, name;
	uint64_t number = 0;

	if (!span_split(&value, '=', &name))
		return true;
	for (size_t i = 0; i < ARRAY_COUNT(attributes); i++) {
		struct span *field = (struct span *)((char *)&f->envelope
		    + attributes[i].field);

		if (!span_is(name, attributes[i].name))
			continue;
		if (attributes[i].second && !span_empty(*field))
			return true;
		return keep(f, record, value, attributes[i].limit, field);
	}
	scan_u64(value, &number);
	if (span_is(name, "encoding") && span_is(value, "8bit"))
		f->late_flags |= ENVELOPE_8BIT;
	else if (span_is(name, "ret_flags"))
		f->envelope.dsn_ret = number <= DSN_RET_HDRS ? number : 0;
	else if (span_is(name, "trace_flags"))
		f->envelope.flags |= trace_flags(number);
	return true;
}

/* Sizes and counts follow from the records; the sixth number tells of UTF-8. */
static bool
gather_sizes(struct postfix_file *f, const struct record *record)
{
	struct span rest = record->body, word;
	uint64_t number = 0;
	unsigned n = 0;

	while (span_token(&rest, " ", &word)) {
		if (!scan_u64(word, &number))
			return damaged(f, record->at, "a size makes no sense");
		if (++n != 6)
			continue;
		if (number & 1)
			f->envelope.flags |= ENVELOPE_SMTPUTF8_ASKED;
		if (number & (2 | 4 | 8))
			f->envelope.flags |= ENVELOPE_SMTPUTF8_NEEDED;
	}
	return true;
}

static bool
gather_time(struct postfix_file *f, const struct record *record)
{
	struct span rest = record->body, word;
	int64_t seconds, us = 0;

	if (!span_token(&rest, " ", &word) || !scan_i64(word, &seconds)
	    || seconds < 0 || seconds > INT64_C(1) << 40
	    || (span_token(&rest, " ", &word) && !scan_i64(word, &us))
	    || us < 0 || us >= 1000000)
		return damaged(f, record->at, "a time makes no sense");
	f->envelope.arrival_us = seconds * 1000000 + us;
	f->has_time = true;
	return true;
}

static bool
gather_sender(struct postfix_file *f, const struct record *record)
{
	f->has_sender = true;
	return check_address(f, record) && keep(f, record, record->body,
	    ENVELOPE_ADDRESS_MOST, &f->envelope.sender);
}

/* The time of a warning about the delay is set to 0 when it was sent. */
static void
gather_warning(struct postfix_file *f, const struct record *record)
{
	uint64_t when;

	if (scan_u64(span_trim(record->body), &when) && when == 0)
		f->late_flags |= ENVELOPE_WARNED;
}

static bool
gather(struct postfix_file *f, const struct record *record)
{
	if (f->segment == SEGMENT_CONTENT)
		return record->type == 'N' || record->type == 'L'
		    || damaged(f, record->at, "content of an unknown kind");
	switch (record->type) {
	case 'A':
		return gather_attribute(f, record);
	case 'C':
		return gather_sizes(f, record);
	case 'T':
		return gather_time(f, record);
	case 'S':
		return gather_sender(f, record);
	case 'F':
		return keep(f, record, record->body, 1024,
		    &f->envelope.full_name);
	case 'L':
		return keep(f, record, record->body, 4096,
		    &f->envelope.filter);
	case '>':
		return check_address(f, record) && keep(f, record,
		    record->body, ENVELOPE_ADDRESS_MOST, &f->redirect);
	case 'W':
		gather_warning(f, record);
		return true;
	case 'R':
	case 'O':
		return check_address(f, record);
	case 'D':			/* done; canceled */
	case '/':
	case 'c':			/* made when */
	case 'd':			/* delayed, priority, delimiters of VERP */
	case 'P':
	case 'V':
	case 'f':			/* flags of its cleanup */
	case 'I':			/* an inspector, records of old */
	case 'K':
	case 'r':
	case 'e':
	case 'm':			/* room for filters' recipients */
		return true;
	default:
		return damaged(f, record->at, "a record of an unknown kind");
	}
}

/* ---- the second walk ---- */

static void
note_for_rcpt(struct postfix_file *f, struct span attribute)
{
	struct span value = attribute, name;

	if (!span_split(&value, '=', &name))
		return;
	if (span_is(name, "dsn_orig_rcpt")
	    && value.len <= ENVELOPE_ADDRESS_MOST)
		str_set(&f->orcpt, value);
	else if (span_is(name, "notify_flags"))
		scan_u64(value, &f->notify);
}

static void
write_rcpt(struct postfix_file *f, struct span address)
{
	struct envelope_rcpt rcpt = { .address = address,
		.original = str_span(&f->original),
		.orcpt = str_span(&f->orcpt), .notify = f->notify & 15 };

	/* A question whether it could be delivered: who asked is gone. */
	if (f->envelope.flags & ENVELOPE_VERIFY)
		return;
	if (!span_empty(f->redirect)) {
		if (f->redirected)
			return;
		f->redirected = true;
		rcpt.address = f->redirect;
	}
	queue_writer_rcpt(f->writer, &rcpt);
}

static void
rcpt_over(struct postfix_file *f)
{
	str_clear(&f->orcpt);
	str_clear(&f->original);
	f->notify = 0;
}

static bool
write_record(struct postfix_file *f, const struct record *record)
{
	if (f->segment == SEGMENT_CONTENT) {
		queue_writer_content(f->writer, record->body);
		if (record->type == 'N')
			queue_writer_content(f->writer, SPAN("\n"));
	} else if (record->type == 'A') {
		note_for_rcpt(f, record->body);
	} else if (record->type == 'O') {
		str_set(&f->original, record->body);
	} else if (record->type == 'R') {
		write_rcpt(f, record->body);
		rcpt_over(f);
	} else if (record->type == 'D' || record->type == '/') {
		rcpt_over(f);
	}
	return queue_writer_status(f->writer) == QUEUE_OK;
}

static enum queue_result
write_message(struct postfix_file *f, int to)
{
	enum queue_result result;

	f->writer = queue_writer_over(f->arena, to);
	if (!span_empty(f->redirect))
		f->envelope.filter = SPAN_NONE;
	queue_writer_envelope(f->writer, &f->envelope);
	result = walk(f, write_record);
	if (result != QUEUE_OK)
		return result;
	queue_writer_final_flags(f->writer, f->late_flags);
	return queue_writer_end(f->writer, f->why);
}

/* ---- what the header promises ---- */

static bool
is_number_record(struct span bytes, size_t least, size_t most)
{
	size_t length = (unsigned char)bytes.p[1];

	return length >= least && length <= most && (bytes.p[2] == ' '
	    || ascii_is_digit(bytes.p[2]));
}

bool
postfix_file_is(struct span bytes)
{
	if (bytes.len < POSTFIX_FIRST_BYTES)
		return false;
	return (bytes.p[0] == 'C' && is_number_record(bytes, 15, 127))
	    || (bytes.p[0] == 'T' && is_number_record(bytes, 1, 40));
}

enum queue_result
postfix_file_translate(int fd, uint64_t size, int to, struct str *why)
{
	struct postfix_file f = { .w = { .fd = fd, .end = size },
		.arena = arena_new(), .why = why };
	enum queue_result result = walk(&f, gather);

	if (result == QUEUE_OK && !(f.has_time && f.has_sender)) {
		damaged(&f, 0, "no sender, or no time of arrival");
		result = f.result;
	}
	if (result == QUEUE_OK)
		result = write_message(&f, to);
	window_fini(&f.w);
	str_fini(&f.orcpt);
	str_fini(&f.original);
	arena_free(&f.arena);
	return result;
}

enum queue_result
postfix_file_copy(int fd, uint64_t size, int *copy_out, struct str *why)
{
	enum queue_result result = QUEUE_IO_ERROR;
	int copy = fs_memory_file("message", why);

	if (copy >= 0)
		result = postfix_file_translate(fd, size, copy, why);
	if (result != QUEUE_OK && copy >= 0) {
		close(copy);
		copy = -1;
	}
	*copy_out = copy;
	return result;
}
