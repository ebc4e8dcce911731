/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/flush/search.h"

#include "tests/harness/t.h"

static struct str found;

static bool
note(const char *id, void *arg)
{
	str_addf(&found, "%s ", id);
	return arg == NULL;
}

static const struct {
	const char *queue, *id;
	bool unreadable;
	const char *rcpts[3];
} messages[] = {
	{ "deferred", "A1", false, { "x@site.example" } },
	{ "deferred", "A2", false, { "x@other.example", "y@SITE.Example" } },
	{ "deferred", "A3", false, { "x@sub.site.example" } },
	{ "active", "A4", false, { "x@site.example" } },
	{ "deferred", "A5", true, { "x@site.example" } },
	{ "deferred", "A6", false, { "x@[192.0.2.1]", "x@site.example",
	    "y@site.example" } },
	{ "hold", "A7", false, { "x@site.example" } },
	{ "deferred", "A8", false, { "site.example" } },
};

/* False when the search stopped it. */
static bool
walk(struct search *search)
{
	struct queue_lister l = search_lister(search);

	for (size_t i = 0; i < T_COUNT(messages); i++) {
		struct listed_message m = {
			.queue_name = messages[i].queue, .id = messages[i].id,
			.unreadable = messages[i].unreadable ? SPAN("broken")
			    : SPAN_NONE };

		if (!l.message(&m, l.arg))
			return false;
		for (size_t k = 0; k < T_COUNT(messages[i].rcpts); k++) {
			struct listed_rcpt r;

			if (messages[i].rcpts[k] == NULL)
				break;
			r = (struct listed_rcpt){
				.address = SPAN(messages[i].rcpts[k]) };
			if (!l.rcpt(&r, l.arg))
				return false;
		}
		if (!l.end(l.arg))
			return false;
	}
	return true;
}

T_TEST(deferred_messages_of_a_site_are_found_once)
{
	struct hash *sites = hash_new();
	struct search search = { .sites = sites, .found = note };

	hash_put(sites, SPAN("site.example"), &found);
	T_CHECK(walk(&search));
	T_EQ_STR(str_cstr(&found), "A1 A2 A6 ");
	str_clear(&found);
	hash_put(sites, SPAN("[192.0.2.1]"), &found);
	hash_put(sites, SPAN("other.example"), &found);
	hash_remove(sites, SPAN("site.example"));
	T_CHECK(walk(&search));
	T_EQ_STR(str_cstr(&found), "A2 A6 ");
	hash_free(&sites);
}

T_TEST(a_queue_manager_that_is_gone_ends_the_search)
{
	struct hash *sites = hash_new();
	struct search search = { .sites = sites, .found = note,
		.arg = &found };

	hash_put(sites, SPAN("site.example"), &found);
	T_CHECK(!walk(&search));
	T_EQ_STR(str_cstr(&found), "A1 ");
	hash_free(&sites);
}
