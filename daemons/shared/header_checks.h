/*
 * header_checks - what a header_checks(5) or body_checks table says of a line:
 * the action and its text. Who carries it out is another matter.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_HEADER_CHECKS_H
#define DAEMONS_SHARED_HEADER_CHECKS_H

#include "common/base/span.h"
#include "common/base/str.h"

enum line_action {
	LINE_DUNNO,			/* also OK */
	LINE_BCC, LINE_DISCARD, LINE_FILTER, LINE_HOLD, LINE_IGNORE, LINE_INFO,
	LINE_PASS, LINE_PREPEND, LINE_REDIRECT, LINE_REJECT, LINE_REPLACE,
	LINE_STRIP, LINE_WARN,
};

struct line_check {
	enum line_action action;
	struct span text;		/* may be empty where it is optional */
};

/*
 * Of a table's value; *out borrows from it. What PREPEND and REPLACE are given
 * must be a header where in_header is said. False with a reason: the line is
 * then to be treated as if no pattern had matched.
 */
bool header_checks_parse(struct span value, bool in_header,
    struct line_check *out, struct str *why);
/* The word in log lines: "reject", "prepend", "warning". */
const char *header_checks_word(enum line_action action);

#endif
