/*
 * socketmap - questions and answers of socketmap_table(5), and the netstrings
 * around them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_SOCKETMAP_PRIV_H
#define MAPS_SOCKETMAP_PRIV_H

#include "maps/map.h"

/* Appends LENGTH:TEXT, for the text NAME SPACE KEY. */
void socketmap_question(struct str *out, struct span name, struct span key);

enum netstring_status {
	NETSTRING_OK, NETSTRING_SHORT, NETSTRING_BAD, NETSTRING_TOO_LONG,
};
/* The beginning of a netstring, "LENGTH:": how long that is, and how long the
 * text behind it, at most limit. SHORT: it may go on well. */
enum netstring_status netstring_head(struct span bytes, size_t limit,
    size_t *head_out, size_t *text_out);

/* The text of an answer; *value_out is replaced. MAP_FAILED has the server's
 * reason. False: the text makes no sense, *why says so. */
bool socketmap_reply_parse(struct span text, enum map_status *status_out,
    struct str *value_out, struct str *why);

#endif
