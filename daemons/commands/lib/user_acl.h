/*
 * user_acl - which users may submit mail, list the queue, flush it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_LIB_USER_ACL_H
#define DAEMONS_COMMANDS_LIB_USER_ACL_H

#include "common/base/str.h"

/*
 * 0 if the list has the login name of the real uid ("unknown" without one);
 * otherwise an exit status from sysexits.h and the reason: not allowed to
 * `what`, or a table that cannot be asked. Starts the loop; not in a fiber.
 */
int user_acl_check(const char *list, const char *what, struct str *why);

#endif
