/*
 * socketmap: - a server that answers look-ups in netstrings, over TCP or a
 * unix socket, as in socketmap_table(5).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/socketmap_priv.h"

#include "common/mail/conf_core.h"
#include "maps/server_priv.h"

enum { DIGITS_MAX = 10, REPLY_DEFAULT = 100000, QUERY_DEFAULT = 10000 };

struct socketmap_map {
	struct map map;
	struct server server;
	struct span name;		/* part of the label */
};

/* --- Text ----------------------------------------------------------------*/

void
socketmap_question(struct str *out, struct span name, struct span key)
{
	str_addf(out, "%zu:", name.len + 1 + key.len);
	str_add(out, name);
	str_putc(out, ' ');
	str_add(out, key);
	str_putc(out, ',');
}

enum netstring_status
netstring_head(struct span bytes, size_t limit, size_t *head_out,
    size_t *text_out)
{
	size_t len = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.p[i] == ':' && i > 0) {
			*head_out = i + 1;
			*text_out = len;
			return NETSTRING_OK;
		}
		if (i == DIGITS_MAX || !ascii_is_digit(bytes.p[i]))
			return NETSTRING_BAD;
		len = len * 10 + (size_t)(bytes.p[i] - '0');
		if (len > limit)
			return NETSTRING_TOO_LONG;
	}
	return NETSTRING_SHORT;
}

static void
say(struct str *why, const char *what, struct span reason)
{
	if (reason.len > 0)
		str_printf(why, "%s: %.*s", what, SPAN_ARG(reason));
	else
		str_sets(why, what);
}

bool
socketmap_reply_parse(struct span text, enum map_status *status_out,
    struct str *value_out, struct str *why)
{
	ssize_t space = span_find(text, ' ');
	struct span word = span_sub(text, 0, space < 0 ? text.len :
	    (size_t)space);
	struct span rest = span_skip(text, word.len + 1);

	*status_out = MAP_FAILED;
	str_clear(value_out);
	/* Nothing that reads values expects a NUL. */
	if (span_is(word, "OK") && space >= 0 && !span_has(rest, '\0')) {
		str_set(value_out, rest);
		*status_out = MAP_FOUND;
	} else if (span_is(word, "NOTFOUND")) {
		*status_out = MAP_ABSENT;
	} else if (span_is(word, "TEMP")) {
		say(why, "socketmap server temporary error", rest);
	} else if (span_is(word, "TIMEOUT")) {
		say(why, "socketmap server timeout error", rest);
	} else if (span_is(word, "PERM")) {
		say(why, "socketmap server permanent error", rest);
	} else {
		say(why, "socketmap server unknown reply", span_sub(text, 0,
		    100));
		return false;
	}
	return true;
}

/* --- The table -----------------------------------------------------------*/

static enum io_status
read_head(struct stream *s, struct deadline deadline, size_t *text_out,
    struct str *why)
{
	size_t limit = conf_core.socketmap_max_reply_size > 0 ?
	    (size_t)conf_core.socketmap_max_reply_size : REPLY_DEFAULT;
	struct span bytes = SPAN_NONE;
	size_t head;

	for (;;) {
		enum io_status status = stream_peek_more(s, bytes.len,
		    deadline, &bytes);

		if (status != IO_OK)
			return status;
		switch (netstring_head(bytes, limit, &head, text_out)) {
		case NETSTRING_OK:
			stream_consume(s, head);
			return IO_OK;
		case NETSTRING_SHORT:
			break;
		case NETSTRING_BAD:
			str_sets(why, "input format error");
			return IO_ERROR;
		case NETSTRING_TOO_LONG:
			str_printf(why, "reply of more than %zu bytes "
			    "(socketmap_max_reply_size)", limit);
			return IO_LIMIT;
		}
	}
}

static enum io_status
read_answer(struct stream *s, struct deadline deadline,
    struct server_answer *answer, struct str *why)
{
	struct str text = STR_EMPTY;
	size_t len;
	enum io_status status = read_head(s, deadline, &len, why);

	if (status == IO_OK)
		status = stream_read_exact(s, str_reserve(&text, len + 1),
		    len + 1, deadline);
	if (status == IO_OK) {
		str_advance(&text, len + 1);
		if (!span_ends(str_span(&text), SPAN(",")))
			str_sets(why, "input format error");
		str_truncate(&text, len);
		if (str_len(why) > 0 || !socketmap_reply_parse(
		    str_span(&text), &answer->status, answer->value_out, why))
			status = IO_ERROR;
	}
	str_fini(&text);
	return status;
}

static enum map_status
socketmap_lookup(struct map *map, struct span key, struct str *value_out)
{
	struct socketmap_map *m = (struct socketmap_map *)map;
	struct str question = STR_EMPTY;
	size_t limit = conf_core.socketmap_max_query_size > 0 ?
	    (size_t)conf_core.socketmap_max_query_size : QUERY_DEFAULT;

	if (m->name.len + 1 + key.len > limit)
		return map_fail(map, "%s: query of more than %zu bytes "
		    "(socketmap_max_query_size)", map->label, limit);
	socketmap_question(&question, m->name, key);
	enum map_status status = server_lookup(map, &m->server,
	    str_span(&question), read_answer, value_out);

	str_fini(&question);
	return status;
}

static void
socketmap_close(struct map *map)
{
	server_fini(&((struct socketmap_map *)map)->server);
}

/* "inet:host:port:name" or "unix:path:name", from the right. */
static bool
read_name(struct socketmap_map *m, struct str *why)
{
	struct span text = span_cstr(m->map.name);
	ssize_t colon = span_rfind(text, ':');
	struct span where = span_sub(text, 0, colon < 0 ? 0 : (size_t)colon);

	m->name = span_skip(text, (size_t)(colon + 1));
	if (colon > 0 && m->name.len > 0 && span_starts(where,
	    SPAN("inet:")))
		return server_init_inet(&m->server, span_skip(where, 5), why);
	if (colon > 0 && m->name.len > 0 && span_starts(where,
	    SPAN("unix:")) && where.len > 5) {
		server_init_unix(&m->server, span_skip(where, 5));
		return true;
	}
	str_printf(why, "%s: need socketmap:inet:host:port:name or "
	    "socketmap:unix:path:name", m->map.label);
	return false;
}

static struct map *
socketmap_open(const struct map_spec *spec, struct str *why)
{
	if (spec->flags & MAP_NO_PROXY)
		return server_not_trusted(spec);
	struct socketmap_map *m = map_new(spec, struct socketmap_map, map);

	return read_name(m, why) ? &m->map : map_discard(&m->map);
}

const struct map_type socketmap_type = {
	.name = "socketmap",
	.flags = MAP_SUSPENDS | MAP_PATTERN | MAP_RAW_KEYS,
	.open = socketmap_open, .lookup = socketmap_lookup,
	.close = socketmap_close,
};
