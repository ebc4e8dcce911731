/*
 * tcp - questions and answers of tcp_table(5), as text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_TCP_PRIV_H
#define MAPS_TCP_PRIV_H

#include "maps/map.h"

#define TCP_REPLY_MAX 4096		/* its newline included */

/* Appends "get KEY" and a newline; %, white space and what is not printable
 * as %XX. */
void tcp_question(struct str *out, struct span key);
/* A line without its newline; *value_out is replaced. MAP_FAILED has the
 * server's reason. False: the line makes no sense, *why says so. */
bool tcp_reply_parse(struct span line, enum map_status *status_out,
    struct str *value_out, struct str *why);

#endif
