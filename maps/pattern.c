/*
 * pattern - rule lists of regexp: and pcre: tables.
 *
 * A result is cut into literal text and group numbers when it is read, so a
 * bad $number is a warning with its line, never a surprise at look-up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/pattern_priv.h"

#include "common/base/mem.h"
#include "common/base/scan.h"
#include "maps/source_priv.h"

enum { IF_DEPTH_MAX = 100, GROUP_MAX = 999 };

enum rule_kind { RULE_MATCH, RULE_IF, RULE_ENDIF };

struct piece {
	struct span text;		/* of the result; empty for a group */
	size_t group;			/* 0: text */
};

struct rule {
	enum rule_kind kind;
	bool negated;
	unsigned line;
	void *code;
	struct piece *pieces;		/* in the map's arena */
	size_t npieces, ngroups;	/* highest group that is used */
	size_t endif;			/* of RULE_IF */
};

struct pattern_map {
	struct map map;
	const struct pattern_engine *engine;
	struct arena *arena;
	struct source_watch watch;
	struct rule *rules;
	size_t count, room;
	struct pattern_group *groups;	/* scratch; look-ups do not suspend */
	size_t groups_room;
	struct str subject;		/* of engines that want a NUL behind it */
};

struct lookup {
	struct pattern_map *m;
	struct span key;
	struct str *value_out;
	enum map_status status;
};

/* --- Looking up ----------------------------------------------------------*/

static void
build_result(const struct pattern_map *m, const struct rule *r,
    struct span key, struct str *value_out)
{
	str_clear(value_out);
	for (size_t i = 0; i < r->npieces; i++) {
		const struct piece *p = &r->pieces[i];

		if (p->group == 0) {
			str_add(value_out, p->text);
			continue;
		}
		struct pattern_group g = m->groups[p->group];

		if (g.from >= 0 && g.to > g.from && (size_t)g.to <= key.len)
			str_add(value_out, span_sub(key, (size_t)g.from,
			    (size_t)(g.to - g.from)));
	}
}

static void
run_rules(void *arg)
{
	struct lookup *l = arg;
	struct pattern_map *m = l->m;
	struct str why = STR_EMPTY;

	l->status = MAP_ABSENT;
	for (size_t i = 0; i < m->count; i++) {
		struct rule *r = &m->rules[i];

		if (r->kind == RULE_ENDIF)
			continue;
		for (size_t g = 0; g <= r->ngroups; g++)
			m->groups[g] = (struct pattern_group){ -1, -1 };
		enum pattern_outcome outcome = m->engine->match(r->code,
		    l->key, m->groups, r->ngroups + 1, &why);

		if (outcome == PATTERN_ERROR) {
			l->status = map_fail(&m->map, "%s map %s, line %u: %s",
			    m->map.type->name, m->map.name, r->line,
			    str_cstr(&why));
			break;
		}
		bool hit = (outcome == PATTERN_HIT) != r->negated;

		if (r->kind == RULE_IF && !hit)
			i = r->endif;
		if (r->kind == RULE_MATCH && hit) {
			build_result(m, r, l->key, l->value_out);
			l->status = MAP_FOUND;
			break;
		}
	}
	str_fini(&why);
}

enum map_status
pattern_lookup(struct map *map, struct span key, struct str *value_out)
{
	struct lookup l = { .m = (struct pattern_map *)map, .key = key,
		.value_out = value_out };

	if (!l.m->engine->deep) {
		run_rules(&l);
		return l.status;
	}
	str_set(&l.m->subject, key);
	l.key = str_span(&l.m->subject);
	map_call_deep(run_rules, &l);
	return l.status;
}

/* --- Reading rules -------------------------------------------------------*/

struct reading {
	struct pattern_map *m;
	struct textfile file;
	size_t open[IF_DEPTH_MAX];
	size_t depth;
};

#define WARN(rd, ...) source_warn(&(rd)->m->map, &(rd)->file, __VA_ARGS__)

static struct rule *
add_rule(struct pattern_map *m, enum rule_kind kind, unsigned line)
{
	if (m->count == m->room) {
		m->room = m->room * 2 + 16;
		m->rules = mem_regrow(m->rules, m->room, sizeof(*m->rules));
	}
	struct rule *r = &m->rules[m->count++];

	*r = (struct rule){ .kind = kind, .line = line };
	return r;
}

/* What a pattern statement says before it is compiled. */
struct statement {
	bool negated;
	struct span pattern;
	unsigned options;
	struct span rest;		/* behind the flags, trimmed */
};

static bool
parse_flags(struct reading *rd, struct span *text, struct statement *st)
{
	const struct pattern_engine *engine = rd->m->engine;

	st->options = engine->default_options;
	for (; text->len > 0 && !ascii_is_space(text->p[0]) &&
	    text->p[0] != '!'; *text = span_skip(*text, 1)) {
		unsigned option = engine->option(text->p[0]);

		if (option == 0) {
			WARN(rd, "unknown regexp option \"%c\": skipping this "
			    "rule", text->p[0]);
			return false;
		}
		st->options ^= option;
	}
	return true;
}

