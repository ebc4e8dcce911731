/*
 * postfix_file - queue files and logs of outcomes that Postfix 3 wrote, found on
 * a machine that was switched over. They are read and never written.
 *
 *	records: u8 type, length in groups of seven bits, the lowest first, bytes
 *	'C' sizes  'T' time  'A' name=value  'S' sender  'R' recipient, once it
 *	is done 'D'  and others, then 'M' content: 'N' a line, 'L' a part of one,
 *	then 'X' and more of the first kind, then 'E', the end
 *	'p' goes on at another offset: content was changed by a filter
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QUEUE_POSTFIX_FILE_H
#define QUEUE_POSTFIX_FILE_H

#include "queue/message.h"

#define POSTFIX_FIRST_BYTES 8
/* Whether a file that begins so is one, in the queue or in maildrop. */
bool postfix_file_is(struct span first_bytes);

/*
 * Writes the message as one of ours into `to`, an open and empty file, without
 * the recipients that are done. QUEUE_INCOMPLETE when it has no end;
 * QUEUE_DAMAGED when it makes no sense: the reason names the offset. Blocks; for
 * any thread.
 */
enum queue_result postfix_file_translate(int fd, uint64_t size, int to,
    struct str *why);
/* The same into memory: a descriptor of the caller's. */
enum queue_result postfix_file_copy(int fd, uint64_t size, int *copy_out,
    struct str *why);

/* Whether a log of bounces, deferrals or deliveries that begins so is one. */
bool postfix_log_is(struct span first_bytes);
/* Its entries in the form of ours, as if made at that time; what is no entry is
 * passed over. */
void postfix_log_translate(struct span text, int64_t when_us,
    struct str *entries_out);

#endif
