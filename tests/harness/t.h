/*
 * t - unit tests: a thin layer over cmocka.
 *
 *	T_TEST(what_holds)
 *	{
 *		for (size_t i = 0; i < T_COUNT(cases); i++) {
 *			T_CASE(cases[i].name);
 *			T_EQ_INT(scan(cases[i].text), cases[i].want);
 *		}
 *	}
 *
 * Each test runs in a process of its own, so it may start a loop, change
 * identity or crash. A check that fails prints case, got and want, and the
 * test goes on; T_NEED ends it. Checks may be made from fibers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_HARNESS_T_H
#define TESTS_HARNESS_T_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/span.h"

struct t_test {
	const char *name, *file;
	int line;
	void (*run)(void);
	struct t_test *next;
};

void t_register(struct t_test *test);

/* Defines and registers a test; its name is a statement that holds. */
#define T_TEST(what) \
	static void what(void); \
	static struct t_test t_test_##what = \
	    { #what, __FILE__, __LINE__, what, NULL }; \
	__attribute__((constructor)) static void \
	t_register_##what(void) \
	{ \
		t_register(&t_test_##what); \
	} \
	static void what(void)

#define T_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The label printed with the next failures; copied, printf-like. */
__attribute__((format(printf, 1, 2))) void t_case(const char *format, ...);
#define T_CASE(name) t_case("%s", name)
#define T_CASEF(...) t_case(__VA_ARGS__)

#define T_HERE __FILE__, __LINE__

/* Each is true when the check held, so a test can leave early. */
#define T_CHECK(condition) \
	t_check(T_HERE, (condition), #condition)
#define T_EQ_INT(got, want) \
	t_eq_int(T_HERE, #got, (long long)(got), (long long)(want))
#define T_EQ_STR(got, want) t_eq_str(T_HERE, #got, got, want)
#define T_EQ_SPAN(got, want) t_eq_span(T_HERE, #got, got, want)
/* A span against a C string. */
#define T_EQ_TEXT(got, want) t_eq_span(T_HERE, #got, got, span_cstr(want))
#define T_NE_STR(got, unwanted) t_ne_str(T_HERE, #got, got, unwanted)
/* `got` contains `part`. */
#define T_HAS_STR(got, part) t_has_str(T_HERE, #got, got, part)
/* Ends this test at once if it does not hold. */
#define T_NEED(condition) \
	((condition) ? (void)0 : t_stop(T_HERE, #condition))
/* Fails with a message of one's own. */
#define T_FAIL(...) t_fail(T_HERE, __VA_ARGS__)

bool t_check(const char *file, int line, bool ok, const char *text);
bool t_eq_int(const char *file, int line, const char *text, long long got,
    long long want);
bool t_eq_str(const char *file, int line, const char *text, const char *got,
    const char *want);
bool t_ne_str(const char *file, int line, const char *text, const char *got,
    const char *unwanted);
bool t_eq_span(const char *file, int line, const char *text, struct span got,
    struct span want);
bool t_has_str(const char *file, int line, const char *text, const char *got,
    const char *part);
__attribute__((noreturn)) void t_stop(const char *file, int line,
    const char *text);
__attribute__((format(printf, 3, 4))) void t_fail(const char *file, int line,
    const char *format, ...);
bool t_failed(void);			/* this test, so far */

/* Ends this test; it counts as skipped, with the reason. */
__attribute__((noreturn)) void t_skip(const char *why);
#define T_SKIP(why) t_skip(why)

/* How many descriptors this process has open. */
size_t t_open_fds(void);

/* Runs the statement in a child and expects it to end with this exit status,
 * or by this signal if negative: T_DIES(-SIGABRT, CHECK(false)). What it
 * printed must contain `text` (NULL: anything). */
#define T_DIES(status, text, ...) \
	do { \
		if (t_dies_fork()) { \
			__VA_ARGS__; \
			t_dies_survived(); \
		} \
		t_dies_check(T_HERE, #__VA_ARGS__, status, text); \
	} while (0)
bool t_dies_fork(void);			/* true in the child */
__attribute__((noreturn)) void t_dies_survived(void);
void t_dies_check(const char *file, int line, const char *text, int status,
    const char *output);

/* Inputs: below tests/data; third-party data beside the tree, which may be
 * absent. Both are literals, relative to the root where tests run. */
#define T_DATA(path) "tests/data/" path
#define T_SHARED(path) "../shared/data/" path
#define T_SKIP_UNLESS_SHARED() t_skip_unless_shared()
void t_skip_unless_shared(void);
/* All bytes of a file, NUL added, valid until the test ends; fatal. */
struct span t_read_file(const char *path);
/* A fresh directory that goes away with the test; absolute path. */
const char *t_tmpdir(void);
/* Before that: where syncs cost nothing, for tests of thousands. */
void t_tmpdir_in_memory(void);

/*
 * Runs the block with the first pass through fault point `point` failing, then
 * the second, and so on until a run meets no fault. T_FAULT_HIT() tells
 * inside the block whether this run met it. NULL is any point.
 */
#define T_EACH_FAULT(point, error) \
	for (int t_nth = 0; t_fault_next(point, &t_nth, error);)
#define T_FAULT_HIT() t_fault_hit()
bool t_fault_next(const char *point, int *nth, int error);
bool t_fault_hit(void);

/* Seeds for random tests: fixed in CI (or by T_SEED), printed on failure. */
uint64_t t_seed(void);

#endif
