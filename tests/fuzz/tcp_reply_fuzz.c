/*
 * Whatever a tcp: server says: a value without NUL, or a reason.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "maps/tcp_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A question says no more than one line, whatever the key. */
static void
check_question(struct span key)
{
	struct str question = STR_EMPTY, value = STR_EMPTY, why = STR_EMPTY;
	enum map_status status;

	tcp_question(&question, key);
	CHECK(span_find(str_span(&question), '\n') ==
	    (ssize_t)str_len(&question) - 1);
	CHECK(span_is_ascii(str_span(&question)));
	/* What we encode is decoded to the same. */
	str_truncate(&question, str_len(&question) - 1);
	memcpy(question.buf, "200", 3);
	bool sense = tcp_reply_parse(str_span(&question), &status, &value,
	    &why);

	CHECK(sense == !span_has(key, '\0'));
	CHECK(!sense || span_eq(str_span(&value), key));
	str_fini(&question);
	str_fini(&value);
	str_fini(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = { (const char *)data, size }, line;

	check_question(rest);
	while (span_split(&rest, '\n', &line)) {
		struct str value = STR_EMPTY, why = STR_EMPTY;
		enum map_status status;
		bool sense = tcp_reply_parse(line, &status, &value, &why);

		CHECK(sense || status == MAP_FAILED);
		CHECK((status == MAP_FAILED) == (str_len(&why) > 0));
		CHECK(status != MAP_FOUND || !span_has(str_span(&value),
		    '\0'));
		CHECK(str_len(&value) <= line.len);
		str_fini(&value);
		str_fini(&why);
	}
	return 0;
}
