/*
 * attr - frames there and back, byte for byte, and what is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "common/base/mem.h"
#include "common/io/fiber.h"
#include "common/io/fs.h"
#include "common/io/loop.h"
#include "common/io/sock.h"
#include "common/mail/attr.h"
#include "tests/harness/t.h"

/* ---- forms ---- */

struct point {
	int64_t x;
	struct span label;
};
static const struct attr_field point_fields[] = {
	ATTR_FIELD(struct point, x, 1, ATTR_I64),
	ATTR_FIELD(struct point, label, 2, ATTR_SPAN, .limit = 5),
};
static const struct attr_form point_form =
    ATTR_FORM("point", 0, struct point, point_fields);

struct thing {
	uint64_t number;
	int64_t offset;
	bool yes;
	struct span text;
	struct attr_list points;
	int fd, second_fd;
	uint64_t needed;
};
static const struct attr_field thing_fields[] = {
	ATTR_FIELD(struct thing, number, 1, ATTR_U64),
	ATTR_FIELD(struct thing, offset, 2, ATTR_I64),
	ATTR_FIELD(struct thing, yes, 3, ATTR_BOOL),
	ATTR_FIELD(struct thing, text, 4, ATTR_SPAN, .critical = true,
	    .limit = 10),
	ATTR_FIELD(struct thing, points, 9, ATTR_LIST, .of = &point_form,
	    .limit = 100),
	ATTR_FIELD(struct thing, fd, 5, ATTR_FD),
	ATTR_FIELD(struct thing, second_fd, 6, ATTR_FD),
	ATTR_FIELD(struct thing, needed, 127, ATTR_U64, .required = true),
};
static const struct attr_form thing_form =
    ATTR_FORM("thing", 0x0102, struct thing, thing_fields);

/* A form that holds itself. */
struct chain {
	struct attr_list next;
};
static const struct attr_form chain_form;
static const struct attr_field chain_fields[] = {
	ATTR_FIELD(struct chain, next, 1, ATTR_LIST, .of = &chain_form),
};
static const struct attr_form chain_form =
    ATTR_FORM("chain", 1, struct chain, chain_fields);

static struct arena *arena;
static struct str why;

static void
begin(void)
{
	arena = arena_new();
	why = STR_EMPTY;
}

static void
end(void)
{
	arena_free(&arena);
	str_fini(&why);
}

static struct span
from_hex(const char *text)
{
	struct str *out = str_in_arena(arena);
	struct span rest = span_cstr(text), word;

	while (span_token(&rest, " ", &word))
		T_NEED(hex_decode(out, word));
	return str_span(out);
}

/* ---- bodies ---- */

T_TEST(the_wire_form_does_not_change)
{
	struct point points[] = { { .x = -1 }, { .label = SPAN_LIT("ab") } };
	struct thing t = { .number = 300, .offset = 1, .yes = true,
		.text = SPAN_LIT("hi"), .points = { points, 2 },
		.fd = 0, .second_fd = -1 };
	struct str out = STR_EMPTY, hex = STR_EMPTY;
	int fds[ATTR_FDS_MAX];
	size_t nfds;

	attr_encode(&out, &thing_form, 0xdeadbeef, &t, fds, &nfds);
	hex_encode(&hex, str_span(&out));
	T_EQ_STR(str_cstr(&hex),
	    "0000002B" "0102" "0001" "DEADBEEF"
	    "0100AC02" "020002" "030001" "8401026869"
	    "090103" "010001" "090105" "0201026162" "050001" "7F0000");
	T_EQ_INT(nfds, 1);
	T_EQ_INT(fds[0], 0);
	str_fini(&out);
	str_fini(&hex);
}

static const int64_t numbers[] = { 0, 1, -1, 63, 64, -64, -65, 127, 128, 16383,
	16384, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN };

T_TEST(every_number_comes_back)
{
	begin();
	for (size_t i = 0; i < T_COUNT(numbers); i++) {
		struct thing in = { .number = (uint64_t)numbers[i],
			.offset = numbers[i], .needed = 1, .fd = -1,
			.second_fd = -1 }, out;
		struct str body = STR_EMPTY;

		T_CASEF("%lld", (long long)numbers[i]);
		attr_encode_body(&body, &thing_form, &in);
		T_CHECK(attr_decode_body(&thing_form, str_span(&body), arena,
		    &out, &why));
		T_EQ_INT(out.number, in.number);
		T_EQ_INT(out.offset, in.offset);
		T_EQ_INT(out.yes, false);
		T_EQ_INT(out.fd, -1);
		str_fini(&body);
	}
	end();
}

