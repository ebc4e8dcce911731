/*
 * postsuper - what the administrator does to the queue: delete, hold, release,
 * requeue, expire, repair. Safe while the system runs: a message in delivery
 * may still be delivered, nothing is lost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/strlist.h"
#include "common/io/record.h"
#include "common/mail/conf_core.h"
#include "common/service/logsink.h"
#include "common/service/peer.h"
#include "daemons/commands/lib/queue_command.h"
#include "queue/adopt.h"
#include "queue/message.h"
#include "queue/outcome_log.h"
#include "queue/scan.h"

#define IN(queue) (1u << (queue))
#define ANY_QUEUE (IN(QUEUE_MAILDROP) | IN(QUEUE_INCOMING)                   \
	| IN(QUEUE_ACTIVE) | IN(QUEUE_DEFERRED) | IN(QUEUE_HOLD))

enum action { ACTION_DELETE, ACTION_HOLD, ACTION_RELEASE, ACTION_REQUEUE,
	ACTION_EXPIRE, ACTION_EXPIRE_RELEASE, ACTION_COUNT };

static const struct {
	char letter;
	unsigned from;			/* queues it looks in */
	const char *done, *total;
} actions[ACTION_COUNT] = {
	[ACTION_DELETE] = { 'd', ANY_QUEUE | IN(QUEUE_CORRUPT), "removed",
	    "Deleted" },
	[ACTION_HOLD] = { 'h', IN(QUEUE_INCOMING) | IN(QUEUE_ACTIVE)
	    | IN(QUEUE_DEFERRED), "placed on hold", "Placed on hold" },
	[ACTION_RELEASE] = { 'H', IN(QUEUE_HOLD), "released from hold",
	    "Released from hold" },
	[ACTION_REQUEUE] = { 'r', IN(QUEUE_INCOMING) | IN(QUEUE_ACTIVE)
	    | IN(QUEUE_DEFERRED) | IN(QUEUE_HOLD), "requeued", "Requeued" },
	[ACTION_EXPIRE] = { 'e', IN(QUEUE_INCOMING) | IN(QUEUE_ACTIVE)
	    | IN(QUEUE_DEFERRED) | IN(QUEUE_HOLD), "expired",
	    "Force-expired" },
	[ACTION_EXPIRE_RELEASE] = { 'f', IN(QUEUE_INCOMING)
	    | IN(QUEUE_ACTIVE) | IN(QUEUE_DEFERRED) | IN(QUEUE_HOLD),
	    NULL, NULL },
};

static int queue_dir;
static unsigned only_queues;		/* operands; 0: all */
static size_t totals[ACTION_COUNT];
static unsigned asked_for;		/* actions, a mask */
static bool troubled;			/* the exit status */
static bool for_pickup;			/* something was requeued */

/* What became of earlier recipients; after the file itself is gone. */
static void
forget_logs(struct span id)
{
	static const enum queue_name logs[] = { QUEUE_DEFER, QUEUE_BOUNCE,
		QUEUE_TRACE };
	struct str why = STR_EMPTY;

	for (size_t i = 0; i < ARRAY_COUNT(logs); i++)
		outcome_log_remove(queue_dir, logs[i], id, &why);
	str_fini(&why);
}

/* Deferred messages are tried at the time of their file. */
static bool
release(struct span id, enum queue_name from, struct str *why)
{
	return queue_defer(queue_dir, id, from, clock_wall(), why);
}

static bool
expire(struct span id, enum queue_name from, bool and_release,
    struct str *why)
{
	bool adopted;

	/* Postfix's files have no place for it. */
	if (queue_adopt(queue_dir, from, id, &adopted, why) != QUEUE_OK
	    || queue_late_flags_write(queue_dir, from, id, ENVELOPE_EXPIRE_NOW,
	    why) != QUEUE_OK)
		return false;
	if (from == QUEUE_DEFERRED || (from == QUEUE_HOLD && and_release))
		return release(id, from, why);
	return true;
}

