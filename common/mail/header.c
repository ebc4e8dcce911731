/*
 * header - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/header.h"

#define S HEADER_IS_SENDER
#define R (HEADER_IS_RCPT | HEADER_IS_EXTRACTED)
#define X HEADER_IS_RESENT

static const struct {
	const char *name;
	unsigned flags;
} headers[HEADER_COUNT] = {
	[HEADER_OTHER] = { "", 0 },
	[HEADER_BCC] = { "Bcc", R },
	[HEADER_CC] = { "Cc", R },
	[HEADER_CONTENT_LENGTH] = { "Content-Length", 0 },
	[HEADER_CONTENT_TRANSFER_ENCODING] =
	    { "Content-Transfer-Encoding", 0 },
	[HEADER_CONTENT_TYPE] = { "Content-Type", 0 },
	[HEADER_DATE] = { "Date", 0 },
	[HEADER_DELIVERED_TO] = { "Delivered-To", 0 },
	[HEADER_DISPOSITION_NOTIFICATION_TO] =
	    { "Disposition-Notification-To", S },
	[HEADER_ERRORS_TO] = { "Errors-To", S },
	[HEADER_FROM] = { "From", S },
	[HEADER_MESSAGE_ID] = { "Message-Id", 0 },
	[HEADER_MIME_VERSION] = { "MIME-Version", 0 },
	[HEADER_RECEIVED] = { "Received", 0 },
	[HEADER_REPLY_TO] = { "Reply-To", S },
	[HEADER_RESENT_BCC] = { "Resent-Bcc", R | X },
	[HEADER_RESENT_CC] = { "Resent-Cc", R | X },
	[HEADER_RESENT_DATE] = { "Resent-Date", X },
	[HEADER_RESENT_FROM] = { "Resent-From", S | X },
	[HEADER_RESENT_MESSAGE_ID] = { "Resent-Message-Id", X },
	[HEADER_RESENT_REPLY_TO] = { "Resent-Reply-To", HEADER_IS_RCPT | X },
	[HEADER_RESENT_SENDER] = { "Resent-Sender", S | X },
	[HEADER_RESENT_TO] = { "Resent-To", R | X },
	[HEADER_RETURN_PATH] = { "Return-Path", S },
	[HEADER_RETURN_RECEIPT_TO] = { "Return-Receipt-To", S },
	[HEADER_SENDER] = { "Sender", S },
	[HEADER_SUBJECT] = { "Subject", 0 },
	[HEADER_TO] = { "To", R },
	[HEADER_AUTO_SUBMITTED] = { "Auto-Submitted", 0 },
};

enum header_id
header_find(struct span name)
{
	for (int i = 1; i < HEADER_COUNT; i++)
		if (span_is_nocase(name, headers[i].name))
			return (enum header_id)i;
	return HEADER_OTHER;
}

const char *
header_name(enum header_id id)
{
	return headers[id].name;
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
