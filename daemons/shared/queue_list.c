/*
 * queue_list - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/queue_list.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fiber.h"
#include "common/io/fs.h"
#include "common/mail/address.h"
#include "common/mail/conf.h"
#include "queue/outcome_latest.h"
#include "queue/scan.h"

struct listing {
	const struct queue_lister *lister;
	struct outcome_latest *reasons;	/* NULL: none wanted */
	struct str original, address;	/* in external form */
	bool go_on;
};

static struct span
external(struct str *text, struct span address)
{
	str_clear(text);
	address_print(text, address);
	return str_span(text);
}

static void
list_rcpt(const struct envelope_rcpt *rcpt, bool done, void *arg)
{
	struct listing *l = arg;
	const struct outcome *o = l->reasons != NULL
	    ? outcome_latest_of(l->reasons, rcpt->address) : NULL;
	struct listed_rcpt listed = {
		.original = external(&l->original, rcpt->original),
		.address = external(&l->address, rcpt->address) };

	if (o != NULL)
		listed.reason = o->reason;
	if (!done && l->go_on)
		l->go_on = l->lister->rcpt(&listed, l->lister->arg);
}

static bool
list_message(const struct queue_lister *lister, int queue_dir,
    struct queue_message *m)
{
	struct listing l = { .lister = lister, .go_on = true };
	struct listed_message listed = {
		.queue_name = queue_name_text(m->where), .id = m->id,
		.when = (time_t)(m->envelope.arrival_us / 1000000),
		.size = m->layout.content_length,
		.forced_expire = (m->envelope.flags & ENVELOPE_EXPIRE_NOW)
		    != 0,
		.sender = external(&l.address, m->envelope.sender) };
	struct str why = STR_EMPTY;

	if (span_empty(listed.sender) &&
	    conf_value("empty_address_recipient", &l.address, &why))
		listed.sender = str_span(&l.address);
	if (!lister->no_reasons && (m->where == QUEUE_DEFERRED ||
	    m->where == QUEUE_ACTIVE || m->where == QUEUE_HOLD))
		l.reasons = outcome_latest_read(queue_dir, QUEUE_DEFER,
		    SPAN(m->id));
	l.go_on = lister->message(&listed, lister->arg);
	if (l.go_on)
		queue_message_each_rcpt(m, list_rcpt, &l, &why);
	if (l.go_on)
		l.go_on = lister->end(lister->arg);
	outcome_latest_free(&l.reasons);
	str_fini(&l.original);
	str_fini(&l.address);
	str_fini(&why);
	return l.go_on;
}

/* As much as the file system knows. One that is gone again is no message. */
static bool
list_unreadable(const struct queue_lister *lister, int queue_dir,
    enum queue_name where, const char *id, const struct str *why)
{
	struct listed_message listed = {
		.queue_name = queue_name_text(where), .id = id,
		.sender = SPAN("?"), .unreadable = str_span(why) };
	struct str path = STR_EMPTY;
	struct stat st;
	bool there;

	queue_path(where, SPAN(id), &path);
	there = fs_stat_at(queue_dir, str_cstr(&path), &st, NULL);
	str_fini(&path);
	if (there) {
		listed.when = st.st_ctime;
		listed.size = (uint64_t)st.st_size;
	} else if (errno == ENOENT) {
		return true;
	}
	log_warn("%s: cannot be read: %s", id, str_cstr(why));
	return lister->message(&listed, lister->arg)
	    && lister->end(lister->arg);
}

static bool
list_file(const struct queue_lister *lister, int queue_dir,
    enum queue_name where, const char *id, struct arena *arena)
{
	struct queue_message m;
	struct str why = STR_EMPTY;
	bool go_on = true;

	switch (queue_message_open(queue_dir, where, SPAN(id), false, false,
	    arena, &m, &why)) {
	case QUEUE_OK:
		go_on = list_message(lister, queue_dir, &m);
		queue_message_close(&m);
		break;
	case QUEUE_GONE:
	case QUEUE_BUSY:
		break;
	case QUEUE_INCOMPLETE:
		if (where == QUEUE_INCOMING || where == QUEUE_MAILDROP)
			break;		/* being written */
		go_on = list_unreadable(lister, queue_dir, where, id, &why);
		break;
	case QUEUE_DAMAGED:
	case QUEUE_FOREIGN:
	case QUEUE_NOSPACE:
	case QUEUE_EXISTS:
	case QUEUE_IO_ERROR:
		go_on = list_unreadable(lister, queue_dir, where, id, &why);
		break;
	}
	str_fini(&why);
	return go_on;
}

static bool
list_queue(const struct queue_lister *lister, int queue_dir,
    enum queue_name where)
{
	struct queue_scan scan;
	char id[QUEUE_ID_MAX];
	struct arena *arena = arena_new();
	bool go_on = true;
	unsigned looked = 0;

	queue_scan_start(&scan, queue_dir, where);
	while (go_on && queue_scan_next(&scan, id)) {
		if (++looked % 32 == 0 && fiber_self() != NULL)
			fiber_yield();
		go_on = list_file(lister, queue_dir, where, id, arena);
		arena_reset(arena);
	}
	queue_scan_stop(&scan);
	if (scan.trouble != 0) {
		log_warn("read queue %s: %s", queue_name_text(where),
		    strerror(scan.trouble));
		go_on = false;
	}
	arena_free(&arena);
	return go_on;
}

bool
queue_list(int queue_dir, const struct queue_lister *lister)
{
	static const enum queue_name queues[] = { QUEUE_MAILDROP,
		QUEUE_ACTIVE, QUEUE_INCOMING, QUEUE_DEFERRED, QUEUE_HOLD };

	for (size_t i = 0; i < ARRAY_COUNT(queues); i++)
		if (!list_queue(lister, queue_dir, queues[i]))
			return false;
	return true;
}