T_TEST(lists_come_back_in_order)
{
	static struct point points[100];
	static const size_t counts[] = { 0, 1, 3, 4, 5, 7, 8, 9, 31, 64, 65,
		100 };

	begin();
	for (size_t i = 0; i < 100; i++) {
		points[i].x = (int64_t)i - 50;
		points[i].label = i % 3 == 0 ? SPAN_NONE : SPAN("xyz");
	}
	for (size_t c = 0; c < T_COUNT(counts); c++) {
		struct thing in = { .points = { points, counts[c] },
			.fd = -1, .second_fd = -1 }, out;
		struct str body = STR_EMPTY;

		T_CASEF("%zu elements", counts[c]);
		attr_encode_body(&body, &thing_form, &in);
		T_NEED(attr_decode_body(&thing_form, str_span(&body), arena,
		    &out, &why));
		T_EQ_INT(out.points.count, counts[c]);
		for (size_t i = 0; i < counts[c]; i++) {
			struct point *p = ATTR_AT(out.points, struct point, i);

			T_EQ_INT(p->x, points[i].x);
			T_EQ_SPAN(p->label, points[i].label);
		}
		str_fini(&body);
	}
	end();
}

T_TEST(text_ends_with_a_nul_that_does_not_count)
{
	struct thing in = { .text = span_of("a\0b", 3), .fd = -1,
		.second_fd = -1 }, out;
	struct str body = STR_EMPTY;

	begin();
	attr_encode_body(&body, &thing_form, &in);
	T_NEED(attr_decode_body(&thing_form, str_span(&body), arena, &out,
	    &why));
	memset(body.buf, 'x', body.len);	/* nothing points there */
	T_EQ_SPAN(out.text, span_of("a\0b", 3));
	T_EQ_INT(out.text.p[3], '\0');
	str_fini(&body);
	end();
}

static const struct {
	const char *name, *hex, *why;	/* why NULL: accepted */
} bodies[] = {
	{ "only what is needed", "7f0000", NULL },
	{ "the last value counts", "010001 010002 7f0005", NULL },
	{ "unknown fields are skipped", "410005 42010161 7f0000", NULL },
	{ "unknown field, no number of a tag", "000000 7f0000", NULL },
	{ "nothing", "", "form thing: needed: missing" },
	{ "unknown and required", "7f0000 c10005",
	    "form thing: field: unknown but required" },
	{ "tag alone", "7f0000 01", "form thing: frame: cut short" },
	{ "tag and wire alone", "7f0000 0100", "form thing: frame: cut short" },
	{ "varint without end", "7f0000 010080",
	    "form thing: frame: cut short" },
	{ "varint above 64 bits", "7f0000 0100ffffffffffffffffff02",
	    "form thing: frame: cut short" },
	{ "bytes cut short", "7f0000 04010361 62",
	    "form thing: frame: cut short" },
	{ "length near 2^64", "7f0000 0401ffffffffffffffffff01 61",
	    "form thing: frame: cut short" },
	{ "unknown field cut short", "7f0000 41010361",
	    "form thing: frame: cut short" },
	{ "unknown wire", "7f0000 010201",
	    "form thing: frame: cut short" },
	{ "number where bytes belong", "7f0000 040001",
	    "form thing: text: a number where bytes belong" },
	{ "number where a list belongs", "7f0000 090001",
	    "form thing: points: a number where bytes belong" },
	{ "bytes where a number belongs", "7f0000 01010161",
	    "form thing: number: bytes where a number belongs" },
	{ "bytes where a descriptor belongs", "7f0000 05010161",
	    "form thing: fd: bytes where a number belongs" },
	{ "ten bytes are allowed", "7f0000 04010a 61616161616161616161", NULL },
	{ "eleven are not", "7f0000 04010b 6161616161616161616161",
	    "form thing: text: too long" },
	{ "limit within an element", "7f0000 090109 020106 616161616161",
	    "form point: label: too long" },
	{ "element cut short", "7f0000 090102 0100",
	    "form point: frame: cut short" },
};

