/*
 * record_start - begins a trace (common/io/record.h) of a system that does not
 * run yet, with what lies in its queue and its mailboxes:
 *
 *	record_start trace journal|other|real queue-directory mail-directory
 *
 * Processes of build/test that have WAYPOST_RECORD=trace in their environment
 * go on with it. Size: RECORD_MEGABYTES, 512 unless set; sparse.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/harness/trace.h"

static int
fail(const char *what)
{
	perror(what);
	return 1;
}

int
main(int argc, char **argv)
{
	const char *megabytes = getenv("RECORD_MEGABYTES");
	enum record_fs fs = RECORD_FS_REAL;

	if (argc != 5) {
		fprintf(stderr, "usage: record_start trace journal|other|real "
		    "queue-directory mail-directory\n");
		return 2;
	}
	if (span_is(SPAN(argv[2]), "journal"))
		fs = RECORD_FS_JOURNAL;
	else if (span_is(SPAN(argv[2]), "other"))
		fs = RECORD_FS_OTHER;
	if (!record_make(argv[1], (megabytes != NULL
	    ? strtoull(megabytes, NULL, 10) : 512) << 20, fs)
	    || !record_to(argv[1]))
		return fail(argv[1]);
	for (unsigned i = 0; i < 2; i++)
		if (!trace_base(i, argv[3 + i]))
			return fail(argv[3 + i]);
	return 0;
}
