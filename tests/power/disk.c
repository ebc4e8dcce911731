/*
 * disk - see the header.
 *
 * Changes of names, modes and lengths are operations in the order of their file
 * system's journal; bytes are pieces of their file. A sync that ended makes
 * operations forced and pieces part of the durable content. Leading forced
 * operations are applied to the settled names for good, so that a state costs
 * what is new, not what ever happened.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/power/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "common/base/mem.h"
#include "common/base/panic.h"

#define SECTOR 512
#define PAGE 4096

struct piece {
	size_t seq;
	size_t op;			/* of a change of length, in its fs */
	bool is_length;
	int64_t at;
	struct span bytes;
};

struct file {
	unsigned fs;
	bool is_dir, is_base;
	struct file *parent;		/* of a directory */
	struct span name;
	mode_t mode;			/* settled */
	time_t mtime;
	struct str durable;
	struct piece *pieces;
	size_t npieces, room;
	struct file *next;
};

struct op {
	enum record_op kind;
	size_t seq;
	struct file *file, *dir, *to_dir;
	struct span name, to;
	mode_t mode;
	int64_t at;
	bool forced;
};

struct system {
	struct op *ops;
	size_t count, room, settled;
	struct hash *names;		/* dir pointer, name -> file */
	uint64_t drop;			/* ops before it are not kept */
};

struct sync_begun {
	uint64_t number;
	size_t seq;
};

struct disk {
	const struct trace *trace;
	enum disk_kind kind;
	size_t at, strangers;
	struct hash *by_ino;
	struct file *files;
	struct system fs[DISK_SYSTEMS];
	struct hash *syncs;		/* number -> sync_begun */
};

/* ---- names ---- */

static struct span
name_key(struct str *room, const struct file *dir, struct span name)
{
	str_set(room, span_of((const char *)&dir, sizeof(dir)));
	str_add(room, name);
	return str_span(room);
}

static struct file *
name_get(struct hash *names, const struct file *dir, struct span name)
{
	static struct str room;

	return hash_get(names, name_key(&room, dir, name));
}

static void
name_put(struct hash *names, const struct file *dir, struct span name,
    struct file *file)
{
	static struct str room;

	if (file != NULL)
		hash_put(names, name_key(&room, dir, name), file);
	else
		hash_remove(names, name_key(&room, dir, name));
}

/* ---- files ---- */

static struct span
number_key(const uint64_t *number)
{
	return span_of((const char *)number, sizeof(*number));
}

static struct file *
by_ino(struct disk *d, uint64_t dev, uint64_t ino)
{
	return ino == 0 ? NULL : hash_get(d->by_ino, TRACE_INODE(dev, ino));
}

/* The one that an entry is about. */
static struct file *
file_new(struct disk *d, const struct record_entry *e, unsigned fs)
{
	struct file *f = MEM_NEW(struct file);

	f->fs = fs;
	f->next = d->files;
	d->files = f;
	hash_put(d->by_ino, TRACE_INODE(e->dev, e->ino), f);
	return f;
}

static void
add_piece(struct file *f, struct piece piece)
{
	if (f->npieces == f->room) {
		f->room = 2 * f->room + 4;
		f->pieces = mem_regrow(f->pieces, f->room,
		    sizeof(*f->pieces));
	}
	f->pieces[f->npieces++] = piece;
}

static void
set_length(struct str *content, size_t length)
{
	if (length <= str_len(content)) {
		str_truncate(content, length);
	} else {
		size_t more = length - str_len(content);

		memset(str_reserve(content, more), 0, more);
		str_advance(content, more);
	}
}

static void
apply_piece(struct str *content, const struct piece *piece)
{
	size_t end = (size_t)piece->at + piece->bytes.len;

	if (piece->is_length) {
		set_length(content, (size_t)piece->at);
		return;
	}
	if (end > str_len(content))
		set_length(content, end);
	memcpy(content->buf + piece->at, piece->bytes.p, piece->bytes.len);
}

/* Pieces from before seq are durable now. */
static void
settle_content(struct file *f, size_t seq)
{
	size_t left = 0;

	for (size_t i = 0; i < f->npieces; i++) {
		if (f->pieces[i].seq < seq)
			apply_piece(&f->durable, &f->pieces[i]);
		else
			f->pieces[left++] = f->pieces[i];
	}
	f->npieces = left;
}

