/*
 * restriction_names - every name a restriction list of smtpd may hold, and
 * whether this version acts on it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_RESTRICTION_NAMES_H
#define COMMON_MAIL_RESTRICTION_NAMES_H

#include "common/base/span.h"
#include "common/base/str.h"

enum restriction_kind {
	RESTRICTION_ACTED,
	RESTRICTION_MISSING,		/* known, but nothing would happen */
	RESTRICTION_UNKNOWN,
};

struct restriction_name {
	const char *name;
	enum restriction_kind kind;
	bool takes_argument;
};
extern const struct restriction_name restriction_names[];
extern const size_t restriction_name_count;

const struct restriction_name *restriction_name_find(struct span name);
enum restriction_kind restriction_name_kind(struct span name);
const char *restriction_name_nearest(struct span name);	/* or NULL */

/*
 * Goes through the lists of main.cf as they are set now: each word that smtpd
 * could not run is reported with its parameter, and also lists that would let
 * anyone relay. Arguments and words of smtpd_restriction_classes are known.
 */
typedef void restriction_report_fn(const char *parameter, const char *text,
    void *arg);
void restriction_names_check(restriction_report_fn *report, void *arg);

#endif
