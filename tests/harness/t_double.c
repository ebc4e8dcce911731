/*
 * t_double - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/harness/t_double.h"

#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/fault.h"
#include "common/io/sock.h"
#include "common/service/rpc.h"
#include "daemons/shared/cleanup_proto.h"
#include "tests/harness/t.h"

/* ---- connections ---- */

struct served {
	int fd;
	t_serve_fn *fn;
	void *arg;
};

static void
serve(void *arg)
{
	struct served served = *(struct served *)arg;

	mem_free(arg);
	served.fn(stream_open(served.fd), served.arg);
}

int
t_double_connect(struct fiber_group *fibers, t_serve_fn *fn, void *arg)
{
	struct served *served;
	int ends[2];

	if (!sock_pair(ends)) {
		T_CHECK(fault_was_hit());
		return -1;
	}
	served = MEM_NEW(struct served);
	*served = (struct served){ ends[0], fn, arg };
	if (fiber_spawn(fibers, "double", serve, served) != NULL)
		return ends[1];
	T_CHECK(fault_was_hit());
	mem_free(served);
	close(ends[0]);
	close(ends[1]);
	return -1;
}

/* ---- cleanup ---- */

struct t_mail t_mails[16];
size_t t_mail_count;
uint64_t t_cleanup_status = CLEANUP_OK;

static void
take_rcpts(struct t_mail *n, const struct attr_list *rcpts)
{
	for (size_t i = 0; i < rcpts->count; i++) {
		const struct envelope_rcpt *rcpt = ATTR_AT(*rcpts,
		    struct envelope_rcpt, i);

		T_EQ_TEXT(str_span(&n->rcpt), "");
		str_set(&n->rcpt, rcpt->address);
		n->notify = rcpt->notify;
	}
}

static void
take_begin(struct t_mail *n, const struct cleanup_begin *begin)
{
	const struct envelope *e = begin->envelope.items;

	T_EQ_INT(begin->envelope.count, 1);
	str_set(&n->sender, e->sender);
	str_clear(&n->rcpt);
	str_clear(&n->text);
	n->flags = begin->flags;
	n->envelope_flags = e->flags;
	take_rcpts(n, &begin->rcpts);
}

/* One message; false when the connection is over. */
static bool
take_message(struct stream *client, struct arena *arena)
{
	struct t_mail *n = NULL;
	struct attr_frame frame;
	struct cleanup_result result = { .queue_id = SPAN("NEW") };
	struct str why = STR_EMPTY;

	while (attr_read_frame(client, arena, DEADLINE_NEVER, &frame, &why)
	    == IO_OK) {
		struct cleanup_begin begin;
		struct cleanup_rcpts rcpts;
		struct cleanup_data data;

		if (frame.form == cleanup_begin_form.id) {
			T_CHECK(attr_decode(&cleanup_begin_form, &frame,
			    client, arena, &begin, &why));
			T_NEED(t_mail_count < T_COUNT(t_mails));
			n = &t_mails[t_mail_count];
			take_begin(n, &begin);
		} else if (frame.form == cleanup_rcpts_form.id) {
			T_CHECK(attr_decode(&cleanup_rcpts_form, &frame, NULL,
			    arena, &rcpts, &why));
			take_rcpts(n, &rcpts.rcpts);
		} else if (frame.form == cleanup_data_form.id) {
			T_CHECK(attr_decode(&cleanup_data_form, &frame, NULL,
			    arena, &data, &why));
			str_add(&n->text, data.bytes);
		} else if (frame.form == cleanup_end_form.id) {
			T_CHECK(str_len(&n->rcpt) > 0);
			t_mail_count++;
			result.status = t_cleanup_status;
			attr_queue(client, &cleanup_result_form, 0, &result);
			str_fini(&why);
			return stream_flush(client, DEADLINE_NEVER) == IO_OK;
		}
	}
	str_fini(&why);
	return false;
}

void
t_cleanup_serve(struct stream *client, void *unused)
{
	struct arena *arena = arena_new();

	(void)unused;
	if (rpc_read_hello(client, CLEANUP_PROTOCOL, CLEANUP_VERSION, arena,
	    DEADLINE_NEVER))
		while (take_message(client, arena))
			arena_reset(arena);
	arena_free(&arena);
	stream_close(client);
}