/* ---- operations ---- */

struct shape {				/* what operations change */
	struct hash *names;
	struct hash *attrs;		/* file pointer -> struct attr, or NULL */
	struct arena *arena;
};

struct attr {
	mode_t mode;
	time_t mtime;
};

static struct attr *
attr_of(struct shape *shape, struct file *f)
{
	struct span key = span_of((const char *)&f, sizeof(f));
	struct attr *attr = hash_get(shape->attrs, key);

	if (attr == NULL) {
		attr = arena_zalloc(shape->arena, sizeof(*attr));
		*attr = (struct attr){ f->mode, f->mtime };
		hash_put(shape->attrs, key, attr);
	}
	return attr;
}

static void
set_mode(struct shape *shape, struct file *f, mode_t mode)
{
	if (shape->attrs != NULL)
		attr_of(shape, f)->mode = mode;
	else
		f->mode = mode;
}

static void
set_mtime(struct shape *shape, struct file *f, time_t mtime)
{
	if (shape->attrs != NULL)
		attr_of(shape, f)->mtime = mtime;
	else
		f->mtime = mtime;
}

/* A new name that is durable is there even where the old one never was. */
static void
apply_op(struct shape *shape, const struct op *op, bool both_names)
{
	switch (op->kind) {
	case RECORD_CREATE:
	case RECORD_MKDIR:
		name_put(shape->names, op->dir, op->name, op->file);
		set_mode(shape, op->file, op->mode);
		break;
	case RECORD_CHMOD:
		set_mode(shape, op->file, op->mode);
		break;
	case RECORD_MTIME:
		set_mtime(shape, op->file, (time_t)op->at);
		break;
	case RECORD_RENAME:
	case RECORD_LINK:
		name_put(shape->names, op->to_dir, op->to, op->file);
		if (op->kind == RECORD_RENAME && !both_names)
			name_put(shape->names, op->dir, op->name, NULL);
		break;
	case RECORD_UNLINK:
		name_put(shape->names, op->dir, op->name, NULL);
		break;
	default:			/* lengths are pieces of their file */
		break;
	}
}

static void
settle(struct system *s)
{
	struct shape shape = { .names = s->names };

	while (s->settled < s->count && s->ops[s->settled].forced)
		apply_op(&shape, &s->ops[s->settled++], false);
}

static size_t
add_op(struct disk *d, unsigned fs, struct op op)
{
	struct system *s = &d->fs[fs];

	op.seq = d->at;
	if (s->count == s->room) {
		s->room = 2 * s->room + 256;
		s->ops = mem_regrow(s->ops, s->room, sizeof(*s->ops));
	}
	s->ops[s->count] = op;
	return s->count++;
}

static bool
touches_file(const struct op *op, const struct file *f)
{
	return op->file == f;
}

static bool
touches_dir(const struct op *op, const struct file *dir)
{
	return op->dir == dir || op->to_dir == dir || op->file == dir;
}

/* What fdatasync need not write. */
static bool
is_attribute(const struct op *op)
{
	return op->kind == RECORD_CHMOD || op->kind == RECORD_MTIME
	    || op->kind == RECORD_RENAME;
}

static void
force_all_before(struct system *s, size_t seq)
{
	for (size_t i = s->settled; i < s->count && s->ops[i].seq < seq; i++)
		s->ops[i].forced = true;
}

static void
force_journal(struct system *s, const struct file *f, size_t seq, bool data)
{
	size_t end = s->settled;

	for (size_t i = s->settled; i < s->count && s->ops[i].seq < seq; i++)
		if ((f->is_dir ? touches_dir(&s->ops[i], f)
		    : touches_file(&s->ops[i], f))
		    && !(data && is_attribute(&s->ops[i])))
			end = i + 1;
	for (size_t i = s->settled; i < end; i++)
		s->ops[i].forced = true;
}

/* The directories that a file's names need. */
static void
force_way(struct system *s, const struct file *dir)
{
	for (; dir != NULL && !dir->is_base; dir = dir->parent)
		for (size_t i = s->settled; i < s->count; i++)
			if (s->ops[i].kind == RECORD_MKDIR
			    && s->ops[i].file == dir)
				s->ops[i].forced = true;
}

