/*
 * world - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/daemons/local/world.h"

#include <pwd.h>

#include "common/base/log.h"
#include "common/io/loop.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "daemons/shared/rewrite_client.h"

static struct passwd accounts[] = {
	{ .pw_name = "ann", .pw_uid = 1001, .pw_gid = 1001, .pw_dir = "/h/ann",
	    .pw_shell = "/bin/sh" },
	{ .pw_name = "bob", .pw_uid = 1002, .pw_gid = 1002, .pw_dir = "/h/bob",
	    .pw_shell = "/bin/sh" },
};

static const struct {
	const char *path, *text;
	enum mailbox_read_status status;
	uint64_t owner;
} files[] = {
	{ "/h/ann/.forward+ext", "ann, ext@out.test\n", MAILBOX_READ_OK, 1001 },
	{ "/h/bob/.forward", "plain@out.test\n", MAILBOX_READ_OK, 1002 },
	{ "/h/bob/.forward+ext", "ext@out.test\n", MAILBOX_READ_OK, 1002 },
	{ "/h/bob/.forward+home", "~/Mail/new/\n", MAILBOX_READ_OK, 1002 },
	{ "/l/good", "ann\n# comment\nx@out.test\n", MAILBOX_READ_OK, 0 },
	{ "/l/list", "of-list@out.test\n", MAILBOX_READ_OK, 0 },
	{ "/l/open", "", MAILBOX_READ_UNSAFE, 0 },
	{ "/l/secret", "", MAILBOX_READ_DENIED, 0 },
	{ "/l/sick", "", MAILBOX_READ_FAILED, 0 },
	{ "/l/anns", ":include:/l/bobs\n/f/of-ann\n", MAILBOX_READ_OK, 1001 },
	{ "/l/tilde", "~/box, ~bob/box\n", MAILBOX_READ_OK, 1001 },
	{ "/l/bobs", "/f/of-bob\n", MAILBOX_READ_OK, 1002 },
};

static struct str logged, ran;
static bool tells_delivered;
static struct strlist been;
static struct arena *world_arena;

static int
answer(const struct passwd *found, struct passwd *pw, struct passwd **result)
{
	*result = NULL;
	if (found != NULL) {
		*pw = *found;
		*result = pw;
	}
	return 0;
}

/* In place of the C library's. */
int
getpwnam_r(const char *name, struct passwd *pw, char *room, size_t size,
    struct passwd **result)
{
	const struct passwd *found = NULL;

	(void)room;
	(void)size;
	for (size_t i = 0; i < T_COUNT(accounts); i++)
		if (strcmp(accounts[i].pw_name, name) == 0)
			found = &accounts[i];
	return answer(found, pw, result);
}

int
getpwuid_r(uid_t uid, struct passwd *pw, char *room, size_t size,
    struct passwd **result)
{
	const struct passwd *found = NULL;

	(void)room;
	(void)size;
	for (size_t i = 0; i < T_COUNT(accounts); i++)
		if (accounts[i].pw_uid == uid)
			found = &accounts[i];
	return answer(found, pw, result);
}

void
mailbox_read_file(uid_t uid, gid_t gid, struct span path, uint64_t limit,
    bool owned, struct mailbox_text *text_out, struct arena *arena)
{
	(void)uid;
	(void)gid;
	(void)limit;
	(void)owned;
	(void)arena;
	*text_out = (struct mailbox_text){ .status = MAILBOX_READ_ABSENT,
		.why = SPAN("as the table says") };
	for (size_t i = 0; i < T_COUNT(files); i++)
		if (span_is(path, files[i].path)) {
			text_out->status = files[i].status;
			text_out->text = SPAN(files[i].text);
			text_out->owner = files[i].owner;
		}
}

void
mailbox_deliver(struct delivery *d, uid_t uid, gid_t gid,
    struct mailbox_job *job, struct mailbox_result *result_out)
{
	(void)d;
	(void)uid;
	(void)gid;
	(void)job;
	(void)result_out;
	T_FAIL("nothing is delivered here");
}

void
mailbox_command(struct delivery *d, uid_t uid, gid_t gid,
    struct command_job *job, struct mailbox_result *result_out)
{
	(void)d;
	(void)gid;
	str_printf(&ran, "%.*s as %d in \"%.*s\"", SPAN_ARG(job->command),
	    (int)uid, SPAN_ARG(job->directory));
	*result_out = (struct mailbox_result){ .verdict = MAILBOX_DELIVERED,
		.dsn = SPAN("2.0.0") };
}

bool mailbox_tells_original;

struct span
mailbox_head(struct delivery *d, struct span sender,
    const struct envelope_rcpt *rcpt, const char *flags)
{
	(void)d;
	(void)sender;
	(void)rcpt;
	(void)flags;
	return SPAN_NONE;
}

bool
mailbox_been_at(const struct strlist *list, struct span address)
{
	return strlist_has_nocase(list, address);
}

bool
rewrite_address(const char *context, unsigned wants, struct span sender,
    struct span address, struct rewrite_answer *answer_out,
    struct arena *arena, struct deadline deadline)
{
	struct rewrite_answer *a = answer_out;

