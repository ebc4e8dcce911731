/*
 * queue_command - the start of commands that work on the queue directory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_LIB_QUEUE_COMMAND_H
#define DAEMONS_COMMANDS_LIB_QUEUE_COMMAND_H

/*
 * Reads the configuration (dir may be NULL), opens the log under this name
 * beside standard error, goes to the queue directory and returns a descriptor of it. Exits with a
 * message when that fails.
 */
int queue_command_start(const char *name, const char *dir);

#endif
