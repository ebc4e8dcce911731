/*
 * hash - keys of any bytes, growth, removal while walking.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/hash.h"
#include "common/base/random.h"
#include "tests/harness/t.h"

static struct span
number_key(char text[24], unsigned n)
{
	return span_of(text, (size_t)snprintf(text, 24, "key-%u", n));
}

T_TEST(an_empty_table_answers)
{
	struct hash *hash = hash_new();
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	T_EQ_INT(hash_count(hash), 0);
	T_CHECK(hash_get(hash, SPAN("a")) == NULL);
	T_CHECK(!hash_has(hash, SPAN("a")));
	T_CHECK(hash_remove(hash, SPAN("a")) == NULL);
	T_CHECK(!hash_next(hash, &it, &key, &value));
	hash_free(&hash);
	T_CHECK(hash == NULL);
	hash_free(&hash);
}

T_TEST(keys_are_bytes_and_copied)
{
	struct hash *hash = hash_new();
	char key[] = "abc";
	int a, b;

	T_CHECK(hash_put(hash, SPAN(key), &a) == NULL);
	key[0] = 'x';
	T_CHECK(hash_get(hash, SPAN("abc")) == &a);
	T_CHECK(hash_get(hash, SPAN("xbc")) == NULL);
	T_CHECK(hash_put(hash, SPAN("abc"), &b) == &a);
	T_EQ_INT(hash_count(hash), 1);
	hash_put(hash, span_of("a\0b", 3), &a);
	hash_put(hash, span_of("a\0c", 3), &b);
	hash_put(hash, SPAN_NONE, &b);
	T_EQ_INT(hash_count(hash), 4);
	T_CHECK(hash_get(hash, span_of("a\0b", 3)) == &a);
	T_CHECK(hash_get(hash, SPAN("")) == &b);
	hash_put(hash, SPAN("none"), NULL);
	T_CHECK(hash_has(hash, SPAN("none")));
	T_CHECK(hash_get(hash, SPAN("none")) == NULL);
	hash_free(&hash);
}

T_TEST(many_come_and_go)
{
	enum { MANY = 20000 };
	static bool in[MANY];
	struct hash *hash = hash_new();
	size_t count = 0;
	char text[24];

	random_seed(t_seed());
	for (unsigned i = 0; i < 20 * MANY; i++) {
		unsigned n = random_below(MANY);
		struct span key = number_key(text, n);
		/* It fills at first and empties at the end. */
		bool put = random_below(20 * MANY) > i;
		void *old = put ? hash_put(hash, key, &in[n]) :
		    hash_remove(hash, key);

		T_NEED(old == (in[n] ? &in[n] : NULL));
		count += put - (size_t)in[n];
		in[n] = put;
		T_NEED(hash_count(hash) == count);
	}
	for (unsigned n = 0; n < MANY; n++)
		T_NEED(hash_has(hash, number_key(text, n)) == in[n]);
	hash_free(&hash);
}

T_TEST(walking_meets_all_and_may_remove_the_current)
{
	enum { MANY = 1000 };
	static unsigned seen[MANY];
	struct hash *hash = hash_new();
	char text[24];
	struct span key;
	void *value;

	for (unsigned n = 0; n < MANY; n++)
		hash_put(hash, number_key(text, n), &seen[n]);
	for (struct hash_iter it = HASH_ITER_START;
	    hash_next(hash, &it, &key, &value);) {
		unsigned n = (unsigned)((unsigned *)value - seen);

		T_EQ_SPAN(key, number_key(text, n));
		T_EQ_INT(key.p[key.len], 0);
		seen[n]++;
		if (n % 3 == 0)
			hash_remove(hash, number_key(text, n));
	}
	for (unsigned n = 0; n < MANY; n++)
		T_NEED(seen[n] == 1);
	T_EQ_INT(hash_count(hash), MANY - (MANY + 2) / 3);
	hash_free(&hash);
}

T_TEST(a_table_that_became_sparse_still_has_all)
{
	enum { MANY = 5000 };
	static char values[MANY];
	struct hash *hash = hash_new();
	char text[24];

	for (unsigned n = 0; n < MANY; n++)
		hash_put(hash, number_key(text, n), &values[n]);
	for (unsigned n = 10; n < MANY; n++)
		hash_remove(hash, number_key(text, n));
	for (unsigned n = MANY; n < MANY + 10; n++)
		hash_put(hash, number_key(text, n), &values[0]);
	T_EQ_INT(hash_count(hash), 20);
	for (unsigned n = 0; n < 10; n++)
		T_CHECK(hash_get(hash, number_key(text, n)) == &values[n]);
	hash_free(&hash);
}

T_TEST(codes_differ_by_every_byte_and_length)
{
	char bytes[40] = { 0 };

	for (size_t len = 0; len < sizeof(bytes); len++) {
		uint64_t code = hash_bytes(span_of(bytes, len));

		T_CHECK(code == hash_bytes(span_of(bytes, len)));
		T_CHECK(code != hash_bytes(span_of(bytes, len + 1)));
		for (size_t i = 0; i < len; i++) {
			bytes[i] = 1;
			T_CHECK(code != hash_bytes(span_of(bytes, len)));
			bytes[i] = 0;
		}
	}
}
