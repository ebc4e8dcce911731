/*
 * approved - reads proxy_read_maps: a list of names of tables, amid all the
 * other words of the parameters that it refers to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/proxymap/approved.h"

#include "common/base/strlist.h"

enum { DEPTH_MAX = 20 };

static bool
read_words(struct hash *approved, struct span value, unsigned depth,
    struct str *why)
{
	struct strlist words = STRLIST_EMPTY;
	bool ok = depth < DEPTH_MAX;

	if (!ok)
		str_printf(why, "more than %d nested braces", DEPTH_MAX);
	ok = ok && strlist_split_braced(&words, value, STRLIST_CONF, why);

	for (size_t i = 0; ok && i < words.count; i++) {
		struct span word = span_cstr(words.items[i]);
		struct span table = word;

		while (span_starts(table, SPAN("proxy:")))
			table = span_skip(table, 6);
		if (table.len != word.len)
			hash_put(approved, table, approved);
		/* unionmap:{proxy:a:b, proxy:c:d} and { rule } */
		ssize_t brace = span_find(table, '{');

		if (brace >= 0 && table.p[table.len - 1] == '}')
			ok = read_words(approved, span_sub(table,
			    (size_t)brace + 1,
			    table.len - (size_t)brace - 2), depth + 1, why);
	}
	strlist_fini(&words);
	return ok;
}

bool
approved_read(struct hash *approved, struct span value, struct str *why)
{
	return read_words(approved, value, 0, why);
}
