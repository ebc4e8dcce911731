/*
 * Questions that the hosts file answers, and those that nobody should be asked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/resolver/nss_lookup.h"

#include "common/base/ipaddr.h"
#include "tests/harness/t.h"

#define LABEL "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789ab"

static const struct {
	const char *what, *name;
	uint64_t type, want;
	const char *address;
} cases[] = {
	{ "from the hosts file", "localhost", RESOLVER_A, RESOLVER_FOUND,
	    "127.0.0.1" },
	{ "any case", "LocalHost", RESOLVER_A, RESOLVER_FOUND, "127.0.0.1" },
	{ "an address", "192.0.2.7", RESOLVER_A, RESOLVER_FOUND, "192.0.2.7" },
	{ "an address of IPv6", "2001:db8::7", RESOLVER_AAAA, RESOLVER_FOUND,
	    "2001:db8::7" },
	{ "the other kind", "192.0.2.7", RESOLVER_AAAA, RESOLVER_NO_DATA,
	    NULL },
	{ "nothing", "", RESOLVER_A, RESOLVER_BAD_NAME, NULL },
	{ "a dot", ".", RESOLVER_A, RESOLVER_BAD_NAME, NULL },
	{ "an empty label", "a..example", RESOLVER_A, RESOLVER_BAD_NAME, NULL },
	{ "a space", "local host", RESOLVER_A, RESOLVER_BAD_NAME, NULL },
	{ "a control character", "local\nhost", RESOLVER_AAAA,
	    RESOLVER_BAD_NAME, NULL },
	{ "an address for inet_aton", "127.1", RESOLVER_A, RESOLVER_BAD_NAME,
	    NULL },
	{ "a long label", LABEL LABEL ".example", RESOLVER_A,
	    RESOLVER_BAD_NAME, NULL },
	{ "a long name", LABEL "." LABEL "." LABEL "." LABEL "." LABEL,
	    RESOLVER_A, RESOLVER_BAD_NAME, NULL },
	{ "a name where an address belongs", "localhost", RESOLVER_PTR,
	    RESOLVER_BAD_NAME, NULL },
	{ "another type", "localhost", RESOLVER_MX, RESOLVER_UNSUPPORTED,
	    NULL },
};

static void
ask(const char *name, size_t len, uint64_t type, struct arena *arena,
    struct resolver_reply *reply)
{
	struct resolver_request request = { .name = span_of(name, len),
		.type = type };

	*reply = (struct resolver_reply){ .status = 99 };
	nss_lookup(&request, reply, arena);
}

T_TEST(names_and_addresses_are_found)
{
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct arena *arena = arena_new();
		struct resolver_reply reply;
		const struct resolver_record *r = NULL;

		T_CASE(cases[i].what);
		ask(cases[i].name, strlen(cases[i].name), cases[i].type, arena,
		    &reply);
		T_EQ_INT(reply.status, cases[i].want);
		if (reply.records.count > 0)
			r = ATTR_AT(reply.records, struct resolver_record, 0);
		T_EQ_INT(r != NULL, cases[i].address != NULL);
		if (r != NULL && cases[i].address != NULL) {
			T_EQ_TEXT(r->address, cases[i].address);
			T_EQ_INT(r->type, cases[i].type);
		}
		if (reply.status != RESOLVER_FOUND)
			T_CHECK(reply.why.len > 0);
		arena_free(&arena);
	}
}

T_TEST(a_name_with_a_nul_is_not_cut_short)
{
	struct arena *arena = arena_new();
	struct resolver_reply reply;

	ask("localhost\0.example", 18, RESOLVER_A, arena, &reply);
	T_EQ_INT(reply.status, RESOLVER_BAD_NAME);
	arena_free(&arena);
}

T_TEST(an_address_has_its_name)
{
	struct arena *arena = arena_new();
	struct resolver_reply reply;

	ask("127.0.0.1", 9, RESOLVER_PTR, arena, &reply);
	T_EQ_INT(reply.status, RESOLVER_FOUND);
	T_EQ_INT(reply.records.count, 1);
	T_CHECK(ATTR_AT(reply.records, struct resolver_record, 0)->target.len
	    > 0);
	arena_free(&arena);
}
