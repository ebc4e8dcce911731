/*
 * commit_log_done - tombstones, by those who end messages.
 *
 * A tombstone is eight bytes in a table of the log that has the record. They
 * name that record and no other, so one that comes late, into a half that has
 * been used again, says nothing. Its log's next sync takes it along.
 *
 * Who was told the spot needs no more than that. For others there is an index
 * of what the logs hold, read record by record from where it ended last.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/base/reader.h"
#include "common/io/fs.h"
#include "common/io/offload.h"
#include "queue/commit_log_priv.h"

#define DOORS 64			/* logs kept open */
#define YOUNG_US 1000000		/* no half is used twice in that time */
#define RETIRED_NS 20000000		/* between two looks at a header */
#define LOOK_NS 100000000		/* between two looks for new records */

/* ---- open logs ---- */

static struct door {
	int queue_dir, fd;
	uint64_t name;
	struct commit_log_size size;
	uint64_t retired;		/* as of looked_ns */
	int64_t looked_ns;
} doors[DOORS];
static size_t ndoors, next_door;

static void
close_removed_ones(void)
{
	struct stat st;

	for (size_t i = 0; i < ndoors;) {
		if (fstat(doors[i].fd, &st) == 0 && st.st_nlink > 0) {
			i++;
			continue;
		}
		close(doors[i].fd);
		doors[i] = doors[--ndoors];
	}
}

static int
open_log(int queue_dir, uint64_t name, struct str *why)
{
	struct str path = STR_EMPTY;
	int fd = -1;

	clog_path(name, false, &path);
	for (int failed = 0; fd < 0 && failed < 2; failed++) {
		clog_path(name, failed, &path);
		fd = fs_open_at(queue_dir, str_cstr(&path), O_RDWR
		    | O_NOFOLLOW, why);
		if (fd < 0 && errno != ENOENT)
			break;
	}
	str_fini(&path);
	return fd;
}

/* Borrowed until the next call; NULL with errno. ENOENT: the log has gone, and
 * nothing depends on it. */
static struct door *
door(int queue_dir, uint64_t name, struct str *why)
{
	struct clog_header h;
	int fd;

	for (size_t i = 0; i < ndoors; i++)
		if (doors[i].name == name && doors[i].queue_dir == queue_dir)
			return &doors[i];
	close_removed_ones();
	fd = open_log(queue_dir, name, why);
	if (fd < 0)
		return NULL;
	if (!clog_header_read(fd, &h)) {
		close(fd);
		str_sets(why, "commit log without a header");
		errno = EINVAL;
		return NULL;
	}
	if (ndoors == DOORS) {
		next_door = (next_door + 1) % DOORS;
		close(doors[next_door].fd);
	} else {
		next_door = ndoors++;
	}
	doors[next_door] = (struct door){ queue_dir, fd, name, h.size,
		h.retired, clock_now_ns() };
	return &doors[next_door];
}

/* ---- tombstones ---- */

struct sync {
	int fd;
	bool ok;
	struct str *why;
};

static void
sync_log(void *arg)
{
	struct sync *s = arg;

	s->ok = fs_datasync(s->fd, s->why);
}

/*
 * The half is another epoch's by now. In the moment between two looks that may
 * be missed, and the tombstone takes the place of a younger one: that message
 * comes back after a loss of power.
 */
static bool
is_over(struct door *d, const struct commit_log_spot *spot)
{
	int64_t now = clock_now_ns();
	struct clog_header h;

	if ((uint64_t)clock_wall_us() - spot->epoch <= YOUNG_US)
		return false;
	if (now - d->looked_ns >= RETIRED_NS && clog_header_read(d->fd, &h)) {
		d->retired = h.retired;
		d->looked_ns = now;
	}
	return d->retired >= spot->epoch;
}

/* A spot comes from another process: it must not hurt a record. */
static bool
is_in_a_table(const struct commit_log_size *size,
    const struct commit_log_spot *spot)
{
	for (unsigned half = 0; half < 2; half++) {
		uint64_t table = clog_half_at(size, half);

		if (spot->at >= table && spot->at % 8 == 0
		    && (spot->at - table) / 8 < size->records)
			return true;
	}
	return false;
}

static bool
sync_door(int fd, struct str *why)
{
	/* The door may be closed while a thread works. */
	struct sync s = { .fd = fcntl(fd, F_DUPFD_CLOEXEC, 3), .why = why };

	if (s.fd < 0) {
		str_printf(why, "commit log: %m");
		return false;
	}
	offload_call(sync_log, &s);
	close(s.fd);
	return s.ok;
}

bool
commit_log_tombstone(int queue_dir, const struct commit_log_spot *spot,
    bool durable, struct str *why)
{
	struct door *d;
	struct str bytes = STR_EMPTY;
	bool ok;

	if (spot->log == 0)
		return true;
	d = door(queue_dir, spot->log, why);
	if (d == NULL)
		return errno == ENOENT;
	if (is_over(d, spot))
		return true;
	if (!is_in_a_table(&d->size, spot)) {
		str_sets(why, "no place for a tombstone");
		return false;
	}
	writer_u64(&bytes, spot->mark);
	ok = fs_pwrite_all(d->fd, str_span(&bytes), (off_t)spot->at, why);
	str_fini(&bytes);
	return ok && (!durable || sync_door(d->fd, why));
}

/* ---- the index ---- */

struct known {				/* a message in a log */
	struct commit_log_spot spot;
	char id[QUEUE_ID_MAX];
	struct known *next;		/* of its half */
};