static void
force_tree(struct system *s, const struct file *f, size_t seq, bool data)
{
	for (size_t i = s->settled; i < s->count && s->ops[i].seq < seq; i++) {
		struct op *op = &s->ops[i];

		if (!(f->is_dir ? touches_dir(op, f) : touches_file(op, f))
		    || (data && is_attribute(op)))
			continue;
		op->forced = true;
		force_way(s, op->dir);
		force_way(s, op->to_dir);
	}
}

static bool
is_of_inode(const struct op *op)
{
	return op->kind == RECORD_CHMOD || op->kind == RECORD_MTIME
	    || op->kind == RECORD_TRUNCATE || op->kind == RECORD_ALLOCATE;
}

static void
force_other(struct system *s, const struct file *f, size_t seq)
{
	for (size_t i = s->settled; i < s->count && s->ops[i].seq < seq; i++) {
		struct op *op = &s->ops[i];

		if (f->is_dir ? !is_of_inode(op) && (op->dir == f
		    || op->to_dir == f) : is_of_inode(op) && op->file == f)
			op->forced = true;
	}
}

/* ---- entries of the trace ---- */

static void
take_base(struct disk *d, const struct record_entry *e)
{
	struct file *f = file_new(d, e, e->mode);

	CHECK(e->mode < DISK_SYSTEMS);
	f->is_base = true;
	f->is_dir = e->op == RECORD_BASE_DIR;
	f->parent = by_ino(d, e->dev, e->dir);
	f->name = trace_name(e);
	if (f->is_dir)
		f->mode = 0700;
	else
		f->mode = (mode_t)e->at & 07777;
	str_set(&f->durable, trace_bytes(e));
	if (f->parent != NULL)
		name_put(d->fs[f->fs].names, f->parent, f->name, f);
}

static void
take_made(struct disk *d, const struct record_entry *e)
{
	struct file *dir = by_ino(d, e->dev, e->dir), *f;

	if (dir == NULL) {
		d->strangers++;
		/* An inode of elsewhere may have had this number before. */
		hash_remove(d->by_ino, TRACE_INODE(e->dev, e->ino));
		return;
	}
	f = file_new(d, e, dir->fs);
	f->is_dir = e->op == RECORD_MKDIR;
	f->parent = f->is_dir ? dir : NULL;
	f->name = trace_name(e);
	add_op(d, dir->fs, (struct op){ .kind = e->op, .file = f, .dir = dir,
		.name = f->name, .mode = (mode_t)e->mode });
}

/* The file that has this name now, with all operations applied. */
static struct file *
file_of_name(struct system *s, const struct file *dir, struct span name)
{
	for (size_t i = s->count; i > s->settled; i--) {
		const struct op *op = &s->ops[i - 1];

		if (op->to_dir == dir && span_eq(op->to, name))
			return op->file;
		if (op->dir == dir && span_eq(op->name, name))
			return op->kind == RECORD_CREATE
			    || op->kind == RECORD_MKDIR
			    || op->kind == RECORD_LINK ? op->file : NULL;
	}
	return name_get(s->names, dir, name);
}

static void
take_name(struct disk *d, const struct record_entry *e)
{
	struct file *dir = by_ino(d, e->dev, e->dir);
	struct op op = { .kind = e->op, .dir = dir, .name = trace_name(e),
		.to_dir = by_ino(d, e->dev, e->to_dir), .to = trace_to(e) };

	if (dir == NULL || (e->op != RECORD_UNLINK && op.to_dir == NULL)) {
		d->strangers++;
		return;
	}
	op.file = file_of_name(&d->fs[dir->fs], dir, op.name);
	if (op.file != NULL)
		add_op(d, dir->fs, op);
	else				/* a socket */
		d->strangers++;
}

static void
take_change(struct disk *d, const struct record_entry *e)
{
	struct file *f = by_ino(d, e->dev, e->ino);
	struct piece piece = { .seq = d->at, .at = e->at,
		.bytes = trace_bytes(e) };

	if (f == NULL || f->is_dir) {
		d->strangers++;
		return;
	}
	if (e->op != RECORD_WRITE)
		piece.op = add_op(d, f->fs, (struct op){ .kind = e->op,
			.file = f, .mode = (mode_t)e->mode, .at = e->at });
	piece.is_length = e->op == RECORD_TRUNCATE
	    || e->op == RECORD_ALLOCATE;
	if (e->op == RECORD_WRITE || piece.is_length)
		add_piece(f, piece);
}