T_TEST(bodies_that_break_a_rule_are_refused)
{
	begin();
	for (size_t i = 0; i < T_COUNT(bodies); i++) {
		struct thing out;
		bool ok;

		T_CASE(bodies[i].name);
		str_clear(&why);
		ok = attr_decode_body(&thing_form, from_hex(bodies[i].hex),
		    arena, &out, &why);
		T_EQ_INT(ok, bodies[i].why == NULL);
		T_EQ_STR(str_cstr(&why), ok ? "" : bodies[i].why);
	}
	end();
}

T_TEST(a_list_has_no_more_elements_than_its_limit)
{
	struct str body = STR_EMPTY;
	struct thing out;

	begin();
	str_add(&body, from_hex("7f0000"));
	for (int i = 0; i < 100; i++)
		str_add(&body, from_hex("090100"));
	T_CHECK(attr_decode_body(&thing_form, str_span(&body), arena, &out,
	    &why));
	T_EQ_INT(out.points.count, 100);
	str_add(&body, from_hex("090100"));
	T_CHECK(!attr_decode_body(&thing_form, str_span(&body), arena, &out,
	    &why));
	T_EQ_STR(str_cstr(&why), "form thing: points: too many elements");
	str_fini(&body);
	end();
}

T_TEST(nesting_has_an_end)
{
	struct chain out;

	begin();
	T_CHECK(attr_decode_body(&chain_form,
	    from_hex("010109 010106 010103 010100"), arena, &out, &why));
	T_CHECK(!attr_decode_body(&chain_form,
	    from_hex("01010c 010109 010106 010103 010100"), arena, &out,
	    &why));
	T_EQ_STR(str_cstr(&why), "form chain: list: nested too deeply");
	end();
}

/* ---- frames ---- */

static void
in_fiber(fiber_fn *fn)
{
	begin();
	loop_start();
	fiber_run_main(fn, NULL);
	end();
}

static const struct {
	const char *name, *hex, *why;
} headers[] = {
	{ "shorter than its own header", "00000007 0102 0000 00000001",
	    "bad frame of 7 bytes" },
	{ "length 0", "00000000 0102 0000 00000001", "bad frame of 0 bytes" },
	{ "above the limit", "01000001 0102 0000 00000001",
	    "bad frame of 16777217 bytes" },
	{ "length 2^32 - 1", "ffffffff 0102 0000 00000001",
	    "bad frame of 4294967295 bytes" },
	{ "too many descriptors", "00000008 0102 0009 00000001",
	    "bad frame of 8 bytes" },
};

static void
read_bad_headers(void *arg)
{
	for (size_t i = 0; i < T_COUNT(headers); i++) {
		struct stream *s = stream_open_mem(from_hex(headers[i].hex));
		struct attr_frame frame;

		T_CASE(headers[i].name);
		T_EQ_INT(attr_read_frame(s, arena, DEADLINE_NEVER, &frame,
		    &why), IO_ERROR);
		T_EQ_STR(str_cstr(&why), headers[i].why);
		stream_close(s);
	}
}

T_TEST(bad_headers_of_frames_are_refused)
{
	in_fiber(read_bad_headers);
}

static void
read_cut_frames(void *arg)
{
	struct thing t = { .text = SPAN_LIT("0123456789"), .fd = -1,
		.second_fd = -1 };
	struct str out = STR_EMPTY;
	struct attr_frame frame;
	int fds[ATTR_FDS_MAX];
	size_t nfds;

	attr_encode(&out, &thing_form, 7, &t, fds, &nfds);
	for (size_t len = 0; len < out.len; len++) {
		struct stream *s = stream_open_mem(span_of(out.buf, len));

		T_CASEF("%zu of %zu bytes", len, out.len);
		str_clear(&why);
		T_CHECK(!attr_frame_waits(s));
		T_EQ_INT(attr_read_frame(s, arena, DEADLINE_NEVER, &frame,
		    &why), len == 0 ? IO_EOF : IO_ERROR);
		T_EQ_STR(str_cstr(&why),
		    len == 0 ? "" : "connection closed inside a frame");
		stream_close(s);
	}
	str_fini(&out);
}

T_TEST(input_may_end_only_between_frames)
{
	in_fiber(read_cut_frames);
}

/* ---- over sockets ---- */

static void
open_pair(struct stream **a, struct stream **b)
{
	int fds[2];

	T_NEED(sock_pair(fds));
	*a = stream_open(fds[0]);
	*b = stream_open(fds[1]);
	stream_accept_fds(*b, true);
}

