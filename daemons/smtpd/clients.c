/*
 * clients - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/smtpd/clients.h"

#include "common/base/log.h"
#include "common/base/names.h"
#include "common/mail/conf_core.h"
#include "daemons/shared/debug_peer.h"
#include "daemons/shared/tables.h"

static struct matchlist *mynetworks, *bare_lf_exclusions, *own, *proxies;
static struct matchlist *forbidden, *noop, *xclient, *xforward, *verp;
static struct maps *ehlo_maps, *command_filter;
static enum bare_lf bare_lf_mode;
static unsigned ehlo_hidden;

static unsigned overrides;

static const struct name_value bare_lf_modes[] = {
	{ "no", BARE_LF_ALLOW },
	{ "yes", BARE_LF_NORMALIZE },
	{ "normalize", BARE_LF_NORMALIZE },
	{ "note", BARE_LF_NOTE },
	{ "reject", BARE_LF_REJECT },
	{ NULL, 0 },
};

void
clients_setup(void)
{
	struct str why = STR_EMPTY;
	unsigned networks = MATCHLIST_ADDRESSES | MATCHLIST_DOMAINS
	    | tables_parent_style("mynetworks");
	int mode = names_value(bare_lf_modes,
	    SPAN(smtpd_conf.forbid_bare_newline));

	if (mode < 0)
		fatal("smtpd_forbid_bare_newline: found \"%s\", expected one "
		    "of: no, yes, normalize, note, reject",
		    smtpd_conf.forbid_bare_newline);
	bare_lf_mode = (enum bare_lf)mode;
	overrides = receive_overrides_read(
	    smtpd_conf.receive_override_options);
	/* A keyword we never offer is hidden already: no reason to stop. */
	if (!ehlo_keyword_list(SPAN(smtpd_conf.discard_ehlo_keywords),
	    &ehlo_hidden, &why))
		log_warn("smtpd_discard_ehlo_keywords: %s", str_cstr(&why));
	mynetworks = tables_open_list("mynetworks", conf_core.mynetworks, networks);
	bare_lf_exclusions = tables_open_list(
	    "smtpd_forbid_bare_newline_exclusions",
	    smtpd_conf.forbid_bare_newline_exclusions, networks);
	own = tables_open_list("inet_interfaces", conf_own_addresses(),
	    MATCHLIST_ADDRESSES);
	proxies = tables_open_list("proxy_interfaces", conf_core.proxy_interfaces,
	    MATCHLIST_ADDRESSES | MATCHLIST_DOMAINS);
	xclient = tables_open_list("smtpd_authorized_xclient_hosts",
	    smtpd_conf.authorized_xclient_hosts,
	    MATCHLIST_ADDRESSES | MATCHLIST_DOMAINS
	    | tables_parent_style("smtpd_authorized_xclient_hosts"));
	xforward = tables_open_list("smtpd_authorized_xforward_hosts",
	    smtpd_conf.authorized_xforward_hosts,
	    MATCHLIST_ADDRESSES | MATCHLIST_DOMAINS
	    | tables_parent_style("smtpd_authorized_xforward_hosts"));
	verp = tables_open_list("smtpd_authorized_verp_clients",
	    smtpd_conf.authorized_verp_clients,
	    MATCHLIST_ADDRESSES | MATCHLIST_DOMAINS
	    | tables_parent_style("smtpd_authorized_verp_clients"));
	if (smtpd_conf.upstream_proxy_protocol[0] != '\0'
	    && strcmp(smtpd_conf.upstream_proxy_protocol, "haproxy") != 0)
		fatal("smtpd_upstream_proxy_protocol: found \"%s\", expected "
		    "haproxy or nothing",
		    smtpd_conf.upstream_proxy_protocol);
	forbidden = tables_open_list("smtpd_forbidden_commands",
	    smtpd_conf.forbidden_commands, MATCHLIST_STRINGS);
	noop = tables_open_list("smtpd_noop_commands", smtpd_conf.noop_commands,
	    MATCHLIST_STRINGS);
	command_filter = tables_open("smtpd_command_filter",
	    smtpd_conf.command_filter, 0);
	debug_peer_setup();
	ehlo_maps = tables_open("smtpd_discard_ehlo_keyword_address_maps",
	    smtpd_conf.discard_ehlo_keyword_address_maps, MAP_FOLD);
	str_fini(&why);
}

enum map_status
client_in_mynetworks(const struct session *s)
{
	if (s->ip.family == 0)
		return MAP_FOUND;
	return matchlist_client(mynetworks, SPAN(s->name), &s->ip);
}

bool
client_is_own_address(const struct session *s)
{
	if (s->ip.family == 0)
		return true;
	return matchlist_client(own, SPAN_NONE, &s->ip) == MAP_FOUND
	    || matchlist_client(proxies, SPAN_NONE, &s->ip) == MAP_FOUND;
}

static bool
is_listed(struct matchlist *list, const struct session *s)
{
	return s->ip.family != 0
	    && matchlist_client(list, SPAN(s->name), &s->ip) == MAP_FOUND;
}

bool
client_may_xclient(const struct session *s)
{
	return is_listed(xclient, s);
}

bool
client_may_xforward(const struct session *s)
{
	return is_listed(xforward, s);
}

bool
client_may_xverp(const struct session *s)
{
	return is_listed(verp, s);
}

enum bare_lf
client_bare_lf(const struct session *s)
{
	if (bare_lf_mode == BARE_LF_ALLOW || s->ip.family == 0)
		return BARE_LF_ALLOW;
	if (matchlist_client(bare_lf_exclusions, SPAN(s->name), &s->ip)
	    == MAP_FOUND)
		return BARE_LF_ALLOW;
	return bare_lf_mode;
}

static void
say_hidden(unsigned mask)
{
	struct str words = STR_EMPTY;

	for (unsigned bit = 1; bit <= mask; bit <<= 1)
		if (mask & bit)
			str_addf(&words, " %s", ehlo_keyword_name(bit));
	if (!(mask & EHLO_SILENT_DISCARD) && mask != 0)
		log_info("discarding EHLO keywords:%s", str_cstr(&words));
	str_fini(&words);
}

unsigned
client_ehlo_discard(const struct session *s)
{
	struct str value = STR_EMPTY, why = STR_EMPTY;
	unsigned mask = ehlo_hidden;

	if (maps_lookup(ehlo_maps, SPAN(s->address), 0, &value, NULL)
	    == MAP_FOUND) {
		if (!ehlo_keyword_list(str_span(&value), &mask, &why))
			log_warn("smtpd_discard_ehlo_keyword_address_maps: "
			    "%s: %s", s->address, str_cstr(&why));
	}
	say_hidden(mask);
	str_fini(&value);
	str_fini(&why);
	return mask;
}

unsigned
client_receive_overrides(void)
{
	return overrides;
}

bool
client_command_forbidden(struct span word)
{
	return matchlist_name(forbidden, word) == MAP_FOUND;
}

bool
client_command_is_noop(struct span word)
{
	return matchlist_name(noop, word) == MAP_FOUND;
}

enum map_status
client_filter_command(struct span line, struct str *out)
{
	if (maps_empty(command_filter))
		return MAP_ABSENT;
	return maps_lookup(command_filter, line, 0, out, NULL);
}
