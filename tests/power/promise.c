/*
 * promise - see the header. Messages are known by their queue files as they
 * were written; copies in mailboxes by the id in their first Received line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/power/promise.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/panic.h"
#include "queue/message.h"

#define NEVER SIZE_MAX

enum fact_kind { FACT_REMOTE, FACT_DERIVED, FACT_BOXED };

struct fact {
	size_t seq;
	enum fact_kind kind;
	struct span about;		/* a recipient, or the path of a mailbox */
	struct message *to;		/* derived */
};

struct rcpt {
	struct span address;
	uint64_t mark_at;
	/* In this state. */
	bool marked, handed, noticed, held, in_box;
};

struct message {
	char *id;
	struct str bytes;		/* the queue file as it was written */
	bool whole;
	struct span content;
	struct rcpt *rcpts;
	size_t nrcpts;
	size_t accepted, deleted, removed;
	struct fact *facts;
	size_t nfacts;
	bool half, visiting;
	struct message *next;
};

/* A copy in a mailbox of this state. */
struct copy {
	const struct message *m;
	struct span path;
};

struct promises {
	const struct trace *trace;
	struct arena *arena;
	struct hash *by_id;
	struct hash *paths;		/* inode of a directory -> path */
	struct hash *writing;		/* inode -> message, or absent */
	struct message *messages;
	struct span root;		/* of mailboxes */

	size_t position;
	bool nothing_lost;
	struct arena *state;
	struct copy *copies;
	size_t ncopies, copy_room;
	struct str broken;		/* found before the end */
	size_t nbroken, repeated, checked;
};

static struct message *
find(const struct promises *p, struct span id)
{
	return hash_get(p->by_id, id);
}

static struct rcpt *
find_rcpt(struct message *m, struct span address)
{
	for (size_t i = 0; m != NULL && i < m->nrcpts; i++)
		if (span_eq_nocase(m->rcpts[i].address, address))
			return &m->rcpts[i];
	return NULL;
}

static bool
is_queue(struct span dir)
{
	struct span top = dir;
	ssize_t slash = span_find(dir, '/');

	if (slash >= 0)
		top = span_sub(dir, 0, (size_t)slash);
	return span_is(top, "incoming") || span_is(top, "active")
	    || span_is(top, "deferred") || span_is(top, "hold")
	    || span_is(top, "maildrop");
}

/* ---- reading the trace ---- */

static struct message *
message_of(struct promises *p, struct span id)
{
	struct message *m = find(p, id);

	if (m != NULL)
		return m;
	m = MEM_NEW(struct message);
	m->id = mem_strndup(id.p, id.len);
	m->accepted = m->deleted = m->removed = NEVER;
	m->next = p->messages;
	p->messages = m;
	hash_put(p->by_id, id, m);
	return m;
}

static void
add_fact(struct message *m, struct fact fact)
{
	m->facts = mem_regrow(m->facts, m->nfacts + 1, sizeof(*m->facts));
	m->facts[m->nfacts++] = fact;
}

static void
take_dir(struct promises *p, const struct record_entry *e)
{
	struct span *parent = hash_get(p->paths, TRACE_INODE(e->dev, e->dir));
	struct span *path = arena_zalloc(p->arena, sizeof(*path));

	if (e->op == RECORD_MKDIR && parent == NULL)
		return;
	if (parent != NULL)
		*path = SPAN(arena_printf(p->arena, "%.*s%s%.*s",
		    SPAN_ARG(*parent), parent->len > 0 ? "/" : "",
		    SPAN_ARG(trace_name(e))));
	else if (e->mode == 1)
		p->root = trace_name(e);
	hash_put(p->paths, TRACE_INODE(e->dev, e->ino), path);
}

static void
take_created(struct promises *p, const struct record_entry *e)
{
	struct span *dir = hash_get(p->paths, TRACE_INODE(e->dev, e->dir));
	struct span name = trace_name(e);
	struct message *m;

	hash_remove(p->writing, TRACE_INODE(e->dev, e->ino));
	if (dir == NULL || !is_queue(*dir) || !queue_id_valid(name))
		return;
	m = message_of(p, name);
	if (!m->whole && str_len(&m->bytes) == 0)
		hash_put(p->writing, TRACE_INODE(e->dev, e->ino), m);
}

/* Marks and flags do not make a file longer. */
static void
take_written(struct promises *p, const struct record_entry *e)
{
	struct message *m = hash_get(p->writing, TRACE_INODE(e->dev, e->ino));

	if (m != NULL && (size_t)e->at == str_len(&m->bytes))
		str_add(&m->bytes, trace_bytes(e));
}

static bool
is_a_name(const struct promises *p, const struct record_entry *e)
{
	struct span *path = hash_get(p->paths, TRACE_INODE(e->dev, e->dir));

	return path != NULL && is_queue(*path);
}

