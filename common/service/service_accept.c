/*
 * service_accept - listeners, sessions and the limits on them.
 *
 * A connection is counted when its fiber starts. Two processes that take the
 * last place at the same time both see too many: each gives its place back and
 * tries again after a moment of its own choice.
 *
 * A process that is full stops listening the moment its last place is taken:
 * one that was woken for a client and refused it would leave that client to
 * nobody. Master is told, and listens itself if all are full.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/scan.h"
#include "common/io/fs.h"
#include "common/io/loop.h"
#include "common/service/control.h"
#include "common/service/counters.h"
#include "common/service/rpc_priv.h"
#include "common/service/service_priv.h"

#define ST service_state

enum {
	LOOK_AGAIN_MS = 100,		/* paused at the limit */
	ALONE_LOOK_MS = 20,
	FIRST_BYTE_S = 30,		/* trigger or form? */
	TRIGGER_MAX = 64,
	MEMORY_LOOK_MS = 500,
	/* A client may need a descriptor elsewhere: its cleanup, its file. */
	DESCRIPTORS_EACH = 2,
	DESCRIPTORS_OWN = 32,
	ROOM_PART = 16,			/* of the places, before ROOM is told */
};

static struct sock_server *servers[INHERIT_LISTEN_MAX];
static unsigned nservers;
static bool paused, full;
static uint64_t places;		/* of this process; 0: no bound */
static struct loop_timer look_again, idle;
static struct loop_hook forget_admitted;
static unsigned admitted;		/* this turn, fibers not started yet */
static uint64_t taken;			/* connections so far, for max_use */

struct idler {
	struct list link;
	struct stream *stream;
};
static struct list idlers = LIST_HEAD(idlers);
static struct fiber_queue room = FIBER_QUEUE(room);

/* --- Limits --------------------------------------------------------------*/

static bool
speaks_forms(void)
{
	return ST.service != NULL	/* tests have none */
	    && (ST.service->protocol != NULL || ST.service->forms);
}

static int64_t
limit_of_row(void)
{
	return atomic_load(&control_row_mine()->limit);
}

static unsigned
my_row(void)
{
	return ST.from_master.row;
}

static void
note_client(int delta)
{
	struct control_slot *mine = control_mine();
	uint32_t now = atomic_fetch_add(&mine->clients, (uint32_t)delta) +
	    (uint32_t)delta;

	if (now > atomic_load(&mine->peak))
		atomic_store(&mine->peak, now);
}

static void
say_at_limit(void)
{
	static int64_t said_ns;
	int64_t now = clock_now_ns();

	if (said_ns != 0 && now - said_ns < 1000000000)
		return;
	said_ns = now;
	status_tell(STATUS_AT_LIMIT, NULL);
}

static bool
at_limit(unsigned more)
{
	int64_t limit = limit_of_row();

	return limit > 0 && control_clients(my_row()) + more >= (uint64_t)limit;
}

/* Takes a place, or waits for one. False when cancelled. Suspends. */
static bool
take_place(void)
{
	int64_t limit = limit_of_row();

	for (;;) {
		note_client(1);
		if (limit == 0 || control_clients(my_row()) <= (uint64_t)limit)
			return true;
		note_client(-1);
		say_at_limit();
		if (fiber_queue_wait(&room, deadline_in_ms(LOOK_AGAIN_MS / 2 +
		    random_below(LOOK_AGAIN_MS))) == IO_CANCELLED)
			return false;
		limit = limit_of_row();
	}
}

/* --- Room in this process ------------------------------------------------*/

static unsigned
open_connections(void)
{
	return atomic_load(&control_mine()->connections) + admitted;
}

static uint64_t
count_places(void)
{
	uint64_t wanted = conf_core.service_clients_per_process > 0 ?
	    (uint64_t)conf_core.service_clients_per_process : UINT64_MAX;
	uint64_t possible = UINT64_MAX;
	struct rlimit limit;

	if (ST.service->solitary)
		return 0;		/* nobody else could serve them */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY)
		possible = limit.rlim_cur > DESCRIPTORS_OWN * 2 ?
		    (limit.rlim_cur - DESCRIPTORS_OWN) / DESCRIPTORS_EACH :
		    DESCRIPTORS_OWN / DESCRIPTORS_EACH;
	if (wanted > possible)
		wanted = possible;
	return wanted == UINT64_MAX ? 0 : wanted;
}

