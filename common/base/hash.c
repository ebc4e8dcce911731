/*
 * hash - see the header. SipHash-1-3 over a key from the kernel; chains.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/hash.h"

#include <sys/random.h>

#include "common/base/mem.h"

struct node {
	struct node *next;
	uint64_t hash;
	void *value;
	size_t len;
	char key[];
};

struct hash {
	struct node **buckets;
	size_t size;			/* a power of two, or 0 */
	size_t count;
};

static uint64_t key0, key1;

static void
make_key(void)
{
	uint64_t bytes[2];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
		bytes[0] = (uint64_t)(uintptr_t)&bytes;
		bytes[1] = 0x9e3779b97f4a7c15ULL;
	}
	key0 = bytes[0];
	key1 = bytes[1] | 1;
}

static inline uint64_t
rotl(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

uint64_t
hash_bytes(struct span key)
{
	uint64_t v[4], tail = (uint64_t)key.len << 56;
	const unsigned char *p = (const unsigned char *)key.p;
	size_t whole = key.len & ~(size_t)7;

	if (key1 == 0)
		make_key();
	v[0] = key0 ^ 0x736f6d6570736575ULL;
	v[1] = key1 ^ 0x646f72616e646f6dULL;
	v[2] = key0 ^ 0x6c7967656e657261ULL;
	v[3] = key1 ^ 0x7465646279746573ULL;
	for (size_t i = 0; i < whole; i += 8) {
		uint64_t m;

		memcpy(&m, p + i, 8);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	for (size_t i = whole; i < key.len; i++)
		tail |= (uint64_t)p[i] << (8 * (i - whole));
	v[3] ^= tail;
	sip_round(v);
	v[0] ^= tail;
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

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
	for (size_t i = 0; i < h->size; i++)
		while (h->buckets[i] != NULL) {
			struct node *node = h->buckets[i];

			h->buckets[i] = node->next;
			mem_free(node);
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

static struct node **
find(const struct hash *h, struct span key, uint64_t value)
{
	struct node **at = &h->buckets[value & (h->size - 1)];

	while (*at != NULL && ((*at)->hash != value
	    || !span_eq(span_of((*at)->key, (*at)->len), key)))
		at = &(*at)->next;
	return at;
}

void *
hash_get(const struct hash *hash, struct span key)
{
	struct node *node;

	if (hash->count == 0)
		return NULL;
	node = *find(hash, key, hash_bytes(key));
	return node != NULL ? node->value : NULL;
}

bool
hash_has(const struct hash *hash, struct span key)
{
	return hash->count > 0 && *find(hash, key, hash_bytes(key)) != NULL;
}

static void
grow(struct hash *h)
{
	size_t size = h->size == 0 ? 16 : 2 * h->size;
	struct node **buckets = mem_array(size, sizeof(*buckets));

	for (size_t i = 0; i < h->size; i++)
		while (h->buckets[i] != NULL) {
			struct node *node = h->buckets[i];
			struct node **at = &buckets[node->hash & (size - 1)];

			h->buckets[i] = node->next;
			node->next = *at;
			*at = node;
		}
	mem_free(h->buckets);
	h->buckets = buckets;
	h->size = size;
}

void *
hash_put(struct hash *hash, struct span key, void *value)
{
	uint64_t hashed = hash_bytes(key);
	struct node **at, *node;
	void *old = NULL;

	if (hash->count >= hash->size)
		grow(hash);
	at = find(hash, key, hashed);
	if (*at != NULL) {
		old = (*at)->value;
		(*at)->value = value;
		return old;
	}
	node = mem_alloc(sizeof(*node) + key.len + 1);
	node->next = NULL;
	node->hash = hashed;
	node->value = value;
	node->len = key.len;
	if (key.len > 0)
		memcpy(node->key, key.p, key.len);
	node->key[key.len] = '\0';
	*at = node;
	hash->count++;
	return NULL;
}

void *
hash_remove(struct hash *hash, struct span key)
{
	struct node **at, *node;
	void *old;

	if (hash->count == 0)
		return NULL;
	at = find(hash, key, hash_bytes(key));
	node = *at;
	if (node == NULL)
		return NULL;
	old = node->value;
	*at = node->next;
	hash->count--;
	mem_free(node);
	return old;
}

bool
hash_next(const struct hash *hash, struct hash_iter *it, struct span *key_out,
    void **value_out)
{
	/* it->node is the node to hand out next, read ahead so that the one just
	 * handed out may be removed. */
	struct node *node = it->node;

	while (node == NULL) {
		if (it->bucket >= hash->size)
			return false;
		node = hash->buckets[it->bucket++];
	}
	it->node = node->next;
	*key_out = span_of(node->key, node->len);
	*value_out = node->value;
	return true;
}