/* The last of its names goes, for good: recovery may make a file again. */
static void
take_removed(struct promises *p, const struct record_entry *e, size_t seq)
{
	struct message *m = find(p, trace_name(e));

	if (m != NULL && is_a_name(p, e))
		m->removed = seq;
}

static void
take_event(struct promises *p, const struct record_entry *e, size_t seq)
{
	struct span what = trace_name(e), rest = trace_bytes(e), word;
	struct message *m = message_of(p, trace_to(e));

	if (span_is(what, "accepted")) {
		m->accepted = seq;
	} else if (span_is(what, "deleted")) {
		if (seq < m->deleted)
			m->deleted = seq;
	} else if (span_is(what, "remote") || span_is(what, "discarded")) {
		add_fact(m, (struct fact){ seq, FACT_REMOTE, rest, NULL });
	} else if (span_is(what, "boxed")) {
		add_fact(m, (struct fact){ seq, FACT_BOXED, rest, NULL });
	} else if (span_is(what, "derived")
	    && span_token(&rest, " ", &word)) {
		add_fact(m, (struct fact){ seq, FACT_DERIVED,
			span_trim(rest), message_of(p, word) });
	}
}

static void
keep_rcpt(const struct envelope_rcpt *rcpt, bool done, void *arg)
{
	struct message *m = arg;

	(void)done;
	m->rcpts = mem_regrow(m->rcpts, m->nrcpts + 1, sizeof(*m->rcpts));
	m->rcpts[m->nrcpts++] = (struct rcpt){ .mark_at = rcpt->mark_at,
		.address = SPAN(mem_strndup(rcpt->address.p,
		    rcpt->address.len)) };
}

/* By the reader that the system has. */
static void
parse_message(struct message *m, const char *scratch)
{
	struct arena *arena = arena_new();
	struct str why = STR_EMPTY;
	const char *path = arena_printf(arena, "%s/%s", scratch, m->id);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	struct queue_message q;

	CHECK(fd >= 0 && write(fd, str_cstr(&m->bytes), str_len(&m->bytes))
	    == (ssize_t)str_len(&m->bytes));
	close(fd);
	if (queue_message_open_path(path, arena, &q, &why) == QUEUE_OK) {
		m->whole = queue_message_each_rcpt(&q, keep_rcpt, m, &why)
		    == QUEUE_OK;
		m->content = span_sub(str_span(&m->bytes),
		    (size_t)q.layout.content_offset,
		    (size_t)q.layout.content_length);
		queue_message_close(&q);
	}
	unlink(path);
	str_fini(&why);
	arena_free(&arena);
}

struct promises *
promises_new(const struct trace *t, const char *scratch)
{
	struct promises *p = MEM_NEW(struct promises);

	p->trace = t;
	p->arena = arena_new();
	p->state = arena_new();
	p->by_id = hash_new();
	p->paths = hash_new();
	p->writing = hash_new();
	for (size_t i = 0; i < t->count; i++) {
		const struct record_entry *e = t->entries[i];

		if (e->op == RECORD_BASE_DIR || e->op == RECORD_MKDIR)
			take_dir(p, e);
		else if (e->op == RECORD_CREATE)
			take_created(p, e);
		else if (e->op == RECORD_WRITE)
			take_written(p, e);
		else if (e->op == RECORD_UNLINK)
			take_removed(p, e, i);
		else if (e->op == RECORD_EVENT)
			take_event(p, e, i);
	}
	for (struct message *m = p->messages; m != NULL; m = m->next)
		parse_message(m, scratch);
	return p;
}

void
promises_free(struct promises **pp)
{
	struct promises *p = *pp;

	while (p->messages != NULL) {
		struct message *m = p->messages;

		p->messages = m->next;
		for (size_t i = 0; i < m->nrcpts; i++)
			mem_free((char *)(uintptr_t)m->rcpts[i].address.p);
		mem_free(m->rcpts);
		mem_free(m->facts);
		mem_free(m->id);
		str_fini(&m->bytes);
		mem_free(m);
	}
	hash_free(&p->by_id);
	hash_free(&p->paths);
	hash_free(&p->writing);
	arena_free(&p->arena);
	arena_free(&p->state);
	mem_free(p->copies);
	str_fini(&p->broken);
	mem_free(p);
	*pp = NULL;
}

size_t
promises_messages(const struct promises *p)
{
	size_t n = 0;

	for (const struct message *m = p->messages; m != NULL; m = m->next)
		n += m->accepted != NEVER;
	return n;
}

size_t
promises_repeated(const struct promises *p)
{
	return p->repeated;
}

size_t
promises_checked(const struct promises *p)
{
	return p->checked;
}

/* ---- mailboxes of a state ---- */

