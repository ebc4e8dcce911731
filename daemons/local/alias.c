/*
 * alias - aliases(5): names to addresses, files, included lists, by the tables
 * of alias_maps.
 *
 * Commands ("|...") are not run by this version; mail for them waits in the
 * queue and the log says why.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/io/textfile.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/token822.h"
#include "common/service/service.h"
#include "daemons/local/local_priv.h"
#include "daemons/shared/mailbox_client.h"
#include "daemons/shared/rewrite_client.h"
#include "daemons/shared/tables.h"

#define INCLUDE_MOST (1024 * 1024)

static struct maps *alias_maps;
static bool files_from_aliases, files_from_lists;

void
alias_setup(void)
{
	struct strlist words = STRLIST_EMPTY;

	alias_maps = tables_open("alias_maps", local_conf.alias_maps,
	    MAP_FOLD | MAP_NO_REGSUB | MAP_NO_PROXY);
	strlist_split(&words, SPAN(local_conf.allow_mail_to_files),
	    STRLIST_CONF);
	files_from_aliases = strlist_has_nocase(&words, SPAN("alias"));
	files_from_lists = strlist_has_nocase(&words, SPAN("include"));
	strlist_fini(&words);
}

bool
expansion_fail(struct expansion *e, enum outcome_kind kind, const char *dsn,
    const char *format, ...)
{
	struct span reason;
	va_list args;

	if (e->failed || (kind == OUTCOME_BOUNCED && e->refused_dsn != NULL))
		return false;
	va_start(args, format);
	reason = SPAN(arena_vprintf(e->d->arena, format, args));
	va_end(args);
	if (kind == OUTCOME_BOUNCED) {
		e->refused_dsn = dsn;
		e->refused_why = reason;
		return false;
	}
	e->failed = true;
	e->status->kind = kind;
	e->status->dsn = dsn;
	e->status->reason = reason;
	return false;
}

/* ---- what is still to be looked at ---- */

struct work {
	struct list link;		/* in the arena */
	struct span name;		/* in lower case, or path of a list */
	struct span alias;		/* whose: not expanded again */
	unsigned depth;
	bool is_list, from_list;
};

/* In turn and not one inside the other: a fiber's stack is small, and lists
 * belong to users. */
static void
add_work(struct expansion *e, const struct work *work)
{
	struct work *w;

	if (work->depth > ALIAS_DEPTH_MOST) {
		log_warn("possible alias database loop for %.*s",
		    SPAN_ARG(work->alias));
		expansion_fail(e, OUTCOME_BOUNCED, "5.4.6",
		    "possible alias database loop for %.*s",
		    SPAN_ARG(work->alias));
		return;
	}
	w = arena_alloc(e->d->arena, sizeof(*w));
	*w = *work;
	w->name = arena_span(e->d->arena, work->name);
	list_append(&e->work, &w->link);
}

static void
add_once(struct strlist *list, struct span text)
{
	if (!strlist_has(list, text))
		strlist_add(list, text);
}

/* ---- items of a right-hand side ---- */

/* Up to the next comma outside of quotes, or the end. */
static struct span
take_item(struct span *rest, bool *balanced)
{
	bool quoted = false;
	size_t i = 0;
	struct span item;

	for (; i < rest->len; i++) {
		char c = rest->p[i];

		if (c == '\\' && quoted)
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (c == ',' && !quoted)
			break;
	}
	*balanced = !quoted;
	item = span_trim(span_sub(*rest, 0, i));
	*rest = span_skip(*rest, i + 1);
	return item;
}

bool
alias_each_item(struct span text, alias_item_fn *fn, void *arg,
    struct str *why)
{
	while (text.len > 0) {
		bool balanced;
		struct span item = take_item(&text, &balanced);

		if (!balanced) {
			str_sets(why, "missing closing quote");
			return false;
		}
		if (item.len > 0 && !fn(item, arg))
			return false;
	}
	return true;
}

/* ---- what an item means ---- */

struct context {
	struct expansion *e;
	struct span alias;		/* its own name: not expanded again */
	unsigned depth;
	bool from_list;
};

