/*
 * tcp: - a server that answers look-ups line by line, as in tcp_table(5).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/tcp_priv.h"

#include "common/base/codec.h"
#include "maps/server_priv.h"

struct tcp_map {
	struct map map;
	struct server server;
};

/* --- Text ----------------------------------------------------------------*/

void
tcp_question(struct str *out, struct span key)
{
	str_adds(out, "get ");
	for (size_t i = 0; i < key.len; i++) {
		char c = key.p[i];

		if (c == '%' || c == ' ' || !ascii_is_print(c))
			str_addf(out, "%%%02X", (unsigned char)c);
		else
			str_putc(out, c);
	}
	str_putc(out, '\n');
}

static bool
decode(struct str *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] != '%') {
			str_putc(out, text.p[i]);
			continue;
		}
		if (text.len - i < 3 || !hex_decode(out, span_sub(text, i + 1,
		    2)))
			return false;
		i += 2;
	}
	/* Nothing that reads values expects one. */
	return !span_has(str_span(out), '\0');
}

bool
tcp_reply_parse(struct span line, enum map_status *status_out,
    struct str *value_out, struct str *why)
{
	struct span code = span_sub(line, 0, 3);
	bool ok = line.len >= 4 && ascii_is_space(line.p[3]);

	*status_out = MAP_FAILED;
	str_clear(value_out);
	ok = ok && decode(value_out, span_skip(line, 4));
	if (ok && span_is(code, "200"))
		*status_out = MAP_FOUND;
	else if (ok && span_is(code, "500"))
		*status_out = MAP_ABSENT;
	else if (ok && span_is(code, "400"))
		str_printf(why, "the server says: %s", str_cstr(value_out));
	else
		ok = false;
	if (!ok)
		str_printf(why, "malformed reply: \"%.*s\"", line.len > 100 ?
		    100 : (int)line.len, line.len > 0 ? line.p : "");
	return ok;
}

/* --- The table -----------------------------------------------------------*/

/* After a line that makes no sense, who knows what follows. */
static enum io_status
read_answer(struct stream *s, struct deadline deadline,
    struct server_answer *answer, struct str *why)
{
	struct span line;
	enum io_status status = stream_read_line(s, TCP_REPLY_MAX - 1,
	    deadline, &line, NULL);

	if (status == IO_LIMIT)
		str_printf(why, "reply of more than %d bytes", TCP_REPLY_MAX);
	if (status != IO_OK)
		return status;
	return tcp_reply_parse(line, &answer->status, answer->value_out,
	    why) ? IO_OK : IO_ERROR;
}

static enum map_status
tcp_lookup(struct map *map, struct span key, struct str *value_out)
{
	struct str question = STR_EMPTY;

	tcp_question(&question, key);
	enum map_status status = server_lookup(map,
	    &((struct tcp_map *)map)->server, str_span(&question),
	    read_answer, value_out);

	str_fini(&question);
	return status;
}

static void
tcp_close(struct map *map)
{
	server_fini(&((struct tcp_map *)map)->server);
}

static struct map *
tcp_open(const struct map_spec *spec, struct str *why)
{
	if (spec->flags & MAP_NO_PROXY)
		return server_not_trusted(spec);
	struct tcp_map *m = map_new(spec, struct tcp_map, map);

	if (server_init_inet(&m->server, span_cstr(m->map.name), why))
		return &m->map;
	return map_discard(&m->map);
}

const struct map_type tcp_type = {
	.name = "tcp", .flags = MAP_SUSPENDS | MAP_PATTERN | MAP_RAW_KEYS,
	.open = tcp_open, .lookup = tcp_lookup, .close = tcp_close,
};
