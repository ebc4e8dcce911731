/*
 * names - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/names.h"

#include "common/base/mem.h"
#include "common/base/strlist.h"

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

bool
names_mask(const struct name_value *table, struct span text,
    unsigned *mask_out, struct str *why)
{
	struct span word;

	while (span_token(&text, STRLIST_CONF, &word)) {
		int value = names_value(table, word);

		if (value < 0) {
			str_printf(why, "unknown word \"%.*s\", expected one of:",
			    SPAN_ARG(word));
			for (; table->name != NULL; table++)
				str_addf(why, " %s", table->name);
			return false;
		}
		*mask_out |= (unsigned)value;
	}
	return true;
}

void
names_print_mask(const struct name_value *table, unsigned mask,
    struct str *out)
{
	bool first = true;

	for (; table->name != NULL; table++) {
		if (table->value <= 0
		    || (mask & (unsigned)table->value) != (unsigned)table->value)
			continue;
		if (!first)
			str_putc(out, ' ');
		str_adds(out, table->name);
		first = false;
	}
}

/* Damerau-Levenshtein with adjacent transpositions, over three rows. */
static size_t
distance(struct span a, struct span b)
{
	size_t width = b.len + 1;
	size_t *rows = mem_array(3 * width, sizeof(*rows));
	size_t *before = rows, *above = rows + width, *row = rows + 2 * width;
	size_t result;

	for (size_t j = 0; j < width; j++)
		above[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			char x = ascii_lower(a.p[i - 1]);
			char y = ascii_lower(b.p[j - 1]);
			size_t best = above[j - 1] + (x != y);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && x == ascii_lower(b.p[j - 2])
			    && y == ascii_lower(a.p[i - 2])
			    && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		before = above;
		above = row;
		row = spare;
	}
	result = above[b.len];
	mem_free(rows);
	return result;
}

const char *
names_nearest(struct span name, const char *const *candidates, size_t count)
{
	const char *best = NULL;
	size_t best_distance = name.len / 3 + 1;

	for (size_t i = 0; i < count; i++) {
		struct span other = span_cstr(candidates[i]);
		size_t gap = other.len > name.len ? other.len - name.len
		    : name.len - other.len;
		size_t d;

		if (gap >= best_distance)
			continue;
		d = distance(name, other);
		if (d < best_distance) {
			best_distance = d;
			best = candidates[i];
		}
	}
	return best;
}
