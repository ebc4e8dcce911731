/*
 * postmaster - what the people who run the system are told by mail:
 * notify_classes, and to whom it goes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_POSTMASTER_H
#define DAEMONS_SHARED_POSTMASTER_H

#include "common/base/arena.h"
#include "common/mail/param.h"
#include "daemons/shared/cleanup_proto.h"

/* Classes of trouble; a mask. */
enum trouble {
	TROUBLE_BOUNCE = 1,		/* mail was, or would be, returned */
	TROUBLE_2BOUNCE = 2,
	TROUBLE_DATA = 4,		/* a table cannot be read */
	TROUBLE_DELAY = 8,
	TROUBLE_POLICY = 16,		/* a restriction */
	TROUBLE_PROTOCOL = 32,
	TROUBLE_RESOURCE = 64,
	TROUBLE_SOFTWARE = 128,
};

struct postmaster_conf {
	const char *classes, *bounce_recipient, *error_recipient;
	const char *filter_classes;
};
extern struct postmaster_conf postmaster_conf;

/* The rows of a role that tells postmasters anything. */
#define POSTMASTER_ROWS                                                      \
	PARAM_STR("notify_classes", &postmaster_conf.classes,                \
	    .dflt = "resource, software"),                                   \
	PARAM_STR("internal_mail_filter_classes",                            \
	    &postmaster_conf.filter_classes, .dflt = "")

/* Reads the classes; a word that is none of them is warned about and asks for
 * nothing. */
void postmaster_setup(void);
/* Does notify_classes ask for any of these? */
bool postmaster_wants(unsigned trouble);
/* Flags for mail of our own of this kind, CLEANUP_OF_BOUNCE or CLEANUP_OF_NOTIFY, as
 * internal_mail_filter_classes wants it. */
uint64_t postmaster_cleanup_flags(enum cleanup_flags kind);
/* double_bounce_sender@myhostname: who notices to postmasters are from. */
struct span postmaster_sender(struct arena *arena);
/* Ours, also at myorigin: not that of another site which has the same name for it. */
bool postmaster_is_sender(struct span address);
/* "postmaster" -> "postmaster@myorigin" */
struct span postmaster_address(struct arena *arena, const char *recipient);

#endif