static bool
is_local(struct expansion *e, struct span address, struct str *name_out)
{
	struct rewrite_answer a;

	if (!rewrite_address("local", REWRITE_STANDARD_FORM
	    | REWRITE_RESOLVE, SPAN_NONE, address, &a, e->d->arena,
	    service_ipc_deadline()))
		return expansion_fail(e, OUTCOME_DEFERRED, "4.3.0",
		    "address resolver failure");
	str_set(name_out, a.address);
	if (!(a.flags & RESOLVE_LOCAL)
	    || !span_eq(a.transport, e->d->request->transport))
		return false;
	str_set(name_out, address_split(a.recipient).local);
	str_lower(name_out);
	return true;
}

static void
take_address(const struct token822_address *found, void *arg)
{
	struct context *c = arg;
	struct str *name = str_in_arena(c->e->d->arena);

	if (c->e->failed)
		return;
	if (!is_local(c->e, found->internal, name)) {
		if (!c->e->failed)
			add_once(&c->e->forwards, str_span(name));
	} else if (span_eq(str_span(name), c->alias)) {
		add_once(&c->e->users, str_span(name));
	} else {
		add_work(c->e, &(struct work){ .name = str_span(name),
			.alias = str_span(name), .depth = c->depth + 1,
			.from_list = c->from_list });
	}
}

static bool take_item_text(struct span item, void *arg);

/* Each line of the file is a right-hand side. */
static bool
take_included(struct context *c, struct span text)
{
	struct textfile file;
	struct span line;
	struct str why = STR_EMPTY;
	bool ok = true;

	textfile_open_mem(&file, ":include:", text);
	while (ok && textfile_next(&file, &line))
		ok = alias_each_item(line, take_item_text, c, &why);
	if (!ok)
		expansion_fail(c->e, OUTCOME_DEFERRED, "4.3.0",
		    "included list: %s", str_len(&why) > 0 ? str_cstr(&why)
		    : "cannot be expanded");
	textfile_close(&file);
	str_fini(&why);
	return ok;
}

static bool
include_file(struct context *c, struct span path)
{
	struct expansion *e = c->e;
	struct mailbox_text text;
	uid_t uid;
	gid_t gid;

	if (path.len == 0 || path.p[0] != '/')
		return expansion_fail(e, OUTCOME_DEFERRED, "4.3.5",
		    ":include: wants an absolute path");
	if (hash_has(e->seen, path))
		return true;
	hash_put(e->seen, path, e);
	if (!user_default_privileges(&uid, &gid))
		return expansion_fail(e, OUTCOME_DEFERRED, "4.3.5",
		    "mail system configuration error");
	mailbox_read_file(uid, gid, path, INCLUDE_MOST, false, &text, e->d->arena);
	if (text.status != MAILBOX_READ_OK) {
		log_warn("open include file %.*s: %.*s", SPAN_ARG(path),
		    SPAN_ARG(text.why));
		return expansion_fail(e, OUTCOME_DEFERRED, "4.2.0",
		    "cannot open include file %.*s", SPAN_ARG(path));
	}
	return take_included(c, text.text);
}

/* "text" in double quotes, without them and their backslashes. */
static struct span
unquoted(struct span item, struct arena *arena)
{
	struct str *out = str_in_arena(arena);

	if (item.len < 2 || item.p[0] != '"'
	    || item.p[item.len - 1] != '"')
		return item;
	for (size_t i = 1; i + 1 < item.len; i++) {
		if (item.p[i] == '\\' && i + 2 < item.len)
			i++;
		str_putc(out, item.p[i]);
	}
	return str_span(out);
}

static bool
take_item_text(struct span item, void *arg)
{
	struct context *c = arg;
	struct expansion *e = c->e;
	struct span plain = unquoted(item, e->d->arena);

	if (e->failed)
		return false;
	if (plain.len > 0 && plain.p[0] == '|') {
		log_warn("mail to command is not part of this version: "
		    "alias \"%.*s\"", SPAN_ARG(c->alias));
		return expansion_fail(e, OUTCOME_DEFERRED, "4.3.5",
		    "mail to command is not supported by this version");
	}
	if (plain.len > 0 && plain.p[0] == '/') {
		if (c->from_list ? files_from_lists : files_from_aliases)
			add_once(&e->files, plain);
		else
			expansion_fail(e, OUTCOME_BOUNCED, "5.7.1",
			    "mail to file is restricted");
		return true;
	}
	if (span_starts_nocase(plain, SPAN(":include:"))) {
		add_work(e, &(struct work){ .alias = c->alias,
			.name = span_trim(span_skip(plain, 9)),
			.depth = c->depth + 1, .is_list = true });
		return true;
	}
	if (plain.len > 1 && plain.p[0] == '\\') {	/* no more aliases */
		struct str *name = str_in_arena(e->d->arena);

		str_set(name, span_skip(plain, 1));
		str_lower(name);
		add_once(&e->users, str_span(name));
		return true;
	}
	token822_each_address(item, take_address, c);
	return !e->failed;
}

