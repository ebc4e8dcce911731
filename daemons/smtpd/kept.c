/*
 * kept - see the header. The file is used in pieces of one size, each of which
 * belongs to one message or to none. The lowest free one is taken first, and
 * the file ends behind the last that is in use.
 *
 * Reads and writes are made by a thread, one at a time for each message: a
 * slow disk stops nobody else's session. The file is cut by the loop's thread,
 * so that nobody takes a piece meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/smtpd/kept.h"

#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fs.h"
#include "common/io/fs_nameless.h"
#include "common/io/offload.h"
#include "common/service/service.h"

enum { PIECE_BYTES = 65536 };

struct kept {
	struct str last;		/* at most a piece */
	uint32_t *pieces;		/* before it, in the file */
	size_t npieces, room;
	size_t next;			/* to be read; npieces is `last` */
	char *window;			/* what was read */
	bool lost;
};

static struct {
	int fd;				/* -1: none */
	uint8_t *taken;			/* by piece */
	size_t pieces, room;		/* up to the last one in use */
} file = { .fd = -1 };

/* ---- the file ---- */

static void
open_as_owner(void *arg)
{
	struct str why = STR_EMPTY;

	file.fd = fs_nameless_at(*(int *)arg, "incoming", &why);
	if (file.fd < 0)
		log_warn("no file for messages that wait: %s", str_cstr(&why));
	str_fini(&why);
}

void
kept_setup(int queue_dir)
{
	service_as_owner(open_as_owner, &queue_dir);
}

static uint32_t
take_piece(void)
{
	const uint8_t *hole = file.pieces == 0 ? NULL
	    : memchr(file.taken, 0, file.pieces);
	size_t at = hole == NULL ? file.pieces : (size_t)(hole - file.taken);

	if (at == file.room) {
		file.room = file.room * 2 + 64;
		file.taken = mem_regrow(file.taken, file.room, 1);
	}
	if (at == file.pieces)
		file.pieces++;
	file.taken[at] = 1;
	return (uint32_t)at;
}

static void
give_pieces_back(struct kept *k)
{
	struct str why = STR_EMPTY;
	size_t before = file.pieces;

	for (size_t i = 0; i < k->npieces; i++)
		file.taken[k->pieces[i]] = 0;
	while (file.pieces > 0 && !file.taken[file.pieces - 1])
		file.pieces--;
	if (file.pieces < before && !fs_truncate(file.fd,
	    (off_t)file.pieces * PIECE_BYTES, &why))
		log_warn("%s", str_cstr(&why));
	str_fini(&why);
}

/* What a thread is handed. */
struct piece_job {
	char *bytes;
	off_t at;
	bool ok;
	struct str why;
};

static void
write_now(void *arg)
{
	struct piece_job *job = arg;

	job->ok = fs_pwrite_all(file.fd, span_of(job->bytes, PIECE_BYTES),
	    job->at, &job->why);
}

static void
read_now(void *arg)
{
	struct piece_job *job = arg;

	job->ok = fs_pread_all(file.fd, job->bytes, PIECE_BYTES, job->at,
	    &job->why);
}

static bool
on_thread(struct kept *k, void (*fn)(void *), char *bytes, uint32_t piece)
{
	struct piece_job job = { .bytes = bytes,
		.at = (off_t)piece * PIECE_BYTES };

	offload_call(fn, &job);
	if (!job.ok) {
		log_warn("message that waits: %s", str_cstr(&job.why));
		kept_drop(k);
	}
	str_fini(&job.why);
	return job.ok;
}

/* ---- a message ---- */

static void
drop(void *arg)
{
	kept_drop(arg);
}

struct kept *
kept_new(struct arena *arena)
{
	struct kept *k = arena_zalloc(arena, sizeof(*k));

	arena_on_free(arena, drop, k);
	return k;
}

void
kept_drop(struct kept *k)
{
	give_pieces_back(k);
	mem_free(k->pieces);
	mem_free(k->window);
	str_fini(&k->last);
	*k = (struct kept){ .lost = true };
}

bool
kept_is_lost(const struct kept *k)
{
	return k->lost;
}

static bool
write_last(struct kept *k)
{
	if (file.fd < 0) {
		kept_drop(k);
		/* Another one may have more luck, and this one may not try. */
		service_restart("no file for messages that wait");
		return false;
	}
	if (k->npieces == k->room) {
		k->room = k->room * 2 + 16;
		k->pieces = mem_regrow(k->pieces, k->room, sizeof(*k->pieces));
	}
	k->pieces[k->npieces] = take_piece();
	k->npieces++;
	if (!on_thread(k, write_now, k->last.buf, k->pieces[k->npieces - 1]))
		return false;
	str_clear(&k->last);
	return true;
}

bool
kept_add(struct kept *k, struct span bytes)
{
	while (!k->lost && !span_empty(bytes)) {
		size_t room = PIECE_BYTES - str_len(&k->last);
		struct span some = span_sub(bytes, 0, room < bytes.len ? room
		    : bytes.len);

		if (room == 0) {
			if (!write_last(k))
				return false;
			continue;
		}
		str_add(&k->last, some);
		bytes = span_skip(bytes, some.len);
	}
	return !k->lost;
}

bool
kept_next(struct kept *k, struct span *bytes_out)
{
	if (k->lost || k->next > k->npieces)
		return false;
	if (k->next == k->npieces) {
		*bytes_out = str_span(&k->last);
	} else {
		if (k->window == NULL)
			k->window = mem_alloc(PIECE_BYTES);
		if (!on_thread(k, read_now, k->window, k->pieces[k->next]))
			return false;
		*bytes_out = span_of(k->window, PIECE_BYTES);
	}
	k->next++;
	return true;
}
