/*
 * qmgr_priv - what the files of qmgr share: messages in memory, transports,
 * and the calls between intake, dispatch and finish.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_QMGR_QMGR_PRIV_H
#define DAEMONS_QMGR_QMGR_PRIV_H

#include "common/base/arena.h"
#include "common/base/hash.h"
#include "common/base/list.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/service/peer.h"
#include "daemons/qmgr/qmgr_conf.h"
#include "daemons/shared/delivery_proto.h"
#include "daemons/shared/qmgr_proto.h"
#include "queue/message.h"
#include "queue/schedule.h"

/* A transport as qmgr uses it: the schedule's, its agent, its troubles. */
struct transport {
	struct schedule_transport *sched;
	struct peer *agent;
	bool deferred_by_conf;		/* defer_transports */
	struct peer *apart;		/* a process for suspects alone */
	struct peer_pending *asking;	/* for one */
	int64_t asked_ns;
	bool alone;			/* there is one */
	bool suspect_in_flight;
	struct list suspects;		/* deliveries that wait their turn */
	struct list link;
	char dsn[12];			/* why it is throttled */
	char *reason;
	struct loop_timer retry;
};

/* What is to become of a message whose recipients are all decided, when the
 * disk did not do it at once. */
enum fate { FATE_OPEN, FATE_REMOVE, FATE_PUT_AWAY };

struct message {
	struct queue_message q;
	struct arena *arena;
	struct arena *window_arena;	/* of rcpts; the same if they are few */
	struct list link;		/* all in memory, oldest first */
	struct envelope_rcpt *rcpts;	/* the window read so far */
	uint32_t count, room;
	uint64_t cursor;		/* for the rest; 0: all were read */
	bool all_read, reading;
	bool untried;			/* some recipient, for a fault of ours */
	uint32_t undecided;		/* rcpts scheduled or in flight */
	uint64_t done_total, kept_total;
	uint64_t *marks;		/* done, not written yet */
	size_t nmarks;
	bool bounced_some, had_logs;
	bool gone, moved;		/* by postsuper */
	enum fate fate;
	bool complained;		/* of its file, which fails */
	bool wants_success;		/* some recipient has NOTIFY=SUCCESS */
	unsigned strikes;		/* agents that died with it */
	size_t suspects;		/* deliveries of it that are */
	int64_t active_us;		/* for the log */
	int64_t since_ns;		/* the same, where clocks do not jump */
	bool renamed;			/* sits in active on disk */
	struct commit_log_spot spot;
	bool marked;			/* recipients in the file, by us */
};

extern struct schedule *schedule;
extern int queue_dir;
extern bool dispatching;		/* false once a successor took over */

/* intake.c: messages come into memory. */
void intake_setup(void);
void intake_note(const struct qmgr_note *note, int fd);
void intake_scan(bool incoming, bool deferred, bool ignore_times);
void intake_active_at_start(void);	/* Suspends. */
/* Reads one message from a queue and starts it. Suspends. */
enum queue_result intake_file(enum queue_name where, struct span id);
bool intake_has(struct span id);
bool intake_full(void);
size_t intake_count(void);
void intake_forget(struct message *m);	/* frees it */
/* n recipients of the window are done with; more are read by and by. */
void intake_decided(struct message *m, uint32_t n);
void intake_refill(struct message *m);
/* Everything in memory goes back to the disk: another qmgr takes over. */
void intake_leave(void);
void intake_room_made(void);

/* transport.c */
void transport_setup(void);		/* reads master.cf, before the jail */
struct transport *transport_find(struct span name);
struct list *transport_all(void);	/* struct transport */
struct transport *transport_of(struct schedule_transport *t);
void transport_throttle(struct transport *t, const char *dsn,
    const char *reason);
void transport_forget_trouble(void);	/* flush: everything is tried again */
struct destination_trouble {		/* of a dead destination */
	char dsn[12];
	char *reason;
	struct loop_timer revive;
	struct schedule_destination *destination;
};
void destination_died(struct schedule_destination *d, struct span dsn,
    struct span reason);
const struct destination_trouble *destination_trouble(
    const struct schedule_destination *d);

/* dispatch.c */
/* Puts recipients first .. first + count - 1 of the window into the schedule. */
void dispatch_add(struct message *m, uint32_t first, uint32_t count);
void dispatch_kick(void);
size_t dispatch_in_flight(void);	/* what agents have to answer for */
/* Once a second: results are looked at, also when there was no memory for it
 * when they came. */
void dispatch_tend(void);
/* Hands all that waits for a dead destination (or throttled transport, when
 * NULL) to the retry service. */
void dispatch_divert(struct schedule_transport *t,
    struct schedule_destination *d, const char *dsn, const char *reason);

/* clog.c: now and then, says what fills memory. */
void clog_look(void);

/* finish.c: all recipients in memory have been decided. */
void finish_setup(void);
void finish_queue(struct message *m);
void finish_again(struct message *m);	/* where the disk failed; may free m */
size_t finish_busy(void);		/* messages being finished slowly */
/* A recipient is done and its outcome durable; written with the next others. */
void finish_mark(struct message *m, uint64_t mark_at);
bool finish_write_marks(struct message *m);

#endif
