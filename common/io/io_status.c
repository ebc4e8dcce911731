/*
 * io_status - names for people.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/io/io_status.h"

const char *
io_status_name(enum io_status status)
{
	switch (status) {
	case IO_OK:
		return "ok";
	case IO_EOF:
		return "end of input";
	case IO_TIMEOUT:
		return "timed out";
	case IO_CANCELLED:
		return "cancelled";
	case IO_LIMIT:
		return "too long";
	case IO_ERROR:
		return "input/output error";
	}
	return "unknown status";
}
