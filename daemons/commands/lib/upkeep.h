/*
 * upkeep - what the control command does for the files around a mail system:
 * bits of programs, rows of master.cf that came later, the log file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_LIB_UPKEEP_H
#define DAEMONS_COMMANDS_LIB_UPKEEP_H

#include <sys/types.h>

#include "common/base/str.h"

/* postdrop and postqueue in command_directory get this group and its bit. */
bool upkeep_programs(gid_t setgid_group, struct str *why);
/* Warns of programs without the group and its bit, but not in a private instance,
 * where none has it. */
void upkeep_check_programs(gid_t setgid_group);
/* Rows that releases have added are appended to master.cf where it has none of
 * that name and type; each is told. */
bool upkeep_master_cf(struct str *why);
/*
 * maillog_file gets a name with the time, master (its number, 0: none) is told to
 * open it anew, and when nobody writes to the old one any more it is compressed. This
 * process logs into what open_log gives, a descriptor or -1.
 */
bool upkeep_logrotate(pid_t master, int (*open_log)(const char *file),
    struct str *why);

#endif
