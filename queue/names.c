/*
 * names - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/strlist.h"
#include "common/io/fs.h"
#include "queue/commit_log.h"
#include "queue/queue_id.h"

#define INCOMING_DIRS 16

static const char *const texts[QUEUE_NAME_COUNT] = {
	[QUEUE_MAILDROP] = "maildrop", [QUEUE_INCOMING] = "incoming",
	[QUEUE_ACTIVE] = "active", [QUEUE_DEFERRED] = "deferred",
	[QUEUE_HOLD] = "hold", [QUEUE_CORRUPT] = "corrupt",
	[QUEUE_DEFER] = "defer", [QUEUE_BOUNCE] = "bounce",
	[QUEUE_TRACE] = "trace",
};

static unsigned depth_of[QUEUE_NAME_COUNT] = {
	[QUEUE_DEFERRED] = 1, [QUEUE_DEFER] = 1,
};

const char *
queue_name_text(enum queue_name name)
{
	return texts[name];
}

int
queue_name_value(struct span text)
{
	for (int i = 0; i < QUEUE_NAME_COUNT; i++)
		if (span_is(text, texts[i]))
			return i;
	return -1;
}

void
queue_names_setup(const char *hash_queue_names, int64_t depth)
{
	struct strlist list = STRLIST_EMPTY;

	if (depth < 1)
		depth = 1;
	if (depth > QUEUE_DEPTH_MOST)
		depth = QUEUE_DEPTH_MOST;
	strlist_split(&list, SPAN(hash_queue_names), STRLIST_CONF);
	for (int i = 0; i < QUEUE_NAME_COUNT; i++)
		depth_of[i] = i != QUEUE_INCOMING && i != QUEUE_MAILDROP
		    && strlist_has(&list, SPAN(texts[i]))
		    ? (unsigned)depth : 0;
	strlist_fini(&list);
}

/* Directories are named after hex digits; a letter that is none has its place
 * all the same. */
static unsigned
hash_nibble(char c)
{
	return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
	    : (unsigned char)c & 15;
}

/* A short id begins with five hex digits of microseconds; for a long one they
 * are worked out, so that both lie where Postfix has them. */
static struct span
hashed_part(struct span id, char room[8])
{
	int64_t wall_us;

	if (!queue_id_time(id, &wall_us))
		return id;
	snprintf(room, 8, "%05X", (unsigned)(wall_us % 1000000));
	return SPAN(room);
}

void
queue_path_at_depth(enum queue_name name, struct span id, unsigned depth,
    struct str *out)
{
	char room[8];
	struct span part = hashed_part(id, room);

	str_sets(out, texts[name]);
	for (unsigned i = 0; i < depth; i++)
		str_addf(out, "/%X", i < part.len ? hash_nibble(part.p[i])
		    : 0);
	str_putc(out, '/');
	str_add(out, id);
}

void
queue_path(enum queue_name name, struct span id, struct str *out)
{
	if (name != QUEUE_INCOMING) {
		queue_path_at_depth(name, id, depth_of[name], out);
		return;
	}
	str_printf(out, "%s/%X/%.*s", texts[name], id.len > 0
	    ? hash_nibble(id.p[id.len - 1]) : 0, SPAN_ARG(id));
}

unsigned
queue_depth(enum queue_name name)
{
	return name == QUEUE_INCOMING ? 1 : depth_of[name];
}

size_t
queue_subdirs(enum queue_name name)
{
	size_t n = 1;

	if (name == QUEUE_INCOMING)
		return INCOMING_DIRS + 1;	/* and the flat one */
	for (unsigned i = 0; i < depth_of[name]; i++)
		n *= 16;
	return depth_of[name] > 0 ? n + 1 : 1;
}

void
queue_subdir(enum queue_name name, size_t index, struct str *out)
{
	unsigned depth = queue_depth(name);

	str_sets(out, texts[name]);
	if (index == 0)
		return;
	index--;
	for (unsigned i = depth; i > 0; i--)
		str_addf(out, "/%X", (unsigned)(index >> (4 * (i - 1))) & 15);
}

/* ---- making them ---- */

struct making {
	int queue_dir;
	uid_t owner;
	struct str *why;
	bool made;			/* a name that is not synced yet */
	bool repair;			/* owners and modes of what is there, too */
};

