/*
 * tables - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/tables.h"

#include "common/base/log.h"
#include "common/base/strlist.h"
#include "common/service/service.h"
#include "daemons/shared/resolver_client.h"

void
tables_allow_reopen(void)
{
	map_allow_reopen(!service_is_chrooted());
}

/* Of network tables: in a jail the C library cannot be asked. */
static size_t
ask_resolver(const char *host, struct ipaddr *out, size_t room,
    struct deadline deadline, struct str *why)
{
	struct arena *arena = arena_new();
	struct resolver_host found;

	resolver_host_addresses(span_cstr(host), RESOLVER_HOSTS, &found, arena,
	    deadline);
	size_t count = found.count < room ? found.count : room;

	for (size_t i = 0; i < count; i++)
		out[i] = found.addresses[i];
	if (count == 0)
		str_printf(why, "host %s not found: %.*s", host,
		    SPAN_ARG(found.why));
	arena_free(&arena);
	return count;
}

struct maps *
tables_open(const char *parameter, const char *value, unsigned flags)
{
	map_set_resolver(ask_resolver);
	struct str why = STR_EMPTY;
	struct maps *maps = maps_open(parameter, value, flags, &why);

	if (maps == NULL)
		fatal("%s: %s", parameter, str_cstr(&why));
	str_fini(&why);
	return maps;
}

struct matchlist *
tables_open_list(const char *parameter, const char *value, unsigned flags)
{
	map_set_resolver(ask_resolver);
	struct str why = STR_EMPTY;
	struct matchlist *list = matchlist_open(parameter, value, flags, &why);

	if (list == NULL)
		fatal("%s: %s", parameter, str_cstr(&why));
	str_fini(&why);
	return list;
}

void
tables_watch(void (*changed)(void))
{
	uint64_t reopened = map_reopens();

	while (fiber_sleep(deadline_in(1)) == IO_TIMEOUT) {
		const char *stale = map_any_changed();

		if (changed != NULL
		    && (map_reopens() != reopened || stale != NULL))
			changed();
		reopened = map_reopens();
		if (stale != NULL) {
			service_restart(stale);
			return;
		}
	}
}

unsigned
tables_parent_style(const char *parameter)
{
	struct strlist names = STRLIST_EMPTY;
	bool has;

	strlist_split(&names, SPAN(conf_core.parent_domain_matches_subdomains),
	    STRLIST_CONF);
	has = strlist_has_nocase(&names, SPAN(parameter));
	strlist_fini(&names);
	return has ? MATCHLIST_PARENTS : 0;
}
