/*
 * paths - where things are, set in one place at build time; main.cf overrides
 * them at run time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_PATHS_H
#define COMMON_MAIL_PATHS_H

#ifndef PATH_CONFIG
#define PATH_CONFIG "/etc/postfix"
#endif
#ifndef PATH_QUEUE
#define PATH_QUEUE "/var/spool/postfix"
#endif
#ifndef PATH_DATA
#define PATH_DATA "/var/lib/postfix"
#endif
#ifndef PATH_DAEMONS
#define PATH_DAEMONS "/usr/lib/postfix/sbin"
#endif
#ifndef PATH_COMMANDS
#define PATH_COMMANDS "/usr/sbin"
#endif

#define WAYPOST_VERSION "0.1"
#define MAIL_VERSION "3.11.0-waypost-" WAYPOST_VERSION

#endif
