/*
 * command_env - the environment of commands: what export_environment names, PATH,
 * and what their agent adds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_COMMAND_ENV_H
#define DAEMONS_SHARED_COMMAND_ENV_H

#include "common/base/str.h"

/* "NAME" as it is here, "NAME=value" as written; then PATH. Entries have a NUL
 * behind each. */
void command_env_begin(struct str *out, const char *export_environment);
/* One more; left out when there is no value, or one with a NUL. */
void command_env_set(struct str *out, const char *name, struct span value);

#endif
