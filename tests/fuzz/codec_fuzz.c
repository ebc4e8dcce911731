/*
 * codec: what is encoded comes back; what is decoded encodes to itself; texts
 * for people hold no control bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/codec.h"
#include "common/base/crc32c_priv.h"
#include "common/base/panic.h"
#include "common/base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef void encode_fn(struct str *out, struct span bytes);
typedef bool decode_fn(struct str *out, struct span text);

static void
there_and_back(encode_fn *encode, decode_fn *decode, struct span bytes,
    bool one_form)
{
	struct str text = STR_EMPTY, back = STR_EMPTY;

	encode(&text, bytes);
	CHECK(decode(&back, str_span(&text)));
	CHECK(span_eq(str_span(&back), bytes));
	str_clear(&text);
	str_clear(&back);
	if (decode(&back, bytes)) {
		encode(&text, str_span(&back));
		/* Letter case and unused bits have more than one form. */
		CHECK(!one_form || text.len == bytes.len);
		str_clear(&back);
		CHECK(decode(&back, str_span(&text)));
	}
	str_fini(&text);
	str_fini(&back);
}

static void
check_plain(struct span text, bool may_have_utf8)
{
	CHECK(utf8_valid(text));
	CHECK(may_have_utf8 || span_is_ascii(text));
	for (size_t i = 0; i < text.len; i++)
		CHECK((unsigned char)text.p[i] >= ' ' && text.p[i] != 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of((const char *)data, size);
	struct str out = STR_EMPTY;

	there_and_back(base64_encode, base64_decode, bytes, true);
	there_and_back(hex_encode, hex_decode, bytes, true);
	there_and_back(xtext_encode, xtext_decode, bytes, false);
	log_quote(&out, bytes);
	CHECK(out.len == size);
	check_plain(str_span(&out), true);
	str_clear(&out);
	c_escape(&out, bytes);
	check_plain(str_span(&out), false);
	str_clear(&out);
	json_escape(&out, bytes);
	check_plain(str_span(&out), true);
	str_fini(&out);
	CHECK(~crc32c_by_table(~(uint32_t)0, data, size) == crc32c(0, data, size));
	return 0;
}
