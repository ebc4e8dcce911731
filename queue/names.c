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
queue_path(enum queue_name name, struct span id, struct str *out)
{
	char room[8];
	struct span part = hashed_part(id, room);

	str_sets(out, texts[name]);
	if (name == QUEUE_INCOMING)
		str_addf(out, "/%X", id.len > 0
		    ? hash_nibble(id.p[id.len - 1]) : 0);
	for (unsigned i = 0; i < depth_of[name]; i++)
		str_addf(out, "/%X", i < part.len ? hash_nibble(part.p[i])
		    : 0);
	str_putc(out, '/');
	str_add(out, id);
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

static bool
make_one(int queue_dir, const char *path, mode_t mode, uid_t owner,
    gid_t group, struct str *why)
{
	struct stat st;

	if (fstatat(queue_dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISDIR(st.st_mode))
			return true;
		str_printf(why, "%s: not a directory", path);
		return false;
	}
	if (!fs_mkdir_at(queue_dir, path, mode, why))
		return errno == EEXIST;
	return owner == (uid_t)-1
	    || fs_own_at(queue_dir, path, mode, owner, group, why);
}

bool
queue_directories_make(int queue_dir, uid_t owner, gid_t setgid_group,
    struct str *why)
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
		{ "pid", 0755, true, false },
	};
	struct str path = STR_EMPTY;
	bool ok = true;

	for (int q = 0; ok && q < QUEUE_NAME_COUNT; q++) {
		bool drop = q == QUEUE_MAILDROP;

		for (size_t i = 0; ok && i < queue_subdirs(q); i++) {
			struct span rest;

			queue_subdir(q, i, &path);
			/* each level of a hashed path in turn */
			rest = str_span(&path);
			for (size_t at = 0; ok && at <= rest.len; at++) {
				char kept;

				if (at < rest.len && rest.p[at] != '/')
					continue;
				kept = path.buf[at];
				path.buf[at] = '\0';
				ok = make_one(queue_dir, path.buf,
				    drop ? 0730 : 0700, owner,
				    drop ? setgid_group : (gid_t)-1, why);
				path.buf[at] = kept;
			}
		}
	}
	for (size_t i = 0; ok && i < sizeof(others) / sizeof(others[0]); i++)
		ok = make_one(queue_dir, others[i].name, others[i].mode,
		    others[i].roots ? (uid_t)-1 : owner,
		    others[i].setgid ? setgid_group : (gid_t)-1, why);
	str_fini(&path);
	return ok && fs_sync_dir_wait(queue_dir, why);
}
