/*
 * textfile - table-style text: comment lines, blank lines, continuation lines
 * that begin with white space, line numbers for error messages.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_TEXTFILE_H
#define COMMON_IO_TEXTFILE_H

#include <sys/stat.h>

#include "common/base/span.h"
#include "common/base/str.h"

struct textfile {
	char *path;
	struct str content;		/* the whole file */
	size_t at;
	unsigned line_no;		/* of the next physical line */
	unsigned first_line, last_line;	/* of the logical line just returned */
	struct str logical;
	struct stat st;			/* taken on the open descriptor */
};

/* Reads the whole file (blocks; tables and configuration only). */
bool textfile_open(struct textfile *file, const char *path, struct str *why);
/* The same over text in memory; label stands for the path in messages. */
void textfile_open_mem(struct textfile *file, const char *label,
    struct span text);
/*
 * The next logical line, continuation lines joined with their leading white
 * space kept, comment and blank lines skipped also between the parts. The
 * line is trimmed at its end. Good until the next call.
 */
bool textfile_next(struct textfile *file, struct span *line_out);
void textfile_close(struct textfile *file);

#endif
