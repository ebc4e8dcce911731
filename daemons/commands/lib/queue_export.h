/*
 * queue_export - waypost queue export: gives what is in the queue to another
 * mail system's sendmail.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_LIB_QUEUE_EXPORT_H
#define DAEMONS_COMMANDS_LIB_QUEUE_EXPORT_H

/*
 * argv is what follows "waypost queue"; the configuration was read. A recipient
 * is marked done, and a message removed, only after that sendmail said yes and
 * the mark is on disk: it may be ended and begun again. An exit status.
 */
int queue_export(int argc, char **argv);

#endif
