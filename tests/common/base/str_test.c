/*
 * str - growing, editing, printing, also from itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "tests/harness/t.h"

static void
check_terminated(const struct str *s)
{
	T_EQ_INT(str_cstr(s)[s->len], 0);
}

T_TEST(empty_is_valid)
{
	struct str s = STR_EMPTY;

	T_EQ_STR(str_cstr(&s), "");
	T_EQ_INT(str_len(&s), 0);
	T_EQ_INT(str_span(&s).len, 0);
	str_clear(&s);
	str_lower(&s);
	str_add(&s, SPAN_NONE);
	str_set(&s, SPAN_NONE);
	str_remove(&s, 0, 0);
	str_insert(&s, 0, SPAN_NONE);
	str_truncate(&s, 0);
	T_EQ_STR(str_cstr(&s), "");
	str_fini(&s);
	str_fini(&s);

	char *released = str_release(&s);

	T_EQ_STR(released, "");
	mem_free(released);
}

T_TEST(appending_keeps_all)
{
	struct str s = STR_EMPTY;

	for (int i = 0; i < 5000; i++) {
		str_putc(&s, (char)('a' + i % 26));
		str_add(&s, span_of("\0x", 2));
		str_adds(&s, "yz");
	}
	T_EQ_INT(s.len, 25000);
	for (size_t i = 0; i < s.len; i += 5) {
		T_NEED(s.buf[i] == (char)('a' + i / 5 % 26));
		T_NEED(memcmp(s.buf + i + 1, "\0xyz", 4) == 0);
	}
	check_terminated(&s);
	T_CHECK(s.room < 2 * s.len + 64);
	str_fini(&s);
}

T_TEST(a_string_may_be_added_to_itself)
{
	struct str s = STR_EMPTY;

	str_sets(&s, "ab");
	for (int i = 0; i < 10; i++)
		str_add(&s, str_span(&s));
	T_EQ_INT(s.len, 2048);
	for (size_t i = 0; i < s.len; i++)
		T_NEED(s.buf[i] == (i % 2 == 0 ? 'a' : 'b'));
	str_set(&s, span_sub(str_span(&s), 1, 3));
	T_EQ_STR(str_cstr(&s), "bab");
	str_fini(&s);
}

T_TEST(a_string_may_be_printed_into_itself)
{
	struct str s = STR_EMPTY, want = STR_EMPTY;

	str_sets(&s, "reason");
	for (int i = 0; i < 100; i++) {
		str_printf(&s, "<%s>", str_cstr(&s));
		T_EQ_INT(s.len, 6 + 2 * ((size_t)i + 1));
	}
	T_CHECK(span_starts(str_span(&s), SPAN("<<<")));
	str_sets(&s, "x");
	for (int i = 0; i < 12; i++) {
		str_set(&want, str_span(&s));
		str_add(&want, str_span(&want));
		str_addf(&s, "%s", str_cstr(&s));
		T_EQ_SPAN(str_span(&s), str_span(&want));
	}
	str_fini(&s);
	str_fini(&want);
}

T_TEST(printing)
{
	struct str s = STR_EMPTY;
	char long_text[3000];

	str_printf(&s, "%s-%d", "a", 5);
	T_EQ_STR(str_cstr(&s), "a-5");
	str_addf(&s, "%c", 'x');
	str_addf(&s, "%s", "");
	T_EQ_STR(str_cstr(&s), "a-5x");
	str_printf(&s, "%s", "");
	T_EQ_STR(str_cstr(&s), "");
	memset(long_text, 'l', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	str_printf(&s, "<%s>", long_text);
	T_EQ_INT(s.len, sizeof(long_text) + 1);
	check_terminated(&s);
	for (size_t n = 0; n < 300; n++) {
		str_fini(&s);
		str_printf(&s, "%.*s!", (int)n, long_text);
		T_NEED(s.len == n + 1 && s.buf[n] == '!');
	}
	str_fini(&s);
}

T_TEST(printing_has_the_error_of_the_caller)
{
	struct str s = STR_EMPTY;
	char long_text[3000];

	memset(long_text, 'l', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	errno = EACCES;
	str_printf(&s, "%m");
	T_EQ_STR(str_cstr(&s), strerror(EACCES));
	errno = ENOENT;
	str_printf(&s, "%s%m", long_text);
	T_HAS_STR(str_cstr(&s), strerror(ENOENT));
	str_fini(&s);
}

T_TEST(editing)
{
	struct str s = STR_EMPTY;

	str_sets(&s, "Hello World");
	str_lower(&s);
	T_EQ_STR(str_cstr(&s), "hello world");
	str_insert(&s, 5, SPAN(","));
	T_EQ_STR(str_cstr(&s), "hello, world");
	str_insert(&s, 0, SPAN(">"));
	str_insert(&s, s.len, SPAN("<"));
	T_EQ_STR(str_cstr(&s), ">hello, world<");
	str_remove(&s, 0, 1);
	str_remove(&s, 5, 2);
	str_remove(&s, s.len - 1, 1);
	T_EQ_STR(str_cstr(&s), "helloworld");
	str_truncate(&s, 5);
	T_EQ_STR(str_cstr(&s), "hello");
	str_clear(&s);
	T_EQ_STR(str_cstr(&s), "");
	memcpy(str_reserve(&s, 3), "xyz", 3);
	str_advance(&s, 2);
	T_EQ_STR(str_cstr(&s), "xy");

	char *released = str_release(&s);

	T_EQ_STR(released, "xy");
	T_CHECK(s.buf == NULL && s.len == 0 && s.room == 0);
	mem_free(released);
}

T_TEST(more_than_was_reserved_ends_the_process)
{
	struct str s = STR_EMPTY;

	str_reserve(&s, 10);
	T_DIES(-SIGABRT, "CHECK", str_advance(&s, s.room));
	T_DIES(-SIGABRT, "panic: ", str_reserve(&s, SIZE_MAX));
	str_fini(&s);
}

T_TEST(an_arena_frees_its_strings)
{
	struct arena *arena = arena_new();
	struct str *s = str_in_arena(arena);

	for (int i = 0; i < 1000; i++)
		str_adds(s, "0123456789");
	T_EQ_INT(str_len(s), 10000);
	arena_free(&arena);		/* leak checkers look here */
}

T_TEST(a_tight_text_has_little_room)
{
	struct str s = STR_EMPTY, want = STR_EMPTY;

	for (int i = 0; i < 6000; i++) {
		*str_reserve_tight(&s, 1) = (char)('a' + i % 26);
		str_advance(&s, 1);
		str_putc(&want, (char)('a' + i % 26));
		if (i < 1000)
			T_CHECK(s.room <= s.len + 65);
	}
	T_CHECK(span_eq(str_span(&s), str_span(&want)));
	str_fini(&s);
	str_fini(&want);
}
