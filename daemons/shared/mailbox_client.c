/*
 * mailbox_client - see the header. Each user's worker is a peer whose
 * connections the launcher makes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/mailbox_client.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fs.h"
#include "common/io/record.h"
#include "common/mail/address.h"
#include "common/mail/header.h"
#include "common/service/peer.h"

#define RUN_BYTES (16 * 1024)
#define HEADER_BYTES_MOST (256 * 1024)
#define PATIENCE_MS 5000
#define COMMAND_PATIENCE_S 60

struct worker {
	uid_t uid;
	gid_t gid;
	bool commands;
	struct peer *peer;
	char name[40];
};

static struct hash *workers;
static bool launcher_gone;

static int
connect_to_launcher(void *arg)
{
	int *fd = arg;
	int given = *fd;

	*fd = -1;			/* there is only this one */
	if (given < 0) {
		launcher_gone = true;
		service_restart("the launcher is gone");
	}
	return given;
}

static struct peer *
launcher_peer(void)
{
	static struct peer *peer;
	static int fd;

	if (peer != NULL)
		return peer;
	fd = service_launcher_fd();
	sock_set_nonblock(fd, true);
	peer_connect_by("launcher", "launcher", connect_to_launcher, &fd);
	peer = peer_named("launcher", "launcher", LAUNCHER_PROTOCOL,
	    LAUNCHER_VERSION);
	peer_set_spread(peer, SIZE_MAX, 1);
	peer_set_kept(peer);
	return peer;
}

static int
connect_to_worker(void *arg)
{
	struct worker *w = arg;
	struct worker_request request = { .uid = w->uid, .gid = w->gid,
		.commands = w->commands };
	struct worker_reply reply = { .fd = -1 };
	struct arena *arena = arena_new();
	int fd = -1;

	/* A successor has one; what waits for it here ends in PATIENCE_MS and
	 * is tried again there. */
	if (launcher_gone)
		fd = -1;
	else if (peer_call(launcher_peer(), false, &worker_request_form,
	    &request, &worker_reply_form, &reply, arena,
	    deadline_in_ms(PATIENCE_MS)) != IO_OK)
		log_warn("launcher: %s", peer_why(launcher_peer()));
	else if (!reply.ok)
		log_warn("launcher: %.*s", SPAN_ARG(reply.why));
	else
		fd = reply.fd;
	if (fd < 0 && reply.fd >= 0)
		close(reply.fd);
	if (fd >= 0)
		sock_set_nonblock(fd, true);
	arena_free(&arena);
	return fd;
}

static struct peer *
worker_peer(uid_t uid, gid_t gid, bool commands)
{
	const char *class = commands ? "commands" : "worker";
	char name[40];
	struct worker *w;

	if (!service_has_root()) {
		uid = geteuid();
		gid = getegid();
	}
	snprintf(name, sizeof(name), "%lu.%lu%s", (unsigned long)uid,
	    (unsigned long)gid, commands ? ".c" : "");
	if (workers == NULL)
		workers = hash_new();
	w = hash_get(workers, SPAN(name));
	if (w != NULL)
		return w->peer;
	w = MEM_NEW(struct worker);
	w->uid = uid;
	w->gid = gid;
	w->commands = commands;
	memcpy(w->name, name, sizeof(name));
	peer_connect_by(class, w->name, connect_to_worker, w);
	w->peer = commands ? peer_named(class, w->name, COMMAND_PROTOCOL,
	    COMMAND_VERSION) : peer_named(class, w->name, MAILBOX_PROTOCOL,
	    MAILBOX_VERSION);
	peer_set_spread(w->peer, 64, 4);
	peer_set_patience(w->peer, PATIENCE_MS);
	hash_put(workers, SPAN(name), w);
	return w->peer;
}

struct worker_call {
	uid_t uid;
	gid_t gid;
	bool commands, idempotent;
	const struct attr_form *request_form, *reply_form;
	const void *request;
	void *reply_out;
	int file;			/* goes with it, and stays here; or -1 */
	struct deadline deadline;
};

/* Only such calls end when no worker could be had for a while. */
static void
nothing_more(void *arg)
{
	(void)arg;
}

static bool
call_worker(struct worker_call *c, struct arena *arena, struct span *why_out)
{
	struct peer *peer;

	if (service_has_root() && (c->uid == 0 || c->gid == 0)) {
		*why_out = SPAN("refusing to write mail with root's rights");
		return false;
	}
	peer = worker_peer(c->uid, c->gid, c->commands);
	if (c->file >= 0)
		fs_hold(c->file);
	if (peer_finish(peer_begin(peer, c->idempotent, c->request_form,
	    c->request, c->reply_form, nothing_more, NULL), c->reply_out,
	    arena, c->deadline) == IO_OK)
		return true;
	*why_out = SPAN(arena_printf(arena, "%s: %s", c->commands
	    ? "worker for commands" : "mailbox worker", peer_why(peer)));
	return false;
}

static bool
path_is_usable(struct span path, struct span *why_out)
{
	if (path.len > 0 && path.p[0] == '/' && path.len < PATH_MAX
	    && !span_has(path, '\0'))
		return true;
	*why_out = path.len < PATH_MAX
	    ? SPAN("mailbox path is not absolute")
	    : SPAN("mailbox path is too long");
	return false;
}

static struct span
shortened(struct span text, size_t most)
{
	return text.len <= most ? text : span_sub(text, 0, most);
}

static void
defer(struct mailbox_result *result, const char *dsn, struct span why)
{
	*result = (struct mailbox_result){ .verdict = MAILBOX_DEFER,
		.dsn = SPAN(dsn), .text = why };
}

