/*
 * cleanup_client - give a message to cleanup and learn its fate.
 *
 * The connection comes from a pool when the message begins and goes back when
 * its status arrived. Small messages travel in one send. Content is passed
 * with back-pressure: cleanup_client_data suspends while cleanup does not read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_CLEANUP_CLIENT_H
#define DAEMONS_SHARED_CLEANUP_CLIENT_H

#include "common/base/arena.h"
#include "common/io/deadline.h"
#include "daemons/shared/cleanup_proto.h"

struct cleanup_client;

/* begin's spans are copied. NULL when cleanup cannot be reached before the
 * deadline. Lives in the arena, which drops an unfinished message. Suspends. */
struct cleanup_client *cleanup_client_begin(struct arena *arena,
    const struct cleanup_begin *begin, struct deadline deadline);
/* Any number of times, before or between data. Never suspends. */
void cleanup_client_rcpt(struct cleanup_client *c,
    const struct envelope_rcpt *rcpt);
/* LF line ends. IO_OK, or the message is lost: finish tells why. Suspends. */
enum io_status cleanup_client_data(struct cleanup_client *c,
    struct span bytes, struct deadline deadline);
/* Ends the message and waits for the status; spans in the arena. An IO failure
 * becomes CLEANUP_WRITE_ERROR with a text. Suspends. */
void cleanup_client_finish(struct cleanup_client *c,
    struct cleanup_result *result_out, struct deadline deadline);
void cleanup_client_abort(struct cleanup_client *c);

/* The SMTP answer for a status: "552", "5.3.4", "Error: message file too big". */
void cleanup_status_reply(uint64_t status, const char **code_out,
    const char **dsn_out, const char **text_out);

#endif
