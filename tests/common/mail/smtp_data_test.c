/*
 * Content ends at CR LF . CR LF and nowhere else, however it is mixed and cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/smtp_data.h"

#include "tests/harness/t.h"

struct result {
	struct str out;
	size_t used;
	bool ended, bare_lf;
};

static void
parse(unsigned flags, struct span input, size_t cut, size_t cut2,
    struct result *r)
{
	struct smtp_data d;
	size_t cuts[] = { cut, cut2, input.len };
	size_t at = 0;

	r->out = STR_EMPTY;
	smtp_data_init(&d, flags);
	for (size_t i = 0; i < T_COUNT(cuts) && !d.ended; i++) {
		struct span piece;

		if (cuts[i] < at)
			continue;
		piece = span_sub(input, at, cuts[i] - at);
		at += smtp_data_take(&d, piece, &r->out);
	}
	if ((flags & SMTP_DATA_COUNTED) && at == input.len)
		smtp_data_finish(&d, &r->out);
	r->used = at;
	r->ended = d.ended;
	r->bare_lf = d.bare_lf;
}

static const struct {
	const char *name, *in;
	unsigned flags;
	bool ended;
	const char *out;
	size_t left;
	bool bare_lf;
} cases[] = {
	{ "ordinary", "a: b\r\n\r\nc\r\n.\r\n", 0, true, "a: b\n\nc\n", 0,
	    false },
	{ "empty", ".\r\n", 0, true, "", 0, false },
	{ "pipelined", "x\r\n.\r\nQUIT\r\n", 0, true, "x\n", 6, false },
	{ "dots", "..\r\n...a\r\n.b\r\n.\r\n", 0, true, ".\n..a\nb\n", 0,
	    false },
	{ "lf dot lf", "a\n.\nb\r\n.\r\n", 0, true, "a\n.\nb\n", 0, true },
	{ "lf dot crlf", "a\n.\r\nb\r\n.\r\n", 0, true, "a\n.\nb\n", 0,
	    true },
	{ "crlf dot lf", "a\r\n.\nb\r\n.\r\n", 0, true, "a\n.\nb\n", 0,
	    true },
	{ "cr dot cr", "a\r.\rb\r\n.\r\n", 0, true, "a\r.\rb\n", 0, false },
	{ "crlf dot cr cr lf", "a\r\n.\r\r\n.\r\n", 0, true, "a\n\n", 0,
	    false },
	{ "cr crlf dot crlf", "a\r\r\n.\r\n", 0, true, "a\n", 0, false },
	{ "crs inside and at the end", "a\r\rb\r\r\r\n.\r\n", 0, true,
	    "a\r\rb\n", 0, false },
	{ "crs alone", "\r\r\r\n.\r\n", 0, true, "\n", 0, false },
	{ "a dot and two crs end nothing", ".\r\r\n.\r\n", 0, true, "\n", 0,
	    false },
	{ "not ended", "a\r\n.\r", 0, false, "a\n", 0, false },
	{ "bare lf ends", "a\n.\nb", SMTP_DATA_BARE_LF_ENDS, true, "a\n", 1,
	    true },
	{ "bare lf ends, mixed", "a\n.\r\nb", SMTP_DATA_BARE_LF_ENDS, true,
	    "a\n", 1, true },
	{ "bare lf ends, dots", "a\n..\n.\n", SMTP_DATA_BARE_LF_ENDS, true,
	    "a\n.\n", 0, true },
	{ "counted", "a\r\n.\r\n..b\r\n", SMTP_DATA_COUNTED, false,
	    "a\n.\n..b\n", 0, false },
	{ "counted, no end of line", "a\r\nb", SMTP_DATA_COUNTED, false,
	    "a\nb\n", 0, false },
	{ "counted, CR last", "a\r\nb\r", SMTP_DATA_COUNTED, false,
	    "a\nb\r\n", 0, false },
	{ "counted, bare lf", "a\nb", SMTP_DATA_COUNTED, false, "a\nb\n", 0,
	    true },
};

T_TEST(content_is_unstuffed_and_ends_at_crlf_dot_crlf)
{
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct span in = SPAN(cases[i].in);

		for (size_t cut = 0; cut <= in.len; cut++) {
			struct result r;

			T_CASEF("%s, cut at %zu", cases[i].name, cut);
			parse(cases[i].flags, in, cut, cut, &r);
			T_EQ_INT(r.ended, cases[i].ended);
			T_EQ_STR(str_cstr(&r.out), cases[i].out);
			T_EQ_INT(in.len - r.used, cases[i].left);
			T_EQ_INT(r.bare_lf, cases[i].bare_lf);
			str_fini(&r.out);
		}
	}
}

T_TEST(crs_without_end_take_no_memory)
{
	enum { CRS = 5000, HELD = 1000 };
	struct str in = STR_EMPTY;
	struct smtp_data d;
	struct result r;

	for (int i = 0; i < CRS; i++)
		str_putc(&in, '\r');
	smtp_data_init(&d, 0);
	r.out = STR_EMPTY;
	for (int i = 0; i < CRS; i++)
		(void)smtp_data_take(&d, SPAN("\r"), &r.out);
	T_EQ_INT(str_len(&r.out), CRS - HELD);
	str_fini(&r.out);
	/* The same at any cut. */
	str_adds(&in, "\r\n.\r\n");
	for (size_t cut = 0; cut <= str_len(&in); cut += 333) {
		T_CASEF("cut at %zu", cut);
		parse(0, str_span(&in), cut, cut, &r);
		T_CHECK(r.ended);
		T_EQ_INT(str_len(&r.out), CRS + 1 - HELD + 1);
		str_fini(&r.out);
	}
	str_fini(&in);
}