static void
take_sync_begun(struct disk *d, const struct record_entry *e)
{
	struct sync_begun *begun = MEM_NEW(struct sync_begun);

	begun->number = e->number;
	begun->seq = d->at;
	hash_put(d->syncs, number_key(&begun->number), begun);
}

static void
sync_system(struct disk *d, unsigned fs, size_t seq)
{
	force_all_before(&d->fs[fs], seq);
	for (struct file *f = d->files; f != NULL; f = f->next)
		if (f->fs == fs)
			settle_content(f, seq);
}

static void
take_sync_ended(struct disk *d, const struct record_entry *e)
{
	struct sync_begun *begun = hash_remove(d->syncs, number_key(&e->number));
	struct file *f = by_ino(d, e->dev, e->ino);
	bool data = e->mode == RECORD_FDATASYNC;
	struct system *s;

	CHECK(begun != NULL);
	if (f == NULL) {
		d->strangers++;
		mem_free(begun);
		return;
	}
	s = &d->fs[f->fs];
	if (e->mode == RECORD_SYNCFS)
		sync_system(d, f->fs, begun->seq);
	else if (d->kind == DISK_JOURNAL)
		force_journal(s, f, begun->seq, data);
	else if (d->kind == DISK_TREE)
		force_tree(s, f, begun->seq, data);
	else
		force_other(s, f, begun->seq);
	if (!f->is_dir)
		settle_content(f, begun->seq);
	settle(s);
	mem_free(begun);
}

bool
disk_step(struct disk *d)
{
	const struct record_entry *e;

	if (d->at == d->trace->count)
		return false;
	e = d->trace->entries[d->at];
	switch (e->op) {
	case RECORD_BASE_DIR:
	case RECORD_BASE_FILE:
		take_base(d, e);
		break;
	case RECORD_CREATE:
	case RECORD_MKDIR:
		take_made(d, e);
		break;
	case RECORD_RENAME:
	case RECORD_LINK:
	case RECORD_UNLINK:
		take_name(d, e);
		break;
	case RECORD_SYNC_BEGIN:
		take_sync_begun(d, e);
		break;
	case RECORD_SYNC_END:
		take_sync_ended(d, e);
		break;
	case RECORD_EVENT:
		break;
	default:
		take_change(d, e);
	}
	d->at++;
	return true;
}

struct disk *
disk_new(const struct trace *t, enum disk_kind kind)
{
	struct disk *d = MEM_NEW(struct disk);

	d->trace = t;
	d->kind = kind;
	d->by_ino = hash_new();
	d->syncs = hash_new();
	for (size_t i = 0; i < DISK_SYSTEMS; i++)
		d->fs[i].names = hash_new();
	return d;
}

void
disk_free(struct disk **dp)
{
	struct disk *d = *dp;
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	while (hash_next(d->syncs, &it, &key, &value))
		mem_free(value);
	hash_free(&d->syncs);
	hash_free(&d->by_ino);
	for (size_t i = 0; i < DISK_SYSTEMS; i++) {
		hash_free(&d->fs[i].names);
		mem_free(d->fs[i].ops);
	}
	while (d->files != NULL) {
		struct file *f = d->files;

		d->files = f->next;
		str_fini(&f->durable);
		mem_free(f->pieces);
		mem_free(f);
	}
	mem_free(d);
	*dp = NULL;
}

size_t
disk_position(const struct disk *d)
{
	return d->at;
}

size_t
disk_strangers(const struct disk *d)
{
	return d->strangers;
}

/* ---- states ---- */

/* A generator of its own: a choice means the same state for ever. */
static uint32_t
draw(uint64_t *state, uint32_t below)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)((*state >> 33) % below);
}

/* Which operations behind the settled ones took place: 1, or 2 for a rename
 * that left both names. */
static uint8_t *
choose_ops(const struct disk *d, const struct system *s, enum disk_names how,
    struct arena *arena, uint64_t *random)
{
	size_t n = s->count - s->settled;
	uint8_t *took = arena_array(arena, n + 1, 1);
	size_t prefix = how == NAMES_ALL ? n : how == NAMES_NONE ? 0
	    : draw(random, (uint32_t)n + 1);

