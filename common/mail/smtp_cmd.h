/*
 * smtp_cmd - one line of an SMTP client: the verb, the path of MAIL and RCPT,
 * ESMTP parameters (RFC 5321, 1870, 6152, 6531, 3461, 4954, 3030).
 *
 * Which parameters are known here does not say which a server offers: the
 * caller tells by flags, and one that is not offered is unknown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_SMTP_CMD_H
#define COMMON_MAIL_SMTP_CMD_H

#include "common/base/span.h"
#include "common/base/str.h"
#include "common/mail/dsn.h"

/* In the order in which a disconnect line counts them. */
enum smtp_verb {
	SMTP_HELO, SMTP_EHLO, SMTP_XCLIENT, SMTP_XFORWARD, SMTP_STARTTLS,
	SMTP_AUTH, SMTP_MAIL, SMTP_RCPT, SMTP_DATA, SMTP_BDAT, SMTP_RSET,
	SMTP_NOOP, SMTP_VRFY, SMTP_ETRN, SMTP_QUIT, SMTP_HELP, SMTP_UNKNOWN,
	SMTP_VERB_COUNT
};

struct smtp_line {
	enum smtp_verb verb;
	struct span word;		/* as sent */
	struct span rest;		/* behind it, without space around */
};

/* Never fails: what is no command is SMTP_UNKNOWN. Spans borrow from line. */
void smtp_line_split(struct span line, struct smtp_line *out);
const char *smtp_verb_name(enum smtp_verb verb);	/* "MAIL"; "UNKNOWN" */

enum smtp_param {
	SMTP_PARAM_SIZE = 1, SMTP_PARAM_BODY = 2, SMTP_PARAM_SMTPUTF8 = 4,
	SMTP_PARAM_DSN = 8,		/* RET ENVID; NOTIFY ORCPT */
	SMTP_PARAM_AUTH = 16,
	SMTP_PARAM_STRICT = 32,		/* strict_rfc821_envelopes */
	SMTP_PARAM_XVERP = 64,
	SMTP_PARAM_UTF8_PATHS = 128,	/* with or without SMTPUTF8 */
};

enum smtp_body { SMTP_BODY_NONE, SMTP_BODY_7BIT, SMTP_BODY_8BITMIME };

/* What was wrong, with the reply it deserves. */
enum smtp_cmd_status {
	SMTP_CMD_OK,
	SMTP_CMD_SYNTAX,		/* 501 5.5.4 Syntax: ... */
	SMTP_CMD_BAD_SENDER,		/* 501 5.1.7 */
	SMTP_CMD_BAD_RCPT,		/* 501 5.1.3 */
	SMTP_CMD_BAD_VALUE,		/* 501 5.5.4, of a parameter */
	SMTP_CMD_UNKNOWN_PARAM,		/* 555 5.5.4 Unsupported option: ... */
};

/* Strings belong to the caller: zero-initialised before, *_fini after. */
struct smtp_mail {
	struct str sender;		/* internal form */
	uint64_t size;			/* 0: not said; UINT64_MAX: at least */
	enum smtp_body body;
	bool smtputf8;
	enum dsn_ret ret;
	struct str envid;		/* decoded */
	struct str auth;		/* decoded; "<>" too */
	bool xverp;			/* asked for ... */
	struct str verp;		/* ... with these, or the usual ones */
};
struct smtp_rcpt {
	struct str address;
	unsigned notify;		/* enum dsn_notify bits */
	struct str orcpt;		/* "rfc822;..." decoded */
};

/* `rest` of the line. *why gets what to say behind the code: the option that
 * is not known, or what is wrong with a value. */
enum smtp_cmd_status smtp_mail_parse(struct span rest, unsigned params,
    struct smtp_mail *out, struct str *why);
/* utf8: SMTPUTF8 was asked for with MAIL; that is what an ORCPT goes by. */
enum smtp_cmd_status smtp_rcpt_parse(struct span rest, unsigned params,
    bool utf8, struct smtp_rcpt *out, struct str *why);
void smtp_mail_fini(struct smtp_mail *mail);
void smtp_rcpt_fini(struct smtp_rcpt *rcpt);

/* "1234 LAST": false on anything else. */
bool smtp_bdat_parse(struct span rest, uint64_t *size_out, bool *last_out);

#endif