/* A message that a commit log has would be back after a loss of power. */
static bool
delete(struct span id, enum queue_name from, struct str *why)
{
	struct commit_log_spot spot;

	RECORD_THAT("deleted", id, "%s", "");
	clock_refresh();		/* there is no loop that does */
	commit_log_find(queue_dir, id, &spot);
	if (!commit_log_tombstone(queue_dir, &spot, true, why)
	    || !queue_remove(queue_dir, from, id, why))
		return false;
	forget_logs(id);
	return true;
}

/*
 * To pickup, which hands it on as if it were new: addresses are rewritten with
 * the tables of today, and content_filter is that of today. One in delivery, or
 * some of whose outcomes its sender has yet to hear of, is only tried again; so
 * are notices and probes.
 */
static bool
may_start_anew(struct span id, enum queue_name from,
    const struct queue_message *m)
{
	static const enum queue_name logs[] = { QUEUE_BOUNCE, QUEUE_TRACE };
	struct str path = STR_EMPTY;
	bool may = from != QUEUE_ACTIVE && !(m->envelope.flags &
	    (ENVELOPE_INTERNAL | ENVELOPE_VERIFY));

	for (size_t i = 0; i < ARRAY_COUNT(logs); i++) {
		queue_path(logs[i], id, &path);
		may = may && faccessat(queue_dir, str_cstr(&path), F_OK, 0)
		    != 0;
	}
	str_fini(&path);
	return may;
}

static bool
requeue(struct span id, enum queue_name from, struct str *why)
{
	struct arena *arena = arena_new();
	struct queue_message m = { .fd = -1 };
	bool adopted, anew = false, ok = false;

	if (queue_adopt(queue_dir, from, id, &adopted, why) == QUEUE_OK) {
		/* Until it is there nobody else takes it. */
		anew = queue_message_open(queue_dir, from, id, true, false,
		    arena, &m, why) == QUEUE_OK
		    && may_start_anew(id, from, &m);
		str_clear(why);
		ok = anew ? queue_move(queue_dir, id, from, QUEUE_MAILDROP,
		    why) : release(id, from, why);
	}
	queue_message_close(&m);
	arena_free(&arena);
	for_pickup = for_pickup || (ok && anew);
	return ok && outcome_log_remove(queue_dir, QUEUE_DEFER, id, why);
}

static bool
perform(enum action action, struct span id, enum queue_name from,
    struct str *why)
{
	switch (action) {
	case ACTION_DELETE:
		return delete(id, from, why);
	case ACTION_HOLD:
		return queue_move(queue_dir, id, from, QUEUE_HOLD, why);
	case ACTION_RELEASE:
		return release(id, from, why);
	case ACTION_REQUEUE:
		return requeue(id, from, why);
	case ACTION_EXPIRE:
		return expire(id, from, false, why);
	case ACTION_EXPIRE_RELEASE:
		return expire(id, from, true, why);
	case ACTION_COUNT:
		break;
	}
	return false;
}

/* What -f did is told as what -e and -H do. */
static void
note_done(enum action action, struct span id, enum queue_name from)
{
	if (action == ACTION_EXPIRE_RELEASE) {
		note_done(ACTION_EXPIRE, id, from);
		if (from == QUEUE_HOLD)
			note_done(ACTION_RELEASE, id, from);
		return;
	}
	log_info("%.*s: %s", SPAN_ARG(id), actions[action].done);
	totals[action]++;
}

static void
act_on(enum action action, struct span id)
{
	struct str why = STR_EMPTY;
	enum queue_name from;
	enum queue_result there = QUEUE_GONE;
	unsigned where = actions[action].from;
	bool found = false, done = false;

	if (only_queues != 0)
		where &= only_queues;
	/* It may move while we look: look again. */
	for (int attempt = 0; attempt < 3 && !done; attempt++) {
		there = queue_find(queue_dir, id, where, &from);
		if (there != QUEUE_OK)
			continue;
		found = true;
		str_clear(&why);
		done = perform(action, id, from, &why);
	}
	if (done) {
		note_done(action, id, from);
	} else if (there == QUEUE_IO_ERROR) {
		log_warn("%.*s: the queue cannot be searched", SPAN_ARG(id));
		troubled = true;
	} else if (found && queue_find(queue_dir, id, where, &from)
	    != QUEUE_GONE) {
		log_warn("%.*s: %s", SPAN_ARG(id), str_cstr(&why));
		troubled = true;
	}
	str_fini(&why);
}

