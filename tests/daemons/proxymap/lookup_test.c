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
#include "daemons/proxymap/caches.h"
#include "daemons/proxymap/lookup.h"
#include "maps/cache.h"
#include "maps/proxy_proto.h"
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
	    "proxy:regexp:{{/(.)x/ <$1>}}", false);
	loop_start();
	fiber_group_init(&servers);
	peer_connect_by("private", "proxymap", connect_here, NULL);
	fiber_run_main(client, NULL);
}

/* ---- proxywrite ---- */

static const char *spec;		/* of the table, "proxy:btree:..." */
static const char *beside;		/* another one, that is not approved */

static void
start_writer(const char *list, fiber_fn *fn)
{
	keep_log();
	conf_core.proxywrite_service_name = "proxywrite";
	conf_core.ipc_timeout = 10;
	lookup_setup("proxy_write_maps", list, true);
	loop_start();
	fiber_group_init(&servers);
	peer_connect_by("private", "proxywrite", connect_here, NULL);
	fiber_run_main(fn, NULL);
	lookup_teardown();
}

static struct cache *
open_proxied(const char *name)
{
	struct str why = STR_EMPTY;
	struct cache *c = cache_open(name, &why);

	if (c == NULL)
		t_fail(T_HERE, "%s", str_cstr(&why));
	T_CHECK(!cache_is_kept(c));
	str_fini(&why);
	return c;
}

static const char *
get(struct cache *c, const char *key)
{
	static char out[64];
	struct str value = STR_EMPTY;

	snprintf(out, sizeof(out), "%s", cache_get(c, SPAN(key), &value)
	    ? str_cstr(&value) : "none");
	str_fini(&value);
	return out;
}

static unsigned
walk(struct cache *c, bool first, unsigned most)
{
	struct str key = STR_EMPTY, value = STR_EMPTY;
	unsigned n = 0;

	for (; n < most && cache_next(c, first, &key, &value); first = false)
		n++;
	str_fini(&key);
	str_fini(&value);
	return n;
}

static void
change_and_list(void *arg)
{
	struct cache *one = open_proxied(spec), *two = open_proxied(spec);
	struct map *m;

	T_EQ_STR(get(one, "a"), "none");
	cache_put(one, SPAN("a"), SPAN("1"));
	cache_put(two, SPAN("b"), SPAN("2"));
	cache_put(two, SPAN("c"), SPAN("3"));
	cache_put(two, SPAN("a"), SPAN("4"));
	T_EQ_STR(get(one, "a"), "4");
	T_EQ_STR(get(one, "b"), "2");
	cache_erase(one, SPAN("b"));
	cache_erase(one, SPAN("never there"));
	T_EQ_STR(get(two, "b"), "none");
	T_EQ_INT(walk(one, true, 10), 2);
	T_EQ_STR(logged(), "");
	/* One that has begun ends the other, and says so. */
	T_EQ_INT(walk(one, true, 1), 1);
	fiber_sleep(deadline_in_ms(1));
	T_EQ_INT(walk(two, true, 1), 1);
	T_EQ_INT(walk(one, false, 10), 0);
	T_HAS_STR(logged(), "proxywrite service: another process has begun to "
	    "list the table\n");
	T_EQ_INT(walk(two, false, 10), 1);

	/* Not in the list, or not of a kind that is changed. */
	cache_close(two);
	two = open_proxied(beside);
	cache_put(two, SPAN("a"), SPAN("1"));
	const char *log = logged();

	T_HAS_STR(log, "for read-write access, list proxy:btree:");
	T_HAS_STR(log, "/main.cf:proxy_write_maps\n");
	T_HAS_STR(log, "the table is not in proxy_write_maps\n");
	T_EQ_STR(get(two, "a"), "none");
	/* Once a minute. */
	T_CHECK(strstr(logged(), "proxywrite service") == NULL);
	cache_close(two);

	/* What is only read is read here, too. */
	conf_core.proxymap_service_name = "proxywrite";
	m = map_open("proxy:inline:{x=y}", 0, NULL);
	T_EQ_STR(look(m, "x"), "y");
	map_close(m);
	cache_close(one);
	fiber_group_cancel(&servers);
}

T_TEST(one_process_changes_a_table_for_several)
{
	static char name[2][256];
	struct str list = STR_EMPTY, why = STR_EMPTY, value = STR_EMPTY;
	struct cache *c;

	snprintf(name[0], sizeof(name[0]), "proxy:btree:%s/one", t_tmpdir());
	snprintf(name[1], sizeof(name[1]), "proxy:btree:%s/two", t_tmpdir());
	spec = name[0];
	beside = name[1];
	str_printf(&list, "%s, proxy:inline:{x=y}", spec);
	start_writer(str_cstr(&list), change_and_list);
	c = cache_open(spec + 6, &why);
	T_NEED(c != NULL);
	T_CHECK(cache_get(c, SPAN("a"), &value));
	T_EQ_STR(str_cstr(&value), "4");
	cache_close(c);
	str_fini(&list);
	str_fini(&why);
	str_fini(&value);
}

static void
change_what_is_not_open(void *arg)
{
	struct cache *c = open_proxied(spec);

	cache_put(c, SPAN("a"), SPAN("1"));
	T_HAS_STR(logged(), "proxywrite service: open ");
	T_EQ_STR(get(c, "a"), "none");
	T_EQ_INT(walk(c, true, 1), 0);
	cache_close(c);
	fiber_group_cancel(&servers);
}

T_TEST(a_table_that_cannot_be_opened_stops_no_other)
{
	static char name[256];

	snprintf(name, sizeof(name), "proxy:btree:%s/nosuch/x", t_tmpdir());
	spec = name;
	start_writer(spec, change_what_is_not_open);
}

static void
ask_nobody(void *arg)
{
	struct cache *c = open_proxied("proxy:btree:/x");

	conf_core.ipc_timeout = 1;
	T_EQ_STR(get(c, "a"), "none");
	T_HAS_STR(logged(), "warning: cache proxy:btree:/x: nobody service: ");
	cache_close(c);
}

T_TEST(a_service_that_is_not_there_has_no_entry)
{
	keep_log();
	conf_core.proxywrite_service_name = "nobody";
	loop_start();
	fiber_run_main(ask_nobody, NULL);
}

T_TEST(names_of_caches_behind_proxy)
{
	struct str why = STR_EMPTY;

	T_CHECK(cache_check("proxy:btree:/x", &why));
	T_CHECK(cache_check("proxy:proxy:lmdb:/x", &why));
	T_CHECK(!cache_check("proxy:regexp:/x", &why));
	T_CHECK(!cache_check("proxy:x", &why));
	T_CHECK(cache_open("proxy:regexp:/x", &why) == NULL);
	T_HAS_STR(str_cstr(&why), "a type that keeps no cache");
	str_fini(&why);
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
