/*
 * Whatever a server says: replies within their bounds, offers of EHLO.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/mail/ehlo.h"
#include "common/mail/smtp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_offer(const struct smtp_reply *reply)
{
	struct ehlo_offer offer = { 0 };
	struct span line;
	size_t at = 0, lines = 0;

	while (smtp_reply_next_line(reply, &at, &line)) {
		ehlo_read_line(&offer, line, EHLO_SIZE);
		CHECK(++lines <= reply->lines + 1);
	}
	CHECK((offer.keywords & EHLO_SIZE) == 0 && offer.size_limit == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = { (const char *)data, size }, line;
	struct smtp_reply reply;
	unsigned mask;
	struct str why = STR_EMPTY;

	smtp_reply_init(&reply);
	(void)ehlo_keyword_list(rest, &mask, &why);
	while (span_split(&rest, '\n', &line)) {
		enum smtp_reply_state state = smtp_reply_add_line(&reply,
		    line);

		CHECK(str_len(&reply.text) <= SMTP_REPLY_TEXT_MAX);
		if (state != SMTP_REPLY_LAST)
			continue;
		CHECK(reply.code <= 999);
		CHECK(reply.dsn[0] == '\0' ||
		    reply.dsn[0] == smtp_reply_class(&reply));
		read_offer(&reply);
		smtp_reply_clear(&reply);
	}
	smtp_reply_fini(&reply);
	str_fini(&why);
	return 0;
}