/* What could not be read may hold more than was acted on. */
static void
end_scan(struct queue_scan *scan)
{
	queue_scan_stop(scan);
	if (scan->trouble == 0)
		return;
	log_warn("read queue %s: %s", queue_name_text(scan->name),
	    strerror(scan->trouble));
	troubled = true;
}

static void
act_on_all(enum action action)
{
	for (int q = 0; q < QUEUE_NAME_COUNT; q++) {
		struct queue_scan scan;
		struct strlist ids = STRLIST_EMPTY;
		char id[QUEUE_ID_MAX];

		if (!(actions[action].from & IN(q))
		    || (only_queues != 0 && !(only_queues & IN(q))))
			continue;
		/* names first: acting changes the directories */
		queue_scan_start(&scan, queue_dir, (enum queue_name)q);
		while (queue_scan_next(&scan, id))
			strlist_adds(&ids, id);
		end_scan(&scan);
		for (size_t i = 0; i < ids.count; i++)
			act_on(action, SPAN(ids.items[i]));
		strlist_fini(&ids);
	}
}

static void
act_on_input(enum action action)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	while ((len = getline(&line, &room, stdin)) > 0) {
		struct span id = span_trim(span_of(line, (size_t)len));

		if (queue_id_valid(id))
			act_on(action, id);
		else
			log_warn("invalid mail queue id: %.*s", SPAN_ARG(id));
	}
	free(line);
}

static void
act(enum action action, const char *what)
{
	if (strcmp(what, "ALL") == 0)
		act_on_all(action);
	else if (strcmp(what, "-") == 0)
		act_on_input(action);
	else if (queue_id_valid(SPAN(what)))
		act_on(action, SPAN(what));
	else
		log_warn("invalid mail queue id: %s", what);
}

static enum action
action_of(int letter)
{
	for (size_t i = 0; i < ACTION_COUNT; i++)
		if (actions[i].letter == letter)
			return (enum action)i;
	return ACTION_COUNT;
}

/* ---- repair ---- */

#define PURGE_SECONDS 3600		/* a slow client may still be sending */

/* What is missing is made like what is there. */
static void
make_directories(struct str *why)
{
	struct stat owner, drop;
	bool root = geteuid() == 0;

	if (stat("active", &owner) < 0 || stat("maildrop", &drop) < 0)
		log_warn("active or maildrop: %m: the queue is made when the "
		    "mail system starts");
	else if (!queue_directories_make(queue_dir,
	    root ? owner.st_uid : (uid_t)-1,
	    root ? drop.st_gid : (gid_t)-1, why))
		log_warn("%s", str_cstr(why));
}

static void
check_structure(void)
{
	struct str why = STR_EMPTY;
	size_t moved = 0;

	make_directories(&why);
	str_clear(&why);
	if (!queue_restructure(queue_dir, &moved, &why)) {
		log_warn("%s", str_cstr(&why));
		troubled = true;
	}
	if (moved > 0)
		log_info("moved to where they belong: %zu file%s", moved,
		    moved == 1 ? "" : "s");
	str_fini(&why);
}

