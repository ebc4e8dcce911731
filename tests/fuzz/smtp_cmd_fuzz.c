/*
 * Any line of a client is split, and read as MAIL, RCPT and BDAT.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/mail/smtp_cmd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str why = STR_EMPTY;
	struct smtp_mail mail = { .size = 0 };
	struct smtp_rcpt rcpt = { .notify = 0 };
	struct smtp_line line;
	uint64_t count;
	unsigned flags;
	bool last;

	if (size < 1)
		return 0;
	flags = data[0] & 63;
	smtp_line_split(span_of((const char *)data + 1, size - 1), &line);
	CHECK(line.verb < SMTP_VERB_COUNT);
	(void)smtp_mail_parse(line.rest, flags, &mail, &why);
	CHECK(memchr(str_cstr(&mail.envid), '\n', str_len(&mail.envid))
	    == NULL);
	(void)smtp_rcpt_parse(line.rest, flags, (data[0] & 64) != 0, &rcpt,
	    &why);
	CHECK(memchr(str_cstr(&rcpt.orcpt), '\n', str_len(&rcpt.orcpt))
	    == NULL);
	(void)smtp_bdat_parse(line.rest, &count, &last);
	smtp_mail_fini(&mail);
	smtp_rcpt_fini(&rcpt);
	str_fini(&why);
	return 0;
}
