/*
 * alias - names to addresses, files, commands, included lists: by the tables of
 * alias_maps, aliases(5), and then by the .forward files of accounts.
 *
 * Files and commands are opened and run with the rights of the account that has
 * the .forward file, or of who owns the included list or the table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/names.h"
#include "common/io/textfile.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/token822.h"
#include "common/service/service.h"
#include "daemons/local/local_priv.h"
#include "daemons/shared/mailbox_client.h"
#include "daemons/shared/propagate.h"
#include "daemons/shared/rewrite_client.h"
#include "daemons/shared/tables.h"

#define INCLUDE_MOST (1024 * 1024)

static struct maps *alias_maps;
static unsigned files_from, commands_from;	/* enum source */
static unsigned propagates;

static const struct name_value source_words[] = {
	{ "alias", FROM_ALIAS }, { "forward", FROM_FORWARD },
	{ "include", FROM_INCLUDE }, { NULL, 0 },
};

static void
read_sources(const char *title, const char *value, unsigned *out)
{
	struct str why = STR_EMPTY;

	if (!names_mask(source_words, SPAN(value), out, &why))
		fatal("%s: %s", title, str_cstr(&why));
	str_fini(&why);
}

void
alias_setup(void)
{
	alias_maps = tables_open("alias_maps", local_conf.alias_maps,
	    MAP_FOLD | MAP_NO_REGSUB | MAP_NO_PROXY);
	read_sources("allow_mail_to_files", local_conf.allow_mail_to_files,
	    &files_from);
	read_sources("allow_mail_to_commands",
	    local_conf.allow_mail_to_commands, &commands_from);
	propagates = propagate_read(local_conf.propagate);
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

struct span
expansion_sender(const struct expansion *e)
{
	struct span sender = e->d->envelope->sender;

	return e->target == NULL || span_empty(e->target->owner)
	    || span_empty(sender) ? sender : e->target->owner;
}

struct envelope_rcpt
expansion_rcpt(const struct expansion *e)
{
	struct envelope_rcpt rcpt = *e->rcpt;

	if (e->target != NULL)
		rcpt.address = e->target->address;
	return rcpt;
}

struct span
expansion_delivered(const struct expansion *e, struct span address)
{
	return local_conf.frozen_delivered_to ? e->rcpt->address : address;
}

/* ---- what is still to be looked at ---- */

/* Of what a right-hand side names. */
struct rights {
	const struct user *user;	/* NULL: of the owner, when asked for */
	uid_t owner;			/* of table or list; 0: default_privs */
	enum source source;
};

struct work {
	struct list link;		/* in the arena */
	struct span name;		/* in lower case, or path of a list */
	struct span address;		/* the name with its domain; of a list,
					   that of what names it */
	struct span via;		/* Delivered-To of what named it */
	struct span alias;		/* whose: not expanded again */
	struct span owner;		/* owner-alias, or an outer one's */
	struct span extension;		/* "+ext" that the addresses of a list get */
	struct rights rights;
	const struct user *account;
	unsigned depth;
	bool is_list;
	bool no_alias;			/* its own, which was looked at */
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

void
expansion_forward(struct expansion *e, const struct forward *forward)
{
	struct forward *f;

	LIST_EACH(item, &e->forwards)
		if (span_eq(LIST_ITEM(item, struct forward, link)->address,
		    forward->address))
			return;
	f = arena_alloc(e->d->arena, sizeof(*f));
	*f = *forward;
	f->address = arena_span(e->d->arena, forward->address);
	list_append(&e->forwards, &f->link);
	e->nforwards++;
}

/* ---- items of a right-hand side ---- */

/* A source route, behind "<": "@a,@b:u@c>". */
static bool
is_route(struct span text)
{
	text = span_ltrim(text);
	return text.len > 0 && text.p[0] == '@';
}

/* Up to the next comma that parts items, or the end: not one in quotes, nor, in an
 * address, one in a comment or a route. */
static struct span
take_item(struct span *rest, bool *balanced)
{
	struct span item = span_ltrim(*rest);
	bool is_address = item.len > 0 && item.p[0] != '|'
	    && item.p[0] != '/' && item.p[0] != '~' && item.p[0] != ':';
	bool quoted = false, route = false;
	unsigned comments = 0;
	size_t i = 0;

	for (; i < rest->len; i++) {
		char c = rest->p[i];

		if (c == '\\' && (quoted || comments > 0))
			i++;
		else if (c == '"' && comments == 0)
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (c == '(' && is_address)
			comments++;
		else if (c == ')' && comments > 0)
			comments--;
		else if (c == '<' && is_address)
			route = is_route(span_skip(*rest, i + 1));
		else if (c == ':' || c == '>')
			route = false;
		else if (c == ',' && comments == 0 && !route)
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
	struct span address, via;	/* see struct work */
	struct span owner, extension;
	struct rights rights;
	unsigned depth, items;
	const struct user *account;	/* whose .forward it is, or NULL */
	bool is_no_alias;		/* the name, which was looked up */
};

/* NULL: said why. */
static const struct user *
user_of(struct context *c)
{
	struct user *user;
	enum map_status status = MAP_FOUND;

	if (c->rights.user != NULL)
		return c->rights.user;
	user = arena_zalloc(c->e->d->arena, sizeof(*user));
	if (c->rights.owner != 0)
		status = user_find_uid(c->rights.owner, user,
		    c->e->d->arena);
	else if (!user_default(user))
		status = MAP_FAILED;
	if (status != MAP_FOUND) {
		log_warn("whose rights \"%.*s\" has cannot be found: %s %ld",
		    SPAN_ARG(c->alias), c->rights.owner != 0 ? "uid"
		    : "default_privs,", (long)c->rights.owner);
		expansion_fail(c->e, OUTCOME_DEFERRED, "4.3.5",
		    "mail system configuration error");
		return NULL;
	}
	return c->rights.user = user;
}

/* Once for each text and user. */
static struct target *
add_target(struct context *c, enum target_kind kind, struct span text,
    const struct user *user)
{
	struct expansion *e = c->e;
	struct target *t;

	LIST_EACH(item, &e->targets) {
		const struct target *old = LIST_ITEM(item, struct target, link);

		if (old->kind == kind && span_eq(old->text, text)
		    && (kind == TARGET_MAILBOX || old->user->uid == user->uid))
			return LIST_ITEM(item, struct target, link);
	}
	t = arena_zalloc(e->d->arena, sizeof(*t));
	*t = (struct target){ .kind = kind, .user = user, .owner = c->owner,
		.address = c->address, .via = c->via, .text = arena_span(e->d->arena, text) };
	list_append(&e->targets, &t->link);
	e->ntargets++;
	return t;
}

/* Also with the extension that it got here. */
static bool
is_named(const struct context *c, struct span name, struct span whose)
{
	struct span base, extension;

	return span_eq_nocase(name, whose) || (!span_empty(c->extension)
	    && address_split_extension(name, conf_core.recipient_delimiter,
	    &base, &extension) && span_eq_nocase(base, whose));
}

static bool
is_own(const struct context *c, struct span name)
{
	return c->account != NULL && is_named(c, name, SPAN(c->account->name));
}

/* This message has been there. */
static bool
is_loop(struct expansion *e, struct span address)
{
	if (!mailbox_been_at(e->been, address))
		return false;
	expansion_fail(e, OUTCOME_BOUNCED, "5.4.6",
	    "mail forwarding loop for %.*s", SPAN_ARG(address));
	return true;
}

/* A mailbox, whatever aliases and .forward say. */
static void
add_mailbox(struct context *c, struct span name, struct span address)
{
	struct context own = *c;

	own.address = address;
	own.via = expansion_delivered(c->e, c->address);
	if (!is_loop(c->e, address))
		add_target(&own, TARGET_MAILBOX, name, is_own(c, name)
		    ? c->account : NULL);
}

static struct span
address_of(struct expansion *e, struct span name, struct span domain)
{
	return SPAN(arena_printf(e->d->arena, "%.*s@%.*s", SPAN_ARG(name),
	    SPAN_ARG(domain)));
}

/* Its name in lower case, without and with the domain; or what it is elsewhere. */
static bool
is_local(struct expansion *e, struct span address, struct str *name_out,
    struct span *whole_out)
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
	*whole_out = address_of(e, str_span(name_out),
	    address_split(a.recipient).domain);
	return true;
}

static void
take_address(const struct token822_address *found, void *arg)
{
	struct context *c = arg;
	struct str *address = str_in_arena(c->e->d->arena);
	struct str *name = str_in_arena(c->e->d->arena);
	struct span delivered = expansion_delivered(c->e, c->address), whole;

	if (c->e->failed)
		return;
	str_set(address, found->internal);
	propagate_add(address, c->extension);
	if (!is_local(c->e, str_span(address), name, &whole)) {
		if (!c->e->failed)
			expansion_forward(c->e, &(struct forward){
				.address = str_span(name), .owner = c->owner,
				.delivered = delivered });
	} else if (is_own(c, str_span(name))) {
		add_mailbox(c, str_span(name), whole);
	} else {
		add_work(c->e, &(struct work){ .name = str_span(name),
			.alias = str_span(name), .depth = c->depth + 1,
			.owner = c->owner, .address = whole, .via = delivered,
			.no_alias = is_named(c, str_span(name), c->alias) });
	}
}

static bool take_item_text(struct span item, void *arg);

/* Each line of the file is a right-hand side. */
static bool
take_included(struct context *c, struct span text)
{
	const char *what = c->rights.source == FROM_FORWARD ? ".forward"
	    : "included list";
	struct textfile file;
	struct span line;
	struct str why = STR_EMPTY;
	bool ok = true;

	textfile_open_mem(&file, what, text);
	while (ok && textfile_next(&file, &line))
		ok = alias_each_item(line, take_item_text, c, &why);
	if (!ok)
		expansion_fail(c->e, OUTCOME_DEFERRED, "4.3.0",
		    "%s: %s", what, str_len(&why) > 0 ? str_cstr(&why)
		    : "cannot be expanded");
	textfile_close(&file);
	str_fini(&why);
	return ok;
}

/* What only the list's keeper can mend is told to the sender without its place; what
 * may have been taken away for a while, or is not ours to read, has to wait. */
static bool
cannot_include(struct context *c, struct span path, uint64_t status,
    struct span why)
{
	log_warn("include file %.*s: %.*s", SPAN_ARG(path), SPAN_ARG(why));
	if (status == MAILBOX_READ_ABSENT || status == MAILBOX_READ_UNSAFE)
		return expansion_fail(c->e, OUTCOME_BOUNCED, "5.3.5",
		    "mail system configuration error");
	return expansion_fail(c->e, OUTCOME_DEFERRED, "4.2.0",
	    "cannot open include file %.*s", SPAN_ARG(path));
}

static bool
include_file(struct context *c, struct span path)
{
	struct expansion *e = c->e;
	struct mailbox_text text;
	const struct user *user;

	if (path.len == 0 || path.p[0] != '/')
		return cannot_include(c, path, MAILBOX_READ_UNSAFE,
		    SPAN("not an absolute path"));
	if (hash_has(e->seen, path))
		return true;
	hash_put(e->seen, path, e);
	user = user_of(c);
	if (user == NULL)
		return false;
	mailbox_read_file(user->uid, user->gid, path, INCLUDE_MOST, false,
	    &text, e->d->arena);
	if (text.status != MAILBOX_READ_OK)
		return cannot_include(c, path, text.status, text.why);
	/* An account's own lists, and those of its own aliases, have its rights,
	 * whoever wrote them. */
	if (c->account == NULL && c->rights.owner == 0)
		c->rights = (struct rights){ .owner = (uid_t)text.owner };
	c->rights.source = FROM_INCLUDE;
	if (!(propagates & PROPAGATE_INCLUDE))
		c->extension = SPAN_NONE;
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
add_allowed(struct context *c, enum target_kind kind, struct span text)
{
	unsigned from = kind == TARGET_FILE ? files_from : commands_from;
	const struct user *user;

	if ((from & c->rights.source) == 0) {
		expansion_fail(c->e, OUTCOME_BOUNCED, "5.7.1",
		    "mail to %s is restricted", kind == TARGET_FILE ? "file"
		    : "command");
		return true;
	}
	user = user_of(c);
	if (user != NULL)
		add_target(c, kind, text, user);
	return user != NULL;
}

/* "~/name", of the account whose table, list or .forward file it is. */
static bool
add_home_file(struct context *c, struct span text)
{
	const struct user *user = user_of(c);
	const char *home;

	if (user == NULL)
		return false;
	if (user->name == NULL || !span_starts(text, SPAN("~/"))) {
		log_warn("\"%.*s\" of \"%.*s\" is in nobody's home directory",
		    SPAN_ARG(text), SPAN_ARG(c->alias));
		expansion_fail(c->e, OUTCOME_BOUNCED, "5.3.5",
		    "mail system configuration error");
		return true;
	}
	home = strcmp(user->home, "/") == 0 ? "" : user->home;
	return add_allowed(c, TARGET_FILE, SPAN(arena_printf(c->e->d->arena,
	    "%s%.*s", home, SPAN_ARG(span_skip(text, 1)))));
}

static bool
take_item_text(struct span item, void *arg)
{
	struct context *c = arg;
	struct expansion *e = c->e;
	struct span plain = unquoted(item, e->d->arena);

	if (e->failed)
		return false;
	c->items++;
	if (plain.len > 0 && plain.p[0] == '|')
		return add_allowed(c, TARGET_COMMAND, span_skip(plain, 1));
	if (plain.len > 0 && plain.p[0] == '/')
		return add_allowed(c, TARGET_FILE, plain);
	if (plain.len > 0 && plain.p[0] == '~')
		return add_home_file(c, plain);
	if (span_starts_nocase(plain, SPAN(":include:"))) {
		add_work(e, &(struct work){ .alias = c->alias,
			.name = span_trim(span_skip(plain, 9)),
			.rights = c->rights, .account = c->account,
			.address = c->address, .via = c->via,
			.owner = c->owner, .extension = c->extension,
			.depth = c->depth + 1, .is_list = true });
		return true;
	}
	if (plain.len > 1 && plain.p[0] == '\\') {	/* no more aliases */
		struct str *name = str_in_arena(e->d->arena);

		str_set(name, span_skip(plain, 1));
		str_lower(name);
		add_mailbox(c, str_span(name), address_of(e, str_span(name),
		    address_split(c->address).domain));
		return true;
	}
	token822_each_address(item, take_address, c);
	return !e->failed;
}

/* ---- names ---- */

/* The name, then the name without its extension. */
static enum map_status
find_alias(struct span name, struct str *value, struct span *base_out,
    const struct map **table_out)
{
	struct span extension;
	enum map_status status = maps_lookup(alias_maps, name, 0, value,
	    table_out);

	*base_out = name;
	if (status != MAP_ABSENT || !address_split_extension(name,
	    conf_core.recipient_delimiter, base_out, &extension)) {
		if (status != MAP_ABSENT)
			*base_out = name;
		return status;
	}
	return maps_lookup(alias_maps, *base_out, 0, value, table_out);
}

/* owner-name: where trouble with the list is to be told. An alias without one has
 * that of the alias it is in, or not, by reset_owner_alias. */
static void
find_owner(struct context *c, struct span name)
{
	struct expansion *e = c->e;
	struct str key = STR_EMPTY, value = STR_EMPTY;

	str_adds(&key, "owner-");
	str_add(&key, name);
	if (!address_owner_request_special
	    || span_starts_nocase(name, SPAN("owner-"))) {
		str_fini(&key);
		return;
	}
	switch (maps_lookup(alias_maps, str_span(&key), 0, &value, NULL)) {
	case MAP_FOUND:
		if (local_conf.expand_owner_alias
		    && !span_has(str_span(&value), ','))
			c->owner = arena_span(e->d->arena,
			    span_trim(str_span(&value)));
		else
			c->owner = SPAN(arena_printf(e->d->arena, "%s@%s",
			    str_cstr(&key), conf_core.myorigin));
		break;
	case MAP_FAILED:
		expansion_fail(e, OUTCOME_DEFERRED, "4.3.0",
		    "alias database unavailable");
		break;
	case MAP_ABSENT:
		if (local_conf.reset_owner_alias)
			c->owner = SPAN_NONE;
		break;
	}
	str_fini(&key);
	str_fini(&value);
}

bool
alias_is_none(struct span name)
{
	struct str value = STR_EMPTY;
	const struct map *table;
	struct span base;
	bool none = maps_empty(alias_maps)
	    || find_alias(name, &value, &base, &table) == MAP_ABSENT;

	str_fini(&value);
	return none;
}

/* The name, then the name without its extension, "+ext". */
static enum map_status
find_account(struct expansion *e, struct span name, struct user *user,
    struct span *extension_out)
{
	struct span base, extension;
	enum map_status status = user_find(name, user, e->d->arena);

	*extension_out = SPAN_NONE;
	if (status != MAP_ABSENT || !address_split_extension(name,
	    conf_core.recipient_delimiter, &base, &extension))
		return status;
	*extension_out = span_skip(name, base.len);
	return user_find(base, user, e->d->arena);
}

/* require_home_directory: one that is not there yet (NFS, automounters) is waited
 * for. Looked at with the rights of its owner; root's is not. */
static bool
has_home(struct expansion *e, const struct user *user)
{
	struct mailbox_text text = { .status = MAILBOX_READ_UNSAFE };

	if (user->uid != 0)
		mailbox_read_file(user->uid, user->gid, SPAN(user->home), 1,
		    false, &text, e->d->arena);
	/* A directory is no file to be read, but it is there. */
	if (text.status == MAILBOX_READ_UNSAFE
	    || text.status == MAILBOX_READ_DENIED)
		return true;
	return expansion_fail(e, OUTCOME_DEFERRED, "4.3.0",
	    "cannot access home directory %s", user->home);
}

/* No alias: an account, with its .forward, or nobody. An empty file is as good as
 * none. */
static void
expand_account(struct context *c, struct span name)
{
	struct expansion *e = c->e;
	struct user *user = arena_zalloc(e->d->arena, sizeof(*user));
	struct target *t;
	const char *key;
	struct span text, extension;
	bool by_extension;

	switch (find_account(e, name, user, &extension)) {
	case MAP_FOUND:
		break;
	case MAP_ABSENT:
		add_target(c, TARGET_MAILBOX, name, NULL);
		return;
	case MAP_FAILED:
		expansion_fail(e, OUTCOME_DEFERRED, "4.3.0",
		    "user lookup error");
		return;
	}
	if (local_conf.require_home_directory && !has_home(e, user))
		return;
	key = arena_printf(e->d->arena, "account %.*s", SPAN_ARG(name));
	if (hash_has(e->seen, SPAN(key)))
		return;
	hash_put(e->seen, SPAN(key), e);
	if (delivery_is_own_probe(e->d)) {
		add_target(c, TARGET_MAILBOX, name, user);
		return;
	}
	switch (dotforward_read(e, c->address, user, &text, &by_extension)) {
	case MAP_FOUND:
		break;
	case MAP_ABSENT:
		t = add_target(c, TARGET_MAILBOX, name, user);
		t->again = c->is_no_alias || alias_is_none(name);
		return;
	case MAP_FAILED:
		expansion_fail(e, OUTCOME_DEFERRED, "4.3.0",
		    "cannot read the .forward file of %s", user->name);
		return;
	}
	c->account = user;
	c->alias = SPAN(user->name);
	c->rights = (struct rights){ .user = user, .source = FROM_FORWARD };
	c->extension = (propagates & PROPAGATE_FORWARD) && !by_extension
	    ? extension : SPAN_NONE;
	c->items = 0;
	take_included(c, text);
	if (c->items == 0 && !e->failed)
		add_target(c, TARGET_MAILBOX, name, user);
	e->expanded = e->expanded || c->items > 0;
}

static void
expand_name(struct context *c, struct span name)
{
	struct expansion *e = c->e;
	struct str *value = str_in_arena(e->d->arena);
	struct str *why = str_in_arena(e->d->arena);
	const struct map *table;
	struct span base;

	switch (maps_empty(alias_maps) ? MAP_ABSENT
	    : find_alias(name, value, &base, &table)) {
	case MAP_FOUND:
		if (hash_has(e->seen, base))
			return;
		hash_put(e->seen, base, e);
		if (delivery_is_own_probe(e->d)) {
			e->known = arena_printf(e->d->arena, "aliased to %s",
			    str_cstr(value));
			return;
		}
		c->alias = base;
		c->rights = (struct rights){ .source = FROM_ALIAS };
		if (table == NULL || !map_owner(table, &c->rights.owner))
			c->rights.owner = 0;
		c->extension = propagates & PROPAGATE_ALIAS
		    ? span_skip(name, base.len) : SPAN_NONE;
		find_owner(c, base);
		e->expanded = true;
		e->is_list = e->is_list || !span_empty(c->owner);
		if (!alias_each_item(str_span(value), take_item_text, c, why)
		    && !e->failed)
			expansion_fail(e, OUTCOME_DEFERRED, "4.3.0",
			    "alias \"%.*s\": %s", SPAN_ARG(base),
			    str_cstr(why));
		return;
	case MAP_ABSENT:
		c->is_no_alias = true;
		expand_account(c, name);
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
	add_work(e, &(struct work){ .name = name, .alias = name,
		.address = e->rcpt->address, .via = e->rcpt->address });
	while (!e->failed
	    && (w = LIST_FIRST(&e->work, struct work, link)) != NULL) {
		struct context c = { .e = e, .alias = w->alias,
			.depth = w->depth, .rights = w->rights,
			.account = w->account, .owner = w->owner,
			.address = w->address, .via = w->via,
			.extension = w->extension };

		list_remove(&w->link);
		if (w->is_list)
			include_file(&c, w->name);
		else if (is_loop(e, w->address))
			continue;
		else if (w->no_alias)
			expand_account(&c, w->name);
		else
			expand_name(&c, w->name);
	}
}