__attribute__((format(printf, 2, 3))) static void
broken(struct promises *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	str_vaddf(&p->broken, format, args);
	va_end(args);
	str_putc(&p->broken, '\0');
	p->nbroken++;
}

/* The message that a copy is one of; its first Received line has the id. */
static struct message *
message_in(const struct promises *p, struct span text)
{
	ssize_t at = span_search(text, SPAN("Received: "));
	struct span rest, word;
	bool next_is_id = false;

	if (at < 0)
		return NULL;
	rest = span_skip(text, (size_t)at);
	for (int i = 0; i < 60 && span_token(&rest, " \t\n;", &word); i++) {
		if (next_is_id && find(p, word) != NULL)
			return find(p, word);
		next_is_id = span_is(word, "id");
	}
	return NULL;
}

static void
add_copy(struct promises *p, struct message *m, struct span path,
    struct span text)
{
	static const char label[] = "Delivered-To: ";
	ssize_t at = span_search(text, SPAN(label));
	struct rcpt *rcpt;

	if (p->ncopies == p->copy_room) {
		p->copy_room = 2 * p->copy_room + 64;
		p->copies = mem_regrow(p->copies, p->copy_room,
		    sizeof(*p->copies));
	}
	p->copies[p->ncopies++] = (struct copy){ m, path };
	if (at >= 0) {
		struct span line = span_skip(text,
		    (size_t)at + sizeof(label) - 1);
		ssize_t lf = span_find(line, '\n');

		line = span_sub(line, 0, lf >= 0 ? (size_t)lf : line.len);
		rcpt = find_rcpt(m, line);
		if (rcpt != NULL)
			rcpt->in_box = true;
	}
}

static void
look_at_maildir_file(struct promises *p, struct span dir,
    const struct disk_entry *e)
{
	struct message *m = message_in(p, e->content);

	if (m == NULL || !m->whole)
		broken(p, "half: %.*s has %zu bytes of no message",
		    SPAN_ARG(e->path), e->content.len);
	else if (!span_ends(e->content, m->content))
		broken(p, "half: %.*s is not all of %s", SPAN_ARG(e->path),
		    m->id);
	else
		add_copy(p, m, dir, e->content);
}

/* What is torn may lie in an mbox, behind a message that is not; nobody was told
 * that it is there. */
static void
look_at_mbox(struct promises *p, struct span path, struct span text)
{
	while (text.len > 0) {
		ssize_t next = span_search(span_skip(text, 1),
		    SPAN("\nFrom "));
		struct span one = next < 0 ? text
		    : span_sub(text, 0, (size_t)next + 2);
		struct message *m = message_in(p, one);

		text = span_skip(text, one.len);
		if (m == NULL || !m->whole)
			continue;
		if (span_search(one, span_rtrim(m->content)) >= 0)
			add_copy(p, m, path, one);
	}
}

static void
look_at_mailbox(struct promises *p, const struct disk_entry *e)
{
	ssize_t slash = span_rfind(e->path, '/');
	struct span dir = slash < 0 ? SPAN_NONE
	    : span_sub(e->path, 0, (size_t)slash + 1);

	if (span_ends(dir, SPAN("/new/")))
		look_at_maildir_file(p, span_sub(dir, 0, dir.len - 4), e);
	else if (!span_ends(dir, SPAN("/tmp/"))
	    && !span_ends(dir, SPAN("/cur/"))
	    && !span_ends(e->path, SPAN(".lock")))
		look_at_mbox(p, e->path, e->content);
}

/* ---- the queue of a state ---- */

/* A file that is whole, but for its marks: those count. */
static void
look_at_queue_file(struct promises *p, const struct disk_entry *e)
{
	ssize_t slash = span_rfind(e->path, '/');
	struct message *m;

	if (slash < 0 || !is_queue(e->path))
		return;
	m = find(p, span_skip(e->path, (size_t)slash + 1));
	if (m == NULL || !m->whole || e->content.len != str_len(&m->bytes))
		return;
	for (size_t i = 0; i < m->nrcpts; i++)
		if (e->content.p[m->rcpts[i].mark_at] == 'D')
			m->rcpts[i].marked = true;
}

void
promises_begin(struct promises *p, const struct disk_state *s,
    size_t position, bool nothing_lost)
{
	p->position = position;
	p->nothing_lost = nothing_lost;
	p->ncopies = 0;
	p->nbroken = 0;
	str_clear(&p->broken);
	arena_reset(p->state);
	for (struct message *m = p->messages; m != NULL; m = m->next) {
		m->half = false;
		for (size_t i = 0; i < m->nrcpts; i++) {
			struct rcpt *r = &m->rcpts[i];

			r->marked = r->handed = r->noticed = r->held
			    = r->in_box = false;
		}
	}
	for (size_t i = 0; i < s->count; i++) {
		const struct disk_entry *e = &s->entries[i];

		if (e->is_dir)
			continue;
		if (e->fs == 1)
			look_at_mailbox(p, e);
		else
			look_at_queue_file(p, e);
	}
}

