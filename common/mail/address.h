/*
 * address - RFC 5321 mailboxes: parse, quote, split, compare.
 *
 * Internally an address is a plain string: local part unquoted, "@", domain;
 * no "@" at all for a local name. The last "@" divides. External form quotes
 * the local part where RFC 5321 needs it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_ADDRESS_H
#define COMMON_MAIL_ADDRESS_H

#include "common/base/span.h"
#include "common/base/str.h"

struct address_parts {
	struct span local;		/* before the last @, unquoted */
	struct span domain;		/* behind it; empty without @ */
	bool has_domain;
};

struct address_parts address_split(struct span internal);
void address_join(struct str *out, struct span local, struct span domain);

enum address_flags {
	ADDRESS_UTF8 = 1,		/* SMTPUTF8 was asked for */
	ADDRESS_STRICT = 2,		/* strict_rfc821_envelopes: <> needed */
	ADDRESS_ALLOW_EMPTY = 4,	/* MAIL FROM:<> */
};
/*
 * A path as MAIL and RCPT carry it, "<@a,@b:user@example.org>" or, unless
 * STRICT, without brackets; source routes are dropped, quoting is undone.
 * *used_out tells how much of text the path was. False with a reason.
 */
bool address_parse_path(struct span text, unsigned flags,
    struct str *internal_out, size_t *used_out, struct str *why);
/* Appends the form to be sent: local part quoted where needed, and "?" for
 * bytes that no line can carry (CR, LF, NUL). */
void address_quote(struct str *out, struct span internal);
/* As logged and shown: external form; "" for the null sender. */
void address_print(struct str *out, struct span internal);

/* user+ext -> user, ext, at the first character of delimiters; false when there
 * is none, when nothing stands before it, for double-bounce and mailer-daemon,
 * and, where "-" is among the delimiters and owner_request_special is not
 * switched off, for owner-x and x-request. */
extern bool address_owner_request_special;
bool address_split_extension(struct span local, const char *delimiters,
    struct span *base_out, struct span *extension_out);
/* "a@b" -> "a+ext@b". */
void address_add_extension(struct str *out, struct span internal,
    char delimiter, struct span extension);
bool address_eq(struct span a, struct span b);	/* domain case ignored,
						   local part too, as Postfix */
/* Domain literal "[192.0.2.1]" or "[IPv6:...]". */
bool address_is_literal(struct span domain);

#endif
