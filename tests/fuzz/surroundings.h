/*
 * surroundings - what targets that link more than a parser begin with, and the
 * services behind a role as functions: no process, and no wait.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_FUZZ_SURROUNDINGS_H
#define TESTS_FUZZ_SURROUNDINGS_H

#include "common/mail/param.h"

/* The rewriting service: an address without a domain is one of mail.test, which is
 * local as is local.test; fail.test fails, wrong.test is wrong; or all fail. The
 * verify service answers, and at times does not, by the length of the address. */
extern bool surroundings_rewrite_fails;

/* Nothing is logged from now on. */
void surroundings_quiet(void);
/* main.cf with this text; the parameters of all roles and of this one. */
void surroundings_configure(const char *text, const struct param_set *role);

#endif
