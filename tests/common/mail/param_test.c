/*
 * param - the rows: every name known, defaults that fit their type.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/hash.h"
#include "common/base/scan.h"
#include "common/io/textfile.h"
#include "common/mail/conf.h"
#include "tests/harness/t.h"

T_TEST(every_name_is_known)
{
	struct textfile file;
	struct str why = STR_EMPTY;
	struct hash *names = hash_new();
	struct span line;

	for (size_t i = 0; i < param_known_all()->count; i++)
		hash_put(names, SPAN(param_known_all()->rows[i].name),
		    (void *)(uintptr_t)&param_known_all()->rows[i]);
	T_EQ_INT(hash_count(names), param_known_all()->count);
	T_NEED(textfile_open(&file, T_DATA("params.txt"), &why));
	while (textfile_next(&file, &line)) {
		t_case("%.*s", SPAN_ARG(line));
		T_CHECK(hash_has(names, line));
	}
	textfile_close(&file);
	hash_free(&names);
	str_fini(&why);
}

T_TEST(rows_are_sorted_and_complete)
{
	for (size_t i = 0; i < param_known_all()->count; i++) {
		const struct param *row = &param_known_all()->rows[i];

		T_CASE(row->name);
		if (i > 0)
			T_CHECK(strcmp(row[-1].name, row->name) < 0);
		T_CHECK(row->field == NULL);
		T_CHECK(row->dflt != NULL && row->programs != NULL);
		if (row->cls == PARAM_PROTECTIVE)
			T_CHECK(row->idle != NULL);
		if (row->cls == PARAM_HARMLESS)
			T_CHECK(row->reason != NULL && row->reason[0] != 0);
	}
}

/* Where a default needs no expansion it reads as its type. */
static void
check_default(const struct param *row)
{
	struct span text = SPAN(row->dflt);
	int64_t number;
	bool flag;

	if (span_has(text, '$'))
		return;
	switch (row->type) {
	case PARAM_TYPE_INT:
		T_CHECK(scan_i64(text, &number));
		break;
	case PARAM_TYPE_TIME:
		T_CHECK(scan_time(text, 's', &number));
		break;
	case PARAM_TYPE_BOOL:
		T_CHECK(scan_bool(text, &flag));
		break;
	case PARAM_TYPE_STR:
	case PARAM_TYPE_RAW:
	case PARAM_TYPE_TEMPLATE:
	case PARAM_TYPE_LEGACY:
		break;
	}
}

T_TEST(defaults_fit_their_type)
{
	for (size_t i = 0; i < param_known_all()->count; i++) {
		T_CASE(param_known_all()->rows[i].name);
		check_default(&param_known_all()->rows[i]);
	}
	for (size_t i = 0; i < conf_core_params.count; i++) {
		T_CASE(conf_core_params.rows[i].name);
		check_default(&conf_core_params.rows[i]);
	}
}

/* A default that says yes would refuse service on every machine. */
T_TEST(protective_defaults_ask_for_nothing_by_themselves)
{
	struct str what = STR_EMPTY, why = STR_EMPTY;

	T_NEED(conf_load_text("main.cf", SPAN(""), &why));
	T_CHECK(!conf_unmet_protection("smtpd", &what));
	T_CHECK(!conf_unmet_protection("smtp", &what));
	T_CHECK(!conf_unmet_protection("cleanup", &what));
	T_CHECK(!conf_unmet_protection("local", &what));
	str_fini(&what);
	str_fini(&why);
}

static const struct {
	const char *older, *newer;	/* NULL: none */
	const char *value;		/* of the newer one, if not "yes" */
} legacy[] = {
	{ "authorized_verp_clients", "smtpd_authorized_verp_clients" },
	{ "fallback_relay", "smtp_fallback_relay" },
	{ "lmtp_per_record_deadline", "lmtp_per_request_deadline" },
	{ "postscreen_blacklist_action", "postscreen_denylist_action" },
	{ "postscreen_dnsbl_ttl", "postscreen_dnsbl_max_ttl", "yesh" },
	{ "postscreen_dnsbl_whitelist_threshold",
	    "postscreen_dnsbl_allowlist_threshold" },
	{ "postscreen_whitelist_interfaces",
	    "postscreen_allowlist_interfaces" },
	{ "smtp_per_record_deadline", "smtp_per_request_deadline" },
	{ "smtpd_client_connection_limit_exceptions",
	    /* "${older:$mynetworks}" is empty when it is set: as everywhere. */
	    "smtpd_client_event_limit_exceptions", "" },
	{ "smtpd_per_record_deadline", "smtpd_per_request_deadline" },
	{ "tlsproxy_client_level", "tlsproxy_client_security_level" },
	{ "tlsproxy_client_policy", "tlsproxy_client_policy_maps" },
	{ "virtual_maps", "virtual_alias_maps" },
	{ "enable_errors_to", NULL }, { "extract_recipient_limit", NULL },
	{ "lmtp_cache_connection", NULL }, { "sender_based_routing", NULL },
	{ "smtp_skip_4xx_greeting", NULL }, { "smtp_tls_cipherlist", NULL },
	{ "smtpd_sasl_application_name", NULL },
	{ "smtpd_tls_cipherlist", NULL }, { "tls_dane_digest_agility", NULL },
	{ "tls_dane_trust_anchor_digest_enable", NULL },
	{ "tls_legacy_public_key_fingerprints", NULL },
	{ "tlsproxy_client_loglevel_parameter", NULL },
	{ "tlsproxy_tls_session_cache_timeout", NULL },
};

static void
keep_finding(enum conf_severity severity, const char *origin, unsigned line,
    const char *text, void *arg)
{
	str_addf(arg, "%u: %s%s\n", line, severity == CONF_WARNING ? ""
	    : "no warning: ", text);
	(void)origin;
}

T_TEST(an_older_name_sets_the_newer_one_and_is_warned_of_once)
{
	size_t count = 0;

	for (size_t i = 0; i < param_known_all()->count; i++)
		count += param_known_all()->rows[i].type == PARAM_TYPE_LEGACY;
	T_EQ_INT(count, T_COUNT(legacy));
	for (size_t i = 0; i < T_COUNT(legacy); i++) {
		struct str text = STR_EMPTY, value = STR_EMPTY;
		struct str said = STR_EMPTY, want = STR_EMPTY;

		T_CASE(legacy[i].older);
		conf_unload();
		str_printf(&text, "%s = yes\n", legacy[i].older);
		T_NEED(conf_load_text("main.cf", str_span(&text), &said));
		if (legacy[i].newer != NULL) {
			T_CHECK(conf_value(legacy[i].newer, &value, &said));
			T_EQ_STR(str_cstr(&value), legacy[i].value != NULL
			    ? legacy[i].value : "yes");
			str_printf(&want, "1: \"%s\" is an older name of "
			    "\"%s\"\n", legacy[i].older, legacy[i].newer);
		} else {
			str_printf(&want, "1: \"%s\" is an obsolete name and "
			    "has no effect\n", legacy[i].older);
		}
		conf_check(keep_finding, &said);
		T_EQ_STR(str_cstr(&said), str_cstr(&want));
		str_fini(&text);
		str_fini(&value);
		str_fini(&said);
		str_fini(&want);
	}
	conf_unload();
}
