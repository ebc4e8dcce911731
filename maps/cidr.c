/*
 * cidr: tables - the first rule whose address block covers the key wins.
 *
 * Rules are kept in file order and read once; cidr_table(5) has the syntax.
 * An `if` holds the index of its `endif`, so a block is skipped in one step.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/ipaddr.h"
#include "common/base/mem.h"
#include "maps/source_priv.h"

enum rule_kind { RULE_MATCH, RULE_IF, RULE_ENDIF };

struct rule {
	enum rule_kind kind;
	bool negated;			/* !10.0.0.0/8 result */
	struct ipblock block;
	struct span result;		/* lives in the map's arena */
	size_t endif;			/* of RULE_IF */
};

struct cidr_map {
	struct map map;
	struct arena *arena;
	struct source_watch watch;
	struct rule *rules;
	size_t count, room;
};

enum { IF_DEPTH_MAX = 100 };

static enum map_status
cidr_lookup(struct map *map, struct span key, struct str *value_out)
{
	const struct cidr_map *m = (const struct cidr_map *)map;
	struct ipaddr ip;

	if (!ipaddr_scan(key, &ip))
		return MAP_ABSENT;	/* a host name matches no block */
	for (size_t i = 0; i < m->count; i++) {
		const struct rule *r = &m->rules[i];

		if (r->kind == RULE_ENDIF)
			continue;
		/* A rule says nothing about the other kind of address. */
		bool hit = r->block.base.family == ip.family &&
		    ipblock_covers(&r->block, &ip) != r->negated;

		if (r->kind == RULE_IF && !hit)
			i = r->endif;
		if (r->kind == RULE_MATCH && hit) {
			str_set(value_out, r->result);
			return MAP_FOUND;
		}
	}
	return MAP_ABSENT;
}

static struct rule *
add_rule(struct cidr_map *m, enum rule_kind kind)
{
	if (m->count == m->room) {
		m->room = m->room * 2 + 16;
		m->rules = mem_regrow(m->rules, m->room, sizeof(*m->rules));
	}
	struct rule *r = &m->rules[m->count++];

	*r = (struct rule){ .kind = kind };
	return r;
}

/* [2001:db8::]/32, 192.0.2.0/24, a lone address with or without brackets. */
static bool
parse_block(struct span text, struct ipblock *out, struct str *why)
{
	struct span address = text, bits = SPAN_NONE;
	struct ipaddr ip;
	ssize_t slash = span_rfind(text, '/');

	if (slash >= 0) {
		address = span_sub(text, 0, (size_t)slash);
		bits = span_skip(text, (size_t)slash + 1);
	}
	if (address.len > 0 && address.p[0] == '[') {
		if (address.p[address.len - 1] != ']') {
			str_printf(why, "missing ']' character after \"%.*s\"",
			    SPAN_ARG(address));
			return false;
		}
		address = span_sub(address, 1, address.len - 2);
	}
	if (!ipaddr_scan(address, &ip)) {
		str_printf(why, "bad address pattern: \"%.*s\"",
		    SPAN_ARG(text));
		return false;
	}
	if (slash < 0) {
		*out = (struct ipblock){ ip, ip.family == AF_INET ? 32 : 128 };
		return true;
	}
	struct str block = STR_EMPTY;

	str_printf(&block, "%.*s/%.*s", SPAN_ARG(address), SPAN_ARG(bits));
	bool ok = ipblock_scan(str_span(&block), out, why);

	str_fini(&block);
	return ok;
}

/* The pattern with its ! in front; false after a warning. */
static bool
take_pattern(struct cidr_map *m, const struct textfile *file,
    struct span text, bool *negated_out, struct ipblock *block_out)
{
	struct str why = STR_EMPTY;

	*negated_out = text.len > 0 && text.p[0] == '!';
	if (*negated_out)
		text = span_ltrim(span_skip(text, 1));
	if (text.len == 0)
		str_sets(&why, "no address pattern");
	bool ok = text.len > 0 && parse_block(text, block_out, &why);

	if (!ok)
		source_warn(&m->map, file, "%s: skipping this rule",
		    str_cstr(&why));
	str_fini(&why);
	return ok;
}