	for (size_t i = 0; i < n; i++) {
		const struct op *op = &s->ops[s->settled + i];

		took[i] = op->forced || i < prefix;
		if (d->kind != DISK_OTHER || op->forced || how != NAMES_SOME)
			continue;
		took[i] = (uint8_t)draw(random, op->kind == RECORD_RENAME ? 3
		    : 2);
	}
	return took;
}

/* In the middle of new data, or at its ends. */
static size_t
choose_length(size_t old, size_t new, uint64_t *random)
{
	size_t more = new > old ? new - old : 0;

	if (more == 0 || draw(random, 4) == 0)
		return new;
	return old + draw(random, (uint32_t)more + 1);
}

/* Each sector of new is its own or that of old; behind the end of old whole
 * pages are lost, and are zeros. */
static void
mix_sectors(struct str *new, struct span old, enum disk_data how,
    uint64_t *random)
{
	bool page_lost = false;

	for (size_t at = 0; at < str_len(new); at += SECTOR) {
		size_t n = str_len(new) - at < SECTOR ? str_len(new) - at
		    : SECTOR;
		struct span was = span_sub(old, at, n);
		char *now = new->buf + at;

		if (at % PAGE == 0)
			page_lost = how == DATA_ZERO || draw(random, 2) == 0;
		if (was.len == n && memcmp(was.p, now, n) == 0)
			continue;
		if (was.len == 0 ? !page_lost : how == DATA_ZERO
		    || draw(random, 2) == 0)
			continue;
		memset(now, 0, n);
		memcpy(now, was.p, was.len);
	}
}

static struct span
choose_content(const struct file *f, const struct system *s,
    const uint8_t *took, enum disk_data how, struct arena *arena,
    uint64_t *random)
{
	struct str new = STR_EMPTY, old = STR_EMPTY;
	struct span content;

	if (f->npieces == 0)
		return str_span(&f->durable);
	str_set(&old, str_span(&f->durable));
	str_set(&new, str_span(&f->durable));
	for (size_t i = 0; i < f->npieces; i++) {
		const struct piece *p = &f->pieces[i];

		if (p->is_length && p->op >= s->settled
		    && !took[p->op - s->settled])
			continue;
		if (p->is_length || how != DATA_NONE)
			apply_piece(&new, p);
		if (p->is_length)	/* a shorter one cannot come back */
			apply_piece(&old, p);
	}
	if (how == DATA_CUT || how == DATA_MIXED)
		str_truncate(&new, choose_length(str_len(&old),
		    str_len(&new), random));
	if (how == DATA_ZERO || how == DATA_MIXED)
		mix_sectors(&new, str_span(&old), how, random);
	content = arena_span(arena, str_span(&new));
	str_fini(&new);
	str_fini(&old);
	return content;
}

struct making {
	struct disk *d;
	struct shape shape;
	const uint8_t *took;
	enum disk_data data;
	uint64_t random;
	struct hash *contents;		/* of files with several names */
	struct disk_state *out;
	size_t room;
};

/* False when some directory on the way has no name. */
static bool
path_of(struct making *mk, const struct file *dir, struct str *out)
{
	if (dir->parent == NULL)
		return dir->is_base;
	if (!dir->is_base && name_get(mk->shape.names, dir->parent, dir->name)
	    != dir)
		return false;
	if (!path_of(mk, dir->parent, out))
		return false;
	str_add(out, dir->name);
	str_putc(out, '/');
	return true;
}

static struct span
content_once(struct making *mk, struct file *f)
{
	struct span key = span_of((const char *)&f, sizeof(f));
	struct span *known = hash_get(mk->contents, key);

	if (known == NULL) {
		known = arena_alloc(mk->out->arena, sizeof(*known));
		*known = choose_content(f, &mk->d->fs[f->fs], mk->took,
		    mk->data, mk->out->arena, &mk->random);
		hash_put(mk->contents, key, known);
	}
	return *known;
}

