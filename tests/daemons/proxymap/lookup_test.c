/*
 * proxymap - a client's tables over a real connection to the service's code.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/socket.h>
#include <unistd.h>

#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/io/sock.h"
#include "common/mail/conf_core.h"
#include "common/service/peer.h"
#include "daemons/proxymap/approved.h"
#include "daemons/proxymap/lookup.h"
#include "tests/harness/t_maps.h"

static struct fiber_group servers;

static void
serve(void *arg)
{
	static const struct sock_peer peer;

	rpc_serve(&lookup_protocol, stream_open((int)(intptr_t)arg),
	    &peer);
}

static int
connect_here(void *arg)
{
	int ends[2];

	(void)arg;
	T_NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0, ends) == 0);
	T_NEED(fiber_spawn(&servers, "server", serve,
	    (void *)(intptr_t)ends[0]) != NULL);
	return ends[1];
}

static const struct {
	const char *name, *spec, *key, *want, *why;
} cases[] = {
	{ "found", "proxy:inline:{a=b}", "a", "b", NULL },
	{ "folded by the service", "proxy:inline:{a=b}", "A", "b", NULL },
	{ "absent", "proxy:inline:{a=b}", "x", "absent", NULL },
	{ "proxy twice", "proxy:proxy:inline:{a=b}", "a", "b", NULL },
	{ "passwd", "proxy:unix:passwd.byname", "root",
	    "root:x:0:0:root:/root:/bin/bash", NULL },
	{ "passwd, absent", "proxy:unix:passwd.byname", "no such user",
	    "absent", NULL },
	{ "failing", "proxy:fail:x", "a", "failed",
	    "proxy:fail:x: table fail:x: query error" },
	{ "not approved", "proxy:inline:{a=c}", "a", "failed",
	    "proxymap service is not configured for table \"inline:{a=c}\"" },
	{ "pattern", "proxy:regexp:{{/(.)x/ <$1>}}", "YX", "<Y>", NULL },
};

static void
client(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].name);
		struct map *m = map_open(cases[i].spec, MAP_FOLD, NULL);

		T_NEED(m != NULL);
		T_EQ_STR(look(m, cases[i].key), cases[i].want);
		if (cases[i].why != NULL)
			T_EQ_STR(map_why(m), cases[i].why);
		map_close(m);
	}
	const char *log = logged();

	T_HAS_STR(log, "warning: request for unapproved table: "
	    "\"inline:{a=c}\"\n");
	T_HAS_STR(log, "/main.cf:proxy_read_maps\n");
	fiber_group_cancel(&servers);
}

T_TEST(approved_tables_answer_and_others_do_not)
{
	keep_log();
	conf_core.proxymap_service_name = "proxymap";
	conf_core.ipc_timeout = 10;
	lookup_setup("proxy_read_maps", "proxy:inline:{a=b} proxy:fail:x, "
	    "inline:{a=c} unionmap:{proxy:unix:passwd.byname} "
	    "proxy:regexp:{{/(.)x/ <$1>}}");
	loop_start();
	fiber_group_init(&servers);
	peer_connect_by("private", "proxymap", connect_here, NULL);
	fiber_run_main(client, NULL);
}

T_TEST(a_proxied_pattern_is_asked_for_whole_keys_only)
{
	struct map *m = map_open("proxy:pcre:/x", 0, NULL);

	T_CHECK(m->flags & MAP_PATTERN);
	map_close(m);
	m = map_open("proxy:hash:/x", 0, NULL);
	T_CHECK(!(m->flags & MAP_PATTERN));
	map_close(m);
}

T_TEST(where_a_proxy_is_not_trusted_the_table_is_opened_here)
{
	struct map *m = map_open("proxy:inline:{a=b}", MAP_NO_PROXY, NULL);

	T_NEED(m != NULL);
	T_EQ_STR(look(m, "a"), "b");
	map_close(m);
}

T_TEST(names_behind_proxy_must_be_tables)
{
	struct str why = STR_EMPTY;

	T_CHECK(map_open("proxy:x", 0, &why) == NULL);
	T_HAS_STR(str_cstr(&why), "expecting \"proxy:type:name\"");
	T_CHECK(map_open("proxy:nosuch:x", 0, &why) == NULL);
	str_fini(&why);
}

T_TEST(the_list_of_approved_tables)
{
	struct hash *approved = hash_new();
	struct str why = STR_EMPTY;

	T_CHECK(approved_read(approved, SPAN("a hash:b, proxy:hash:c "
	    "check_x proxy:proxy:d:e { f proxy:g:h } i:{proxy:j:{k l}}"),
	    &why));
	T_CHECK(hash_has(approved, SPAN("hash:c")));
	T_CHECK(hash_has(approved, SPAN("d:e")));
	T_CHECK(hash_has(approved, SPAN("g:h")));
	T_CHECK(hash_has(approved, SPAN("j:{k l}")));
	T_EQ_INT(hash_count(approved), 4);
	T_CHECK(!approved_read(approved, SPAN("proxy:a:{b"), &why));
	T_CHECK(str_len(&why) > 0);
	hash_free(&approved);
	str_fini(&why);
}