struct known_half {
	uint64_t epoch;
	uint64_t at;			/* next record, from the half's begin */
	struct known *first;
};

struct known_log {
	uint64_t name;
	struct known_half halves[2];
};

static struct {
	int queue_dir;
	struct known_log *logs;
	size_t count;
	struct hash *by_id;
	int64_t looked_ns;
} known = { .queue_dir = -1 };

static void
forget_half(struct known_half *half)
{
	while (half->first != NULL) {
		struct known *k = half->first;

		half->first = k->next;
		if (hash_get(known.by_id, SPAN(k->id)) == k)
			hash_remove(known.by_id, SPAN(k->id));
		mem_free(k);
	}
	half->epoch = 0;
}

static void
learn(struct known_half *half, const struct clog_record *r,
    const struct commit_log_spot *spot)
{
	struct known *k = MEM_NEW(struct known);

	k->spot = *spot;
	memcpy(k->id, r->id, sizeof(k->id));
	k->next = half->first;
	half->first = k;
	hash_put(known.by_id, SPAN(k->id), k);
}

static bool
read_head(int fd, uint64_t at, uint64_t nonce, struct clog_record *out)
{
	char bytes[RECORD_HEAD_BYTES];

	return fs_pread(fd, bytes, sizeof(bytes), (off_t)at)
	    == sizeof(bytes) && clog_record_decode(span_of(bytes,
	    sizeof(bytes)), out) && out->nonce == nonce;
}

/* Behind a record comes the next one, or with the next batch on the next
 * page. */
static bool
next_head(int fd, uint64_t half_at, uint64_t nonce, struct known_half *half,
    struct clog_record *out)
{
	uint64_t page = (half->at + LOG_PAGE - 1) / LOG_PAGE * LOG_PAGE;

	if (read_head(fd, half_at + half->at, nonce, out)
	    && out->epoch == half->epoch)
		return true;
	if (page == half->at || !read_head(fd, half_at + page, nonce, out)
	    || out->epoch != half->epoch)
		return false;
	half->at = page;
	return true;
}

static void
look_at_half(int fd, struct known_log *log, unsigned i,
    const struct clog_header *h)
{
	struct known_half *half = &log->halves[i];
	uint64_t half_at = clog_half_at(&h->size, i);
	struct clog_record r;

	if (!read_head(fd, half_at + clog_table_bytes(&h->size), h->nonce, &r)
	    || r.epoch <= h->retired) {
		forget_half(half);
		return;
	}
	if (half->epoch != r.epoch) {
		forget_half(half);
		half->epoch = r.epoch;
		half->at = clog_table_bytes(&h->size);
	}
	while (half->at < h->size.half_bytes
	    && next_head(fd, half_at, h->nonce, half, &r)) {
		learn(half, &r, &(struct commit_log_spot){
			.log = log->name, .epoch = r.epoch, .mark = r.mark,
			.at = half_at + (uint64_t)r.index * 8 });
		half->at += clog_record_size(r.bytes.len);
	}
}

static void
look_at_log(struct known_log *log)
{
	struct str why = STR_EMPTY;
	const struct door *d = door(known.queue_dir, log->name, &why);
	struct clog_header h;

	str_fini(&why);
	if (d == NULL || !clog_header_read(d->fd, &h)) {
		forget_half(&log->halves[0]);
		forget_half(&log->halves[1]);
		return;
	}
	look_at_half(d->fd, log, 0, &h);
	look_at_half(d->fd, log, 1, &h);
}

static struct known_log *
known_log(uint64_t name)
{
	for (size_t i = 0; i < known.count; i++)
		if (known.logs[i].name == name)
			return &known.logs[i];
	known.logs = mem_regrow(known.logs, known.count + 1,
	    sizeof(*known.logs));
	known.logs[known.count] = (struct known_log){ .name = name };
	return &known.logs[known.count++];
}

static void
forget_all(void)
{
	for (size_t i = 0; i < known.count; i++) {
		forget_half(&known.logs[i].halves[0]);
		forget_half(&known.logs[i].halves[1]);
	}
	known.count = 0;
}

static void
look(int queue_dir)
{
	if (known.by_id == NULL)
		known.by_id = hash_new();
	if (known.queue_dir != queue_dir)
		forget_all();
	known.queue_dir = queue_dir;
	for (int failed = 0; failed < 2; failed++) {
		uint64_t *names;
		size_t n = clog_names(queue_dir, failed, &names);

		for (size_t i = 0; i < n; i++)
			known_log(names[i]);
		mem_free(names);
	}
	/* Those that have gone lose what was known of them. */
	for (size_t i = 0; i < known.count;) {
		look_at_log(&known.logs[i]);
		if (known.logs[i].halves[0].epoch == 0
		    && known.logs[i].halves[1].epoch == 0)
			known.logs[i] = known.logs[--known.count];
		else
			i++;
	}
}

void
commit_log_find(int queue_dir, struct span id,
    struct commit_log_spot *spot_out)
{
	struct known *k = NULL;
	int64_t now = clock_now_ns();

	*spot_out = (struct commit_log_spot){ .log = 0 };
	if (known.by_id != NULL && known.queue_dir == queue_dir)
		k = hash_get(known.by_id, id);
	if (k == NULL && (known.by_id == NULL || known.queue_dir != queue_dir
	    || now - known.looked_ns >= LOOK_NS)) {
		look(queue_dir);
		known.looked_ns = now;
		k = hash_get(known.by_id, id);
	}
	if (k != NULL)
		*spot_out = k->spot;
}
