/*
 * status_filter - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/status_filter.h"

#include "common/base/log.h"
#include "daemons/shared/tables.h"

static struct maps *maps;

void
status_filter_open(const char *parameter, const char *value)
{
	maps = tables_open(parameter, value, 0);
}

void
status_filter_close(void)
{
	maps_close(maps);
	maps = NULL;
}

bool
status_filter_wanted(void)
{
	return !maps_empty(maps);
}

static bool
kind_of_class(char cls, enum outcome_kind *out)
{
	*out = cls == '2' ? OUTCOME_SENT : cls == '4' ? OUTCOME_DEFERRED
	    : OUTCOME_BOUNCED;
	return cls == '2' || cls == '4' || cls == '5';
}

static bool
take(struct status_text *text, struct span found, struct arena *arena)
{
	struct span reason;
	enum outcome_kind kind;
	char dsn[12];

	dsn_split(found, "", 0, dsn, &reason);
	if (!dsn_valid(SPAN(dsn)) || !kind_of_class(dsn[0], &kind) ||
	    span_empty(reason) ||
	    (kind == OUTCOME_SENT) != (text->kind == OUTCOME_SENT))
		return false;
	text->kind = kind;
	memcpy(text->dsn, dsn, sizeof(dsn));
	text->reason = arena_span(arena, reason);
	return true;
}

/* It might have said "not now". */
static void
put_off(struct status_text *text)
{
	if (text->kind != OUTCOME_BOUNCED)
		return;
	text->kind = OUTCOME_DEFERRED;
	text->dsn[0] = '4';
}

void
status_filter(struct status_text *text, struct arena *arena)
{
	struct str *key, *found;

	if (!status_filter_wanted())
		return;
	key = str_in_arena(arena);
	found = str_in_arena(arena);
	str_printf(key, "%s %.*s", text->dsn, SPAN_ARG(text->reason));
	switch (maps_lookup(maps, str_span(key), 0, found, NULL)) {
	case MAP_FOUND:
		if (!take(text, str_span(found), arena))
			log_warn("%s: \"%s\" cannot take the place of \"%s\"",
			    maps_title(maps), str_cstr(found), str_cstr(key));
		break;
	case MAP_ABSENT:
		break;
	case MAP_FAILED:
		log_warn("%s: table lookup problem: %s", maps_title(maps),
		    maps_why(maps));
		put_off(text);
		break;
	}
}
