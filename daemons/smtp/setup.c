/*
 * setup - what is computed from parameters once, before the jail.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <netdb.h>

#include "common/base/log.h"
#include "daemons/shared/debug_peer.h"
#include "daemons/shared/resolver_proto.h"
#include "daemons/shared/status_filter.h"
#include "daemons/shared/tables.h"
#include "daemons/smtp/smtp_priv.h"

struct smtp_setup smtp_setup;

const char *
smtp_own_name(const char *smtp_name, const char *lmtp_name)
{
	return smtp_setup.lmtp ? lmtp_name : smtp_name;
}

/* Here the machine's own list of services can still be read. */
static void
find_port(void)
{
	struct servent *entry;

	if (dest_port(SPAN(smtp_conf.tcp_port), &smtp_setup.port))
		return;
	entry = getservbyname(smtp_conf.tcp_port, "tcp");
	if (entry == NULL)
		fatal("%s = %s is neither a port number nor a known service",
		    smtp_own_name("smtp_tcp_port", "lmtp_tcp_port"),
		    smtp_conf.tcp_port);
	smtp_setup.port = ntohs((uint16_t)entry->s_port);
}

static void
bind_parameter(const char *name, const char *value, uint8_t family,
    struct ipaddr *out)
{
	struct span text = span_trim(SPAN(value));

	out->family = 0;
	if (span_empty(text))
		return;
	if (text.len > 2 && text.p[0] == '[' && text.p[text.len - 1] == ']')
		text = span_sub(text, 1, text.len - 2);
	if (!ipaddr_scan(text, out) || out->family != family)
		fatal("%s = %s: expected an %s address", name, value,
		    family == AF_INET ? "IPv4" : "IPv6");
}

/* When mail comes in at one address only, it goes out from there too. */
static void
bind_to_interface(uint8_t family, struct ipaddr *out)
{
	struct span rest = SPAN(conf_core.inet_interfaces), word;
	struct ipaddr ip, found = { 0 };
	unsigned count = 0;

	if (out->family != 0)
		return;
	while (span_token(&rest, ", \t\r\n", &word)) {
		if (word.len > 2 && word.p[0] == '[')
			word = span_sub(word, 1, word.len - 2);
		if (!ipaddr_scan(word, &ip))
			return;
		if (ip.family != family)
			continue;
		found = ip;
		count++;
	}
	if (count == 1 && !ipaddr_is_loopback(&found))
		*out = found;
}

static void
read_lookup(void)
{
	struct span rest = SPAN(smtp_conf.host_lookup), word;

	if (smtp_conf.disable_dns)
		smtp_setup.lookup = RESOLVER_HOSTS;
	while (span_token(&rest, ", \t\r\n", &word)) {
		if (span_is_nocase(word, "native"))
			smtp_setup.lookup = RESOLVER_HOSTS;
		else if (!span_is_nocase(word, "dns"))
			fatal("%s = %s: expected dns or native",
			    smtp_own_name("smtp_host_lookup", "lmtp_host_lookup"),
			    smtp_conf.host_lookup);
	}
}

static void
read_preference(void)
{
	struct span word = span_trim(SPAN(smtp_conf.address_preference));

	if (span_is_nocase(word, "ipv4"))
		smtp_setup.prefer = AF_INET;
	else if (span_is_nocase(word, "ipv6"))
		smtp_setup.prefer = AF_INET6;
	else if (!span_is_nocase(word, "any"))
		fatal("%s = %s: expected any, ipv4 or ipv6",
		    smtp_own_name("smtp_address_preference",
		    "lmtp_address_preference"), smtp_conf.address_preference);
}

static void
read_verify_target(void)
{
	struct span word = span_trim(SPAN(smtp_conf.verify_target));

	smtp_setup.verify_at_data = span_is_nocase(word, "data");
	if (!smtp_setup.verify_at_data && !span_is_nocase(word, "rcpt"))
		fatal("%s = %s: expected rcpt or data",
		    smtp_own_name("smtp_address_verify_target",
		    "lmtp_address_verify_target"), smtp_conf.verify_target);
}

static void
open_tables(void)
{
	tables_allow_reopen();
	smtp_setup.discard_maps = tables_open(
	    smtp_own_name("smtp_discard_ehlo_keyword_address_maps",
	    "lmtp_discard_lhlo_keyword_address_maps"),
	    smtp_conf.discard_ehlo_maps, 0);
	smtp_setup.cache_destinations = tables_open_list(
	    smtp_own_name("smtp_connection_cache_destinations",
	    "lmtp_connection_cache_destinations"),
	    smtp_conf.cache_destinations, MATCHLIST_STRINGS);
}

void
smtp_setup_close_all(void)
{
	maps_close(smtp_setup.discard_maps);
	matchlist_close(smtp_setup.cache_destinations);
	debug_peer_close();
	smtp_generic_close_all();
	smtp_content_close_all();
	smtp_replies_close_all();
	smtp_pix_close_all();
	status_filter_close();
}

void
smtp_setup_watch(void)
{
	if (!maps_empty(smtp_setup.discard_maps) ||
	    !matchlist_empty(smtp_setup.cache_destinations) ||
	    smtp_generic_wanted() || smtp_content_checked() ||
	    smtp_replies_wanted() || smtp_pix_wanted() ||
	    status_filter_wanted() || debug_peer_wanted())
		tables_watch(NULL);
}

void
smtp_setup_prepare(bool lmtp)
{
	struct str why = STR_EMPTY;

	smtp_setup = (struct smtp_setup){ .lmtp = lmtp };
	postmaster_setup();
	debug_peer_setup();
	find_port();
	read_lookup();
	read_preference();
	read_verify_target();
	if (!ehlo_keyword_list(SPAN(smtp_conf.discard_ehlo_keywords),
	    &smtp_setup.discard, &why))
		log_warn("%s: %s", smtp_own_name("smtp_discard_ehlo_keywords",
		    "lmtp_discard_lhlo_keywords"), str_cstr(&why));
	str_fini(&why);
	bind_parameter(smtp_own_name("smtp_bind_address", "lmtp_bind_address"),
	    smtp_conf.bind_address, AF_INET, &smtp_setup.bind4);
	bind_parameter(smtp_own_name("smtp_bind_address6", "lmtp_bind_address6"),
	    smtp_conf.bind_address6, AF_INET6, &smtp_setup.bind6);
	bind_to_interface(AF_INET, &smtp_setup.bind4);
	bind_to_interface(AF_INET6, &smtp_setup.bind6);
	open_tables();
	smtp_generic_setup();
	smtp_content_setup();
	smtp_replies_setup();
	smtp_pix_setup();
	status_filter_open(smtp_own_name("smtp_delivery_status_filter",
	    "lmtp_delivery_status_filter"), smtp_conf.status_filter);
}
