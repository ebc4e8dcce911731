/*
 * conf - main.cf of a test: text in, parameters filled, tables opened.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_DAEMONS_TRIVIAL_REWRITE_CONF_H
#define TESTS_DAEMONS_TRIVIAL_REWRITE_CONF_H

/* Behind "myhostname = mail.example.com, mydestination = $myhostname,
 * localhost" and the like; everything else has its default. */
void use_conf(const char *text);

#endif