	(void)context;
	(void)wants;
	(void)sender;
	(void)deadline;
	a->address = address_split(address).has_domain ? address
	    : SPAN(arena_printf(arena, "%.*s@here.test", SPAN_ARG(address)));
	a->recipient = a->address;
	a->transport = SPAN("local");
	a->flags = span_is(address_split(a->address).domain, "here.test")
	    ? RESOLVE_LOCAL : RESOLVE_DEFAULT;
	return true;
}

static void
keep_line(struct log_sink *sink, const struct log_record *record)
{
	(void)sink;
	str_add(&logged, record->text);
	str_putc(&logged, '\n');
}

static struct log_sink keeper = { .write = keep_line };

/* ---- what the tests do ---- */

static void
configure(const char *conf)
{
	struct str why = STR_EMPTY, text = STR_EMPTY;

	str_printf(&text, "compatibility_level = 3.6\nmyhostname = here.test\n"
	    "myorigin = here.test\nrecipient_delimiter = +\n"
	    "default_privs = 65534\n%s", conf);
	T_NEED(conf_load_text("main.cf", str_span(&text), &why));
	conf_register(&conf_core_params);
	conf_register(&local_params);
	T_NEED(conf_fill(&conf_core_params, &why));
	T_NEED(conf_fill(&local_params, &why));
	user_setup();
	alias_setup();
	str_fini(&text);
	str_fini(&why);
}

static void
drop_hash(void *arg)
{
	struct hash *hash = arg;

	hash_free(&hash);
}

struct expansion *
world_begin(const char *name)
{
	struct expansion *e = arena_zalloc(world_arena, sizeof(*e));
	struct delivery *d = arena_zalloc(world_arena, sizeof(*d));
	struct envelope_rcpt *rcpt = arena_zalloc(world_arena, sizeof(*rcpt));

	d->arena = world_arena;
	d->request = arena_zalloc(world_arena, sizeof(*d->request));
	d->request->transport = SPAN("local");
	d->envelope = arena_zalloc(world_arena, sizeof(*d->envelope));
	rcpt->address = SPAN(arena_printf(world_arena, "%s@here.test", name));
	*e = (struct expansion){ .d = d, .rcpt = rcpt, .seen = hash_new(),
		.been = &been,
		.status = arena_zalloc(world_arena, sizeof(*e->status)) };
	list_init(&e->targets);
	list_init(&e->forwards);
	arena_on_free(world_arena, drop_hash, e->seen);
	return e;
}

static void
tell_delivered(struct str *out, struct span delivered)
{
	if (tells_delivered)
		str_addf(out, " <%.*s>", SPAN_ARG(delivered));
}

static void
tell_target(struct expansion *e, const struct target *t, struct str *out)
{
	if (t->kind == TARGET_MAILBOX)
		str_addf(out, "mailbox %.*s", SPAN_ARG(t->text));
	else
		str_addf(out, "%.*s as %d", SPAN_ARG(t->text),
		    (int)t->user->uid);
	e->target = t;
	if (tells_delivered && t->kind == TARGET_COMMAND)
		str_addf(out, " for %.*s", SPAN_ARG(expansion_rcpt(e).address));
	tell_delivered(out, expansion_delivered(e, expansion_rcpt(e).address));
	str_adds(out, "; ");
}

static void
tell_forward(const struct forward *f, struct str *out)
{
	str_addf(out, "to %.*s", SPAN_ARG(f->address));
	tell_delivered(out, f->delivered);
	str_adds(out, "; ");
}

/* "mailbox ann; /file as 1001; to x@out.test; 5.3.5 why". */
static const char *
expand(const char *name)
{
	struct expansion *e = world_begin(name);
	struct str *out = str_in_arena(world_arena);

	alias_expand(e, SPAN(name));
	LIST_EACH(item, &e->targets)
		tell_target(e, LIST_ITEM(item, struct target, link), out);
	LIST_EACH(item, &e->forwards)
		tell_forward(LIST_ITEM(item, struct forward, link), out);
	if (e->failed)
		str_addf(out, "%s %.*s; ", e->status->dsn,
		    SPAN_ARG(e->status->reason));
	if (e->refused_dsn != NULL)
		str_addf(out, "%s %.*s; ", e->refused_dsn,
		    SPAN_ARG(e->refused_why));
	return str_cstr(out);
}

static void
call(void *arg)
{
	void (*run)(void) = (void (*)(void))(uintptr_t)arg;

	run();
}

void
world_run(const char *conf, void (*fn)(void))
{
	world_arena = arena_new();
	log_remove_sinks();
	log_add_sink(&keeper);
	configure(conf);
	loop_start();
	fiber_run_main(call, (void *)(uintptr_t)fn);
	arena_free(&world_arena);
}

void
world_expand(const struct world_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		T_CASE(cases[i].name);
		T_EQ_STR(expand(cases[i].name), cases[i].want);
	}
}

const char *
world_log(void)
{
	return str_cstr(&logged);
}

const char *
world_ran(void)
{
	return str_cstr(&ran);
}

void
world_tell_delivered(void)
{
	tells_delivered = true;
}

void
world_been(const char *address)
{
	strlist_adds(&been, address);
}
