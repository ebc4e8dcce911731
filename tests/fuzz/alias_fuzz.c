/*
 * alias: the right-hand side of an alias, or a line of an included list that a
 * user wrote, falls into items that stand in it, in order; each of them into
 * addresses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/mail/token822.h"
#include "daemons/local/local_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct walk {
	struct span text;
	const char *at;
	size_t count, stop_at;
};

static void
take_address(const struct token822_address *a, void *arg)
{
	const struct span *item = arg;

	CHECK(a->at + a->len <= item->len && a->internal.len > 0);
}

static bool
take_item(struct span item, void *arg)
{
	struct walk *walk = arg;
	struct span copy = item;
	size_t quotes = 0;

	CHECK(item.len > 0);
	CHECK(item.p >= walk->at
	    && item.p + item.len <= walk->text.p + walk->text.len);
	CHECK(!ascii_is_space(item.p[0])
	    && !ascii_is_space(item.p[item.len - 1]));
	/* A comma inside of an item stands in quotes; a comment or a route may have
	 * any. */
	if (span_has(item, '(') || span_has(item, '<')) {
		walk->at = item.p + item.len;
		return ++walk->count != walk->stop_at;
	}
	for (size_t i = 0; i < item.len; i++) {
		if (item.p[i] == '\\' && quotes % 2 == 1)
			i++;
		else if (item.p[i] == '"')
			quotes++;
		else
			CHECK(item.p[i] != ',' || quotes % 2 == 1);
	}
	CHECK(quotes % 2 == 0);
	token822_each_address(item, take_address, &copy);
	walk->at = item.p + item.len;
	return ++walk->count != walk->stop_at;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct walk walk = { .text = text, .at = text.p };
	struct walk brief = { .text = text, .at = text.p, .stop_at = 2 };
	struct str why = STR_EMPTY;

	if (!alias_each_item(text, take_item, &walk, &why))
		CHECK(str_len(&why) > 0);	/* a quote that does not close */
	str_clear(&why);
	if (!alias_each_item(text, take_item, &brief, &why))
		CHECK(brief.count == 2 || str_len(&why) > 0);
	str_fini(&why);
	return 0;
}
