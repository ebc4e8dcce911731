/*
 * hash - table keyed by bytes, seeded per process so that outsiders cannot
 * choose collisions. Insertion order is not kept.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_HASH_H
#define COMMON_BASE_HASH_H

#include "common/base/span.h"

struct hash;

struct hash *hash_new(void);
void hash_free(struct hash **hash);		/* values are the caller's */
size_t hash_count(const struct hash *hash);
void *hash_get(const struct hash *hash, struct span key);	/* or NULL */
bool hash_has(const struct hash *hash, struct span key);
/* Copies the key. Returns the value that was there before, or NULL. */
void *hash_put(struct hash *hash, struct span key, void *value);
void *hash_remove(struct hash *hash, struct span key);	/* old value */

struct hash_iter {
	size_t bucket;
	void *node;
};
#define HASH_ITER_START ((struct hash_iter){ 0, NULL })
/* The entry just returned may be removed; nothing else may change. Behind the
 * key there is a NUL. */
bool hash_next(const struct hash *hash, struct hash_iter *it,
    struct span *key_out, void **value_out);

uint64_t hash_bytes(struct span key);		/* seeded, not stable */

#endif
