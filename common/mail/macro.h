/*
 * macro - $name, ${name?x:y} and comparisons, shared by main.cf and whoever
 * else expands text written by the administrator.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_MACRO_H
#define COMMON_MAIL_MACRO_H

#include "common/base/span.h"
#include "common/base/str.h"

/*
 * The value of a name, unexpanded, appended to value_out; false when the name
 * is not known (an empty value then).
 */
typedef bool macro_lookup_fn(struct span name, struct str *value_out,
    void *arg);

struct macro {
	macro_lookup_fn *lookup;
	void *arg;
	bool recursive;			/* values are expanded in their turn */
	bool *unset_out;		/* made true by a name without a value that
					   is no condition; may be NULL */
};

/* Appends the expansion. False with a reason: braces that do not close, names
 * that refer to themselves, an operator that does not exist. */
bool macro_expand(const struct macro *macro, struct span text,
    struct str *out, struct str *why);
/* Calls fn for each name that text refers to. */
void macro_each_name(struct span text,
    void (*fn)(struct span name, void *arg), void *arg);
/* <0, 0, >0 of two releases such as "3.6" and "3.11"; "2" is "2.0". */
bool macro_compare_levels(struct span a, struct span b, int *order_out);

#endif
