/*
 * all_params - the parameter rows of every role, for those who print or check
 * all of main.cf.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_LIB_ALL_PARAMS_H
#define DAEMONS_COMMANDS_LIB_ALL_PARAMS_H

#include <stddef.h>

#include "common/mail/param.h"

/* Registers them, so that what a role acts on is known as such. */
void all_params_register(void);

/* The sets themselves, for comparisons. */
const struct param_set *const *all_params_sets(size_t *count_out);

#endif
