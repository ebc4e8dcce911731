/*
 * commit_log_format - the bytes of a commit log, written and read; no disk.
 *
 * Reading trusts nothing. What is in a half may be this epoch's, torn at its
 * end by a loss of power, and behind that older ones'. The bytes of messages
 * lie among it, so a record counts only if it has the log's nonce, which nobody
 * outside can know: a checksum alone could be forged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "common/base/codec.h"
#include "common/base/mem.h"
#include "common/base/reader.h"
#include "queue/commit_log_priv.h"

#define HALF_BYTES_MOST (1u << 30)
#define RECORDS_MOST (1u << 20)
/* Before the checksum of a record's head, in its word of the table. */
#define OVER 0x4f564552u
#define SAFE 0x53414645u

#define IN_INCOMING 'I'
#define IN_HOLD 'H'
#define ID_ROOM 34			/* of a record's head */
#define HEAD_SUMMED 72

#define BYTES_EACH 1024			/* of a message, at least, mostly */

uint64_t
clog_table_bytes(const struct commit_log_size *size)
{
	uint64_t bytes = (uint64_t)size->records * 8;

	return (bytes + LOG_PAGE - 1) / LOG_PAGE * LOG_PAGE;
}

bool
clog_size_valid(const struct commit_log_size *size)
{
	return size->records > 0 && size->records <= RECORDS_MOST
	    && size->half_bytes <= HALF_BYTES_MOST
	    && size->half_bytes % LOG_PAGE == 0
	    && size->half_bytes > clog_table_bytes(size);
}

struct commit_log_size
commit_log_size_of(uint64_t file_bytes)
{
	uint64_t half = file_bytes / 2 / LOG_PAGE * LOG_PAGE;

	return (struct commit_log_size){ .half_bytes = half,
		.records = (uint32_t)(half / BYTES_EACH) };
}

size_t
clog_record_size(size_t bytes)
{
	size_t all = RECORD_HEAD_BYTES + bytes + RECORD_END_BYTES;

	return (all + LOG_ALIGN - 1) / LOG_ALIGN * LOG_ALIGN;
}

/* ---- the header ---- */

void
clog_header_encode(const struct clog_header *h, char out[LOG_HEADER_BYTES])
{
	struct str s = STR_EMPTY;

	str_adds(&s, LOG_MAGIC);
	writer_u64(&s, h->size.half_bytes);
	writer_u32(&s, h->size.records);
	writer_u32(&s, 0);
	writer_u64(&s, h->nonce);
	writer_u64(&s, h->sequence);
	writer_u64(&s, h->retired);
	writer_u32(&s, 0);
	writer_u32(&s, crc32c(0, str_cstr(&s), str_len(&s)));
	memcpy(out, str_cstr(&s), LOG_HEADER_BYTES);
	str_fini(&s);
}

bool
clog_header_decode(struct span bytes, struct clog_header *out)
{
	struct reader r = reader_over(bytes);

	if (!span_is(reader_bytes(&r, 8), LOG_MAGIC))
		return false;
	out->size.half_bytes = reader_u64(&r);
	out->size.records = reader_u32(&r);
	reader_u32(&r);
	out->nonce = reader_u64(&r);
	out->sequence = reader_u64(&r);
	out->retired = reader_u64(&r);
	reader_u32(&r);
	uint32_t crc = reader_u32(&r);

	return !reader_failed(&r)
	    && crc == crc32c(0, bytes.p, LOG_HEADER_BYTES - 4)
	    && clog_size_valid(&out->size);
}

/* ---- a record ---- */

void
clog_record_head(struct clog_record *r, char out[RECORD_HEAD_BYTES])
{
	struct str s = STR_EMPTY;
	size_t id_bytes = strlen(r->id);
	uint32_t crc;

	str_adds(&s, RECORD_MAGIC);
	writer_u64(&s, r->epoch);
	writer_u64(&s, r->nonce);
	writer_u32(&s, r->index);
	writer_u32(&s, (uint32_t)r->bytes.len);
	writer_u32(&s, r->crc);
	writer_u8(&s, r->where == QUEUE_HOLD ? IN_HOLD : IN_INCOMING);
	writer_u8(&s, (uint8_t)id_bytes);
	str_adds(&s, r->id);
	memset(str_reserve(&s, ID_ROOM), 0, ID_ROOM);
	str_advance(&s, ID_ROOM - id_bytes);
	crc = crc32c(0, str_cstr(&s), HEAD_SUMMED);
	writer_u32(&s, crc);
	writer_u32(&s, 0);
	memcpy(out, str_cstr(&s), RECORD_HEAD_BYTES);
	str_fini(&s);
	r->mark = (uint64_t)OVER << 32 | crc;
}

