/*
 * world - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/daemons/bounce/world.h"

#include <unistd.h>

#include "common/io/fs.h"
#include "common/io/loop.h"
#include "common/mail/conf_core.h"
#include "common/service/peer.h"
#include "common/service/rpc.h"
#include "common/service/service.h"
#include "daemons/shared/cleanup_proto.h"

struct world_notice world_notices[16];
size_t world_count;
bool world_cleanup_fails;

static struct fiber_group servers;

static void
take_begin(struct world_notice *n, const struct cleanup_begin *begin)
{
	const struct envelope *e = begin->envelope.items;
	const struct envelope_rcpt *rcpt = begin->rcpts.items;

	T_EQ_INT(begin->envelope.count, 1);
	T_EQ_INT(begin->rcpts.count, 1);
	str_set(&n->sender, e->sender);
	str_set(&n->rcpt, rcpt->address);
	str_clear(&n->text);
	n->flags = begin->flags;
	n->envelope_flags = e->flags;
	n->notify = rcpt->notify;
}

/* One message; false when the connection is over. */
static bool
take_message(struct stream *client, struct arena *arena)
{
	struct world_notice *n = NULL;
	struct attr_frame frame;
	struct cleanup_result result = { .queue_id = SPAN("NEW") };
	struct str why = STR_EMPTY;

	while (attr_read_frame(client, arena, DEADLINE_NEVER, &frame, &why)
	    == IO_OK) {
		struct cleanup_begin begin;
		struct cleanup_data data;

		if (frame.form == cleanup_begin_form.id) {
			T_CHECK(attr_decode(&cleanup_begin_form, &frame,
			    client, arena, &begin, &why));
			T_NEED(world_count < T_COUNT(world_notices));
			n = &world_notices[world_count];
			take_begin(n, &begin);
		} else if (frame.form == cleanup_data_form.id) {
			T_CHECK(attr_decode(&cleanup_data_form, &frame, NULL,
			    arena, &data, &why));
			str_add(&n->text, data.bytes);
		} else if (frame.form == cleanup_end_form.id) {
			world_count++;
			result.status = world_cleanup_fails
			    ? CLEANUP_WRITE_ERROR : CLEANUP_OK;
			attr_queue(client, &cleanup_result_form, 0, &result);
			str_fini(&why);
			return stream_flush(client, DEADLINE_NEVER) == IO_OK;
		}
	}
	str_fini(&why);
	return false;
}

static void
serve(void *arg)
{
	struct stream *client = stream_open((int)(intptr_t)arg);
	struct arena *arena = arena_new();

	if (rpc_read_hello(client, CLEANUP_PROTOCOL, CLEANUP_VERSION, arena,
	    DEADLINE_NEVER))
		while (take_message(client, arena))
			arena_reset(arena);
	arena_free(&arena);
	stream_close(client);
}

static int
connect_here(void *arg)
{
	int ends[2];

	(void)arg;
	T_NEED(sock_pair(ends));
	T_NEED(fiber_spawn(&servers, "cleanup", serve,
	    (void *)(intptr_t)ends[0]) != NULL);
	return ends[1];
}

struct run {
	fiber_fn *fn;
	void *arg;
};

static void
run_and_leave(void *arg)
{
	struct run *run = arg;

	run->fn(run->arg);
	fiber_group_cancel(&servers);
	fiber_group_join(&servers, DEADLINE_NEVER);
}

void
world_conf(const char *conf)
{
	struct str text = STR_EMPTY, why = STR_EMPTY;

	conf_unload();
	str_printf(&text, "compatibility_level = 3.6\n"
	    "myhostname = mail.example.com\nmyorigin = example.com\n"
	    "queue_directory = %s\n%s", t_tmpdir(), conf);
	if (!conf_load_text("main.cf", str_span(&text), &why))
		t_fail(T_HERE, "%s", str_cstr(&why));
	conf_register(&conf_core_params);
	conf_register(&bounce_params);
	if (!conf_fill(&conf_core_params, &why)
	    || !conf_fill(&bounce_params, &why))
		t_fail(T_HERE, "%s", str_cstr(&why));
	notice_setup();
	str_fini(&text);
	str_fini(&why);
}

void
world_run(const char *conf, fiber_fn *fn, void *arg)
{
	struct run run = { fn, arg };
	struct str why = STR_EMPTY;

	t_tmpdir_in_memory();
	world_conf(conf);
	queue_names_setup("", 1);
	T_NEED(queue_directories_make(service_queue_dir(), (uid_t)-1,
	    (gid_t)-1, &why));
	peer_connect_by("public", "cleanup", connect_here, NULL);
	fiber_group_init(&servers);
	loop_start();
	fiber_run_main(run_and_leave, &run);
	str_fini(&why);
}

void
world_forget(void)
{
	world_count = 0;
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
