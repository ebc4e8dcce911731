/*
 * restriction_names - see the header. A test holds the table against the one
 * of smtpd.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/restriction_names.h"

#include "common/base/mem.h"
#include "common/base/names.h"
#include "common/mail/conf.h"

#define ACTED(nm, arg) { nm, RESTRICTION_ACTED, arg }
#define MISSING(nm, arg) { nm, RESTRICTION_MISSING, arg }

const struct restriction_name restriction_names[] = {
	ACTED("check_address_map", true),
	ACTED("check_client_access", true),
	ACTED("check_helo_access", true),
	ACTED("check_recipient_access", true),
	ACTED("check_recipient_maps", false),
	ACTED("check_reverse_client_hostname_access", true),
	ACTED("check_sender_access", true),
	ACTED("defer", false),
	ACTED("defer_if_permit", false),
	ACTED("defer_if_reject", false),
	ACTED("defer_unauth_destination", false),
	ACTED("permit", false),
	ACTED("permit_auth_destination", false),
	ACTED("permit_inet_interfaces", false),
	ACTED("permit_mynetworks", false),
	ACTED("permit_sasl_authenticated", false),
	ACTED("permit_tls_all_clientcerts", false),
	ACTED("permit_tls_clientcerts", false),
	ACTED("reject", false),
	ACTED("reject_invalid_helo_hostname", false),
	ACTED("reject_invalid_hostname", false),
	ACTED("reject_multi_recipient_bounce", false),
	ACTED("reject_non_fqdn_helo_hostname", false),
	ACTED("reject_non_fqdn_hostname", false),
	ACTED("reject_non_fqdn_recipient", false),
	ACTED("reject_non_fqdn_sender", false),
	ACTED("reject_unauth_destination", false),
	ACTED("reject_unauth_pipelining", false),
	ACTED("reject_unknown_client", false),
	ACTED("reject_unknown_client_hostname", false),
	ACTED("reject_unknown_reverse_client_hostname", false),
	ACTED("reject_unlisted_recipient", false),
	ACTED("reject_unlisted_sender", false),
	ACTED("reject_unverified_recipient", false),
	ACTED("reject_unverified_sender", false),
	ACTED("warn_if_reject", false),

	MISSING("check_ccert_access", true),
	MISSING("check_client_a_access", true),
	MISSING("check_client_mx_access", true),
	MISSING("check_client_ns_access", true),
	ACTED("check_etrn_access", true),
	MISSING("check_helo_a_access", true),
	MISSING("check_helo_mx_access", true),
	MISSING("check_helo_ns_access", true),
	MISSING("check_policy_service", true),
	MISSING("check_recipient_a_access", true),
	MISSING("check_recipient_mx_access", true),
	MISSING("check_recipient_ns_access", true),
	MISSING("check_relay_domains", false),
	MISSING("check_reverse_client_hostname_a_access", true),
	MISSING("check_reverse_client_hostname_mx_access", true),
	MISSING("check_reverse_client_hostname_ns_access", true),
	MISSING("check_sasl_access", true),
	MISSING("check_sender_a_access", true),
	MISSING("check_sender_mx_access", true),
	MISSING("check_sender_ns_access", true),
	MISSING("permit_dnswl_client", true),
	MISSING("permit_mx_backup", false),
	MISSING("permit_naked_ip_address", false),
	MISSING("permit_rhswl_client", true),
	MISSING("reject_authenticated_sender_login_mismatch", false),
	MISSING("reject_known_sender_login_mismatch", false),
	MISSING("reject_maps_rbl", false),
	MISSING("reject_plaintext_session", false),
	MISSING("reject_rbl_client", true),
	MISSING("reject_rhsbl_client", true),
	MISSING("reject_rhsbl_helo", true),
	MISSING("reject_rhsbl_recipient", true),
	MISSING("reject_rhsbl_reverse_client", true),
	MISSING("reject_rhsbl_sender", true),
	MISSING("reject_sender_login_mismatch", false),
	MISSING("reject_unauthenticated_sender_login_mismatch", false),
	MISSING("reject_unknown_address", false),
	MISSING("reject_unknown_helo_hostname", false),
	MISSING("reject_unknown_hostname", false),
	MISSING("reject_unknown_recipient_domain", false),
	MISSING("reject_unknown_sender_domain", false),
	ACTED("sleep", true),
};
const size_t restriction_name_count = ARRAY_COUNT(restriction_names);

const struct restriction_name *
restriction_name_find(struct span name)
{
	for (size_t i = 0; i < restriction_name_count; i++)
		if (span_is_nocase(name, restriction_names[i].name))
			return &restriction_names[i];
	return NULL;
}

enum restriction_kind
restriction_name_kind(struct span name)
{
	const struct restriction_name *found = restriction_name_find(name);

	return found != NULL ? found->kind : RESTRICTION_UNKNOWN;
}

const char *
restriction_name_nearest(struct span name)
{
	const char *names[ARRAY_COUNT(restriction_names)];

	for (size_t i = 0; i < restriction_name_count; i++)
		names[i] = restriction_names[i].name;
	return names_nearest(name, names, restriction_name_count);
}

/* ---- all lists of main.cf ---- */