/* ---- names ---- */

/* The name, then the name without its extension. */
static enum map_status
find_alias(struct span name, struct str *value, struct span *base_out)
{
	struct span extension;
	enum map_status status = maps_lookup(alias_maps, name, 0, value,
	    NULL);

	*base_out = name;
	if (status != MAP_ABSENT || !address_split_extension(name,
	    conf_core.recipient_delimiter, base_out, &extension)) {
		if (status != MAP_ABSENT)
			*base_out = name;
		return status;
	}
	return maps_lookup(alias_maps, *base_out, 0, value, NULL);
}

/* owner-name: where trouble with the list is to be told. */
static void
find_owner(struct expansion *e, struct span name)
{
	struct str key = STR_EMPTY, value = STR_EMPTY;

	str_adds(&key, "owner-");
	str_add(&key, name);
	if (!address_owner_request_special || span_starts_nocase(name, SPAN("owner-"))
	    || !span_empty(e->owner)) {
		str_fini(&key);
		return;
	}
	switch (maps_lookup(alias_maps, str_span(&key), 0, &value, NULL)) {
	case MAP_FOUND:
		if (local_conf.expand_owner_alias
		    && !span_has(str_span(&value), ','))
			e->owner = arena_span(e->d->arena,
			    span_trim(str_span(&value)));
		else
			e->owner = SPAN(arena_printf(e->d->arena, "%s@%s",
			    str_cstr(&key), conf_core.myorigin));
		break;
	case MAP_FAILED:
		expansion_fail(e, OUTCOME_DEFERRED, "4.3.0",
		    "alias database unavailable");
		break;
	case MAP_ABSENT:
		break;
	}
	str_fini(&key);
	str_fini(&value);
}

bool
alias_is_none(struct span name)
{
	struct str value = STR_EMPTY;
	struct span base;
	bool none = maps_empty(alias_maps)
	    || find_alias(name, &value, &base) == MAP_ABSENT;

	str_fini(&value);
	return none;
}

static void
expand_name(struct context *c, struct span name)
{
	struct expansion *e = c->e;
	struct str *value = str_in_arena(e->d->arena);
	struct str *why = str_in_arena(e->d->arena);
	struct span base;

	if (maps_empty(alias_maps)) {
		add_once(&e->users, name);
		return;
	}
	switch (find_alias(name, value, &base)) {
	case MAP_FOUND:
		if (hash_has(e->seen, base))
			return;
		hash_put(e->seen, base, e);
		c->alias = base;
		c->from_list = false;
		find_owner(e, base);
		if (!alias_each_item(str_span(value), take_item_text, c, why)
		    && !e->failed)
			expansion_fail(e, OUTCOME_DEFERRED, "4.3.0",
			    "alias \"%.*s\": %s", SPAN_ARG(base),
			    str_cstr(why));
		return;
	case MAP_ABSENT:
		add_once(&e->users, name);
		return;
	case MAP_FAILED:
		expansion_fail(e, OUTCOME_DEFERRED, "4.3.0",
		    "alias database unavailable");
		return;
	}
}

void
alias_expand(struct expansion *e, struct span name)
{
	struct work *w;

	list_init(&e->work);
	add_work(e, &(struct work){ .name = name, .alias = name });
	while (!e->failed
	    && (w = LIST_FIRST(&e->work, struct work, link)) != NULL) {
		struct context c = { .e = e, .alias = w->alias,
			.depth = w->depth, .from_list = w->from_list };

		list_remove(&w->link);
		if (w->is_list) {
			c.from_list = true;
			include_file(&c, w->name);
		} else {
			expand_name(&c, w->name);
		}
	}
}
