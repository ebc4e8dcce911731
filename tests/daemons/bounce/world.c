/*
 * world - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/daemons/bounce/world.h"

#include <unistd.h>

#include "common/io/fs.h"
#include "common/service/service.h"

void
world_conf(const char *conf)
{
	struct str text = STR_EMPTY;

	str_printf(&text, "myorigin = example.com\n%s", conf);
	t_double_conf(str_cstr(&text), &bounce_params);
	notice_setup();
	str_fini(&text);
}

void
world_run(const char *conf, fiber_fn *fn, void *arg)
{
	struct str why = STR_EMPTY;

	t_tmpdir_in_memory();
	world_conf(conf);
	queue_names_setup("", 1);
	T_NEED(queue_directories_make(service_queue_dir(), (uid_t)-1,
	    (gid_t)-1, &why));
	t_double("public", "cleanup", t_cleanup_serve, NULL);
	t_double_run(fn, arg);
	str_fini(&why);
}

void
world_append(enum queue_name which, const struct outcome *outcomes,
    size_t count)
{
	struct str why = STR_EMPTY;

	T_CHECK(outcome_log_append(service_queue_dir(), which,
	    SPAN(WORLD_ID), outcomes, count, &why));
	str_fini(&why);
}

bool
world_tell(enum bounce_what what, const struct envelope *envelope,
    const char *content)
{
	struct envelope copy = *envelope;
	struct bounce_send rq = { .what = what, .queue_id = SPAN(WORLD_ID),
		.envelope = { &copy, 1 }, .fd = -1 };
	struct arena *arena = arena_new();
	struct str why = STR_EMPTY;
	FILE *file = NULL;
	bool ok;

	if (content != NULL) {
		file = tmpfile();
		T_NEED(file != NULL);
		T_NEED(fprintf(file, "0123456789%s", content) > 0
		    && fflush(file) == 0);
		rq.fd = fileno(file);
		rq.content_offset = 10;
		rq.content_length = strlen(content);
	}
	ok = tell_about(&rq, arena, &why);
	T_CHECK(ok || str_len(&why) > 0);
	if (file != NULL)
		fclose(file);
	str_fini(&why);
	arena_free(&arena);
	return ok;
}

bool
world_has_log(enum queue_name which)
{
	struct str path = STR_EMPTY;
	bool has;

	queue_path(which, SPAN(WORLD_ID), &path);
	has = faccessat(service_queue_dir(), str_cstr(&path), F_OK, 0) == 0;
	str_fini(&path);
	return has;
}
