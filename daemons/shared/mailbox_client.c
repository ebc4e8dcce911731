/*
 * mailbox_client - see the header. Each user's worker is a peer whose
 * connections the launcher makes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/mailbox_client.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/mail/address.h"
#include "common/service/peer.h"

struct worker {
	uid_t uid;
	gid_t gid;
	struct peer *peer;
	char name[40];
};

static struct hash *workers;

static int
connect_to_launcher(void *arg)
{
	int *fd = arg;
	int given = *fd;

	*fd = -1;			/* there is only this one */
	if (given < 0)
		service_restart("the launcher is gone");
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
	return peer;
}

static int
connect_to_worker(void *arg)
{
	struct worker *w = arg;
	struct worker_request request = { .uid = w->uid, .gid = w->gid };
	struct worker_reply reply = { .fd = -1 };
	struct arena *arena = arena_new();
	int fd = -1;

	if (peer_call(launcher_peer(), false, &worker_request_form, &request,
	    &worker_reply_form, &reply, arena, service_ipc_deadline())
	    != IO_OK)
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
worker_peer(uid_t uid, gid_t gid)
{
	char name[40];
	struct worker *w;

	if (!service_has_root()) {
		uid = geteuid();
		gid = getegid();
	}
	snprintf(name, sizeof(name), "%lu.%lu", (unsigned long)uid,
	    (unsigned long)gid);
	if (workers == NULL)
		workers = hash_new();
	w = hash_get(workers, SPAN(name));
	if (w != NULL)
		return w->peer;
	w = MEM_NEW(struct worker);
	w->uid = uid;
	w->gid = gid;
	memcpy(w->name, name, sizeof(name));
	peer_connect_by("worker", w->name, connect_to_worker, w);
	w->peer = peer_named("worker", w->name, MAILBOX_PROTOCOL,
	    MAILBOX_VERSION);
	peer_set_spread(w->peer, 64, 4);
	hash_put(workers, SPAN(name), w);
	return w->peer;
}

void
mailbox_deliver(struct delivery *d, uid_t uid, gid_t gid,
    struct mailbox_job *job, struct mailbox_result *result_out)
{
	struct peer *peer = worker_peer(uid, gid);

	job->content_offset = d->request->content_offset;
	job->content_length = d->request->content_length;
	job->host = SPAN(conf_core.myhostname);
	job->fd = fcntl(d->request->fd, F_DUPFD_CLOEXEC, 3);
	if (peer_call(peer, false, &mailbox_job_form, job,
	    &mailbox_result_form, result_out, d->arena,
	    service_ipc_deadline()) == IO_OK)
		return;
	*result_out = (struct mailbox_result){ .verdict = MAILBOX_DEFER,
		.dsn = SPAN("4.3.0"), .text = SPAN(arena_printf(d->arena,
		    "mailbox worker: %s", peer_why(peer))) };
}

void
mailbox_read_file(uid_t uid, gid_t gid, struct span path, uint64_t limit,
    struct mailbox_text *text_out, struct arena *arena)
{
	struct peer *peer = worker_peer(uid, gid);
	struct mailbox_read request = { .path = path, .limit = limit };

	if (peer_call(peer, true, &mailbox_read_form, &request,
	    &mailbox_text_form, text_out, arena, service_ipc_deadline())
	    == IO_OK)
		return;
	*text_out = (struct mailbox_text){ .status = MAILBOX_READ_FAILED,
		.why = SPAN(arena_printf(arena, "mailbox worker: %s",
		    peer_why(peer))) };
}

struct span
mailbox_head(struct delivery *d, const struct envelope_rcpt *rcpt,
    struct span delivered_to, const char *flags)
{
	struct str *head = str_in_arena(d->arena);

	if (strchr(flags, 'R') != NULL) {
		str_adds(head, "Return-Path: <");
		address_quote(head, d->envelope->sender);
		str_adds(head, ">\n");
	}
	if (strchr(flags, 'O') != NULL && !span_empty(rcpt->original)) {
		str_adds(head, "X-Original-To: ");
		address_quote(head, rcpt->original);
		str_putc(head, '\n');
	}
	if (strchr(flags, 'D') != NULL) {
		str_adds(head, "Delivered-To: ");
		address_quote(head, delivered_to);
		str_putc(head, '\n');
	}
	return str_span(head);
}