static void
show(struct making *mk, struct span key, struct file *f)
{
	struct disk_state *out = mk->out;
	const struct file *dir;
	struct str path = STR_EMPTY;
	struct disk_entry *e;

	memcpy(&dir, key.p, sizeof(dir));
	if (!path_of(mk, dir, &path)) {
		str_fini(&path);
		return;
	}
	str_add(&path, span_skip(key, sizeof(dir)));
	if (out->count == mk->room) {
		struct disk_entry *old = out->entries;

		mk->room = 2 * mk->room + 64;
		out->entries = arena_array(out->arena, mk->room,
		    sizeof(*out->entries));
		if (out->count > 0)
			memcpy(out->entries, old,
			    out->count * sizeof(*old));
	}
	e = &out->entries[out->count++];
	*e = (struct disk_entry){ .fs = f->fs, .is_dir = f->is_dir,
		.is_base = f->is_base, .inode = f,
		.path = arena_span(out->arena, str_span(&path)),
		.mode = attr_of(&mk->shape, f)->mode,
		.mtime = attr_of(&mk->shape, f)->mtime };
	if (!f->is_dir)
		e->content = content_once(mk, f);
	str_fini(&path);
}

static void
make_system(struct disk *d, unsigned fs, enum disk_names names,
    enum disk_data data, uint32_t seed, struct disk_state *out, size_t *room)
{
	struct system *s = &d->fs[fs];
	struct making mk = { .d = d, .data = data, .out = out, .room = *room,
		.random = seed * 2654435761u + fs, .contents = hash_new() };
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	mk.shape = (struct shape){ .names = hash_new(), .attrs = hash_new(),
		.arena = out->arena };
	while (hash_next(s->names, &it, &key, &value))
		hash_put(mk.shape.names, key, value);
	mk.took = choose_ops(d, s, names, out->arena, &mk.random);
	for (size_t i = 0; i < s->count - s->settled; i++)
		if (mk.took[i] != 0)
			apply_op(&mk.shape, &s->ops[s->settled + i],
			    mk.took[i] == 2);
	it = HASH_ITER_START;
	while (hash_next(mk.shape.names, &it, &key, &value))
		show(&mk, key, value);
	hash_free(&mk.contents);
	hash_free(&mk.shape.names);
	hash_free(&mk.shape.attrs);
	*room = mk.room;
}

static uint64_t
digest_of(const struct disk_entry *e)
{
	uint32_t a = crc32c(e->fs, e->path.p, e->path.len);
	uint32_t b = crc32c(a ^ (uint32_t)e->mode, e->content.p,
	    e->content.len);

	return ((uint64_t)a << 32 | b) * UINT64_C(0x9E3779B97F4A7C15)
	    ^ (e->content.len * UINT64_C(0xC2B2AE3D27D4EB4F));
}

void
disk_state_make(struct disk *d, const struct disk_choice *choice,
    struct disk_state *out)
{
	size_t room = 0;

	*out = (struct disk_state){ .arena = arena_new() };
	for (unsigned fs = 0; fs < DISK_SYSTEMS; fs++)
		make_system(d, fs, choice->names[fs], choice->data[fs],
		    choice->seed, out, &room);
	for (size_t i = 0; i < out->count; i++)	/* in any order */
		out->digest += digest_of(&out->entries[i]);
}

void
disk_state_now(struct disk *d, struct disk_state *out)
{
	static const struct disk_choice all = {
		.names = { NAMES_ALL, NAMES_ALL },
		.data = { DATA_ALL, DATA_ALL } };

	disk_state_make(d, &all, out);
}

void
disk_state_free(struct disk_state *s)
{
	arena_free(&s->arena);
}

/* ---- to a real directory ---- */