/* As another server would send it on: CR LF, dots doubled. */
static void
stuff(struct str *wire, struct span content)
{
	struct span line;

	while (span_split(&content, '\n', &line)) {
		if (line.len > 0 && line.p[0] == '.')
			str_putc(wire, '.');
		str_add(wire, line);
		str_adds(wire, "\r\n");
	}
	str_adds(wire, ".\r\n");
}

static void
try_smuggling(struct span middle, bool first_line)
{
	struct str in = STR_EMPTY, wire = STR_EMPTY;
	struct result whole, again;
	bool real, starts;

	str_printf(&in, "%s%.*sMAIL FROM:<x@y>\r\n.\r\n",
	    first_line ? "" : "a", SPAN_ARG(middle));
	/* At the very beginning a line start needs no CR LF. */
	starts = first_line && span_starts(middle, SPAN(".\r\n"));
	real = starts || span_search(str_span(&in), SPAN("\r\n.\r\n"))
	    + 5 < (ssize_t)str_len(&in);
	for (size_t cut = 0; cut <= str_len(&in); cut++) {
		for (size_t cut2 = cut; cut2 <= str_len(&in); cut2++) {
			parse(0, str_span(&in), cut, cut2, &again);
			T_CHECK(again.ended);
			T_EQ_INT(again.used < str_len(&in), real);
			if (cut + cut2 == 0)
				whole = again;
			T_EQ_SPAN(str_span(&again.out), str_span(&whole.out));
			if (cut + cut2 != 0)
				str_fini(&again.out);
		}
	}
	/* What goes on from here is one message again, with the same text. */
	stuff(&wire, str_span(&whole.out));
	parse(0, str_span(&wire), 0, 0, &again);
	T_CHECK(again.ended && again.used == str_len(&wire));
	/* A CR before a line end does not survive, nothing else changes. */
	if (span_search(str_span(&whole.out), SPAN("\r\n")) < 0)
		T_EQ_SPAN(str_span(&again.out), str_span(&whole.out));
	str_fini(&again.out);
	str_fini(&whole.out);
	str_fini(&wire);
	str_fini(&in);
}

T_TEST(no_mix_of_line_ends_and_dots_makes_two_messages)
{
	static const char set[] = "\r\n.";
	char middle[8];

	for (size_t len = 1; len <= 6; len++) {
		size_t count = 1;

		for (size_t i = 0; i < len; i++)
			count *= 3;
		for (size_t n = 0; n < count && !t_failed(); n++) {
			size_t rest = n;

			for (size_t i = 0; i < len; i++, rest /= 3)
				middle[i] = set[rest % 3];
			T_CASEF("length %zu, number %zu", len, n);
			try_smuggling(span_of(middle, len), false);
			try_smuggling(span_of(middle, len), true);
		}
	}
}
