/*
 * "type:name" as it stands in main.cf: tables in the name, and lists of them.
 * Types that would open files or ask others are left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "maps/maps.h"
#include "maps/matchlist.h"
#include "tests/fuzz/surroundings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 1000 };

/* Nothing that reaches outside: no slash, and no type but those named here. */
static bool
is_harmless(struct span text)
{
	static const char *const bad[] = { "unix:", "proxy:", "hash:",
		"btree:", "lmdb:", "cdb:", "texthash:", "environ:", "regexp:",
		"tcp:", "socketmap:" };

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		if (span_search(text, SPAN(bad[i])) >= 0)
			return false;
	return !span_has(text, '/') || span_starts(text, SPAN("cidr:{"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct str value = STR_EMPTY, why = STR_EMPTY;
	struct ipaddr ip;

	surroundings_quiet();
	if (size > TEXT_MAX || !is_harmless(text))
		return 0;
	char *copy = mem_strndup(text.p, text.len);
	struct maps *maps = maps_open("fuzz", copy, MAP_FOLD, &why);

	CHECK((maps == NULL) == (str_len(&why) > 0));
	if (maps != NULL) {
		enum map_status status = maps_lookup(maps, SPAN("10.0.0.1"),
		    0, &value, NULL);

		CHECK(status == MAP_FOUND || str_len(&value) == 0);
	}
	maps_close(maps);
	str_clear(&why);
	struct matchlist *list = matchlist_open("fuzz", copy,
	    MATCHLIST_DOMAINS | MATCHLIST_ADDRESSES, &why);

	CHECK((list == NULL) == (str_len(&why) > 0));
	CHECK(ipaddr_scan(SPAN("10.0.0.1"), &ip));
	enum map_status status = matchlist_client(list, SPAN("a.b.c"), &ip);

	CHECK(list != NULL || status == MAP_ABSENT);
	matchlist_close(list);
	mem_free(copy);
	str_fini(&value);
	str_fini(&why);
	return 0;
}
