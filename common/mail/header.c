/*
 * header - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/header.h"

#define S HEADER_IS_SENDER
#define R (HEADER_IS_RCPT | HEADER_IS_EXTRACTED)
#define X HEADER_IS_RESENT
#define M HEADER_IS_MIME

static const struct {
	struct span name;
	unsigned flags;
} headers[HEADER_COUNT] = {
	[HEADER_OTHER] = { SPAN_LIT(""), 0 },
	[HEADER_APPARENTLY_TO] = { SPAN_LIT("Apparently-To"), HEADER_IS_RCPT },
	[HEADER_BCC] = { SPAN_LIT("Bcc"), R },
	[HEADER_CC] = { SPAN_LIT("Cc"), R },
	[HEADER_CONTENT_DESCRIPTION] = { SPAN_LIT("Content-Description"), M },
	[HEADER_CONTENT_DISPOSITION] = { SPAN_LIT("Content-Disposition"), M },
	[HEADER_CONTENT_ID] = { SPAN_LIT("Content-ID"), M },
	[HEADER_CONTENT_LENGTH] = { SPAN_LIT("Content-Length"), 0 },
	[HEADER_CONTENT_TRANSFER_ENCODING] =
	    { SPAN_LIT("Content-Transfer-Encoding"), M },
	[HEADER_CONTENT_TYPE] = { SPAN_LIT("Content-Type"), M },
	[HEADER_DATE] = { SPAN_LIT("Date"), 0 },
	[HEADER_DELIVERED_TO] = { SPAN_LIT("Delivered-To"), 0 },
	[HEADER_DISPOSITION_NOTIFICATION_TO] =
	    { SPAN_LIT("Disposition-Notification-To"), S },
	[HEADER_ERRORS_TO] = { SPAN_LIT("Errors-To"), S },
	[HEADER_FROM] = { SPAN_LIT("From"), S },
	[HEADER_MESSAGE_ID] = { SPAN_LIT("Message-Id"), 0 },
	[HEADER_MIME_VERSION] = { SPAN_LIT("MIME-Version"), M },
	[HEADER_RECEIVED] = { SPAN_LIT("Received"), 0 },
	[HEADER_REPLY_TO] = { SPAN_LIT("Reply-To"), S },
	[HEADER_RESENT_BCC] = { SPAN_LIT("Resent-Bcc"), R | X },
	[HEADER_RESENT_CC] = { SPAN_LIT("Resent-Cc"), R | X },
	[HEADER_RESENT_DATE] = { SPAN_LIT("Resent-Date"), X },
	[HEADER_RESENT_FROM] = { SPAN_LIT("Resent-From"), S | X },
	[HEADER_RESENT_MESSAGE_ID] = { SPAN_LIT("Resent-Message-Id"), X },
	[HEADER_RESENT_REPLY_TO] = { SPAN_LIT("Resent-Reply-To"), HEADER_IS_RCPT | X },
	[HEADER_RESENT_SENDER] = { SPAN_LIT("Resent-Sender"), S | X },
	[HEADER_RESENT_TO] = { SPAN_LIT("Resent-To"), R | X },
	[HEADER_RETURN_PATH] = { SPAN_LIT("Return-Path"), S },
	[HEADER_RETURN_RECEIPT_TO] = { SPAN_LIT("Return-Receipt-To"), S },
	[HEADER_SENDER] = { SPAN_LIT("Sender"), S },
	[HEADER_SUBJECT] = { SPAN_LIT("Subject"), 0 },
	[HEADER_TO] = { SPAN_LIT("To"), R },
	[HEADER_MAIL_FOLLOWUP_TO] = { SPAN_LIT("Mail-Followup-To"), S },
	[HEADER_AUTO_SUBMITTED] = { SPAN_LIT("Auto-Submitted"), 0 },
};

enum header_id
header_find(struct span name)
{
	char first = name.len > 0 ? ascii_upper(name.p[0]) : '\0';

	for (int i = 1; i < HEADER_COUNT; i++)
		if (headers[i].name.len == name.len
		    && headers[i].name.p[0] == first
		    && span_eq_nocase(name, headers[i].name))
			return (enum header_id)i;
	return HEADER_OTHER;
}

const char *
header_name(enum header_id id)
{
	return headers[id].name.p;
}

unsigned
header_flags(enum header_id id)
{
	return headers[id].flags;
}

size_t
header_name_length(struct span line)
{
	size_t n = 0, end;

	while (n < line.len && line.p[n] > ' ' && line.p[n] <= '~'
	    && line.p[n] != ':')
		n++;
	end = n;
	while (end < line.len && (line.p[end] == ' ' || line.p[end] == '\t'))
		end++;
	return end < line.len && line.p[end] == ':' ? n : 0;
}

struct span
header_value(struct span line, size_t name_length)
{
	struct span rest = span_skip(line, name_length);
	ssize_t colon = span_find(rest, ':');

	return span_ltrim(span_skip(rest, (size_t)(colon + 1)));
}
