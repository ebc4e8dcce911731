/*
 * showq - lists the queue to whoever connects, in the documented form of names
 * and values that each end with NUL; an empty name ends a message. The first
 * "message" says which protocol this is, an empty last one that this was all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/service/service.h"
#include "daemons/shared/queue_list.h"

struct listing {
	struct stream *client;
	struct str text;
	bool begun;			/* the first message is on its way */
};

#define SEND_BYTES 4096

static void
put(struct listing *l, const char *name, struct span value)
{
	str_add(&l->text, span_of(name, strlen(name) + 1));
	str_add(&l->text, value);
	str_putc(&l->text, '\0');
}

static void
put_number(struct listing *l, const char *name, uint64_t value)
{
	str_add(&l->text, span_of(name, strlen(name) + 1));
	str_addf(&l->text, "%llu", (unsigned long long)value);
	str_putc(&l->text, '\0');
}

static bool
send_if_full(struct listing *l, size_t most)
{
	bool ok = true;

	if (str_len(&l->text) <= most)
		return true;
	ok = stream_write(l->client, str_span(&l->text),
	    service_ipc_deadline()) == IO_OK;
	str_clear(&l->text);
	return ok;
}

static bool
list_message(const struct listed_message *m, void *arg)
{
	struct listing *l = arg;

	put(l, "queue_name", SPAN(m->queue_name));
	put(l, "queue_id", SPAN(m->id));
	put_number(l, "time", (uint64_t)m->when);
	put_number(l, "size", m->size);
	put_number(l, "forced_expire", m->forced_expire);
	put(l, "sender", m->sender);
	if (!span_empty(m->unreadable))
		put(l, "reason", m->unreadable);
	return true;
}

static bool
list_rcpt(const struct listed_rcpt *r, void *arg)
{
	struct listing *l = arg;

	put(l, "original_recipient", r->original);
	put(l, "recipient", r->address);
	put(l, "log_class", span_empty(r->reason) ? SPAN("") : SPAN("delay"));
	put(l, "reason", r->reason);
	return send_if_full(l, SEND_BYTES);
}

static bool
end_message(void *arg)
{
	struct listing *l = arg;

	str_putc(&l->text, '\0');
	if (l->begun)
		return send_if_full(l, SEND_BYTES);
	/* A person waits for it, and the disk may be slow with the next. */
	l->begun = true;
	return send_if_full(l, 0) && stream_flush(l->client,
	    service_ipc_deadline()) == IO_OK;
}

static void
serve(struct stream *client, const struct sock_peer *peer)
{
	struct listing l = { .client = client };
	struct queue_lister lister = { .message = list_message,
		.rcpt = list_rcpt, .end = end_message, .arg = &l };

	(void)peer;
	/* What the listers of others wait for before the first message. */
	put(&l, "protocol", SPAN("mail_queue_list_protocol"));
	str_putc(&l.text, '\0');
	if (queue_list(service_queue_dir(), &lister)) {
		str_putc(&l.text, '\0');	/* complete */
		if (send_if_full(&l, 0))
			stream_flush(client, service_ipc_deadline());
	}
	str_fini(&l.text);
	stream_close(client);
}

static void
prepare(void)
{
	queue_names_setup(conf_core.hash_queue_names,
	    conf_core.hash_queue_depth);
}

static const struct service showq = {
	.name = "showq",
	.needs = NEEDS_QUEUE_READ,
	.internal = true,
	.before_jail = prepare,
	.serve = serve,
};

int
main(int argc, char **argv)
{
	return service_main(&showq, argc, argv);
}
