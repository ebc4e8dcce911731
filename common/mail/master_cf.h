/*
 * master_cf - the grammar of master.cf: one service a row.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_MASTER_CF_H
#define COMMON_MAIL_MASTER_CF_H

#include "common/base/strlist.h"

enum master_type { MASTER_INET, MASTER_UNIX, MASTER_FIFO, MASTER_PASS,
	MASTER_UNIX_DGRAM };

struct master_row {
	struct strlist columns;		/* the first eight words, as written */
	char *name;			/* as written: "smtp", "127.0.0.1:25" */
	enum master_type type;
	char *type_text;
	bool is_private, unprivileged, chroot;
	int64_t wakeup;			/* seconds; 0: never */
	bool wakeup_if_used;		/* "?" */
	int64_t maxproc;		/* -1: "-", 0: no bound */
	char *command;			/* program name, no path */
	struct strlist args;		/* all words behind it; braces kept whole */
	/* Of the arguments: -o assignments ("name=value"), -v count, the rest. */
	struct strlist overrides;
	int verbose;
	unsigned line;
	char *file;
};

struct master_cf {
	struct master_row *rows;
	size_t count;
};

/*
 * Variables of the environment that replace a row, for containers:
 * WAYPOST_MASTER_<service>_<type>=<row>, in the name every byte but letters and
 * digits is "_". An empty value removes the row; a row that is not there is
 * added, if the variable has its own name.
 */
#define MASTER_CF_ENVIRONMENT "WAYPOST_MASTER_"

/* dir/master.cf, and the environment. False with "file:line: what was found,
 * what was expected", or the variable in place of the file. */
bool master_cf_load(const char *dir, struct master_cf *out, struct str *why);
bool master_cf_load_text(const char *label, struct span text,
    struct master_cf *out, struct str *why);
void master_cf_free(struct master_cf *cf);
/* Row by name and type ("unix"), or NULL; a NULL type takes the first. */
const struct master_row *master_cf_find(const struct master_cf *cf,
    const char *name, const char *type);

/*
 * How many clients or deliveries this row may serve at once over all its
 * processes; 0: no bound. "-" is default_process_limit if main.cf sets it, else
 * the built-in limit of the program.
 */
int64_t master_row_limit(const struct master_row *row);

#endif
