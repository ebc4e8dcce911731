/*
 * The conversations of tests/scripts, one test each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <glob.h>

#include "tests/daemons/smtpd/world.h"
#include "tests/harness/t.h"

#define SCRIPTS(X) \
	X(access_actions) X(access_hangup) X(access_keys) X(access_reverse) \
	X(access_reverse_ok) X(access_routed) X(access_status) \
	X(bare_lf_command) \
	X(bare_lf_excluded) X(bare_lf_exclusions) X(bare_lf_note) X(bare_lf_reject) X(bdat) \
	X(bdat_failed) X(bdat_lost) X(bdat_wrong) X(classes) \
	X(cleanup_down) X(cleanup_hops) X(cleanup_queue_error) \
	X(cleanup_text) X(cleanup_too_big_late) X(client_names) X(compat) X(compat_set) \
	X(client_names_temporary) X(data_lists) X(debug_peer) X(debug_peer_name) X(defer_if) X(drain) \
	X(drain_idle) X(early) X(early_client) X(early_greeting) X(early_input) \
	X(ehlo_words) X(etrn) X(fqdn) X(helo) \
	X(helo_pipelining) X(hidden_keywords) X(junk) X(label) X(limits_count) X(limits_down) X(limits_exempt) \
	X(limits_exempt_name) X(limits_prefix) X(limits_rate) X(limits_told) X(local_rewrite) \
	X(long_content) X(long_line) X(lost) X(lost_new) X(mailbox_line) X(min_data_rate) X(missing) \
	X(misspelt) X(no_command) X(noop_words) X(null_key) X(order) X(per_request_deadline) \
	X(permit_log) X(pipelining) X(postmaster) X(proxy_own) X(proxy_silent) \
	X(proxy_v1) X(proxy_v2) X(proxy_wrong) X(rcpt_limit) X(refusal) X(relay) \
	X(relay_stranger) X(rewrite_clients) X(rewrite_down) \
	X(command_filter) X(footer) X(sleep) X(sleep_wrong) X(sender_domain) X(sender_failure) X(session) \
	X(smuggling) X(soft_errors) X(strict) X(syntax) X(table_failures) \
	X(timeout_command) X(timeout_data) X(too_big) X(unauth_pipelining) \
	X(unguarded) X(unlisted) X(unlisted_failure) X(unlisted_names) X(unlisted_override) \
	X(filter) X(filter_offers) X(filter_down) X(filter_refuses) X(filter_mute) \
	X(filter_lost) X(filter_later) X(filter_later_refuses) X(filter_chunks) \
	X(filter_actions) X(filter_broken_off) X(filter_odd) \
	X(codes) X(reject_filter) X(unverified) X(unverified_down) X(unverified_senders) X(unverified_words) \
	X(unverified_dated) X(unverified_deferred) \
	X(utf8) X(utf8_unasked) X(warn_if_reject) X(words) X(xclient) X(xclient_early) \
	X(xclient_mynetworks) X(xclient_stranger) X(xforward) X(xverp) X(xverp_stranger) \
	X(notify_policy) X(notify_settled) X(notify_other) X(notify_protocol) \
	X(notify_refused) \
	X(notify_bounce) X(notify_data) X(notify_software) X(notify_resource) \
	X(notify_again) X(notify_flush) X(notify_early) X(notify_filter)

#define SCRIPT_TEST(name) \
	T_TEST(script_##name) \
	{ \
		script_run("tests/scripts/" #name ".smtp"); \
	}
SCRIPTS(SCRIPT_TEST)

T_TEST(every_script_is_run)
{
#define SCRIPT_PATH(name) "tests/scripts/" #name ".smtp",
	static const char *const paths[] = { SCRIPTS(SCRIPT_PATH) };
	glob_t found;

	T_NEED(glob("tests/scripts/*.smtp", 0, NULL, &found) == 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		bool listed = false;

		for (size_t k = 0; k < T_COUNT(paths); k++)
			if (strcmp(paths[k], found.gl_pathv[i]) == 0)
				listed = true;
		if (!listed)
			t_fail(T_HERE, "%s is not listed above",
			    found.gl_pathv[i]);
	}
	globfree(&found);
}
