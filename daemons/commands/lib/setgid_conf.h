/*
 * setgid_conf - which main.cf a set-gid command may be pointed to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_LIB_SETGID_CONF_H
#define DAEMONS_COMMANDS_LIB_SETGID_CONF_H

#include <stdbool.h>

#include "common/base/str.h"

/* Does this process have a group that is not that of whoever started it? */
bool setgid_conf_lends_rights(void);
/*
 * Loads main.cf of `dir`, or of $MAIL_CONFIG if that is NULL. Whoever runs with
 * a group that is not their own, and is not root, may name the directory of
 * the system, and those that its main.cf lists in alternate_config_directories
 * or multi_instance_directories; for others false, and the reason.
 * The environment is emptied then.
 */
bool setgid_conf_load(const char *dir, struct str *why);

#endif
