/*
 * worker - see the header. Jobs run side by side; what blocks goes to threads,
 * which start after this process has become its user.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/launcher/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/fiber.h"
#include "common/io/fs.h"
#include "common/io/loop.h"
#include "common/io/offload.h"
#include "common/service/rpc.h"

static bool
handle_job(struct rpc_call *call, void *request, void *reply_out)
{
	struct mailbox_job *job = request;
	struct mailbox_result *result = reply_out;

	if (span_empty(job->path) || job->path.p[0] != '/' || job->fd < 0)
		return false;
	switch (job->style) {
	case MAILBOX_MAILDIR:
		maildir_deliver(job, result, call->arena);
		return true;
	case MAILBOX_MBOX:
	case MAILBOX_FILE:
		mbox_deliver(job, result, call->arena);
		return true;
	default:
		return false;
	}
}

#define READ_MOST (1024 * 1024)

/* Never waits for the other end of a FIFO. */
static uint64_t
read_text(const char *path, const struct mailbox_read *rq, struct str *text,
    uint64_t *owner_out, struct str *why)
{
	size_t limit = rq->limit < READ_MOST ? (size_t)rq->limit : READ_MOST;
	int fd = fs_open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, why);
	struct stat st;
	bool ok;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
		    ? MAILBOX_READ_ABSENT : errno == EACCES || errno == ELOOP
		    ? MAILBOX_READ_DENIED : MAILBOX_READ_FAILED;
	fiber_defer_fd(fd);
	if (!fs_stat(fd, &st, why))
		return MAILBOX_READ_FAILED;
	if (!S_ISREG(st.st_mode)) {
		str_printf(why, "%s: not a regular file", path);
		return MAILBOX_READ_UNSAFE;
	}
	if ((st.st_mode & S_IWOTH) != 0) {
		str_printf(why, "%s: writable by everyone", path);
		return MAILBOX_READ_UNSAFE;
	}
	if (rq->owned && st.st_uid != geteuid() && st.st_uid != 0) {
		str_printf(why, "%s: has another owner", path);
		return MAILBOX_READ_UNSAFE;
	}
	*owner_out = st.st_uid;
	if ((uint64_t)st.st_size > limit) {
		str_printf(why, "%s: more than %zu bytes", path, limit);
		return MAILBOX_READ_FAILED;
	}
	if (st.st_size == 0)
		return MAILBOX_READ_OK;
	ok = fs_pread_all(fd, str_reserve(text, (size_t)st.st_size),
	    (size_t)st.st_size, 0, why);
	if (ok)
		str_advance(text, (size_t)st.st_size);
	return ok ? MAILBOX_READ_OK : MAILBOX_READ_FAILED;
}

void
worker_read(const struct mailbox_read *rq, struct mailbox_text *text_out,
    struct arena *arena)
{
	struct str *text = str_in_arena(arena);
	struct str *why = str_in_arena(arena);

	*text_out = (struct mailbox_text){ .status = MAILBOX_READ_FAILED };
	text_out->status = read_text(arena_cstr(arena, rq->path), rq, text,
	    &text_out->owner, why);
	if (text_out->status == MAILBOX_READ_OK)
		text_out->text = str_span(text);
	else
		text_out->why = str_span(why);
}

static bool
handle_read(struct rpc_call *call, void *request, void *reply_out)
{
	const struct mailbox_read *rq = request;

	if (span_empty(rq->path) || rq->path.p[0] != '/')
		return false;
	worker_read(rq, reply_out, call->arena);
	return true;
}

static const struct rpc_method methods[] = {
	{ .request = &mailbox_job_form, .reply = &mailbox_result_form,
	    .handle = handle_job, .suspends = true },
	{ .request = &mailbox_read_form, .reply = &mailbox_text_form,
	    .handle = handle_read, .suspends = true },
};

static const struct rpc_protocol protocol = {
	.name = MAILBOX_PROTOCOL, .version = MAILBOX_VERSION,
	.methods = methods, .nmethods = ARRAY_COUNT(methods),
	.accepts_fds = true,
};

struct serving {
	const struct rpc_protocol *protocol;
	int socket;
};

static void
serve(void *arg)
{
	struct sock_peer agent = { .pid = getppid(), .uid = geteuid() };
	const struct serving *s = arg;

	sock_set_nonblock(s->socket, true);
	rpc_serve(s->protocol, stream_open(s->socket), &agent);
}

void
worker_serve(const struct rpc_protocol *served, int socket)
{
	struct serving s = { served, socket };

	fiber_run_main(serve, &s);
}

/* The fibers there are while one message is delivered and no other: nothing
 * then minds that its syncs stop the process. */
#define READER_AND_JOB 2

int
worker_main(int socket)
{
	umask(077);
	loop_start();
	offload_alone(READER_AND_JOB);
	worker_serve(&protocol, socket);
	return 0;
}
