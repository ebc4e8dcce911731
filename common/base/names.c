/*
 * names - tables of word <-> number, and word lists <-> bit sets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/names.h"
#include "common/base/strlist.h"

enum { NEAREST_MAX = 64 };		/* longer names are not compared */

int
names_value(const struct name_value *table, struct span name)
{
	for (; table->name != NULL; table++)
		if (span_is_nocase(name, table->name))
			return table->value;
	return -1;
}

const char *
names_name(const struct name_value *table, int value)
{
	for (; table->name != NULL; table++)
		if (table->value == value)
			return table->name;
	return NULL;
}

static void
explain_unknown(const struct name_value *table, struct span word,
    struct str *why)
{
	str_printf(why, "unknown word \"%.*s\", expected one of:",
	    SPAN_ARG(word));
	for (; table->name != NULL; table++)
		str_addf(why, " %s", table->name);
}

bool
names_mask(const struct name_value *table, struct span text,
    unsigned *mask_out, struct str *why)
{
	unsigned mask = 0;
	struct span word;

	while (span_token(&text, STRLIST_CONF, &word)) {
		int value = names_value(table, word);

		if (value == -1) {
			if (why != NULL)
				explain_unknown(table, word, why);
			return false;
		}
		mask |= (unsigned)value;
	}
	*mask_out = mask;
	return true;
}

/* A word for several bits takes them all; one that adds none is left out. */
void
names_print_mask(const struct name_value *table, unsigned mask,
    struct str *out)
{
	const char *between = "";
	unsigned left = mask;

	for (; table->name != NULL; table++) {
		unsigned bits = (unsigned)table->value;

		if ((mask & bits) != bits || (left & bits) == 0)
			continue;
		left &= ~bits;
		str_addf(out, "%s%s", between, table->name);
		between = " ";
	}
	if (left != 0)
		str_addf(out, "%s0x%x", between, left);
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * Damerau-Levenshtein with adjacent swaps (each place edited once); gives up
 * as soon as it must exceed limit.
 */
static unsigned
edit_distance(struct span a, struct span b, unsigned limit)
{
	unsigned char rows[3][NEAREST_MAX + 1];
	unsigned char *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b.len; j++)
		above[j] = (unsigned char)j;
	for (size_t i = 1; i <= a.len; i++) {
		char ca = ascii_lower(a.p[i - 1]);
		unsigned best = (unsigned)i;

		row[0] = (unsigned char)i;
		for (size_t j = 1; j <= b.len; j++) {
			char cb = ascii_lower(b.p[j - 1]);
			unsigned d = above[j - 1] + (unsigned)(ca != cb);

			d = least(d, least(above[j], row[j - 1]) + 1u);
			if (i > 1 && j > 1 && ca == ascii_lower(b.p[j - 2]) &&
			    cb == ascii_lower(a.p[i - 2]))
				d = least(d, before[j - 2] + 1u);
			row[j] = (unsigned char)d;
			best = least(best, d);
		}
		if (best > limit)
			return best;

		unsigned char *oldest = before;

		before = above;
		above = row;
		row = oldest;
	}
	return above[b.len];
}

const char *
names_nearest(struct span name, const char *const *candidates, size_t count)
{
	const char *nearest = NULL;
	unsigned limit = (unsigned)(name.len / 3);

	if (name.len > NEAREST_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		struct span candidate = span_cstr(candidates[i]);
		size_t gap = candidate.len > name.len ?
		    candidate.len - name.len : name.len - candidate.len;

		if (candidate.len > NEAREST_MAX || gap > limit)
			continue;

		unsigned distance = edit_distance(name, candidate, limit);

		if (distance > limit)
			continue;
		nearest = candidates[i];
		if (distance == 0)
			break;
		limit = distance - 1;	/* only a nearer one from here */
	}
	return nearest;
}
