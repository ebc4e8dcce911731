/*
 * inherit - what a role may rely on having from master: these descriptors,
 * this variable, and MAIL_CONFIG. Nothing else crosses the exec.
 *
 *	WAYPOST_CHILD=v1 slot=3 row=7 generation=2 listen=1 log=1 root=1 build=...
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_SERVICE_INHERIT_H
#define COMMON_SERVICE_INHERIT_H

#include <stdbool.h>

enum {
	INHERIT_STATUS = 3,		/* unix stream to master: status.h */
	INHERIT_CONTROL = 4,		/* control segment, read-only */
	INHERIT_SLOT = 5,		/* the same, for one's own slot */
	INHERIT_COUNTERS = 6,
	INHERIT_LOCK = 7,		/* holds the queue while we live */
	INHERIT_LOG = 8,		/* log file, O_APPEND; with log=1 */
	INHERIT_LISTEN = 9,		/* listeners, `listen` of them */
	INHERIT_LISTEN_MAX = 48,
};

#define INHERIT_ENV "WAYPOST_CHILD"

/* What all programs of one build share: a digest of the code that they have in
 * common, which is what master and its children, and these among each other, have
 * to agree on. Empty in programs that are not installed. */
#define BUILD_ID_LEN 16
extern const char build_id[BUILD_ID_LEN + 1];
/* The status of a child that finds another build's id in the variable. It has
 * done nothing, and said nothing: master says it once for all. */
#define INHERIT_OTHER_BUILD 88

struct inherit {
	unsigned slot, row, generation, listen;
	bool log, root;
	char build[BUILD_ID_LEN + 1];
};

/* Set by `waypost check`: only look at the configuration, tell on standard
 * error, exit 1 if something is wrong. */
#define INHERIT_CHECK_ENV "WAYPOST_CHECK"

/* A launcher gets from its agent: the socket to it, the lock, the log file
 * where there is one, the agent's options and this variable. */
enum { INHERIT_LAUNCHER_SOCKET = 3 };
#define INHERIT_LAUNCHER_ENV "WAYPOST_LAUNCHER"	/* "v1 log=1" */

/* False when the text is not one of master's. */
bool inherit_parse(const char *text, struct inherit *out);

#endif
