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
	uint64_t recipients;		/* in memory, waiting or in flight */
	int64_t recipient_limit, extra_recipient_limit;
	int64_t refill_limit, refill_delay_ms;
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

struct held;

/* A transport that recipients of a message went by. */
struct recipients_share {
	struct transport *transport;
	bool preempts;			/* there, something larger */
};

struct message {
	struct queue_message q;
	void *texts;			/* of its envelope */
	struct list link;		/* all in memory, oldest first */
	struct held **held;		/* recipients in memory, by number */
	uint32_t used, room;		/* numbers given out, and there are */
	uint32_t *free_numbers, nfree;	/* of those, to be used again */
	struct recipients_share *shares;
	unsigned nshares;
	uint64_t cursor;		/* for the rest; 0: all were read */
	uint64_t read_total, told_unread;
	int64_t read_ns;		/* the last time */
	bool all_read, reading;
	bool filled;			/* as far as it might, at first */
	bool untried;			/* some recipient, for a fault of ours */
	uint64_t undecided;		/* recipients in memory */
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
/* False when it is time to leave. Suspends. */
bool intake_wait_for_room(void);
size_t intake_count(void);
void intake_forget(struct message *m);	/* frees it */
/* More of its recipients are read by and by, if there are and may be. */
void intake_refill(struct message *m);
/* Everything in memory goes back to the disk: another qmgr takes over. */
void intake_leave(void);
void intake_room_made(void);

/* transport.c */
void transport_setup(void);		/* reads master.cf, before the jail */
/* For `waypost check`: logs what is wrong with the parameters of any transport,
 * with file and line; false if anything is. A transport that is found to have
 * such ends the process. */
bool transport_check(void);
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

/* recipients.c: those in memory. */
/* So many were read, and are counted from here on. */
void recipients_expect(struct message *m, size_t count);
/* One of them, that goes by t: its number. It is copied. */
uint32_t recipients_hold(struct message *m, const struct envelope_rcpt *rcpt,
    struct transport *t);
/* Until it is decided. */
const struct envelope_rcpt *recipients_at(const struct message *m,
    uint32_t number);
void recipients_decided(struct message *m, const uint32_t *numbers,
    uint32_t count);
void recipients_forget(struct message *m);	/* all */
/* How many more may be read now. */
size_t recipients_room(const struct message *m);
/* To the schedule: how many are still to come. */
void recipients_tell_unread(struct message *m);
/* It goes before a larger one there: true the first time. */
bool recipients_go_first(struct message *m, const struct transport *t);

/* dispatch.c */
/* Puts recipients that recipients_expect has counted into the schedule; they
 * are changed in place, with texts in the arena. Suspends. */
void dispatch_add(struct message *m, struct envelope_rcpt *rcpts,
    uint32_t count, struct arena *arena);
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
