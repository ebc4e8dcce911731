/*
 * xclient - the attributes of XCLIENT and XFORWARD: NAME=value in xtext, where
 * a value may be that there is none, or none for now.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_XCLIENT_H
#define COMMON_MAIL_XCLIENT_H

#include "common/base/ipaddr.h"
#include "common/base/span.h"
#include "common/base/str.h"

#define XCLIENT_VALUE_MOST 255

enum xclient_attr {
	XCLIENT_NAME = 1, XCLIENT_ADDR = 2, XCLIENT_PORT = 4,
	XCLIENT_PROTO = 8, XCLIENT_HELO = 16, XCLIENT_REVERSE_NAME = 32,
	XCLIENT_LOGIN = 64, XCLIENT_DESTADDR = 128, XCLIENT_DESTPORT = 256,
	XCLIENT_IDENT = 512, XCLIENT_SOURCE = 1024,
};
/* What each command has. */
#define XCLIENT_ATTRS (XCLIENT_NAME | XCLIENT_ADDR | XCLIENT_PORT | \
	XCLIENT_PROTO | XCLIENT_HELO | XCLIENT_REVERSE_NAME | \
	XCLIENT_LOGIN | XCLIENT_DESTADDR | XCLIENT_DESTPORT)
#define XFORWARD_ATTRS (XCLIENT_NAME | XCLIENT_ADDR | XCLIENT_PORT | \
	XCLIENT_PROTO | XCLIENT_HELO | XCLIENT_IDENT | XCLIENT_SOURCE)

enum xclient_known { XCLIENT_GIVEN, XCLIENT_UNAVAILABLE,
	XCLIENT_TEMPUNAVAIL };

struct xclient_value {
	enum xclient_attr attr;
	enum xclient_known known;
	struct str text;		/* decoded, fit for a log; an address in
					   its usual form, without "IPV6:" */
	struct ipaddr ip;		/* ADDR, DESTADDR */
	uint16_t port;			/* PORT, DESTPORT */
};

enum xclient_status { XCLIENT_OK, XCLIENT_END, XCLIENT_BAD };

/* The next attribute out of *rest; *why gets what to say behind 501 5.5.4.
 * value: zeroed at first; its text is the caller's, and is used again. */
enum xclient_status xclient_next(struct span *rest, unsigned attrs,
    struct xclient_value *value, struct str *why);

/* Appends " NAME=value" of a command that is to be sent; an empty value is said
 * to be unavailable, one above the limit is cut. */
void xclient_add(struct str *out, enum xclient_attr attr, struct span value);

#endif
