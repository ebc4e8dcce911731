/*
 * attr: a frame that is accepted is written again and read as the same; none
 * reaches past its end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/mail/attr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct part {
	int64_t n;
	struct span text;
	struct attr_list parts;
};
static const struct attr_form part_form;
static const struct attr_field part_fields[] = {
	ATTR_FIELD(struct part, n, 1, ATTR_I64),
	ATTR_FIELD(struct part, text, 2, ATTR_SPAN, .limit = 100),
	ATTR_FIELD(struct part, parts, 3, ATTR_LIST, .of = &part_form,
	    .limit = 1000),
};
static const struct attr_form part_form =
    ATTR_FORM("part", 0, struct part, part_fields);

struct whole {
	uint64_t n;
	bool yes;
	struct span text;
	struct attr_list parts;
	int fd;
};
static const struct attr_field whole_fields[] = {
	ATTR_FIELD(struct whole, n, 1, ATTR_U64, .required = true),
	ATTR_FIELD(struct whole, yes, 2, ATTR_BOOL),
	ATTR_FIELD(struct whole, text, 70, ATTR_SPAN, .critical = true),
	ATTR_FIELD(struct whole, parts, 4, ATTR_LIST, .of = &part_form),
	ATTR_FIELD(struct whole, fd, 5, ATTR_FD),
};
static const struct attr_form whole_form =
    ATTR_FORM("whole", 1, struct whole, whole_fields);

static void
check_again(const struct whole *first, struct arena *arena)
{
	struct str one = STR_EMPTY, two = STR_EMPTY, why = STR_EMPTY;
	struct whole again;

	attr_encode_body(&one, &whole_form, first);
	CHECK(attr_decode_body(&whole_form, str_span(&one), arena, &again,
	    &why));
	CHECK(again.n == first->n && span_eq(again.text, first->text));
	CHECK(again.parts.count == first->parts.count);
	attr_encode_body(&two, &whole_form, &again);
	CHECK(span_eq(str_span(&one), str_span(&two)));
	str_fini(&one);
	str_fini(&two);
	str_fini(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream *s = stream_open_mem(span_of((const char *)data, size));
	struct arena *arena = arena_new();
	struct str why = STR_EMPTY;
	struct attr_frame frame;
	struct whole whole;

	while (attr_read_frame(s, arena, DEADLINE_NEVER, &frame, &why)
	    == IO_OK) {
		struct attr_frame alone = frame;

		str_clear(&why);
		if (attr_decode(&whole_form, &frame, s, arena, &whole, &why)) {
			CHECK(whole.fd == -1);	/* none came along */
			check_again(&whole, arena);
		} else {
			CHECK(str_len(&why) > 0);
		}
		alone.nfds = 0;
		str_clear(&why);
		if (attr_decode_body(&part_form, alone.body, arena,
		    &(struct part){ 0 }, &why))
			CHECK(str_len(&why) == 0);
		str_clear(&why);
	}
	stream_close(s);
	arena_free(&arena);
	str_fini(&why);
	return 0;
}