static int
temporary(char mark)
{
	char path[] = "/tmp/attr_test.XXXXXX";
	int fd = mkstemp(path);

	T_NEED(fd >= 0);
	unlink(path);
	T_NEED(pwrite(fd, &mark, 1, 0) == 1);
	return fd;
}

static char
mark_of(int fd)
{
	char c = '\0';

	return pread(fd, &c, 1, 0) == 1 ? c : '\0';
}

static bool
read_thing(struct stream *s, struct thing *out, uint32_t request)
{
	struct attr_frame frame;

	str_clear(&why);
	if (!T_EQ_INT(attr_read_frame(s, arena, deadline_in(5), &frame, &why),
	    IO_OK))
		return false;
	T_EQ_INT(frame.form, thing_form.id);
	T_EQ_INT(frame.request, request);
	return attr_decode(&thing_form, &frame, s, arena, out, &why);
}

static int
count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	T_NEED(dir != NULL);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

static void
pass_descriptors(void *arg)
{
	struct stream *a, *b;
	struct thing out;
	int before = count_open();

	open_pair(&a, &b);
	for (uint32_t i = 0; i < 20; i++) {
		struct thing in = { .number = i, .fd = temporary((char)('a'
		    + i)), .second_fd = i % 3 == 0 ? temporary('2') : -1 };
		bool keep = i % 2 != 0;

		if (keep)
			fs_hold(in.fd);
		if (keep && in.second_fd >= 0)
			fs_hold(in.second_fd);
		attr_queue(a, &thing_form, i, &in);
		if (keep)
			attr_close_fds(&thing_form, &in);
	}
	for (uint32_t i = 0; i < 20; i++) {
		T_CASEF("frame %u", i);
		T_NEED(read_thing(b, &out, i));
		T_EQ_INT(out.number, i);
		T_EQ_INT(mark_of(out.fd), 'a' + (int)i);
		T_EQ_INT(out.second_fd >= 0, i % 3 == 0);
		if (out.second_fd >= 0)
			T_EQ_INT(mark_of(out.second_fd), '2');
		T_CHECK((fcntl(out.fd, F_GETFD) & FD_CLOEXEC) != 0);
		attr_close_fds(&thing_form, &out);
		T_EQ_INT(out.fd, -1);
		T_CHECK(!attr_frame_waits(b) || i < 19);
	}
	stream_close(a);
	stream_close(b);
	T_EQ_INT(count_open(), before);
}

T_TEST(descriptors_arrive_with_their_frame)
{
	in_fiber(pass_descriptors);
}

/* A service that is not asked for descriptors gets some, and one that is gets
 * none: nothing leaks, and the next frame is as it should be. */
static void
surplus_descriptors(void *arg)
{
	struct stream *a, *b;
	struct thing in = { .fd = -1, .second_fd = -1 }, out;
	struct attr_frame frame;
	struct point point;
	int before = count_open();

	open_pair(&a, &b);
	in.fd = temporary('x');
	in.second_fd = temporary('y');
	attr_queue(a, &thing_form, 1, &in);
	in.fd = temporary('z');
	in.second_fd = -1;
	attr_queue(a, &thing_form, 2, &in);
	T_NEED(attr_read_frame(b, arena, deadline_in(5), &frame, &why)
	    == IO_OK);
	T_EQ_INT(frame.nfds, 2);
	frame.body = from_hex("010002");
	T_CHECK(attr_decode(&point_form, &frame, b, arena, &point, &why));
	T_NEED(read_thing(b, &out, 2));
	T_EQ_INT(mark_of(out.fd), 'z');
	attr_close_fds(&thing_form, &out);

	/* present by its words, not beside it */
	frame.nfds = 0;
	frame.body = from_hex("7f0000 050001");
	T_CHECK(!attr_decode(&thing_form, &frame, b, arena, &out, &why));
	T_EQ_STR(str_cstr(&why), "form thing: fd: descriptor missing");
	T_EQ_INT(out.fd, -1);

	/* beside it, in a body that breaks a rule: closed */
	in.fd = temporary('q');
	attr_queue(a, &thing_form, 3, &in);
	T_NEED(attr_read_frame(b, arena, deadline_in(5), &frame, &why)
	    == IO_OK);
	frame.body = from_hex("050001");
	T_CHECK(!attr_decode(&thing_form, &frame, b, arena, &out, &why));
	T_EQ_STR(str_cstr(&why), "form thing: needed: missing");
	T_EQ_INT(out.fd, -1);
	stream_close(a);
	stream_close(b);
	T_EQ_INT(count_open(), before);
}

