/*
 * io_status - how a call that may wait ended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_IO_STATUS_H
#define COMMON_IO_IO_STATUS_H

enum io_status {
	IO_OK,
	IO_EOF,			/* the peer closed in good order */
	IO_TIMEOUT,		/* the deadline passed */
	IO_CANCELLED,		/* the fiber's group is being closed */
	IO_LIMIT,		/* more bytes than the caller allows */
	IO_ERROR,		/* the cause is kept by the object */
};

const char *io_status_name(enum io_status status);	/* "timed out", ... */

#endif