static bool
make_one(struct making *m, const char *path, mode_t mode, gid_t group)
{
	struct stat st;

	if (fs_stat_at(m->queue_dir, path, &st, NULL)) {
		if (S_ISDIR(st.st_mode))
			return !m->repair || fs_own_at(m->queue_dir, path,
			    mode, m->owner, group, m->why);
		str_printf(m->why, "%s: not a directory", path);
		return false;
	}
	if (!fs_mkdir_at(m->queue_dir, path, mode, m->why))
		return errno == EEXIST;
	m->made = true;
	return m->owner == (uid_t)-1 || fs_own_at(m->queue_dir, path, mode,
	    m->owner, group, m->why);
}

/* Each level of a hashed path in turn. */
static bool
make_path(struct making *m, struct str *path, mode_t mode, gid_t group)
{
	size_t length = str_len(path);
	bool ok = true;

	for (size_t at = 0; ok && at <= length; at++) {
		char kept = path->buf[at];

		if (at < length && kept != '/')
			continue;
		path->buf[at] = '\0';
		ok = make_one(m, path->buf, mode, group);
		path->buf[at] = kept;
	}
	return ok;
}

static bool
sync_one(int queue_dir, const char *path, struct str *why)
{
	int fd = fs_open_at(queue_dir, path, O_RDONLY | O_DIRECTORY, why);
	bool ok = fd >= 0 && fs_sync_dir_now(fd, why);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* The directories that hold others: each but the last level of each path. */
static bool
sync_parents(int queue_dir, enum queue_name q, struct str *why)
{
	struct str path = STR_EMPTY, last = STR_EMPTY;
	bool ok = sync_one(queue_dir, texts[q], why);

	for (size_t i = 1; ok && i < queue_subdirs(q); i++) {
		queue_subdir(q, i, &path);
		*strrchr(path.buf, '/') = '\0';
		if (strcmp(path.buf, texts[q]) == 0
		    || strcmp(path.buf, str_cstr(&last)) == 0)
			continue;
		str_sets(&last, path.buf);
		ok = sync_one(queue_dir, path.buf, why);
	}
	str_fini(&path);
	str_fini(&last);
	return ok;
}

static bool
make_queue(struct making *m, enum queue_name q, gid_t setgid_group)
{
	bool drop = q == QUEUE_MAILDROP, ok = true, made = m->made;
	struct str path = STR_EMPTY;

	m->made = false;
	for (size_t i = 0; ok && i < queue_subdirs(q); i++) {
		queue_subdir(q, i, &path);
		ok = make_path(m, &path, drop ? 0730 : 0700,
		    drop ? setgid_group : (gid_t)-1);
	}
	str_fini(&path);
	ok = ok && (!m->made || sync_parents(m->queue_dir, q, m->why));
	m->made |= made;
	return ok;
}

static bool
make_all(struct making *m, gid_t setgid_group)
{
	static const struct {
		const char *name;
		mode_t mode;
		bool roots, setgid;
	} others[] = {
		{ "private", 0700, false, false },
		{ "public", 0710, false, true },
		{ "flush", 0700, false, false },
		{ "saved", 0700, false, false },
		{ COMMIT_LOG_DIR, 0700, false, false },
		{ "pid", 0755, true, false },
	};
	uid_t owner = m->owner;
	bool ok = true;

	for (int q = 0; ok && q < QUEUE_NAME_COUNT; q++)
		ok = make_queue(m, (enum queue_name)q, setgid_group);
	for (size_t i = 0; ok && i < sizeof(others) / sizeof(others[0]); i++) {
		m->owner = others[i].roots ? (uid_t)-1 : owner;
		ok = make_one(m, others[i].name, others[i].mode,
		    others[i].setgid ? setgid_group : (gid_t)-1);
	}
	return ok && (!m->made || fs_sync_dir_now(m->queue_dir, m->why));
}

bool
queue_directories_make(int queue_dir, uid_t owner, gid_t setgid_group,
    struct str *why)
{
	struct making m = { .queue_dir = queue_dir, .owner = owner,
		.why = why };

	return make_all(&m, setgid_group);
}

bool
queue_directories_repair(int queue_dir, uid_t owner, gid_t setgid_group,
    struct str *why)
{
	struct making m = { .queue_dir = queue_dir, .owner = owner,
		.why = why, .repair = true };

	return make_all(&m, setgid_group);
}

bool
queue_directories_sync(int queue_dir, struct str *why)
{
	bool ok = true;

	for (int q = 0; ok && q < QUEUE_NAME_COUNT; q++)
		if (queue_subdirs((enum queue_name)q) > 1)
			ok = sync_parents(queue_dir, (enum queue_name)q, why);
	return ok && fs_sync_dir_now(queue_dir, why);
}
