/*
 * user - accounts of this host, looked up on an offload thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <pwd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/recent.h"
#include "common/base/scan.h"
#include "common/io/offload.h"
#include "common/mail/conf_core.h"
#include "daemons/local/local_priv.h"

#define ROOM 16384

static uid_t default_uid;
static gid_t default_gid;
static bool has_default;

struct question {
	const char *name;		/* or NULL: by uid */
	uid_t uid;
	struct passwd pw;
	char *room;
	struct passwd *found;
	int error;
};

static void
ask(void *arg)
{
	struct question *q = arg;

	if (q->name != NULL)
		q->error = getpwnam_r(q->name, &q->pw, q->room, ROOM,
		    &q->found);
	else
		q->error = getpwuid_r(q->uid, &q->pw, q->room, ROOM,
		    &q->found);
}

static enum map_status
find(struct question *asked, struct user *out, struct arena *arena)
{
	struct question q = *asked;

	q.room = arena_alloc(arena, ROOM);
	offload_call(ask, &q);
	/* the errors that getpwnam(3) lists for "not found" */
	if (q.found == NULL)
		return q.error == 0 || q.error == ENOENT || q.error == ESRCH
		    || q.error == EBADF ? MAP_ABSENT : MAP_FAILED;
	out->name = arena_strdup(arena, q.pw.pw_name);
	out->home = arena_strdup(arena, q.pw.pw_dir);
	out->shell = arena_strdup(arena, q.pw.pw_shell);
	out->uid = q.pw.pw_uid;
	out->gid = q.pw.pw_gid;
	return MAP_FOUND;
}

static void
copy(const struct user *from, struct user *to, struct arena *arena)
{
	to->name = arena_strdup(arena, from->name);
	to->home = arena_strdup(arena, from->home);
	to->shell = arena_strdup(arena, from->shell);
	to->uid = from->uid;
	to->gid = from->gid;
}

enum map_status
user_find(struct span name, struct user *out, struct arena *arena)
{
	static struct recent found;
	struct question q = { .name = arena_cstr(arena, name) };
	const struct user *known = recent_get(&found, name);
	enum map_status status;
	struct user *keep;

	if (known != NULL) {
		copy(known, out, arena);
		return MAP_FOUND;
	}
	if (name.len == 0 || span_has(name, '\0') || span_has(name, '/'))
		return MAP_ABSENT;
	status = find(&q, out, arena);
	if (status == MAP_FOUND) {
		struct arena *kept = recent_arena(&found);

		keep = arena_alloc(kept, sizeof(*keep));
		copy(out, keep, kept);
		recent_put(&found, name, keep);
	}
	return status;
}

enum map_status
user_find_uid(uid_t uid, struct user *out, struct arena *arena)
{
	struct question q = { .uid = uid };

	return find(&q, out, arena);
}

/* default_privs: a name or a number, as whom nobody's mail is handled. */
void
user_setup(void)
{
	struct passwd *pw;
	uint32_t number;

	if (scan_u32(SPAN(conf_core.default_privs), &number)) {
		default_uid = default_gid = number;
		has_default = number != 0;
		return;
	}
	pw = getpwnam(conf_core.default_privs);
	if (pw == NULL || pw->pw_uid == 0) {
		log_warn("default_privs: \"%s\" is not an unprivileged user",
		    conf_core.default_privs);
		return;
	}
	default_uid = pw->pw_uid;
	default_gid = pw->pw_gid;
	has_default = true;
}

bool
user_default(struct user *out)
{
	*out = (struct user){ .uid = default_uid, .gid = default_gid };
	return has_default;
}
