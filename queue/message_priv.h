/*
 * message_priv - the bytes of a queue file; docs/queue-format.md describes
 * them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QUEUE_MESSAGE_PRIV_H
#define QUEUE_MESSAGE_PRIV_H

#define QUEUE_MAGIC "WAYPOST1"
#define QUEUE_MAGIC_BYTES 8

#define RECORD_ENVELOPE 'E'
#define RECORD_RCPT 'R'
#define RECORD_CONTENT 'C'
#define RECORD_FILTER 'F'
#define RECORD_TRAILER 'Z'

#define MARK_LEFT 'R'			/* to be delivered */
#define MARK_DONE 'D'

/* 'Z', offset, length, count, file length: u64; CRC u32; flags u64; magic. */
#define TRAILER_MAGIC "WPEND1\n\n"
#define TRAILER_BYTES (1 + 4 * 8 + 4 + 8 + 8)
#define TRAILER_FLAGS_BACK 16		/* of the flags word, from the end */

#define RECORD_MOST (64 * 1024)

#endif
