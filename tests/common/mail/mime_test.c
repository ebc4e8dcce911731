/*
 * mime - headers of parts and of attached messages, in every split of the
 * content; what comes back is what went in.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/mime.h"
#include "tests/harness/t.h"

/* H: header of the message, P: of a part, N: of an attached message, #: a part
 * begins, and content with LF as '|'. */
struct seen {
	struct str text;
	struct str back;		/* all bytes, as they came */
	bool after_header;
};

static void
put(struct seen *seen, struct span bytes)
{
	if (seen->after_header)
		str_putc(&seen->back, '\n');
	seen->after_header = false;
	str_add(&seen->back, bytes);
}

static void
on_header(enum mime_place place, struct span line, size_t name_length,
    void *arg)
{
	struct seen *seen = arg;

	T_CHECK(name_length == header_name_length(line));
	str_addf(&seen->text, "%c<%.*s>", "HPN"[place],
	    SPAN_ARG(line));
	put(seen, line);
	seen->after_header = true;
}

static void
on_part(void *arg)
{
	struct seen *seen = arg;

	str_putc(&seen->text, '#');
}

static void
on_content(struct span bytes, void *arg)
{
	struct seen *seen = arg;

	T_CHECK(bytes.len > 0);
	put(seen, bytes);
	for (size_t i = 0; i < bytes.len; i++)
		str_putc(&seen->text, bytes.p[i] == '\n' ? '|' : bytes.p[i]);
}

static unsigned
run(const char *type, const char *encoding, struct span content, size_t step,
    struct seen *seen)
{
	static const struct mime_limits limits = { .header = 60,
		.boundary = 20, .nesting = 3, .reported = ~0u };
	struct arena *arena = arena_new();
	struct mime_events events = { .header = on_header, .part = on_part,
		.content = on_content, .arg = seen };
	struct mime *m = mime_new(arena, &limits, &events);
	struct str line = STR_EMPTY;
	struct span text;
	unsigned trouble;

	str_clear(&seen->text);
	str_clear(&seen->back);
	seen->after_header = false;
	str_printf(&line, "Content-Type: %s", type);
	mime_primary_header(m, HEADER_CONTENT_TYPE, str_span(&line), 12);
	if (encoding != NULL) {
		str_printf(&line, "Content-Transfer-Encoding: %s", encoding);
		mime_primary_header(m, HEADER_CONTENT_TRANSFER_ENCODING,
		    str_span(&line), 25);
	}
	mime_primary_end(m);
	while (content.len > 0) {
		mime_take(m, span_sub(content, 0, step));
		content = span_skip(content, step);
	}
	mime_end(m);
	if (seen->after_header)		/* the content ended in a header */
		str_putc(&seen->back, '\n');
	trouble = mime_trouble(m, &text);
	T_CHECK(trouble == 0 || text.p != NULL);
	str_fini(&line);
	arena_free(&arena);
	return trouble;
}

#define MIXED "multipart/mixed; boundary=b"

