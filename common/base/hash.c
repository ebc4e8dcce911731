/*
 * hash - table keyed by bytes: chains, power-of-two buckets, SipHash-1-3.
 *
 * An entry is one allocation with its key behind it and never moves. Removal
 * never resizes, so that an iteration may remove what it was just given; a
 * table that has become sparse shrinks at the next insertion.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <endian.h>

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/base/random_priv.h"

enum { BUCKETS_MIN = 16 };

struct entry {
	struct entry *next;
	uint64_t hash;
	void *value;
	size_t len;
	char key[];
};

struct hash {
	struct entry **buckets;
	size_t mask;			/* number of buckets - 1 */
	size_t count;
};

/* --- SipHash-1-3 (Aumasson, Bernstein) -------------------------------------*/

static uint64_t seed[2];

__attribute__((constructor)) static void
choose_seed(void)
{
	random_kernel_bytes(seed, sizeof(seed));
}

static uint64_t
rotate(uint64_t x, int by)
{
	return (x << by) | (x >> (64 - by));
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static inline void
sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

uint64_t
hash_bytes(struct span key)
{
	uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575u,
		seed[1] ^ 0x646f72616e646f6du, seed[0] ^ 0x6c7967656e657261u,
		seed[1] ^ 0x7465646279746573u };
	const char *p = key.p;
	size_t left = key.len;
	uint64_t word;

	for (; left >= 8; p += 8, left -= 8) {
		memcpy(&word, p, 8);
		sip_word(v, le64toh(word));
	}
	word = 0;
	if (left > 0)
		memcpy(&word, p, left);
	sip_word(v, le64toh(word) | (uint64_t)key.len << 56);
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* --- The table ------------------------------------------------------------*/

struct hash *
hash_new(void)
{
	return MEM_NEW(struct hash);
}

void
hash_free(struct hash **hash)
{
	struct hash *h = *hash;

	if (h == NULL)
		return;
	for (size_t i = 0; h->buckets != NULL && i <= h->mask; i++) {
		struct entry *next;

		for (struct entry *e = h->buckets[i]; e != NULL; e = next) {
			next = e->next;
			mem_free(e);
		}
	}
	mem_free(h->buckets);
	mem_free(h);
	*hash = NULL;
}

size_t
hash_count(const struct hash *hash)
{
	return hash->count;
}

/* The link that points to the entry, or that would. */
static struct entry **
find(const struct hash *h, struct span key, uint64_t code)
{
	struct entry **link = &h->buckets[code & h->mask];

	for (; *link != NULL; link = &(*link)->next) {
		const struct entry *e = *link;

		if (e->hash == code && e->len == key.len &&
		    (key.len == 0 || memcmp(e->key, key.p, key.len) == 0))
			break;
	}
	return link;
}

static const struct entry *
look(const struct hash *h, struct span key)
{
	return h->count > 0 ? *find(h, key, hash_bytes(key)) : NULL;
}

void *
hash_get(const struct hash *hash, struct span key)
{
	const struct entry *e = look(hash, key);

	return e != NULL ? e->value : NULL;
}

bool
hash_has(const struct hash *hash, struct span key)
{
	return look(hash, key) != NULL;
}

static void
resize(struct hash *h, size_t buckets)
{
	struct entry **old = h->buckets;
	size_t old_count = old != NULL ? h->mask + 1 : 0;

	h->buckets = mem_array(buckets, sizeof(struct entry *));
	h->mask = buckets - 1;
	for (size_t i = 0; i < old_count; i++) {
		struct entry *next;

		for (struct entry *e = old[i]; e != NULL; e = next) {
			struct entry **to = &h->buckets[e->hash & h->mask];

			next = e->next;
			e->next = *to;
			*to = e;
		}
	}
	mem_free(old);
}

static void
make_fit(struct hash *h)
{
	if (h->buckets == NULL)
		resize(h, BUCKETS_MIN);
	else if (h->count > h->mask)
		resize(h, (h->mask + 1) * 2);
	else if (h->mask >= BUCKETS_MIN && h->count < h->mask / 16)
		resize(h, (h->mask + 1) / 4);
}

void *
hash_put(struct hash *hash, struct span key, void *value)
{
	uint64_t code = hash_bytes(key);
	struct entry *e = hash->count > 0 ? *find(hash, key, code) : NULL;

	if (e != NULL) {
		void *old = e->value;

		e->value = value;
		return old;
	}
	make_fit(hash);
	CHECK(key.len < SIZE_MAX - sizeof(*e));
	e = mem_alloc(sizeof(*e) + key.len + 1);
	e->hash = code;
	e->value = value;
	e->len = key.len;
	if (key.len > 0)
		memcpy(e->key, key.p, key.len);
	e->key[key.len] = '\0';

	struct entry **bucket = &hash->buckets[code & hash->mask];

	e->next = *bucket;
	*bucket = e;
	hash->count++;
	return NULL;
}

void *
hash_remove(struct hash *hash, struct span key)
{
	if (hash->count == 0)
		return NULL;

	struct entry **link = find(hash, key, hash_bytes(key));
	struct entry *e = *link;

	if (e == NULL)
		return NULL;

	void *value = e->value;

	*link = e->next;
	hash->count--;
	mem_free(e);
	return value;
}

/* it->node is the entry to return next, found before the current one can go;
 * it->bucket is the bucket to look in after its chain. */
bool
hash_next(const struct hash *hash, struct hash_iter *it, struct span *key_out,
    void **value_out)
{
	struct entry *e = it->node;

	if (hash->buckets == NULL)
		return false;
	while (e == NULL && it->bucket <= hash->mask)
		e = hash->buckets[it->bucket++];
	if (e == NULL)
		return false;
	it->node = e->next;
	if (key_out != NULL)
		*key_out = span_of(e->key, e->len);
	if (value_out != NULL)
		*value_out = e->value;
	return true;
}
