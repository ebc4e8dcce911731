/*
 * smtp_data - message content as an SMTP client sends it, made into lines that
 * end with LF; the receiver's side of DATA and BDAT.
 *
 * Content ends at CR LF "." CR LF and nowhere else, so that no other system's
 * idea of a line end can hide a second message in the first. A bare LF is a
 * line end inside content. CRs that no LF follows are content; those that stand
 * in front of one go with it, up to a thousand.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_SMTP_DATA_H
#define COMMON_MAIL_SMTP_DATA_H

#include "common/base/span.h"
#include "common/base/str.h"

enum smtp_data_flags {
	SMTP_DATA_COUNTED = 1,		/* BDAT: no dots, no end of its own */
	SMTP_DATA_BARE_LF_ENDS = 2,	/* LF "." LF and its mixes end, too: only
					   for clients that are trusted */
};

struct smtp_data {
	unsigned flags;
	unsigned char at;		/* where the parser stands */
	size_t held;			/* CRs that may belong to a line end */
	bool after_crlf;		/* the line before ended with CR LF */
	bool bare_lf;			/* out: one was seen */
	bool ended;			/* out: the end was seen */
};

void smtp_data_init(struct smtp_data *d, unsigned flags);
/*
 * Takes bytes, cut anywhere, and appends the content in them to *out. Returns
 * how many were used: all, or those up to and with the end of content, when
 * `ended` is set.
 */
size_t smtp_data_take(struct smtp_data *d, struct span bytes, struct str *out);
/* BDAT: no more bytes will come. Ends the last line. */
void smtp_data_finish(struct smtp_data *d, struct str *out);

#endif