static const struct {
	const char *name, *type, *encoding, *content, *want;
	unsigned trouble;
} cases[] = {
	{ "no parts", "text/plain; boundary=b", NULL, "--b\nX: y\n\n",
	    "#--b|X: y||", 0 },
	{ "two parts", MIXED, NULL, "pre\n--b\nA: 1\nB: 2\n\none\n--b\nC: 3\n"
	    "\ntwo\n--b--\nD: 4\n", "#pre|--b|P<A: 1>P<B: 2>|#one|--b|P<C: 3>|"
	    "#two|--b--|D: 4|", 0 },
	{ "folded", MIXED, NULL, "--b\nA: 1\n 2\n\t3\n\nx\n",
	    "#--b|P<A: 1\n 2\n\t3>|#x|", 0 },
	{ "no headers", MIXED, NULL, "--b\n\nx: y\n--b\nnone\n",
	    "#--b||#x: y|--b|#none|", 0 },
	{ "quoted", "multipart/mixed; x=\"a;b\"; Boundary=\"b \\\"c\"", NULL,
	    "--b \"c\nA: 1\n\n--b\n", "#--b \"c|P<A: 1>|#--b|", 0 },
	{ "comments", "(a(b)\\)) MULTIPART (c) / Mixed (d) ; (e) boundary (f) "
	    "= (g) b (h)", NULL, "--b\nA: 1\n", "#--b|P<A: 1>", 0 },
	{ "not quoted as it should be", "multipart/mixed; boundary==_b/=",
	    NULL, "--=_b/=\nA: 1\n", "#--=_b/=|P<A: 1>", 0 },
	{ "folded value", "multipart/mixed;\n boundary=\"b\"", NULL,
	    "--b\nA: 1\n", "#--b|P<A: 1>", 0 },
	{ "no boundary", "multipart/mixed", NULL, "--\nA: 1\n", "#--|A: 1|",
	    0 },
	{ "boundaries begin alike", "multipart/mixed; boundary=b", NULL,
	    "--bcd\nA: 1\n\n--b--x\nB: 2\n", "#--bcd|P<A: 1>|#--b--x|B: 2|", 0 },
	{ "only so much tells them apart", "multipart/mixed; "
	    "boundary=12345678901234567890yz", NULL,
	    "--12345678901234567890xy\nA: 1\n", "#--12345678901234567890xy|"
	    "P<A: 1>", 0 },
	{ "within each other", MIXED, NULL, "--b\nContent-Type: multipart/x; "
	    "boundary=c\n\n--c\nA: 1\n\n--c--\nB: 2\n--b\nC: 3\n\n",
	    "#--b|P<Content-Type: multipart/x; boundary=c>|#--c|P<A: 1>|#--c--|"
	    "B: 2|--b|P<C: 3>|#", 0 },
	{ "the outer one ends the inner", MIXED, NULL, "--b\nContent-Type: "
	    "multipart/x; boundary=c\n\n--c\n\n--b\nC: 3\n\n--c\nD: 4\n",
	    "#--b|P<Content-Type: multipart/x; boundary=c>|#--c||#--b|"
	    "P<C: 3>|#--c|D: 4|", 0 },
	{ "a message", "message/rfc822", NULL, "A: 1\nB: 2\n\nbody: x\n",
	    "N<A: 1>N<B: 2>|#body: x|", 0 },
	{ "a message with parts", "message/rfc822", NULL, "Content-Type: "
	    MIXED "\n\n--b\nA: 1\n\nx\n", "N<Content-Type: " MIXED
	    ">|#--b|P<A: 1>|#x|", 0 },
	{ "attached", MIXED, NULL, "--b\nContent-Type: message/rfc822\n\n"
	    "Subject: y\n\nbody\n--b--\n", "#--b|P<Content-Type: "
	    "message/rfc822>|N<Subject: y>|#body|--b--|", 0 },
	{ "a digest", "multipart/digest; boundary=b", NULL, "--b\n\nA: 1\n\n"
	    "x\n--b\nContent-Type: text/plain\n\nA: 1\n",
	    "#--b||N<A: 1>|#x|--b|P<Content-Type: text/plain>|#A: 1|", 0 },
	{ "too deep", MIXED, NULL, "--b\nContent-Type: multipart/x; boundary=c"
	    "\n\n--c\nContent-Type: multipart/x; boundary=d\n\n--d\n"
	    "Content-Type: multipart/x; boundary=e\n\n--e\nA: 1\n",
	    "#--b|P<Content-Type: multipart/x; boundary=c>|#--c|P<Content-Type:"
	    " multipart/x; boundary=d>|#--d|P<Content-Type: multipart/x; "
	    "boundary=e>|#--e|A: 1|", MIME_TOO_DEEP },
	{ "base64 around parts", MIXED, "BASE64", "--b\nA: 1\n",
	    "#--b|P<A: 1>", MIME_ENCODED_CONTAINER },
	{ "8bit around parts", MIXED, " 8BIT ", "\303\n--b\n\n\303\n",
	    "#\303|--b||#\303|", MIME_8BIT_BODY },
	{ "8-bit header", MIXED, NULL, "--b\nA: \303\n", "#--b|P<A: \303>",
	    MIME_8BIT_HEADER },
	{ "said to be binary", MIXED, NULL, "--b\nContent-Transfer-Encoding: "
	    "(x) binary\n\n\303\n", "#--b|P<Content-Transfer-Encoding: (x) "
	    "binary>|#\303|", 0 },
	{ "long header", MIXED, NULL, "--b\nA: 345678901234567890123456789012"
	    "345678901234567890123456789012345678\nB: 2\n\nx\n", "#--b|P<A: "
	    "345678901234567890123456789012345678901234567890123456789>"
	    "P<B: 2>|#x|", MIME_LONG_HEADER },
	{ "long line for a header", MIXED, NULL, "--b\nA: 1\n"
	    "no header but a body that begins at once and has a line of many "
	    "bytes: x\ny\n", "#--b|P<A: 1>#no header but a body that begins at "
	    "once and has a line of many bytes: x|y|", 0 },
	{ "long boundary line", MIXED, NULL, "--b is followed by many words "
	    "that tell nothing to anybody at all: none\nA: 1\n", "#--b is "
	    "followed by many words that tell nothing to anybody at all: none|"
	    "P<A: 1>", 0 },
	{ "dashes", MIXED, NULL, "-\n--\n-b\n- -b\nx--b\n\n--b", "#-|--|-b|"
	    "- -b|x--b||--b", 0 },
	{ "nothing", MIXED, NULL, "", "#", 0 },
};