/* Before the loop waits again, see above. */
static void
stop_if_full(unsigned clients)
{
	if (places == 0 || full || ST.draining || clients < places)
		return;
	full = paused = true;
	for (unsigned i = 0; i < nservers; i++)
		sock_server_pause(servers[i]);
	status_tell(STATUS_FULL, NULL);
}

static void
resume_listening(void)
{
	if (!paused || ST.draining)
		return;
	if (full) {
		if (open_connections() + places / ROOM_PART >= places)
			return;
		full = false;
		status_tell(STATUS_ROOM, NULL);
	}
	paused = false;
	for (unsigned i = 0; i < nservers; i++)
		sock_server_resume(servers[i]);
}

static void
leave_place(void)
{
	note_client(-1);
	fiber_queue_wake_one(&room);
	resume_listening();
}

static void
on_look_again(struct loop_timer *timer)
{
	(void)timer;
	resume_listening();
}

/* --- Memory --------------------------------------------------------------*/

static uint64_t memory_budget;		/* bytes; 0: unknown */
static int statm = -1;

static uint64_t
read_number(const char *path)
{
	struct str text = STR_EMPTY;
	uint64_t n = 0;

	if (fs_read_file_at(AT_FDCWD, path, 4096, &text, NULL) &&
	    !scan_u64(span_trim(str_span(&text)), &n))
		n = 0;
	str_fini(&text);
	return n;
}

