/*
 * ehlo - names of SMTP extensions, as servers offer them, as clients read
 * them, and as the *_discard_ehlo_keywords parameters list them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_EHLO_H
#define COMMON_MAIL_EHLO_H

#include "common/base/span.h"
#include "common/base/str.h"

enum ehlo_keyword {
	EHLO_8BITMIME = 1, EHLO_PIPELINING = 2, EHLO_VRFY = 4, EHLO_ETRN = 8,
	EHLO_AUTH = 16, EHLO_VERP = 32, EHLO_STARTTLS = 64, EHLO_XCLIENT = 128,
	EHLO_ENHANCEDSTATUSCODES = 256, EHLO_DSN = 512, EHLO_SMTPUTF8 = 1024,
	EHLO_CHUNKING = 2048, EHLO_REQUIRETLS = 4096, EHLO_SIZE = 8192,
	EHLO_XFORWARD = 16384, EHLO_HELP = 32768,
	EHLO_SILENT_DISCARD = 65536,	/* in lists: say nothing in the log */
};

/* The bit of a word, 0 if it is none of these. */
unsigned ehlo_keyword(struct span word);
const char *ehlo_keyword_name(unsigned bit);	/* "PIPELINING" */
/* Words separated by white space or commas; an unknown one is false, with a
 * reason; the others count nevertheless. */
bool ehlo_keyword_list(struct span list, unsigned *mask_out, struct str *why);

/* What a server offered. */
struct ehlo_offer {
	unsigned keywords;
	uint64_t size_limit;		/* 0: none was said */
	struct span auth;		/* mechanisms; in the line that was read */
	unsigned xforward;		/* enum ehlo_xforward */
};
enum ehlo_xforward { EHLO_XFORWARD_NAME = 1, EHLO_XFORWARD_ADDR = 2,
	EHLO_XFORWARD_PORT = 4, EHLO_XFORWARD_PROTO = 8,
	EHLO_XFORWARD_HELO = 16, EHLO_XFORWARD_IDENT = 32,
	EHLO_XFORWARD_SOURCE = 64 };
/* One line behind the first, without code: "SIZE 10240000". Adds to offer;
 * keywords in `discard` are passed over. */
void ehlo_read_line(struct ehlo_offer *offer, struct span line,
    unsigned discard);

#endif
