/*
 * compat - defaults that main.cf has only because its compatibility_level is an
 * old one: when one decides something, the log says so, and the administrator
 * can set it, or go on to the next level, knowing what will change.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_COMPAT_H
#define COMMON_MAIL_COMPAT_H

#include <stdbool.h>

/* The level that has no older default of what is acted on. */
#define COMPAT_NEWEST "3.6"

/* Is the default of `name` in force that levels below `level` have? */
bool compat_default(const char *name, const char *level);

/* "using backwards-compatible default setting append_dot_mydomain=yes to
 * rewrite ...": what is set, and what comes of it. */
__attribute__((format(printf, 1, 2))) void
compat_say(const char *format, ...);

#endif
