/*
 * clients - what depends on who the client is, and words that need a table:
 * networks, exceptions, keywords to hide, commands to refuse.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SMTPD_CLIENTS_H
#define DAEMONS_SMTPD_CLIENTS_H

#include "daemons/shared/overrides.h"
#include "daemons/smtpd/smtpd_priv.h"
#include "maps/map.h"

/* Before the jail; fatal on syntax. */
void clients_setup(void);

enum map_status client_in_mynetworks(const struct session *s);
/* inet_interfaces and proxy_interfaces. */
bool client_is_own_address(const struct session *s);
/* smtpd_authorized_xclient_hosts, ..._xforward_hosts. */
bool client_may_xclient(const struct session *s);
bool client_may_xforward(const struct session *s);
bool client_may_xverp(const struct session *s);	/* ..._verp_clients */
enum bare_lf client_bare_lf(const struct session *s);
unsigned client_ehlo_discard(const struct session *s);

/* receive_override_options */
unsigned client_receive_overrides(void);

/* CONNECT, GET and such; FAILED counts as no. Suspends. */
bool client_command_forbidden(struct span word);
bool client_command_is_noop(struct span word);

/* smtpd_command_filter: FOUND: another line is to be taken for this one.
 * Suspends. */
enum map_status client_filter_command(struct span line, struct str *out);

#endif