void
mailbox_deliver(struct delivery *d, uid_t uid, gid_t gid,
    struct mailbox_job *job, struct mailbox_result *result_out)
{
	struct worker_call call = { .uid = uid, .gid = gid,
		.request_form = &mailbox_job_form, .request = job,
		.reply_form = &mailbox_result_form, .reply_out = result_out,
		.deadline = service_ipc_deadline() };
	struct span why;

	if (!path_is_usable(job->path, &why)) {
		defer(result_out, "4.3.5", why);
		return;
	}
	job->content_offset = d->request->content_offset;
	job->content_length = d->request->content_length;
	job->sender = shortened(job->sender, MAILBOX_SENDER_MOST);
	job->user = shortened(job->user, MAILBOX_USER_MOST);
	job->host = SPAN(conf_core.myhostname);
	job->fd = call.file = d->request->fd;
	if (!call_worker(&call, d->arena, &why))
		defer(result_out, "4.3.0", why);
	else if (result_out->verdict == MAILBOX_DELIVERED)
		RECORD_THAT("boxed", d->request->queue_id, "%.*s",
		    SPAN_ARG(job->path));
}

void
mailbox_command(struct delivery *d, uid_t uid, gid_t gid,
    struct command_job *job, struct mailbox_result *result_out)
{
	struct worker_call call = { .uid = uid, .gid = gid, .commands = true,
		.request_form = &command_job_form, .request = job,
		.reply_form = &mailbox_result_form, .reply_out = result_out,
		.deadline = deadline_in((int64_t)job->time_limit
		    + COMMAND_PATIENCE_S) };
	struct span why;

	job->content_offset = d->request->content_offset;
	job->content_length = d->request->content_length;
	job->sender = shortened(job->sender, MAILBOX_SENDER_MOST);
	job->fd = call.file = d->request->fd;
	if (!call_worker(&call, d->arena, &why))
		defer(result_out, "4.3.0", why);
}

void
mailbox_session(uid_t uid, gid_t gid, struct session_job *job,
    struct mailbox_result *result_out, struct arena *arena)
{
	struct worker_call call = { .uid = uid, .gid = gid, .commands = true,
		.request_form = &session_job_form, .request = job,
		.reply_form = &mailbox_result_form, .reply_out = result_out,
		.file = -1, .deadline = deadline_in((int64_t)job->time_limit
		    + COMMAND_PATIENCE_S) };
	struct span why;

	if (!call_worker(&call, arena, &why))
		defer(result_out, "4.3.0", why);
}

void
mailbox_read_file(uid_t uid, gid_t gid, struct span path, uint64_t limit,
    bool owned, struct mailbox_text *text_out, struct arena *arena)
{
	struct mailbox_read request = { .path = path, .limit = limit,
		.owned = owned };
	struct worker_call call = { .uid = uid, .gid = gid,
		.idempotent = true, .file = -1,
		.request_form = &mailbox_read_form, .request = &request,
		.reply_form = &mailbox_text_form, .reply_out = text_out,
		.deadline = service_ipc_deadline() };
	struct span why;

	if (!path_is_usable(path, &why) || !call_worker(&call, arena, &why))
		*text_out = (struct mailbox_text){
			.status = MAILBOX_READ_FAILED, .why = why };
}

static void
read_head(struct delivery *d, struct str *head)
{
	while (str_len(head) < HEADER_BYTES_MOST && span_search(
	    str_span(head), SPAN("\n\n")) < 0) {
		char *room = str_reserve(head, RUN_BYTES);
		ssize_t got = delivery_read(d, str_len(head), room, RUN_BYTES);

		if (got <= 0)
			break;
		str_advance(head, (size_t)got);
	}
}

static void
drop_been(void *arg)
{
	strlist_fini(arg);
}

const struct strlist *
mailbox_been(struct delivery *d)
{
	struct strlist *been = arena_zalloc(d->arena, sizeof(*been));
	struct str head = STR_EMPTY;
	struct span rest, line;

	arena_on_free(d->arena, drop_been, been);
	read_head(d, &head);
	rest = str_span(&head);
	while (rest.p != NULL && span_split(&rest, '\n', &line)
	    && line.len > 0) {
		size_t n = header_name_length(line);

		if (n > 0 && header_find(span_sub(line, 0, n))
		    == HEADER_DELIVERED_TO)
			strlist_add(been, span_trim(header_value(line, n)));
	}
	str_fini(&head);
	return been;
}

bool
mailbox_been_at(const struct strlist *been, struct span address)
{
	struct str wanted = STR_EMPTY;
	bool found;

	if (been->count == 0)
		return false;
	address_quote(&wanted, address);
	found = strlist_has_nocase(been, str_span(&wanted));
	str_fini(&wanted);
	return found;
}

bool
mailbox_is_loop(struct delivery *d, struct span address)
{
	return mailbox_been_at(mailbox_been(d), address);
}

static void
add_address_line(struct str *head, const char *before, struct span address,
    const char *behind)
{
	str_adds(head, before);
	address_quote(head, address);
	str_adds(head, behind);
}

bool mailbox_tells_original;

struct span
mailbox_head(struct delivery *d, struct span sender,
    const struct envelope_rcpt *rcpt, const char *flags)
{
	struct str *head = str_in_arena(d->arena);

	if (strchr(flags, 'R') != NULL)
		add_address_line(head, "Return-Path: <", sender, ">\n");
	if (strchr(flags, 'O') != NULL && mailbox_tells_original
	    && !span_empty(rcpt->original))
		add_address_line(head, "X-Original-To: ", rcpt->original,
		    "\n");
	if (strchr(flags, 'D') != NULL)
		add_address_line(head, "Delivered-To: ", rcpt->address, "\n");
	return str_span(head);
}