static bool
put_file(int dir, const struct disk_entry *e)
{
	struct span bytes = e->content;
	char path[4096];
	int fd;
	bool ok;

	snprintf(path, sizeof(path), "%.*s", SPAN_ARG(e->path));
	/* A preallocated file is zeros for the most part. */
	while (bytes.len > 0 && bytes.p[bytes.len - 1] == '\0')
		bytes.len--;
	fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ok = fd >= 0 && write(fd, bytes.p, bytes.len) == (ssize_t)bytes.len
	    && (bytes.len == e->content.len
	    || ftruncate(fd, (off_t)e->content.len) == 0);
	if (ok && e->mode != 0600)
		ok = fchmod(fd, e->mode & 07777) == 0;
	if (ok && e->mtime != 0) {
		struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
			{ .tv_sec = e->mtime } };

		ok = futimens(fd, times) == 0;
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
put_link(int dir, const struct disk_entry *first, const struct disk_entry *e)
{
	char from[4096], to[4096];

	snprintf(from, sizeof(from), "%.*s", SPAN_ARG(first->path));
	snprintf(to, sizeof(to), "%.*s", SPAN_ARG(e->path));
	return linkat(dir, from, dir, to, 0) == 0;
}

/* Directories above others have shorter paths. */
static bool
put_dirs(const struct disk_state *s, const int *dirs, bool base)
{
	size_t longest = 0;

	for (size_t i = 0; i < s->count; i++)
		if (s->entries[i].is_dir && s->entries[i].path.len > longest)
			longest = s->entries[i].path.len;
	for (size_t len = 1; len <= longest; len++)
		for (size_t i = 0; i < s->count; i++) {
			const struct disk_entry *e = &s->entries[i];
			char path[4096];

			if (!e->is_dir || e->is_base != base
			    || e->path.len != len)
				continue;
			snprintf(path, sizeof(path), "%.*s",
			    SPAN_ARG(e->path));
			if (mkdirat(dirs[e->fs], path, 0700) < 0
			    && errno != EEXIST)
				return false;
		}
	return true;
}

static bool
open_roots(const char *const roots[DISK_SYSTEMS], int dirs[DISK_SYSTEMS])
{
	bool ok = true;

	for (size_t i = 0; i < DISK_SYSTEMS; i++) {
		dirs[i] = open(roots[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ok = ok && dirs[i] >= 0;
	}
	return ok;
}

static void
close_roots(const int dirs[DISK_SYSTEMS])
{
	for (size_t i = 0; i < DISK_SYSTEMS; i++)
		if (dirs[i] >= 0)
			close(dirs[i]);
}

bool
disk_write_base(const struct disk_state *s,
    const char *const roots[DISK_SYSTEMS])
{
	int dirs[DISK_SYSTEMS];
	bool ok = open_roots(roots, dirs) && put_dirs(s, dirs, true);

	close_roots(dirs);
	return ok;
}

bool
disk_write_out(const struct disk_state *s,
    const char *const roots[DISK_SYSTEMS])
{
	struct hash *seen = hash_new();
	int dirs[DISK_SYSTEMS];
	bool ok = open_roots(roots, dirs) && put_dirs(s, dirs, false);

	for (size_t i = 0; ok && i < s->count; i++) {
		struct disk_entry *e = &s->entries[i], *first;
		struct span key = span_of((const char *)&e->inode,
		    sizeof(e->inode));

		if (e->is_dir)
			continue;
		first = hash_put(seen, key, e);
		ok = first != NULL ? put_link(dirs[e->fs], first, e)
		    : put_file(dirs[e->fs], e);
	}
	close_roots(dirs);
	hash_free(&seen);
	return ok;
}

static bool
is_base_dir(const struct disk_state *s, unsigned fs, struct span path)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->entries[i].fs == fs && s->entries[i].is_dir
		    && s->entries[i].is_base
		    && span_eq(s->entries[i].path, path))
			return true;
	return false;
}

static void
clean_below(const struct disk_state *s, unsigned fs, int dirfd,
    struct str *path)
{
	DIR *dir = fdopendir(dirfd);
	size_t length = str_len(path);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		int sub;

		if (strcmp(entry->d_name, ".") == 0
		    || strcmp(entry->d_name, "..") == 0)
			continue;
		if (entry->d_type != DT_DIR) {
			unlinkat(dirfd, entry->d_name, 0);
			continue;
		}
		str_addf(path, "%s", entry->d_name);
		sub = openat(dirfd, entry->d_name, O_RDONLY | O_DIRECTORY);
		if (!is_base_dir(s, fs, str_span(path))) {
			str_putc(path, '/');
			clean_below(s, fs, sub, path);
			unlinkat(dirfd, entry->d_name, AT_REMOVEDIR);
		} else {
			str_putc(path, '/');
			clean_below(s, fs, sub, path);
		}
		str_truncate(path, length);
	}
	if (dir != NULL)
		closedir(dir);
}

void
disk_clean(const struct disk_state *s, const char *const roots[DISK_SYSTEMS])
{
	struct str path = STR_EMPTY;

	for (unsigned fs = 0; fs < DISK_SYSTEMS; fs++) {
		str_clear(&path);
		clean_below(s, fs, open(roots[fs], O_RDONLY | O_DIRECTORY
		    | O_CLOEXEC), &path);
	}
	str_fini(&path);
}
