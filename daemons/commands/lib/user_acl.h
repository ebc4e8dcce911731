/*
 * user_acl - which users may submit mail, list the queue, flush it, and as which
 * senders they may submit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_LIB_USER_ACL_H
#define DAEMONS_COMMANDS_LIB_USER_ACL_H

#include "common/base/span.h"
#include "common/base/str.h"

/*
 * 0 if the list has the login name of the real uid ("unknown" without one);
 * otherwise an exit status from sysexits.h and the reason: not allowed to
 * `what`, or a table that cannot be asked. Starts the loop; not in a fiber.
 */
int user_acl_check(const char *list, const char *what, struct str *why);

/* What local_login_sender_maps have for that login, "uid:N" without one: adds to
 * patterns. Else as above. */
int user_acl_senders(const char *tables, struct str *patterns,
    struct str *why);
/* Is the sender one of them: "*", "@domain", an address or a bare name, in any
 * case and without its extension; null_key is what the null sender is called. */
bool user_acl_may_send(struct span patterns, struct span sender,
    const char *null_key);

#endif