/* Messages that a process holds are left alone. */
static void
purge(void)
{
	static const struct {
		enum queue_name name;
		void (*recover)(int queue_dir, enum queue_name name,
		    struct span id, time_t before,
		    struct queue_recovery *done);
	} queues[] = { { QUEUE_ACTIVE, queue_recover_one },
		{ QUEUE_INCOMING, queue_recover_one },
		{ QUEUE_DEFERRED, queue_recover_one },
		{ QUEUE_HOLD, queue_recover_one },
		{ QUEUE_DEFER, queue_recover_log },
		{ QUEUE_BOUNCE, queue_recover_log },
		{ QUEUE_TRACE, queue_recover_log } };
	struct queue_recovery done = { .requeued = 0 };
	time_t before = clock_wall() - PURGE_SECONDS;

	for (size_t i = 0; i < ARRAY_COUNT(queues); i++) {
		struct queue_scan scan;
		char id[QUEUE_ID_MAX];

		if (only_queues != 0 && !(only_queues & IN(queues[i].name)))
			continue;
		queue_scan_start(&scan, queue_dir, queues[i].name);
		while (queue_scan_next(&scan, id))
			queues[i].recover(queue_dir, queues[i].name, SPAN(id),
			    before, &done);
		end_scan(&scan);
	}
	if (done.requeued + done.removed + done.corrupt > 0)
		log_info("repaired: %zu requeued, %zu unfinished removed, "
		    "%zu moved to corrupt", done.requeued, done.removed,
		    done.corrupt);
	if (done.logs > 0)
		log_info("logs without a message removed: %zu", done.logs);
}

/* Of each action that was asked for, also where nothing was done. */
static void
report(void)
{
	static const enum action order[] = { ACTION_REQUEUE, ACTION_DELETE,
		ACTION_EXPIRE, ACTION_HOLD, ACTION_RELEASE };

	for (size_t i = 0; i < ARRAY_COUNT(order); i++) {
		size_t n = totals[order[i]];

		if (asked_for & IN(order[i]))
			log_info("%s: %zu message%s", actions[order[i]].total,
			    n, n == 1 ? "" : "s");
	}
}

static int
usage(void)
{
	fprintf(stderr, "postsuper: fatal: usage: postsuper [-c config_dir] "
	    "[-d|-e|-f|-h|-H|-r queue_id|ALL|-] [-ps] [queue ...]\n");
	return 1;
}

int
main(int argc, char **argv)
{
	static const char options[] = "c:d:e:f:h:H:pr:sSv";
	const char *dir = NULL;
	bool structure = false, temporary = false;
	int option;

	while ((option = getopt(argc, argv, options)) != -1) {
		if (option == 'c')
			dir = optarg;
		else if (option == 's' || option == 'S')
			structure = true;
		else if (option == 'p')
			temporary = true;
		else if (option == '?')
			return usage();
		if (action_of(option) != ACTION_COUNT)
			asked_for |= IN(action_of(option));
	}
	for (int i = optind; i < argc; i++) {
		int q = queue_name_value(SPAN(argv[i]));

		if (q < 0) {
			fprintf(stderr, "postsuper: fatal: invalid "
			    "directory name: %s\n", argv[i]);
			return 1;
		}
		only_queues |= IN(q);
	}
	if (asked_for & IN(ACTION_EXPIRE_RELEASE))
		asked_for |= IN(ACTION_EXPIRE) | IN(ACTION_RELEASE);
	queue_dir = queue_command_start("postsuper", dir);
	if (geteuid() != 0 && access("active", W_OK) != 0) {
		fprintf(stderr, "postsuper: fatal: use of this command is "
		    "reserved for the superuser\n");
		return 1;
	}
	if (!structure && !temporary && asked_for == 0)
		structure = temporary = true;
	if (structure)
		check_structure();
	if (temporary)
		purge();
	optind = 1;
	while ((option = getopt(argc, argv, options)) != -1) {
		enum action action = action_of(option);

		if (action != ACTION_COUNT)
			act(action, optarg);
	}
	report();
	if (totals[ACTION_RELEASE] + totals[ACTION_REQUEUE]
	    + totals[ACTION_EXPIRE] > 0)
		peer_trigger_bytes("public", conf_core.queue_service_name,
		    SPAN("D"));
	if (for_pickup)
		peer_trigger("public", conf_core.pickup_service_name);
	logsink_finish();
	return troubled;
}