/* ---- the second life ---- */

static void
compare(struct promises *p, struct message *m, struct span content)
{
	if (span_eq(content, m->content))
		return;
	m->half = true;
	broken(p, "half: %s has %zu bytes of content, not these %zu", m->id,
	    content.len, m->content.len);
}

void
promises_handed(struct promises *p, struct span id, struct span address,
    struct span content)
{
	struct message *m = find(p, id);
	struct rcpt *r = find_rcpt(m, address);

	if (m == NULL || !m->whole) {
		broken(p, "half: %.*s was delivered, nobody wrote it",
		    SPAN_ARG(id));
		return;
	}
	compare(p, m, content);
	if (r == NULL) {
		broken(p, "half: %.*s has a recipient %.*s", SPAN_ARG(id),
		    SPAN_ARG(address));
		return;
	}
	if (r->marked)
		broken(p, "again: %s for %.*s, which was marked", m->id,
		    SPAN_ARG(address));
	if (p->nothing_lost && m->removed < p->position)
		broken(p, "again: %s for %.*s, which was removed", m->id,
		    SPAN_ARG(address));
	if (r->in_box)
		p->repeated++;
	r->handed = true;
}

void
promises_noticed(struct promises *p, struct span id, struct span address)
{
	struct rcpt *r = find_rcpt(find(p, id), address);

	if (r != NULL)
		r->noticed = true;
}

void
promises_held(struct promises *p, struct span id, struct span address)
{
	struct rcpt *r = find_rcpt(find(p, id), address);

	if (r != NULL)
		r->held = true;
}

void
promises_dropped(struct promises *p, struct span id, struct span content)
{
	struct message *m = find(p, id);

	if (m == NULL || !m->whole) {
		broken(p, "half: %.*s lies in maildrop", SPAN_ARG(id));
		return;
	}
	compare(p, m, content);
	for (size_t i = 0; i < m->nrcpts; i++)
		m->rcpts[i].held = true;
}

/* ---- the verdict ---- */

static bool message_is_kept(const struct promises *p, struct message *m,
    const char **who_out);

/* Someone else stands for this recipient: is that kept? */
static bool
is_taken_over(const struct promises *p, const struct message *m,
    const struct rcpt *r)
{
	const char *who;

	for (size_t i = 0; i < m->nfacts; i++) {
		const struct fact *f = &m->facts[i];

		if (f->seq >= p->position || f->kind == FACT_BOXED)
			continue;
		if (f->about.len > 0
		    && !span_eq_nocase(f->about, r->address))
			continue;
		if (f->kind == FACT_REMOTE
		    || message_is_kept(p, f->to, &who))
			return true;
	}
	return false;
}

static bool
message_is_kept(const struct promises *p, struct message *m,
    const char **who_out)
{
	bool kept = m->whole;

	*who_out = "it was never written";
	if (m->deleted < p->position)
		return true;
	if (m->visiting)
		return false;
	m->visiting = true;
	for (size_t i = 0; i < m->nrcpts && kept; i++) {
		const struct rcpt *r = &m->rcpts[i];

		kept = r->handed || r->noticed || r->held || r->in_box
		    || is_taken_over(p, m, r);
		*who_out = r->address.p;
	}
	m->visiting = false;
	return kept;
}

static bool
has_copy(const struct promises *p, const struct message *m, struct span path)
{
	for (size_t i = 0; i < p->ncopies; i++)
		if (p->copies[i].m == m && span_eq(p->copies[i].path, path))
			return true;
	return false;
}

/* Mailboxes elsewhere are nobody's: /dev/null. */
static void
check_boxes(struct promises *p, const struct message *m)
{
	for (size_t i = 0; i < m->nfacts; i++) {
		const struct fact *f = &m->facts[i];

		if (f->kind != FACT_BOXED || f->seq >= p->position
		    || p->root.len == 0 || !span_starts(f->about, p->root))
			continue;
		p->checked++;
		if (!has_copy(p, m, span_skip(f->about, p->root.len + 1)))
			broken(p, "evidence: %s is not in %.*s", m->id,
			    SPAN_ARG(f->about));
	}
}

size_t
promises_end(struct promises *p, promise_broken_fn *fn, void *arg)
{
	const char *text, *who;

	for (struct message *m = p->messages; m != NULL; m = m->next) {
		if (m->accepted < p->position) {
			p->checked += m->nrcpts;
			if (!message_is_kept(p, m, &who))
				broken(p, "lost: %s for %s", m->id, who);
		}
		check_boxes(p, m);
	}
	text = str_cstr(&p->broken);
	for (size_t i = 0; i < p->nbroken; i++, text += strlen(text) + 1)
		fn(text, arg);
	return p->nbroken;
}