static bool
is_word(struct span line, const char *word)
{
	size_t len = strlen(word);

	return span_starts_nocase(line, span_of(word, len)) &&
	    (line.len == len || ascii_is_space(line.p[len]));
}

struct nesting {
	size_t open[IF_DEPTH_MAX];
	size_t depth;
};

static void
take_if(struct cidr_map *m, const struct textfile *file, struct span pattern,
    struct nesting *nest)
{
	struct ipblock block = { 0 };
	bool negated;

	if (!take_pattern(m, file, pattern, &negated, &block))
		return;
	if (nest->depth == IF_DEPTH_MAX) {
		source_warn(&m->map, file, "more than %d nested IFs: skipping "
		    "this rule", IF_DEPTH_MAX);
		return;
	}
	nest->open[nest->depth++] = m->count;
	struct rule *r = add_rule(m, RULE_IF);

	r->block = block;
	r->negated = negated;
}

static void
take_endif(struct cidr_map *m, const struct textfile *file, struct span rest,
    struct nesting *nest)
{
	if (rest.len > 0) {
		source_warn(&m->map, file,
		    "garbage after ENDIF: skipping this rule");
	} else if (nest->depth == 0) {
		source_warn(&m->map, file,
		    "ENDIF without matching IF: skipping this rule");
	} else {
		m->rules[nest->open[--nest->depth]].endif = m->count;
		(void)add_rule(m, RULE_ENDIF);
	}
}

static void
take_rule(struct cidr_map *m, const struct textfile *file, struct span line)
{
	struct span rest = line, pattern;
	struct ipblock block;
	bool negated = false;

	if (line.p[0] == '!') {
		negated = true;
		rest = span_ltrim(span_skip(line, 1));
	}
	size_t len = 0;

	while (len < rest.len && !ascii_is_space(rest.p[len]))
		len++;
	pattern = span_of(line.p, (size_t)(rest.p + len - line.p));
	rest = span_trim(span_skip(rest, len));
	if (!take_pattern(m, file, pattern, &negated, &block))
		return;
	if (rest.len == 0) {
		source_warn(&m->map, file,
		    "no lookup result: skipping this rule");
		return;
	}
	struct rule *r = add_rule(m, RULE_MATCH);

	r->block = block;
	r->negated = negated;
	r->result = arena_span(m->arena, rest);
}

static void
take_line(struct cidr_map *m, const struct textfile *file, struct span line,
    struct nesting *nest)
{
	line = span_trim(line);
	if (is_word(line, "if"))
		take_if(m, file, span_trim(span_skip(line, 2)), nest);
	else if (is_word(line, "endif"))
		take_endif(m, file, span_trim(span_skip(line, 5)), nest);
	else
		take_rule(m, file, line);
}

static void
cidr_close(struct map *map)
{
	struct cidr_map *m = (struct cidr_map *)map;

	source_watch_close(&m->watch);
	mem_free(m->rules);
	arena_free(&m->arena);
}

static struct map *
cidr_open(const struct map_spec *spec, struct str *why)
{
	struct source_watch watch;
	struct textfile file;
	struct span line;

	switch (source_open(&file, &watch, spec, why)) {
	case SOURCE_OK:
		break;
	case SOURCE_BAD:
		return NULL;
	case SOURCE_UNAVAILABLE:
		return map_unavailable(spec, str_cstr(why));
	}
	struct cidr_map *m = map_new(spec, struct cidr_map, map);
	struct nesting nest = { .depth = 0 };

	m->watch = watch;
	m->map.owner = source_watch_owner(&m->watch);
	m->arena = arena_new();
	while (textfile_next(&file, &line))
		take_line(m, &file, line, &nest);
	for (; nest.depth > 0; nest.depth--) {
		source_warn(&m->map, &file, "IF has no matching ENDIF");
		m->rules[nest.open[nest.depth - 1]].endif = m->count;
	}
	textfile_close(&file);
	return &m->map;
}

static bool
cidr_changed(struct map *map)
{
	return source_watch_changed(&((struct cidr_map *)map)->watch);
}

const struct map_type cidr_type = {
	.name = "cidr", .flags = MAP_PATTERN | MAP_RAW_KEYS,
	.open = cidr_open, .lookup = cidr_lookup, .changed = cidr_changed,
	.close = cidr_close,
};
