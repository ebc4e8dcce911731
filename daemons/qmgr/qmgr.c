/*
 * qmgr - keeps the schedule of all mail: takes messages in, hands recipients
 * to delivery agents, and ends messages.
 *
 * One process at work: a kernel lock on a file in the queue says which. After
 * a reload the older one stops dispatching, lets the lock go, and only collects
 * what is in flight; messages in flight are claimed through descriptors that
 * their agents hold, so the younger one leaves them alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fs.h"
#include "common/mail/conf_core.h"
#include "common/service/service.h"
#include "daemons/qmgr/qmgr_priv.h"
#include "queue/scan.h"

#define LOCK_FILE "pid/waypost.qmgr.lock"
#define LOCK_RETRY_MS 50

struct schedule *schedule;
int queue_dir;
bool dispatching;

static int lock_fd = -1;

static bool
handle_note(struct rpc_call *call, void *request, void *reply_out)
{
	struct qmgr_note *note = request;
	int fd = note->fd;

	(void)call;
	(void)reply_out;
	note->fd = -1;
	intake_note(note, fd);
	return true;
}

static bool
handle_flush_one(struct rpc_call *call, void *request, void *reply_out)
{
	struct qmgr_flush_one *rq = request;

	(void)call;
	(void)reply_out;
	if (!queue_id_valid(rq->queue_id))
		return false;
	if (intake_wait_for_room() && !intake_has(rq->queue_id)
	    && intake_file(QUEUE_DEFERRED, rq->queue_id) == QUEUE_GONE)
		intake_file(QUEUE_INCOMING, rq->queue_id);
	return true;
}

static const struct rpc_method methods[] = {
	{ .request = &qmgr_note_form, .handle = handle_note },
	{ .request = &qmgr_flush_one_form, .handle = handle_flush_one,
	    .suspends = true },
};

static const struct rpc_protocol protocol = {
	.name = QMGR_PROTOCOL, .version = QMGR_VERSION,
	.methods = methods, .nmethods = ARRAY_COUNT(methods),
	.accepts_fds = true, .sheds_fds = true,
	/* Of those that wait for room; then flush waits, too. */
	.calls_per_connection = 16,
};

static void
wakeup(struct span bytes)
{
	if (span_has(bytes, QMGR_FLUSH_DEAD))
		transport_forget_trouble();
	intake_scan(true, span_has(bytes, QMGR_SCAN_DEFERRED)
	    || span_has(bytes, QMGR_SCAN_ALL) || span_has(bytes, QMGR_WAKEUP),
	    span_has(bytes, QMGR_SCAN_ALL));
	dispatch_kick();
}

static void
open_lock(void)
{
	struct str why = STR_EMPTY;

	lock_fd = openat(service_queue_dir(), LOCK_FILE,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock_fd < 0)
		fatal("open %s: %m", LOCK_FILE);
	str_fini(&why);
}

static void
prepare(void)
{
	struct str why = STR_EMPTY;

	queue_dir = service_queue_dir();
	open_lock();			/* pid/ belongs to root */
	queue_names_setup(conf_core.hash_queue_names,
	    conf_core.hash_queue_depth);
	transport_setup();
	schedule = schedule_new();
	str_fini(&why);
}

static void
periodic_scans(void)
{
	while (fiber_sleep(deadline_in(qmgr_conf.queue_run_delay))
	    == IO_TIMEOUT && dispatching) {
		schedule_tidy(schedule);
		intake_scan(true, true, false);
	}
}

static void
start(void)
{
	while (!fs_flock(lock_fd, true, false))
		if (fiber_sleep(deadline_in_ms(LOCK_RETRY_MS)) != IO_TIMEOUT)
			return;
	dispatching = true;
	intake_setup();
	intake_scan(true, true, false);
	intake_active_at_start();
	periodic_scans();
}

static void
drain(void)
{
	dispatching = false;
	intake_room_made();
	if (lock_fd >= 0)
		close(lock_fd);
	lock_fd = -1;
	while (dispatch_in_flight() > 0 || finish_busy() > 0)
		if (fiber_sleep(deadline_in_ms(LOCK_RETRY_MS)) != IO_TIMEOUT)
			break;
	/* What waits is the younger one's, which may have seen it busy. */
	intake_leave();
	peer_trigger_bytes("public", conf_core.queue_service_name, SPAN("I"));
}

static const struct service qmgr = {
	.name = "qmgr",
	.params = &qmgr_params,
	.solitary = true,
	.stays = true,
	.needs = NEEDS_QUEUE_READ | NEEDS_QUEUE_WRITE,
	.before_jail = prepare,
	.check = transport_check,
	.start = start,
	.protocol = &protocol,
	.wakeup = wakeup,
	.drain = drain,
};

int
main(int argc, char **argv)
{
	return service_main(&qmgr, argc, argv);
}