T_TEST(headers_are_found_where_they_stand)
{
	struct seen seen = { .text = STR_EMPTY };

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct span content = SPAN(cases[i].content);

		for (size_t step = 1; step <= content.len + 1; step++) {
			T_CASE(cases[i].name);
			T_EQ_INT(run(cases[i].type, cases[i].encoding,
			    content, step, &seen), cases[i].trouble);
			T_EQ_STR(str_cstr(&seen.text), cases[i].want);
			if (!(cases[i].trouble & MIME_LONG_HEADER))
				T_CHECK(span_eq(str_span(&seen.back), content));
		}
	}
	str_fini(&seen.text);
	str_fini(&seen.back);
}

static void
on_boundary(struct span line, void *arg)
{
	struct seen *seen = arg;

	str_addf(&seen->text, "[%.*s]", SPAN_ARG(span_trim(line)));
	put(seen, line);
}

static const struct {
	const char *content, *want;
} whole[] = {
	{ "A: b\nContent-Type: " MIXED "\n c\n\npre\n--b\nC: d\n\nx\n--b--\n",
	    "H<A: b>H<Content-Type: " MIXED "\n c>|#pre|[--b]P<C: d>|#x|"
	    "[--b--]" },
	{ "A: b\nbody at once\n", "H<A: b>#body at once|" },
	{ "\nA: b\n", "|#A: b|" },
	{ "A: b", "H<A: b>" },
	{ "Content-Type: message/rfc822\n\nA: b\n\nc",
	    "H<Content-Type: message/rfc822>|N<A: b>|#c" },
	{ "", "" },
};

T_TEST(a_whole_message_is_taken_apart)
{
	static const struct mime_limits limits = { .header = 60,
		.boundary = 20, .nesting = 3 };
	struct seen seen = { .text = STR_EMPTY };

	for (size_t i = 0; i < T_COUNT(whole); i++) {
		struct arena *arena = arena_new();
		struct mime_events events = { .header = on_header,
			.part = on_part, .content = on_content,
			.boundary = on_boundary, .arg = &seen };
		struct mime *m = mime_new(arena, &limits, &events);

		T_CASE(whole[i].content);
		str_clear(&seen.text);
		str_clear(&seen.back);
		seen.after_header = false;
		mime_begin_whole(m);
		mime_take(m, SPAN(whole[i].content));
		mime_end(m);
		T_EQ_STR(str_cstr(&seen.text), whole[i].want);
		T_EQ_STR(str_cstr(&seen.back), whole[i].content);
		arena_free(&arena);
	}
	str_fini(&seen.text);
	str_fini(&seen.back);
}
