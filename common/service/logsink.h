/*
 * logsink - where log lines go: a file that master opened, syslog, or, for
 * commands beside a log file, the postlog service.
 *
 * Datagrams are sent without waiting; what does not go waits in a bounded
 * buffer, and what does not fit is counted and confessed. A jailed process
 * whose syslog went away asks master for a new socket.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_SERVICE_LOGSINK_H
#define COMMON_SERVICE_LOGSINK_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/str.h"

/*
 * By maillog_file, syslog_name and syslog_facility; sets the log tag for the
 * program. log_fd is master's log file or -1. For roles and commands alike,
 * after conf_fill; replaces sinks of before.
 */
void logsink_open(const char *program, int log_fd);
/* maillog_file_permissions, for a log file that is made; false with a reason. */
bool logsink_file_mode(mode_t *mode_out, struct str *why);
/* Before the configuration is known: as by default. */
void logsink_open_early(const char *program, int log_fd);
/* Asked for a new syslog socket where /dev/log cannot be reached. */
void logsink_set_asker(void (*ask)(void));
void logsink_take_syslog(int fd);	/* the answer */
void logsink_take_file(int fd);		/* the file was reopened */
/* A connected datagram socket to syslog, or -1. */
int logsink_connect_syslog(void);
/* Tests: in place of /dev/log; kept, not copied. */
void logsink_set_syslog_path(const char *path);
/* Waits a short time for what is buffered: before exit. */
void logsink_finish(void);

#endif