/* [!]/pattern/flags rest */
static bool
parse_statement(struct reading *rd, struct span text, struct statement *st)
{
	*st = (struct statement){ .negated = false };
	while (text.len > 0 && text.p[0] == '!') {
		st->negated = !st->negated;
		text = span_ltrim(span_skip(text, 1));
	}
	if (text.len == 0) {
		WARN(rd, "no regexp: skipping this rule");
		return false;
	}
	char delimiter = text.p[0];
	size_t end = 1;

	for (; end < text.len && text.p[end] != delimiter; end++)
		if (text.p[end] == '\\' && end + 1 < text.len)
			end++;
	if (end >= text.len) {
		WARN(rd, "no closing regexp delimiter \"%c\": skipping this "
		    "rule", delimiter);
		return false;
	}
	st->pattern = span_sub(text, 1, end - 1);
	text = span_skip(text, end + 1);
	if (!parse_flags(rd, &text, st))
		return false;
	st->rest = span_trim(text);
	return true;
}

static void *
compile(struct reading *rd, const struct statement *st, size_t *groups_out)
{
	struct str why = STR_EMPTY;
	void *code = rd->m->engine->compile(st->pattern, st->options,
	    rd->m->map.flags, groups_out, &why);

	if (code == NULL)
		WARN(rd, "%s: skipping this rule", str_cstr(&why));
	str_fini(&why);
	return code;
}

static void
add_piece(struct pattern_map *m, struct rule *r, struct span text,
    size_t group)
{
	if (group == 0 && text.len == 0)
		return;
	/* Doubles at powers of two; what is left behind dies with the map. */
	if ((r->npieces & (r->npieces - 1)) == 0) {
		size_t room = r->npieces == 0 ? 1 : r->npieces * 2;
		struct piece *more = arena_array(m->arena, room,
		    sizeof(*more));

		if (r->npieces > 0)
			memcpy(more, r->pieces, r->npieces * sizeof(*more));
		r->pieces = more;
	}
	r->pieces[r->npieces++] = (struct piece){ text, group };
	if (group > r->ngroups)
		r->ngroups = group;
}

static bool
is_name_byte(char c)
{
	return ascii_is_alnum(c) || c == '_';
}

/* The name behind a $: 1, {1} or (1). *text moves behind it. */
static bool
parse_macro(struct reading *rd, struct span *text, struct span *name_out)
{
	struct span at = *text;
	size_t len = 0;

	if (at.len > 0 && (at.p[0] == '{' || at.p[0] == '(')) {
		ssize_t end = span_find(at, at.p[0] == '{' ? '}' : ')');

		if (end < 0) {
			WARN(rd, "truncated macro reference: \"$%.*s\"",
			    SPAN_ARG(at));
			return false;
		}
		*name_out = span_sub(at, 1, (size_t)end - 1);
		len = (size_t)end + 1;
	} else {
		while (len < at.len && is_name_byte(at.p[len]))
			len++;
		*name_out = span_sub(at, 0, len);
	}
	if (name_out->len == 0) {
		WARN(rd, "empty macro name: \"$%.*s\"", SPAN_ARG(at));
		return false;
	}
	*text = span_skip(at, len);
	return true;
}

static bool
parse_reference(struct reading *rd, struct span *text, struct rule *r,
    size_t groups)
{
	struct span name;
	uint32_t group;

	if (!parse_macro(rd, text, &name)) {
		WARN(rd, "bad replacement syntax: skipping this rule");
		return false;
	}
	if (!scan_u32(name, &group)) {
		WARN(rd, "non-numeric replacement index \"%.*s\": skipping "
		    "this rule", SPAN_ARG(name));
		return false;
	}
	if (group < 1 || group > groups || group > GROUP_MAX) {
		WARN(rd, "out of range replacement index \"%.*s\": skipping "
		    "this rule", SPAN_ARG(name));
		return false;
	}
	if (r->negated) {
		WARN(rd, "$number found in negative match replacement text: "
		    "skipping this rule");
		return false;
	}
	if (rd->m->map.flags & MAP_NO_REGSUB) {
		WARN(rd, "regular expression substitution is not allowed: "
		    "skipping this rule");
		return false;
	}
	add_piece(rd->m, r, SPAN_NONE, group);
	return true;
}

static bool
parse_result(struct reading *rd, struct span text, struct rule *r,
    size_t groups)
{
	text = arena_span(rd->m->arena, text);
	while (text.len > 0) {
		ssize_t dollar = span_find(text, '$');
		size_t literal = dollar < 0 ? text.len : (size_t)dollar;

		add_piece(rd->m, r, span_sub(text, 0, literal), 0);
		text = span_skip(text, literal);
		if (text.len == 0)
			break;
		if (text.len > 1 && text.p[1] == '$') {
			add_piece(rd->m, r, span_sub(text, 0, 1), 0);
			text = span_skip(text, 2);
			continue;
		}
		text = span_skip(text, 1);
		if (!parse_reference(rd, &text, r, groups))
			return false;
	}
	return true;
}

