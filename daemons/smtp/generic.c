/*
 * generic - smtp_generic_maps: addresses that mean something on this machine
 * alone become ones that can be answered, generic(5).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/mail/address.h"
#include "common/mail/token822.h"
#include "daemons/shared/propagate.h"
#include "daemons/shared/tables.h"
#include "daemons/smtp/smtp_priv.h"
#include "maps/addrfind.h"

static struct maps *maps;
static struct matchlist *local_domains;
static bool propagates;

void
smtp_generic_setup(void)
{
	maps = tables_open(smtp_own_name("smtp_generic_maps",
	    "lmtp_generic_maps"), smtp_conf.generic_maps, MAP_FOLD);
	local_domains = tables_open_list("mydestination",
	    conf_core.mydestination, MATCHLIST_STRINGS);
	propagates = (propagate_read(smtp_conf.propagate)
	    & PROPAGATE_GENERIC) != 0;
}

void
smtp_generic_close_all(void)
{
	maps_close(maps);
	matchlist_close(local_domains);
}

bool
smtp_generic_wanted(void)
{
	return !maps_empty(maps);
}

static bool
is_local_domain(struct span domain)
{
	return span_eq_nocase(domain, SPAN(conf_core.myorigin))
	    || matchlist_name(local_domains, domain) == MAP_FOUND;
}

/* The result as a whole address. */
static void
complete(struct span value, struct span address, struct span extension,
    struct str *out)
{
	struct str found = STR_EMPTY;

	token822_first(value, &found);
	if (str_len(&found) == 0) {
		str_set(out, address);
	} else if (!propagate_same_user(str_span(&found), address, out)) {
		str_set(out, str_span(&found));
		if (!address_split(str_span(out)).has_domain)
			str_addf(out, "@%s", conf_core.myorigin);
		if (propagates)
			propagate_add(out, extension);
	}
	str_fini(&found);
}

bool
smtp_generic(struct span address, struct str *out)
{
	struct addrfind how = { .tries = ADDRFIND_VIRTUAL,
		.delimiters = conf_core.recipient_delimiter,
		.is_local_domain = is_local_domain };
	struct str value = STR_EMPTY, extension = STR_EMPTY;
	bool good = true;

	str_set(out, address);
	if (maps_empty(maps) || span_empty(address))
		return true;
	switch (addrfind(maps, &how, address, &value, &extension)) {
	case MAP_FOUND:
		complete(str_span(&value), address, str_span(&extension), out);
		break;
	case MAP_ABSENT:
		break;
	case MAP_FAILED:
		log_warn("%s map lookup problem for %.*s", maps_title(maps),
		    SPAN_ARG(address));
		good = false;
		break;
	}
	str_fini(&value);
	str_fini(&extension);
	return good;
}