bool
clog_record_decode(struct span bytes, struct clog_record *out)
{
	struct reader r = reader_over(bytes);
	uint32_t crc;
	struct span id;
	char where;

	if (bytes.len < RECORD_HEAD_BYTES
	    || !span_is(reader_bytes(&r, 8), RECORD_MAGIC))
		return false;
	out->epoch = reader_u64(&r);
	out->nonce = reader_u64(&r);
	out->index = reader_u32(&r);
	out->bytes = span_of(NULL, reader_u32(&r));
	out->crc = reader_u32(&r);
	where = (char)reader_u8(&r);
	out->where = where == IN_HOLD ? QUEUE_HOLD : QUEUE_INCOMING;
	id.len = reader_u8(&r);
	id.p = reader_bytes(&r, ID_ROOM).p;
	crc = reader_u32(&r);
	if (crc != crc32c(0, bytes.p, HEAD_SUMMED) || id.len > ID_ROOM
	    || !queue_id_valid(id) || id.len >= sizeof(out->id))
		return false;
	if (out->bytes.len > COMMIT_LOG_MESSAGE_MOST || out->epoch == 0
	    || (where != IN_INCOMING && where != IN_HOLD))
		return false;
	memset(out->id, 0, sizeof(out->id));
	memcpy(out->id, id.p, id.len);
	out->mark = (uint64_t)OVER << 32 | crc;
	out->over = out->damaged = false;
	return true;
}

/* ---- a half ---- */

struct found {
	struct clog_record *records;
	size_t count, room;
};

static void
keep_record(struct found *f, const struct clog_record *r)
{
	if (f->count == f->room) {
		f->room = f->room > 0 ? 2 * f->room : 64;
		f->records = mem_regrow(f->records, f->room,
		    sizeof(*f->records));
	}
	f->records[f->count++] = *r;
}

static bool
body_holds(struct span records, size_t at, struct clog_record *r)
{
	struct span rest = span_skip(records, at + RECORD_HEAD_BYTES);

	r->bytes = span_sub(rest, 0, r->bytes.len);
	return span_starts(span_skip(rest, r->bytes.len),
	    span_of(RECORD_END, RECORD_END_BYTES))
	    && crc32c(0, r->bytes.p, r->bytes.len) == r->crc;
}

/* Without a header: each epoch begins with a record, there and nowhere else
 * for sure. */
static uint64_t
nonce_of_first(struct span records)
{
	struct clog_record r;

	return clog_record_decode(span_sub(records, 0, RECORD_HEAD_BYTES), &r)
	    ? r.nonce : 0;
}

/* Every record of an epoch after the retired ones. A bad one is passed in small
 * steps, since its length may be what is bad. */
static void
collect(struct span records, const struct clog_header *h, struct found *f)
{
	uint64_t nonce = h->nonce != 0 ? h->nonce : nonce_of_first(records);
	size_t at = 0;

	while (at + RECORD_HEAD_BYTES <= records.len) {
		struct clog_record r;
		size_t length;

		if (!clog_record_decode(span_sub(records, at,
		    RECORD_HEAD_BYTES), &r) || r.nonce != nonce
		    || r.index >= h->size.records || r.epoch <= h->retired) {
			at += LOG_ALIGN;
			continue;
		}
		length = r.bytes.len;
		r.damaged = !body_holds(records, at, &r)
		    || r.bytes.len != length;
		keep_record(f, &r);
		at += r.damaged ? LOG_ALIGN : clog_record_size(length);
	}
}

enum clog_word
clog_word_of(uint64_t word, uint64_t mark)
{
	return word == mark ? WORD_OVER : word == clog_word_safe(mark)
	    ? WORD_SAFE : WORD_NONE;
}

uint64_t
clog_word_safe(uint64_t mark)
{
	return (uint64_t)SAFE << 32 | (mark & UINT32_MAX);
}

static enum clog_word
word_in(struct span table, const struct clog_record *r)
{
	struct reader reader = reader_over(span_sub(table,
	    (size_t)r->index * 8, 8));

	return clog_word_of(reader_u64(&reader), r->mark);
}

uint64_t
clog_half_parse(struct span bytes, const struct clog_header *h,
    clog_record_fn *fn, void *arg, size_t *missing_out)
{
	uint64_t table_bytes = clog_table_bytes(&h->size), epoch = 0;
	struct span table = span_sub(bytes, 0, (size_t)table_bytes);
	struct found f = { NULL, 0, 0 };
	size_t met = 0, must = 0;

	collect(span_skip(bytes, (size_t)table_bytes), h, &f);
	for (size_t i = 0; i < f.count; i++)
		if (f.records[i].epoch > epoch)
			epoch = f.records[i].epoch;
	for (size_t i = 0; i < f.count; i++) {
		struct clog_record *r = &f.records[i];

		if (r->epoch != epoch)
			continue;
		met++;
		if (must < (size_t)r->index + 1)
			must = (size_t)r->index + 1;
		r->over = word_in(table, r) == WORD_OVER;
		if (r->over || word_in(table, r) == WORD_NONE)
			fn(r, arg);
	}
	*missing_out = must > met ? must - met : 0;
	mem_free(f.records);
	return epoch;
}
