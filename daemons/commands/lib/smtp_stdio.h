/*
 * smtp_stdio - sendmail -bs: a session of SMTP on standard input and output, for
 * programs that would rather speak than call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_LIB_SMTP_STDIO_H
#define DAEMONS_COMMANDS_LIB_SMTP_STDIO_H

/*
 * Each message goes to this sendmail, with the caller's rights, and what that
 * one says is the reply to the final dot. Returns when the client leaves: an exit
 * status.
 */
int smtp_stdio(const char *sendmail);

#endif