static void
take_match(struct reading *rd, struct span line)
{
	struct statement st;
	size_t groups = 0;

	if (!parse_statement(rd, line, &st))
		return;
	/* A second negation or another flag letter glued on is a typing error,
	 * not a result. */
	if (st.rest.len == 0)
		WARN(rd, "no replacement text: using empty string");
	/* A reference that a negated rule must not have is said first. */
	struct rule parsed = { .negated = st.negated };
	void *code = compile(rd, &st, &groups);

	if (code == NULL)
		return;
	if (!parse_result(rd, st.rest, &parsed, groups)) {
		rd->m->engine->free(code);
		return;
	}
	struct rule *r = add_rule(rd->m, RULE_MATCH, rd->file.first_line);

	parsed.kind = RULE_MATCH;
	parsed.line = r->line;
	parsed.code = code;
	*r = parsed;
	if (r->ngroups + 1 > rd->m->groups_room) {
		rd->m->groups_room = r->ngroups + 1;
		rd->m->groups = mem_regrow(rd->m->groups, rd->m->groups_room,
		    sizeof(*rd->m->groups));
	}
}

static void
take_if(struct reading *rd, struct span text)
{
	struct statement st;
	size_t groups = 0;

	if (!parse_statement(rd, text, &st))
		return;
	if (st.rest.len > 0) {
		WARN(rd, "ignoring extra text after IF statement: \"%.*s\"",
		    SPAN_ARG(st.rest));
		WARN(rd, "do not prepend whitespace to statements between IF "
		    "and ENDIF");
	}
	if (rd->depth == IF_DEPTH_MAX) {
		WARN(rd, "more than %d nested IFs: skipping this rule",
		    IF_DEPTH_MAX);
		return;
	}
	void *code = compile(rd, &st, &groups);

	if (code == NULL)
		return;
	rd->open[rd->depth++] = rd->m->count;
	struct rule *r = add_rule(rd->m, RULE_IF, rd->file.first_line);

	r->negated = st.negated;
	r->code = code;
}

static void
take_endif(struct reading *rd, struct span rest)
{
	if (rest.len > 0)
		WARN(rd, "ignoring extra text after ENDIF");
	if (rd->depth == 0) {
		WARN(rd, "ignoring ENDIF without matching IF");
		return;
	}
	rd->m->rules[rd->open[--rd->depth]].endif = rd->m->count;
	(void)add_rule(rd->m, RULE_ENDIF, rd->file.first_line);
}

static void
take_line(struct reading *rd, struct span line)
{
	line = span_trim(line);
	if (!ascii_is_alnum(line.p[0])) {
		take_match(rd, line);
		return;
	}
	size_t len = 0;

	while (len < line.len && ascii_is_alnum(line.p[len]))
		len++;
	struct span word = span_sub(line, 0, len);
	struct span rest = span_ltrim(span_skip(line, len));

	if (span_is_nocase(word, "if"))
		take_if(rd, rest);
	else if (span_is_nocase(word, "endif"))
		take_endif(rd, rest);
	else
		WARN(rd, "ignoring unrecognized request");
}

static void
read_rules(void *arg)
{
	struct reading *rd = arg;
	struct span line;

	while (textfile_next(&rd->file, &line))
		take_line(rd, line);
	for (; rd->depth > 0; rd->depth--) {
		WARN(rd, "IF has no matching ENDIF");
		rd->m->rules[rd->open[rd->depth - 1]].endif = rd->m->count;
	}
}

/* --- The table -----------------------------------------------------------*/

struct map *
pattern_open(const struct map_spec *spec, const struct pattern_engine *engine,
    struct str *why)
{
	struct reading rd = { .depth = 0 };
	struct source_watch watch;

	switch (source_open(&rd.file, &watch, spec, why)) {
	case SOURCE_OK:
		break;
	case SOURCE_BAD:
		return NULL;
	case SOURCE_UNAVAILABLE:
		return map_unavailable(spec, str_cstr(why));
	}
	struct pattern_map *m = map_new(spec, struct pattern_map, map);

	m->engine = engine;
	m->watch = watch;
	m->map.owner = source_watch_owner(&m->watch);
	m->arena = arena_new();
	m->groups_room = 1;
	m->groups = mem_regrow(NULL, 1, sizeof(*m->groups));
	rd.m = m;
	map_call_deep(read_rules, &rd);
	textfile_close(&rd.file);
	return &m->map;
}

bool
pattern_changed(struct map *map)
{
	return source_watch_changed(&((struct pattern_map *)map)->watch);
}

void
pattern_close(struct map *map)
{
	struct pattern_map *m = (struct pattern_map *)map;

	source_watch_close(&m->watch);
	for (size_t i = 0; i < m->count; i++)
		if (m->rules[i].code != NULL)
			m->engine->free(m->rules[i].code);
	mem_free(m->rules);
	mem_free(m->groups);
	str_fini(&m->subject);
	arena_free(&m->arena);
}
