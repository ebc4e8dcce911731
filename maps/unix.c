/*
 * unix: tables - unix:passwd.byname and unix:group.byname of the C library.
 *
 * Name services may ask the network, so look-ups run in an offload thread.
 * The answer is the line as it would stand in /etc/passwd or /etc/group; it
 * counts for a second. That there is none is asked most: of a whole address,
 * before its local part, and it is found out the slowest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>

#include "common/base/mem.h"
#include "common/base/recent.h"
#include "common/io/offload.h"
#include "maps/map.h"

enum { FIRST_ROOM = 1024, ROOM_MAX = 1 << 20 };

struct unix_job {
	char *name;
	struct str line;		/* only this thread touches it */
	enum map_status status;
	int error;
};

struct unix_map {
	struct map map;
	void (*ask)(void *job);
	struct recent recent;		/* lines, or `absent` */
};

static const char absent[] = "";

static void
print_passwd(struct str *out, const struct passwd *pw)
{
	str_printf(out, "%s:%s:%lu:%lu:%s:%s:%s", pw->pw_name, pw->pw_passwd,
	    (unsigned long)pw->pw_uid, (unsigned long)pw->pw_gid,
	    pw->pw_gecos, pw->pw_dir, pw->pw_shell);
}

static void
print_group(struct str *out, const struct group *gr)
{
	str_printf(out, "%s:%s:%lu:", gr->gr_name, gr->gr_passwd,
	    (unsigned long)gr->gr_gid);
	for (char **member = gr->gr_mem; *member != NULL; member++) {
		if (member != gr->gr_mem)
			str_putc(out, ',');
		str_adds(out, *member);
	}
}

/* No such name; some services say so by an error. */
static bool
is_absent(int error)
{
	return error == 0 || error == ENOENT || error == ESRCH;
}

static void
conclude(struct unix_job *job, bool found)
{
	job->status = found ? MAP_FOUND :
	    is_absent(job->error) ? MAP_ABSENT : MAP_FAILED;
}

static void
ask_passwd(void *arg)
{
	struct unix_job *job = arg;
	struct passwd pw, *found = NULL;
	char *buf = NULL;

	for (size_t room = FIRST_ROOM; room <= ROOM_MAX; room *= 4) {
		buf = mem_regrow(buf, room, 1);
		job->error = getpwnam_r(job->name, &pw, buf, room, &found);
		if (job->error != ERANGE)
			break;
	}
	if (found != NULL)
		print_passwd(&job->line, found);
	conclude(job, found != NULL);
	mem_free(buf);
}

static void
ask_group(void *arg)
{
	struct unix_job *job = arg;
	struct group gr, *found = NULL;
	char *buf = NULL;

	for (size_t room = FIRST_ROOM; room <= ROOM_MAX; room *= 4) {
		buf = mem_regrow(buf, room, 1);
		job->error = getgrnam_r(job->name, &gr, buf, room, &found);
		if (job->error != ERANGE)
			break;
	}
	if (found != NULL)
		print_group(&job->line, found);
	conclude(job, found != NULL);
	mem_free(buf);
}

static enum map_status
unix_lookup(struct map *map, struct span key, struct str *value_out)
{
	/* A NUL would cut the name short. */
	if (key.len == 0 || span_has(key, '\0'))
		return MAP_ABSENT;
	struct unix_map *m = (struct unix_map *)map;
	const char *known = recent_get(&m->recent, key);

	if (known != NULL && known != absent)
		str_set(value_out, SPAN(known));
	if (known != NULL)
		return known != absent ? MAP_FOUND : MAP_ABSENT;
	struct unix_job job = { .name = mem_strndup(key.p, key.len),
		.line = STR_EMPTY };

	offload_call(m->ask, &job);
	if (job.status == MAP_FOUND)
		str_set(value_out, str_span(&job.line));
	if (job.status != MAP_FAILED)
		recent_put(&m->recent, key, job.status == MAP_ABSENT ? absent :
		    arena_strdup(recent_arena(&m->recent),
		    str_cstr(&job.line)));
	else
		map_fail(map, "%s: lookup of %s: %s", map->label, job.name,
		    strerror(job.error));
	str_fini(&job.line);
	mem_free(job.name);
	return job.status;
}

static void
unix_close(struct map *map)
{
	recent_free(&((struct unix_map *)map)->recent);
}

static struct map *
unix_open(const struct map_spec *spec, struct str *why)
{
	void (*ask)(void *) = NULL;

	if (strcmp(spec->name, "passwd.byname") == 0)
		ask = ask_passwd;
	else if (strcmp(spec->name, "group.byname") == 0)
		ask = ask_group;
	if (ask == NULL) {
		str_printf(why, "unknown table: unix:%s", spec->name);
		return NULL;
	}
	struct unix_map *m = map_new(spec, struct unix_map, map);

	m->ask = ask;
	return &m->map;
}

const struct map_type unix_type = {
	.name = "unix", .flags = MAP_SUSPENDS, .open = unix_open,
	.lookup = unix_lookup, .close = unix_close,
};
