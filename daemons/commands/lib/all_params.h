/*
 * all_params - the parameter rows of every role, for those who print or check
 * all of main.cf.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_LIB_ALL_PARAMS_H
#define DAEMONS_COMMANDS_LIB_ALL_PARAMS_H

/* Registers them, so that what a role acts on is known as such. */
void all_params_register(void);

#endif