T_TEST(surplus_descriptors_are_closed)
{
	in_fiber(surplus_descriptors);
}

/* One file, three frames, and no number left for a copy. */
static void
one_file_held(void *arg)
{
	struct stream *a, *b;
	struct thing in = { .fd = temporary('1'), .second_fd = -1 }, out;
	struct rlimit all, few;
	int before = count_open() - 1;

	open_pair(&a, &b);
	T_NEED(getrlimit(RLIMIT_NOFILE, &all) == 0);
	few = all;
	few.rlim_cur = 3;
	T_NEED(setrlimit(RLIMIT_NOFILE, &few) == 0);
	for (uint32_t i = 0; i < 3; i++) {
		fs_hold(in.fd);
		attr_queue(a, &thing_form, i, &in);
	}
	T_NEED(setrlimit(RLIMIT_NOFILE, &all) == 0);
	for (uint32_t i = 0; i < 3; i++) {
		T_EQ_INT(mark_of(in.fd), '1');
		T_NEED(read_thing(b, &out, i));
		T_EQ_INT(mark_of(out.fd), '1');
		attr_close_fds(&thing_form, &out);
	}
	fs_hold(in.fd);
	attr_queue(a, &thing_form, 3, &in);
	stream_close(a);		/* unsent */
	T_EQ_INT(mark_of(in.fd), '1');
	attr_close_fds(&thing_form, &in);
	stream_close(b);
	T_EQ_INT(count_open(), before);
}

T_TEST(a_file_that_is_held_is_closed_by_its_last_holder)
{
	in_fiber(one_file_held);
}

static void
many_frames(void *arg)
{
	struct stream *a, *b;
	struct thing out;
	size_t waited = 0;

	open_pair(&a, &b);
	for (uint32_t i = 0; i < 1000; i++) {
		struct thing in = { .number = i, .text = SPAN_LIT("0123456789"),
			.fd = -1, .second_fd = -1 };

		attr_queue(a, &thing_form, i, &in);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		waited += attr_frame_waits(b);
		T_NEED(read_thing(b, &out, i));
		T_EQ_INT(out.number, i);
	}
	/* a few reads bring them all */
	T_CHECK(waited > 900);
	T_CHECK(!attr_frame_waits(b));
	stream_close(a);
	T_EQ_INT(attr_read_frame(b, arena, deadline_in(5),
	    &(struct attr_frame){ 0 }, &why), IO_EOF);
	stream_close(b);
}

T_TEST(packed_texts_stand_in_one_block)
{
	char text[] = "abc", label[] = "de";
	struct thing thing = { .number = 7, .text = span_of(text, 3),
		.needed = 1 };
	struct point point = { 5, span_of(label, 2) }, none = { 1, SPAN_NONE };
	char *block = attr_pack(&thing_form, &thing, 16);
	void *second = attr_pack(&point_form, &point, 0);
	void *third = attr_pack(&point_form, &none, 0);

	memset(text, 'x', sizeof(text));
	memset(label, 'x', sizeof(label));
	T_EQ_TEXT(thing.text, "abc");
	T_CHECK(thing.text.p == block + 16 && block[19] == '\0');
	T_EQ_INT(thing.number, 7);
	T_EQ_TEXT(point.label, "de");
	T_CHECK(point.label.p == second && none.label.p == third);
	T_EQ_INT(none.label.len, 0);
	mem_free(block);
	mem_free(second);
	mem_free(third);
}

T_TEST(frames_keep_their_order)
{
	in_fiber(many_frames);
}

static void
large_frame(void *arg)
{
	enum { COUNT = 60000 };
	struct attr_list list;
	struct chain *elements = calloc(COUNT, sizeof(*elements)), in, out;
	struct stream *a, *b;
	struct attr_frame frame;

	open_pair(&a, &b);
	list.items = elements;
	list.count = COUNT;
	in.next = list;
	attr_queue(a, &chain_form, 1, &in);
	T_NEED(attr_read_frame(b, arena, deadline_in(5), &frame, &why)
	    == IO_OK);
	T_EQ_INT(frame.body.len, 3 * COUNT);
	T_NEED(attr_decode(&chain_form, &frame, b, arena, &out, &why));
	T_EQ_INT(out.next.count, COUNT);
	stream_close(a);
	stream_close(b);
	free(elements);
}

T_TEST(frames_larger_than_buffers_arrive)
{
	in_fiber(large_frame);
}