void
service_learn_memory(void)
{
	uint64_t limit = read_number("/sys/fs/cgroup/memory.max");
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	uint64_t machine = pages > 0 && page > 0 ?
	    (uint64_t)pages * (uint64_t)page : 0;

	if (limit == 0 || (machine != 0 && limit > machine))
		limit = machine;
	memory_budget = limit / 2;
	statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

static bool
memory_is_short(void)
{
	static int64_t looked_ns;
	static bool is_short;
	char text[128];
	struct span rest, word;
	uint64_t pages;
	int64_t now = clock_now_ns();

	if (statm < 0 || memory_budget == 0 || (looked_ns != 0 &&
	    now - looked_ns < (int64_t)MEMORY_LOOK_MS * 1000000))
		return is_short;
	looked_ns = now;
	ssize_t n = pread(statm, text, sizeof(text), 0);

	rest = span_of(text, n > 0 ? (size_t)n : 0);
	if (!span_token(&rest, " ", &word) || !span_token(&rest, " ", &word) ||
	    !scan_u64(word, &pages))
		return false;
	bool now_short = pages * (uint64_t)sysconf(_SC_PAGESIZE) >
	    memory_budget / 5 * 4;

	if (now_short && !is_short)
		log_warn("memory is short: %llu MB in use; new connections "
		    "wait", (unsigned long long)(pages >> 8));
	is_short = now_short;
	return is_short;
}

/* --- Accepting -----------------------------------------------------------*/

static bool
may_take_another(void)
{
	if (ST.service->protocol == NULL && at_limit(admitted)) {
		say_at_limit();
		return false;
	}
	if (memory_is_short()) {
		counter_add(COUNTER_REFUSED, 1);
		say_at_limit();
		return false;
	}
	return true;
}

static bool
may_accept(void *arg)
{
	(void)arg;
	stop_if_full(open_connections());
	if (ST.draining || full)
		return false;
	if (may_take_another()) {
		admitted++;
		loop_hook_arm(&forget_admitted, LOOP_RANK_LAST);
		return true;
	}
	paused = true;
	loop_timer_set(&look_again, deadline_in_ms(LOOK_AGAIN_MS).at_ns);
	return false;
}

static void
on_forget_admitted(struct loop_hook *hook)
{
	(void)hook;
	admitted = 0;
	if (full)
		resume_listening();	/* another took what was awaited */
}

/* --- Leaving for want of work --------------------------------------------*/

static void
watch_idleness(void)
{
	if (ST.service->solitary || ST.service->stays ||
	    conf_core.max_idle <= 0)
		return;
	loop_timer_set(&idle, deadline_in(conf_core.max_idle).at_ns);
}

static void
on_idle(struct loop_timer *timer)
{
	(void)timer;
	if (atomic_load(&control_mine()->connections) > 0 || ST.draining)
		return;
	service_begin_drain(DEADLINE_NEVER);
}

static void
connection_began(void)
{
	struct control_slot *mine = control_mine();

	if (admitted > 0)
		admitted--;
	loop_timer_stop(&idle);
	stop_if_full(atomic_fetch_add(&mine->connections, 1) + 1);
	atomic_fetch_add(&mine->served, 1);
	counter_add(COUNTER_CONNECTIONS, 1);
	taken++;
	service_follow_stress();
	if (conf_core.service_clients_per_process > 0 &&
	    conf_core.max_use > 0 && taken >= (uint64_t)conf_core.max_use &&
	    !ST.service->solitary)
		service_begin_drain(DEADLINE_NEVER);
}

static void
connection_ended(void)
{
	if (atomic_fetch_sub(&control_mine()->connections, 1) == 1)
		watch_idleness();
	resume_listening();
}

/* --- Wake-ups ------------------------------------------------------------*/

static struct str wakeup_bytes;
static bool waking;

static void
run_wakeup(void *arg)
{
	(void)arg;
	while (str_len(&wakeup_bytes) > 0 && !ST.draining) {
		struct str now = wakeup_bytes;

		wakeup_bytes = STR_EMPTY;
		ST.service->wakeup(str_span(&now));
		str_fini(&now);
	}
	waking = false;
}

void
service_run_wakeup(struct span bytes)
{
	if (ST.service->wakeup == NULL)
		return;
	/* Each kind once is enough. */
	for (size_t i = 0; i < bytes.len; i++)
		if (!span_has(str_span(&wakeup_bytes), bytes.p[i]))
			str_putc(&wakeup_bytes, bytes.p[i]);
	if (!waking)
		/* A session: what it has begun is finished when we leave. */
		waking = fiber_spawn(&ST.sessions, "wakeup", run_wakeup,
		    NULL) != NULL;
}

static void
read_triggers(struct stream *s)
{
	struct deadline end = deadline_in(FIRST_BYTE_S);
	struct span bytes;
	size_t total = 0;

	while (total < TRIGGER_MAX && stream_peek(s, end, &bytes) == IO_OK) {
		service_run_wakeup(span_sub(bytes, 0, TRIGGER_MAX - total));
		total += bytes.len;
		stream_consume(s, bytes.len);
	}
	stream_close(s);
}

/* --- Sessions ------------------------------------------------------------*/

/* A close with unread input would tear down the 421 on its way. */
static enum io_status
end_politely(struct stream *s)
{
	struct span rest;

	for (int i = 0; i < 16 && (stream_buffered(s) > 0 ||
	    stream_input_waits(s)); i++) {
		if (stream_peek(s, deadline_in_ms(1), &rest) != IO_OK)
			break;
		stream_consume(s, rest.len);
	}
	return IO_EOF;
}

static enum io_status
wait_idle(struct stream *s, struct deadline deadline, bool forms)
{
	struct idler me = { .stream = s };
	struct span rest;
	enum io_status status;

	if (ST.draining && !forms)
		return end_politely(s);
	if (ST.draining && s != ST.kept && stream_buffered(s) == 0 &&
	    !stream_input_waits(s))
		rpc_say_bye(s);
	list_append(&idlers, &me.link);
	status = stream_wait_input(s, deadline);
	/* Readiness may be stale: then the wait goes on in the read. */
	if (status == IO_OK && stream_buffered(s) == 0)
		status = stream_peek(s, deadline, &rest);
	list_remove(&me.link);
	return status == IO_OK && ST.draining && !forms ? end_politely(s) :
	    status;
}

enum io_status
service_wait_idle(struct stream *s, struct deadline deadline)
{
	return wait_idle(s, deadline, speaks_forms());
}

static enum io_status
wait_for_request(struct stream *s, struct deadline deadline)
{
	return wait_idle(s, deadline, true);
}

/* Ends the waits of inet clients, whose sockets are not read again. */
void
service_tell_idlers(void)
{
	LIST_EACH(item, &idlers) {
		struct idler *i = LIST_ITEM(item, struct idler, link);

		if (i->stream == ST.kept)
			continue;
		if (speaks_forms())
			rpc_say_bye(i->stream);
		else if (stream_fd(i->stream) >= 0)
			shutdown(stream_fd(i->stream), SHUT_RD);
	}
}

bool
service_be_alone(const struct stream *client, bool (*busy)(void))
{
	enum io_status status = IO_TIMEOUT;

	ST.kept = client;
	service_begin_drain(DEADLINE_NEVER);
	/* One of those that are waited for may wait for this call's place. */
	leave_place();
	while (status == IO_TIMEOUT && (busy() ||
	    atomic_load(&control_mine()->connections) > 1))
		status = fiber_sleep(deadline_in_ms(ALONE_LOOK_MS));
	if (status == IO_TIMEOUT && take_place())
		return true;
	note_client(1);			/* to be taken off by the caller */
	return false;
}

static bool
begin_call(void)
{
	counter_add(COUNTER_CALLS, 1);
	return take_place();
}

static void
serve_stream(struct stream *s, const struct sock_peer *peer)
{
	struct span first;

	/* Before the first byte is read: descriptors may come with it. */
	if (ST.service->protocol != NULL)
		stream_accept_fds(s, ST.service->protocol->accepts_fds);
	if (ST.service->wakeup != NULL) {
		if (stream_peek(s, deadline_in(FIRST_BYTE_S), &first) !=
		    IO_OK) {
			stream_close(s);
			return;
		}
		if (first.p[0] != '\0' || (ST.service->protocol == NULL &&
		    ST.service->serve == NULL)) {
			read_triggers(s);
			return;
		}
	}
	if (ST.service->protocol != NULL) {
		rpc_serve(ST.service->protocol, s, peer);
	} else if (ST.service->serve == NULL) {
		stream_close(s);
	} else if (take_place()) {
		ST.service->serve(s, peer);
		leave_place();
	} else {
		stream_close(s);
	}
}

static void
serve_connection(int fd, const struct sock_peer *peer, void *arg)
{
	(void)arg;
	connection_began();
	serve_stream(stream_open(fd), peer);
	connection_ended();
}

/* --- Listeners -----------------------------------------------------------*/

static void
serve_fifo(void *arg)
{
	struct stream *s = stream_open((int)(intptr_t)arg);
	struct span bytes;

	while (stream_peek(s, DEADLINE_NEVER, &bytes) == IO_OK) {
		service_run_wakeup(bytes);
		stream_consume(s, bytes.len);
	}
	stream_close(s);
}

static void
serve_datagrams(void *arg)
{
	ST.service->serve_datagrams((int)(intptr_t)arg);
}

static void
start_background(const char *name, fiber_fn *fn, int fd)
{
	if (fiber_spawn(&ST.background, name, fn, (void *)(intptr_t)fd) ==
	    NULL)
		fatal("memory for a fiber: %m");
}

void
service_accept_setup(void)
{
	static const struct rpc_hooks hooks = { wait_for_request, begin_call,
		leave_place };

	rpc_set_hooks(&hooks);
	loop_timer_init(&look_again, on_look_again);
	loop_timer_init(&idle, on_idle);
	loop_hook_init(&forget_admitted, on_forget_admitted);
}

void
service_listen(void)
{
	if (ST.draining)
		return;
	places = count_places();
	for (unsigned i = 0; i < ST.from_master.listen; i++) {
		int fd = INHERIT_LISTEN + (int)i;

		sock_set_nonblock(fd, true);
		if (strcmp(ST.type, "fifo") == 0)
			start_background("fifo", serve_fifo, fd);
		else if (ST.service->serve_datagrams != NULL)
			start_background("datagrams", serve_datagrams, fd);
		else
			servers[nservers++] = sock_server_start(fd,
			    &ST.sessions, ST.service->name, serve_connection,
			    may_accept, NULL);
	}
	watch_idleness();
}

void
service_stop_listening(void)
{
	loop_timer_stop(&look_again);
	loop_timer_stop(&idle);
	for (unsigned i = 0; i < nservers; i++)
		sock_server_stop(servers[i]);
	nservers = 0;
}
