/*
 * drop - the message that postdrop is handed, into maildrop, durably. Its input
 * is not trusted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_LIB_DROP_H
#define DAEMONS_COMMANDS_LIB_DROP_H

#include "common/base/span.h"

/* One message from fd, which is closed, as submit.h says; `senders`: patterns of those whom
 * the caller may send as (user_acl.h). EX_OK once it is durable, else
 * what postdrop ends with, and logged. Suspends. */
int drop_message(int fd, int queue_dir, struct span senders);

#endif