static void
report_word(const char *parameter, struct span word,
    restriction_report_fn *report, void *arg)
{
	const char *nearest = restriction_name_nearest(word);
	struct str text = STR_EMPTY;

	if (restriction_name_kind(word) == RESTRICTION_MISSING)
		str_printf(&text, "restriction \"%.*s\" is not supported by "
		    "this version: clients get 451", SPAN_ARG(word));
	else
		str_printf(&text, "unknown restriction \"%.*s\"%s%s%s: "
		    "clients get 451", SPAN_ARG(word),
		    nearest != NULL ? ", did you mean \"" : "",
		    nearest != NULL ? nearest : "",
		    nearest != NULL ? "\"?" : "");
	report(parameter, str_cstr(&text), arg);
	str_fini(&text);
}

static void
check_list(const char *parameter, const struct strlist *classes,
    restriction_report_fn *report, void *arg)
{
	struct str value = STR_EMPTY, why = STR_EMPTY;
	struct strlist words = STRLIST_EMPTY;

	if (!conf_value(parameter, &value, &why)
	    || !conf_list(str_cstr(&value), &words, &why))
		report(parameter, str_cstr(&why), arg);
	for (size_t i = 0; i < words.count; i++) {
		struct span word = SPAN(words.items[i]);
		const struct restriction_name *found = restriction_name_find(word);

		if (found != NULL && found->takes_argument)
			i++;
		if ((found != NULL && found->kind == RESTRICTION_ACTED)
		    || (found == NULL && (span_has(word, ':')
		    || strlist_has(classes, word))))
			continue;
		report_word(parameter, word, report, arg);
	}
	strlist_fini(&words);
	str_fini(&value);
	str_fini(&why);
}

static bool
stops_relaying(const char *parameter, const struct strlist *classes,
    unsigned depth)
{
	static const char *const stops[] = { "reject", "defer",
		"defer_if_permit", "reject_unauth_destination",
		"defer_unauth_destination" };
	struct str value = STR_EMPTY, why = STR_EMPTY;
	struct strlist words = STRLIST_EMPTY;
	bool found = false;

	if (conf_value(parameter, &value, &why))
		strlist_split(&words, str_span(&value), STRLIST_CONF);
	for (size_t i = 0; i < words.count && !found; i++) {
		for (size_t k = 0; k < ARRAY_COUNT(stops); k++)
			if (span_is_nocase(SPAN(words.items[i]), stops[k]))
				found = true;
		if (depth > 0 && strlist_has(classes, SPAN(words.items[i])))
			found |= stops_relaying(words.items[i], classes,
			    depth - 1);
	}
	strlist_fini(&words);
	str_fini(&value);
	str_fini(&why);
	return found;
}

void
restriction_names_check(restriction_report_fn *report, void *arg)
{
	static const char *const lists[] = { "smtpd_client_restrictions",
		"smtpd_helo_restrictions", "smtpd_sender_restrictions",
		"smtpd_relay_restrictions", "smtpd_recipient_restrictions",
		"smtpd_data_restrictions", "smtpd_end_of_data_restrictions",
		"local_header_rewrite_clients" };
	struct str value = STR_EMPTY, why = STR_EMPTY;
	struct strlist classes = STRLIST_EMPTY;

	if (conf_value("smtpd_restriction_classes", &value, &why))
		strlist_split(&classes, str_span(&value), STRLIST_CONF);
	for (size_t i = 0; i < ARRAY_COUNT(lists); i++)
		check_list(lists[i], &classes, report, arg);
	for (size_t i = 0; i < classes.count; i++)
		check_list(classes.items[i], &classes, report, arg);
	if (!stops_relaying("smtpd_relay_restrictions", &classes, 8)
	    && !stops_relaying("smtpd_recipient_restrictions", &classes, 8))
		report("smtpd_relay_restrictions", "neither this list nor "
		    "smtpd_recipient_restrictions stops relaying, expected "
		    "reject_unauth_destination in one of them: clients get "
		    "451", arg);
	strlist_fini(&classes);
	str_fini(&value);
	str_fini(&why);
}
