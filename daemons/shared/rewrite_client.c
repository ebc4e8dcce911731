/*
 * rewrite_client - see the header.
 *
 * Two generations of a bounded cache: entries are found in the young or the
 * old table, and when the young one is full it becomes the old one. An entry
 * counts only while the tables' generation is the one it was made under.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/rewrite_client.h"

#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/mail/conf_core.h"
#include "common/service/control.h"
#include "common/service/peer.h"

#define CACHE_ENTRIES 8192
#define ITEMS_PER_REQUEST 200

struct cached {
	struct rewrite_answer answer;	/* spans behind the struct */
	uint64_t generation;
	int64_t expires_ns;
};

static struct hash *young, *old;

static struct peer *
rewrite_peer(void)
{
	static struct peer *peer;

	if (peer == NULL)
		peer = peer_named("private", conf_core.rewrite_service_name,
		    REWRITE_PROTOCOL, REWRITE_VERSION);
	return peer;
}

/* Does routing depend on the sender in this configuration? */
static bool
sender_matters(void)
{
	static const char *const names[] = {
		"sender_dependent_relayhost_maps",
		"sender_dependent_default_transport_maps",
		"address_verify_sender_dependent_relayhost_maps",
		"address_verify_sender_dependent_default_transport_maps" };
	static int known = -1;

	for (size_t i = 0; known <= 0 && i < ARRAY_COUNT(names); i++) {
		const struct conf_entry *entry = conf_find(names[i]);

		known = entry != NULL && entry->value[0] != '\0';
	}
	return known;
}

static struct span
cache_key(struct arena *arena, const char *context, unsigned wants,
    struct span sender, struct span address)
{
	struct str *key = str_in_arena(arena);

	str_putc(key, (char)('0' + wants));
	str_adds(key, context);
	str_putc(key, '\0');
	if ((wants & REWRITE_RESOLVE) && sender_matters())
		str_add(key, sender);
	str_putc(key, '\0');
	str_add(key, address);
	return str_span(key);
}

static void
forget(struct hash **table)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	if (*table == NULL)
		return;
	while (hash_next(*table, &it, &key, &value))
		mem_free(value);
	hash_free(table);
}

static const struct cached *
cache_find(struct span key)
{
	struct cached *entry = NULL;

	if (young != NULL)
		entry = hash_get(young, key);
	if (entry == NULL && old != NULL)
		entry = hash_get(old, key);
	if (entry == NULL || entry->generation != control_table_generation()
	    || entry->expires_ns < clock_now_ns())
		return NULL;
	return entry;
}

static struct span
place(char **at, struct span bytes)
{
	struct span copy = span_of(*at, bytes.len);

	if (bytes.len > 0)
		memcpy(*at, bytes.p, bytes.len);
	*at += bytes.len;
	return copy;
}

static void
cache_store(struct span key, const struct rewrite_answer *answer,
    const struct rewrite_reply *reply)
{
	if (reply->cacheable == 0 || (answer->flags & RESOLVE_FAIL))
		return;
	if (young != NULL && hash_count(young) >= CACHE_ENTRIES) {
		forget(&old);
		old = young;
		young = NULL;
	}
	if (young == NULL)
		young = hash_new();

	struct cached *entry = mem_alloc(sizeof(*entry) + answer->address.len
	    + answer->transport.len + answer->nexthop.len
	    + answer->recipient.len);
	char *at = (char *)(entry + 1);

	entry->generation = reply->generation;
	entry->expires_ns = deadline_in((int64_t)reply->cacheable).at_ns;
	entry->answer.flags = answer->flags;
	entry->answer.address = place(&at, answer->address);
	entry->answer.transport = place(&at, answer->transport);
	entry->answer.nexthop = place(&at, answer->nexthop);
	entry->answer.recipient = place(&at, answer->recipient);
	mem_free(hash_put(young, key, entry));
}

static void
take_cached(struct rewrite_want *item, const struct cached *entry,
    struct arena *arena)
{
	item->generation = entry->generation;
	item->answer.flags = entry->answer.flags;
	item->answer.address = arena_span(arena, entry->answer.address);
	item->answer.transport = arena_span(arena, entry->answer.transport);
	item->answer.nexthop = arena_span(arena, entry->answer.nexthop);
	item->answer.recipient = arena_span(arena, entry->answer.recipient);
}

static void
mark_failed(struct rewrite_want *item)
{
	item->answer = (struct rewrite_answer){ .address = item->address,
		.recipient = item->address, .flags = RESOLVE_FAIL };
}

/* One request for the items whose numbers are in `missing`. */
static bool
ask(const char *context, unsigned wants, struct span sender,
    struct rewrite_want *items, const size_t *missing, size_t count,
    struct arena *arena, struct deadline deadline)
{
	struct rewrite_item *asked = arena_array(arena, count, sizeof(*asked));
	struct rewrite_request request = { .wants = wants,
		.context = SPAN(context), .sender = sender,
		.items = { asked, count } };
	struct rewrite_reply reply;

	for (size_t i = 0; i < count; i++)
		asked[i].address = items[missing[i]].address;
	if (peer_call(rewrite_peer(), true, &rewrite_request_form, &request,
	    &rewrite_reply_form, &reply, arena, deadline) != IO_OK) {
		log_warn("problem talking to service %s: %s",
		    conf_core.rewrite_service_name, peer_why(rewrite_peer()));
		return false;
	}
	if (reply.answers.count != count) {
		log_warn("service %s answered %zu of %zu addresses",
		    conf_core.rewrite_service_name, reply.answers.count, count);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		struct rewrite_want *item = &items[missing[i]];

		item->answer =
		    *ATTR_AT(reply.answers, struct rewrite_answer, i);
		item->generation = reply.generation;
		cache_store(cache_key(arena, context, wants, sender,
		    item->address), &item->answer, &reply);
	}
	return true;
}

bool
rewrite_addresses(const char *context, unsigned wants, struct span sender,
    struct rewrite_want *items, size_t count, struct arena *arena,
    struct deadline deadline)
{
	size_t *missing = arena_array(arena, count > 0 ? count : 1,
	    sizeof(*missing));
	size_t nmissing = 0, at = 0;

	for (size_t i = 0; i < count; i++) {
		const struct cached *entry = cache_find(cache_key(arena,
		    context, wants, sender, items[i].address));

		if (entry != NULL)
			take_cached(&items[i], entry, arena);
		else
			missing[nmissing++] = i;
	}
	while (at < nmissing) {
		size_t n = nmissing - at < ITEMS_PER_REQUEST
		    ? nmissing - at : ITEMS_PER_REQUEST;

		if (!ask(context, wants, sender, items, missing + at, n,
		    arena, deadline))
			break;
		at += n;
	}
	for (size_t i = at; i < nmissing; i++)
		mark_failed(&items[missing[i]]);
	return at == nmissing;
}

bool
rewrite_address(const char *context, unsigned wants, struct span sender,
    struct span address, struct rewrite_answer *answer_out,
    struct arena *arena, struct deadline deadline)
{
	struct rewrite_want item = { .address = address };
	bool ok = rewrite_addresses(context, wants, sender, &item, 1, arena,
	    deadline);

	*answer_out = item.answer;
	return ok;
}
