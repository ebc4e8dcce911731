/*
 * recipients - those of a message that are in memory, each in a block of its
 * own that goes when it is decided: a large message costs what it has waiting,
 * not what it once had.
 *
 * How many may be in memory: what the limits of the transports leave that the
 * message's recipients go by, and for one that goes before a larger one on a
 * transport the extra room there. Which those are is known once a few are
 * routed. When it comes into memory, qmgr_message_recipient_limit counts too;
 * qmgr_message_recipient_minimum goes before all that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/mem.h"
#include "daemons/qmgr/qmgr_priv.h"

#define READ_AT_ONCE 2000		/* others want their turn */

/* Its texts stand behind it. */
struct held {
	struct envelope_rcpt rcpt;
	struct transport *transport;	/* that counts it */
};

static uint64_t in_memory;

static struct recipients_share *
share_of(struct message *m, const struct transport *t)
{
	for (unsigned i = 0; i < m->nshares; i++)
		if (m->shares[i].transport == t)
			return &m->shares[i];
	return NULL;
}

static void
joins(struct message *m, struct transport *t)
{
	if (share_of(m, t) != NULL)
		return;
	m->shares = mem_regrow(m->shares, m->nshares + 1, sizeof(*m->shares));
	m->shares[m->nshares++] = (struct recipients_share){ .transport = t };
}

void
recipients_expect(struct message *m, size_t count)
{
	m->undecided += count;
	m->read_total += count;
	m->read_ns = clock_now_ns();
	in_memory += count;
}

static uint32_t
free_number(struct message *m)
{
	if (m->nfree > 0)
		return m->free_numbers[--m->nfree];
	if (m->used == m->room) {
		m->room = m->room < 16 ? m->room + 1 : 2 * m->room;
		m->held = mem_regrow(m->held, m->room, sizeof(struct held *));
		m->free_numbers = mem_regrow(m->free_numbers, m->room,
		    sizeof(*m->free_numbers));
	}
	return m->used++;
}

uint32_t
recipients_hold(struct message *m, const struct envelope_rcpt *rcpt,
    struct transport *t)
{
	struct envelope_rcpt copy = *rcpt;
	struct held *held = attr_pack(&envelope_rcpt_form, &copy,
	    sizeof(*held));
	uint32_t number = free_number(m);

	held->rcpt = copy;
	held->transport = t;
	t->recipients++;
	joins(m, t);
	m->held[number] = held;
	return number;
}

const struct envelope_rcpt *
recipients_at(const struct message *m, uint32_t number)
{
	return &m->held[number]->rcpt;
}

static void
let_go(struct message *m, uint32_t number)
{
	m->held[number]->transport->recipients--;
	mem_free(m->held[number]);
	m->held[number] = NULL;
}

void
recipients_decided(struct message *m, const uint32_t *numbers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		let_go(m, numbers[i]);
		m->free_numbers[m->nfree++] = numbers[i];
	}
	m->undecided -= count;
	in_memory -= count;
}

void
recipients_forget(struct message *m)
{
	for (uint32_t i = 0; i < m->used; i++)
		if (m->held[i] != NULL)
			let_go(m, i);
	in_memory -= m->undecided;
	m->undecided = 0;
	m->all_read = true;
	recipients_tell_unread(m);
	mem_free(m->held);
	mem_free(m->free_numbers);
	mem_free(m->shares);
}

void
recipients_tell_unread(struct message *m)
{
	uint64_t known = m->q.rcpts_done + m->read_total;
	uint64_t left = m->all_read || known >= m->q.rcpts_left ? 0
	    : m->q.rcpts_left - known;

	if (left == 0 && m->told_unread == 0)
		return;
	m->told_unread = left;
	for (unsigned i = 0; i < m->nshares; i++)
		schedule_unread(m->shares[i].transport->sched, m, left);
}

bool
recipients_go_first(struct message *m, const struct transport *t)
{
	struct recipients_share *share = share_of(m, t);
	bool news = share != NULL && !share->preempts;

	if (news)
		share->preempts = true;
	return news;
}

/* By the limits of its transports; *least_out: fewer are not worth the trouble
 * before *wait_ms_out is over. */
static int64_t
room_on_transports(const struct message *m, int64_t *least_out,
    int64_t *wait_ms_out)
{
	int64_t room = 0;

	*least_out = *wait_ms_out = INT64_MAX;
	for (unsigned i = 0; i < m->nshares; i++) {
		const struct transport *t = m->shares[i].transport;

		room += t->recipient_limit - (int64_t)t->recipients;
		if (m->shares[i].preempts)
			room += t->extra_recipient_limit;
		if (t->refill_limit < *least_out)
			*least_out = t->refill_limit;
		if (t->refill_delay_ms < *wait_ms_out)
			*wait_ms_out = t->refill_delay_ms;
	}
	return room;
}

size_t
recipients_room(const struct message *m)
{
	int64_t minimum = qmgr_conf.recipient_minimum - (int64_t)m->undecided;
	int64_t all = qmgr_conf.recipient_limit - (int64_t)in_memory;
	int64_t least, wait_ms, room = room_on_transports(m, &least, &wait_ms);

	if (!m->filled && room > all)
		room = all;
	if (room < minimum)
		room = minimum;
	if (room <= 0 || (m->filled && m->undecided > 0 && room < least
	    && (clock_now_ns() - m->read_ns) / 1000000 < wait_ms))
		return 0;
	return room < READ_AT_ONCE ? (size_t)room : READ_AT_ONCE;
}
