/*
 * smtp_conf - parameters of the SMTP and LMTP client. One set of fields; which
 * names fill it, smtp_* or lmtp_*, is decided by the program's name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SMTP_SMTP_CONF_H
#define DAEMONS_SMTP_SMTP_CONF_H

#include "common/mail/param.h"

struct smtp_conf {
	const char *tcp_port, *helo_name, *host_lookup, *fallback_relay;
	const char *bind_address, *bind_address6, *address_preference;
	const char *discard_ehlo_keywords, *discard_ehlo_maps;
	const char *cache_destinations, *generic_maps, *propagate;
	const char *header_checks, *mime_header_checks, *nested_header_checks;
	const char *body_checks, *verify_target;
	const char *reply_filter, *status_filter;
	const char *pix_workarounds, *pix_maps;
	bool always_ehlo, never_ehlo, bind_enforce, balance, randomize;
	bool skip_5xx_greeting, skip_quit_response, quote_envelope;
	bool per_request_deadline, dummy_mail_auth, defer_if_no_address;
	bool cache_on_demand, disable_dns, no_conversion, xforward;
	int64_t connect_timeout, helo_timeout, mail_timeout, rcpt_timeout;
	int64_t data_init_timeout, data_xfer_timeout, data_done_timeout;
	int64_t rset_timeout, quit_timeout, xforward_timeout;
	int64_t pix_threshold, pix_delay;
	int64_t cache_time_limit, reuse_time_limit, reuse_count_limit;
	int64_t address_limit, session_limit, line_length_limit;
	int64_t min_data_rate;
	int64_t body_checks_size;
	bool assume_final;		/* lmtp alone */
};

extern struct smtp_conf smtp_conf;
extern const struct param_set smtp_params, lmtp_params;

#endif
