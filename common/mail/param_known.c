/*
 * param_known - every name of main.cf in the Postfix world, with its default,
 * and what becomes of it while no role acts on it.
 *
 * A row of a role with the same name takes the place of the row here. Harmless
 * names are accepted and `check` says why nothing happens; protective ones ask
 * for a protection that does not exist yet, and then the service refuses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/param.h"

#include <string.h>

#include "common/base/arena.h"
#include "common/base/mem.h"
#include "common/base/panic.h"

#define TLS_LATER "TLS is not part of this version"
#define SASL_LATER "SASL is not part of this version"
#define MILTER_LATER "milters are not part of this version"
#define POSTSCREEN_LATER "postscreen is not part of this version"
#define TABLE_LATER "this table type is not part of this version"
#define VERIFY_LATER "acted on by verify, smtpd and trivial-rewrite"
#define ANVIL_LATER "acted on by anvil and smtpd"
#define QMQPD_LATER "qmqpd is not part of this version"
#define DNS_LATER \
	"MX records and DNS restrictions are not part of this version"
#define POLICY_LATER "policy servers are not part of this version"
#define KEPT_INSIDE "connections are kept inside the client"
#define OWN_SIZE "tables and caches find their own size"
#define NO_FORK "no process waits for another one to start"
#define WATCHED \
	"waits have deadlines of their own, see ipc_timeout and daemon_timeout"
#define NO_SLOW_DOWN "many writers do not hold the queue manager up"
#define LOOKS_AT_CONTENT "whether content is 8-bit is seen from the content"
#define NO_MIGRATION "hash: and btree: work with and without Berkeley DB"
#define FIXED_PORTS \
	"ports are numbers, or the names that the manual page of smtp lists"
#define FAULTS_ELSEWHERE "tests make their faults in another way"
#define OLD_FORMAT "queue files have no such records"
#define ONE_WAY "it is always done as with the default"
#define LATE_FILE "a queue file begins with the content"
#define ROLE_LATER "no role acts on it in this version"
#define NOT_NEEDED "not needed by this system"
#define INSTALLER_READS "installers and other programs read it"

/*
 * One text, because a thousand rows of pointers would have to be relocated,
 * and so be copied, in each process: name, class and type, default, programs,
 * reason (or what asks for nothing), each with its NUL. READ: a role reads it by
 * its name, or through a template.
 */
#define READ(nm, kind, value, progs)					\
	nm "\0" "a" #kind "\0" value "\0" progs "\0" "\0"
#define HARMLESS(nm, kind, value, progs, why)				\
	nm "\0" "h" #kind "\0" value "\0" progs "\0" why "\0"
#define PROTECTIVE(nm, kind, value, progs, nothing)			\
	nm "\0" "p" #kind "\0" value "\0" progs "\0" nothing "\0"

static const char rows[] =
	HARMLESS("2bounce_notice_recipient", STR,
	    "postmaster", "bounce",
	    ROLE_LATER)
	HARMLESS("<service>_time_limit", TEMPLATE,
	    "$command_time_limit", "pipe,spawn",
	    ROLE_LATER)
	HARMLESS("<transport>_delivery_slot_cost", TEMPLATE,
	    "$default_delivery_slot_cost", "qmgr",
	    ROLE_LATER)
	HARMLESS("<transport>_delivery_slot_discount", TEMPLATE,
	    "$default_delivery_slot_discount", "qmgr",
	    ROLE_LATER)
	HARMLESS("<transport>_delivery_slot_loan", TEMPLATE,
	    "$default_delivery_slot_loan", "qmgr",
	    ROLE_LATER)
	HARMLESS("<transport>_destination_concurrency_failed_cohort_limit", TEMPLATE,
	    "$default_destination_concurrency_failed_cohort_limit", "qmgr",
	    ROLE_LATER)
	HARMLESS("<transport>_destination_concurrency_limit", TEMPLATE,
	    "$default_destination_concurrency_limit", "qmgr",
	    ROLE_LATER)
	HARMLESS("<transport>_destination_concurrency_negative_feedback", TEMPLATE,
	    "$default_destination_concurrency_negative_feedback", "qmgr",
	    ROLE_LATER)
	HARMLESS("<transport>_destination_concurrency_positive_feedback", TEMPLATE,
	    "$default_destination_concurrency_positive_feedback", "qmgr",
	    ROLE_LATER)
	HARMLESS("<transport>_destination_rate_delay", TEMPLATE,
	    "$default_destination_rate_delay", "qmgr",
	    ROLE_LATER)
	HARMLESS("<transport>_destination_recipient_limit", TEMPLATE,
	    "$default_destination_recipient_limit", "qmgr",
	    ROLE_LATER)
	HARMLESS("<transport>_extra_recipient_limit", TEMPLATE,
	    "$default_extra_recipient_limit", "qmgr",
	    ROLE_LATER)
	HARMLESS("<transport>_initial_destination_concurrency", TEMPLATE,
	    "$initial_destination_concurrency", "qmgr",
	    ROLE_LATER)
	HARMLESS("<transport>_minimum_delivery_slots", TEMPLATE,
	    "$default_minimum_delivery_slots", "qmgr",
	    ROLE_LATER)
	HARMLESS("<transport>_recipient_limit", TEMPLATE,
	    "$default_recipient_limit", "qmgr",
	    ROLE_LATER)
	HARMLESS("<transport>_recipient_refill_delay", TEMPLATE,
	    "$default_recipient_refill_delay", "qmgr",
	    ROLE_LATER)
	HARMLESS("<transport>_recipient_refill_limit", TEMPLATE,
	    "$default_recipient_refill_limit", "qmgr",
	    ROLE_LATER)
	HARMLESS("<transport>_transport_rate_delay", TEMPLATE,
	    "$default_transport_rate_delay", "qmgr",
	    ROLE_LATER)
	HARMLESS("access_map_defer_code", INT, "450", "smtpd", ROLE_LATER)
	HARMLESS("access_map_reject_code", INT, "554", "smtpd", ROLE_LATER)
	HARMLESS("address_verify_cache_cleanup_interval", TIME,
	    "12h", "verify",
	    VERIFY_LATER)
	HARMLESS("address_verify_default_transport", STR,
	    "$default_transport", "trivial-rewrite",
	    VERIFY_LATER)
	HARMLESS("address_verify_local_transport", STR,
	    "$local_transport", "trivial-rewrite",
	    VERIFY_LATER)
	HARMLESS("address_verify_map", STR,
	    "$default_cache_db_type:$data_directory/verify_cache", "proxymap,verify",
	    VERIFY_LATER)
	HARMLESS("address_verify_negative_cache", BOOL,
	    "yes", "global",
	    VERIFY_LATER)
	HARMLESS("address_verify_negative_expire_time", TIME,
	    "3d", "verify",
	    VERIFY_LATER)
	HARMLESS("address_verify_negative_refresh_time", TIME,
	    "3h", "verify",
	    VERIFY_LATER)
	HARMLESS("address_verify_pending_request_limit", INT,
	    "5000", "oqmgr,qmgr",
	    VERIFY_LATER)
	HARMLESS("address_verify_poll_count", INT,
	    "${stress?{1}:{3}}", "smtpd",
	    VERIFY_LATER)
	HARMLESS("address_verify_poll_delay", TIME, "3s", "smtpd", VERIFY_LATER)
	HARMLESS("address_verify_positive_expire_time", TIME,
	    "31d", "verify",
	    VERIFY_LATER)
	HARMLESS("address_verify_positive_refresh_time", TIME,
	    "7d", "verify",
	    VERIFY_LATER)
	HARMLESS("address_verify_relay_transport", STR,
	    "$relay_transport", "trivial-rewrite",
	    VERIFY_LATER)
	HARMLESS("address_verify_relayhost", STR,
	    "$relayhost", "trivial-rewrite",
	    VERIFY_LATER)
	HARMLESS("address_verify_sender", STR,
	    "$double_bounce_sender", "smtpd,verify",
	    VERIFY_LATER)
	HARMLESS("address_verify_sender_dependent_default_transport_maps", STR,
	    "$sender_dependent_default_transport_maps", "trivial-rewrite",
	    VERIFY_LATER)
	HARMLESS("address_verify_sender_dependent_relayhost_maps", STR,
	    "$sender_dependent_relayhost_maps", "trivial-rewrite",
	    VERIFY_LATER)
	HARMLESS("address_verify_sender_ttl", TIME,
	    "0s", "smtpd,verify",
	    VERIFY_LATER)
	HARMLESS("address_verify_service_name", STR,
	    "verify", "global",
	    VERIFY_LATER)
	HARMLESS("address_verify_transport_maps", STR,
	    "$transport_maps", "trivial-rewrite",
	    VERIFY_LATER)
	HARMLESS("address_verify_virtual_transport", STR,
	    "$virtual_transport", "trivial-rewrite",
	    VERIFY_LATER)
	HARMLESS("alias_database", STR,
	    "$default_database_type:/etc/aliases", "global",
	    ROLE_LATER)
	HARMLESS("alias_maps", STR,
	    "$default_database_type:/etc/aliases, nis:mail.aliases", "local,proxymap,smtpd",
	    ROLE_LATER)
	PROTECTIVE("allow_mail_to_commands", STR,
	    "alias, forward", "local",
	    "alias, forward|alias,forward|alias forward")
	HARMLESS("allow_mail_to_files", STR,
	    "alias, forward", "local",
	    ROLE_LATER)
	HARMLESS("allow_min_user", BOOL, "no", "trivial-rewrite", ROLE_LATER)
	HARMLESS("allow_percent_hack", BOOL,
	    "yes", "trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("allow_srv_lookup_fallback", BOOL, "no", "smtp", DNS_LATER)
	HARMLESS("allow_untrusted_routing", BOOL, "no", "smtpd", ROLE_LATER)
	HARMLESS("alternate_config_directories", STR, "", "global", ROLE_LATER)
	HARMLESS("always_add_missing_headers", BOOL,
	    "no", "cleanup",
	    ROLE_LATER)
	PROTECTIVE("always_bcc", STR, "", "cleanup", "")
	HARMLESS("anvil_rate_time_unit", TIME, "60s", "anvil", ANVIL_LATER)
	HARMLESS("anvil_status_update_time", TIME, "600s", "anvil", ANVIL_LATER)
	HARMLESS("append_at_myorigin", BOOL,
	    "yes", "trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("append_dot_mydomain", BOOL,
	    "${{$compatibility_level} <level {1} ? {yes} : {no}}", "trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("application_event_drain_time", TIME,
	    "100s", "global",
	    WATCHED)
	PROTECTIVE("authorized_flush_users", STR,
	    "static:anyone", "postqueue",
	    "static:anyone")
	PROTECTIVE("authorized_mailq_users", STR,
	    "static:anyone", "postqueue",
	    "static:anyone")
	PROTECTIVE("authorized_submit_users", STR,
	    "static:anyone", "postdrop,sendmail",
	    "static:anyone")
	HARMLESS("authorized_verp_clients", LEGACY, "", "all", ROLE_LATER)
	HARMLESS("backwards_bounce_logfile_compatibility", BOOL,
	    "yes", "global",
	    "logs of bounces have a form of their own")
	HARMLESS("berkeley_db_create_buffer_size", INT,
	    "16777216", "global",
	    OWN_SIZE)
	HARMLESS("berkeley_db_read_buffer_size", INT,
	    "131072", "global",
	    OWN_SIZE)
	HARMLESS("best_mx_transport", STR, "", "smtp", DNS_LATER)
	HARMLESS("biff", BOOL, "yes", "local", ROLE_LATER)
	PROTECTIVE("body_checks", STR, "", "cleanup", "")
	HARMLESS("body_checks_size_limit", INT, "51200", "cleanup", ROLE_LATER)
	HARMLESS("bounce_notice_recipient", STR,
	    "postmaster", "bounce,smtpd",
	    ROLE_LATER)
	HARMLESS("bounce_queue_lifetime", TIME, "5d", "oqmgr,qmgr", ROLE_LATER)
	HARMLESS("bounce_service_name", STR, "bounce", "global", ROLE_LATER)
	HARMLESS("bounce_size_limit", INT, "50000", "bounce", ROLE_LATER)
	HARMLESS("bounce_template_file", STR, "", "bounce", ROLE_LATER)
	HARMLESS("broken_sasl_auth_clients", BOOL, "no", "smtpd", SASL_LATER)
	HARMLESS("canonical_classes", STR,
	    "envelope_sender, envelope_recipient, header_sender, header_recipient", "cleanup",
	    ROLE_LATER)
	HARMLESS("canonical_maps", STR,
	    "", "cleanup,proxymap,smtpd",
	    ROLE_LATER)
	HARMLESS("cleanup_replace_stray_cr_lf", BOOL,
	    "yes", "cleanup",
	    ROLE_LATER)
	HARMLESS("cleanup_service_name", STR, "cleanup", "global", ROLE_LATER)
	HARMLESS("command_directory", STR, "/usr/sbin", "global", ROLE_LATER)
	HARMLESS("command_execution_directory", RAW, "", "local", ROLE_LATER)
	HARMLESS("command_expansion_filter", STR,
	    "1234567890!@%-_=+:,./abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "local",
	    ROLE_LATER)
	HARMLESS("command_time_limit", TIME,
	    "1000s", "local,pipe,spawn",
	    ROLE_LATER)
	HARMLESS("compatibility_level", STR, "0", "global", ROLE_LATER)
	READ("config_directory", STR, "/etc/postfix", "all")
	HARMLESS("confirm_delay_cleared", BOOL, "no", "oqmgr,qmgr", ROLE_LATER)
	HARMLESS("connection_cache_protocol_timeout", TIME,
	    "5s", "smtp",
	    KEPT_INSIDE)
	HARMLESS("connection_cache_service_name", STR,
	    "scache", "smtp",
	    KEPT_INSIDE)
	HARMLESS("connection_cache_status_update_time", TIME,
	    "600s", "scache",
	    KEPT_INSIDE)
	HARMLESS("connection_cache_ttl_limit", TIME, "2s", "scache", KEPT_INSIDE)
	PROTECTIVE("content_filter", STR, "", "pickup,qmqpd,smtpd", "")
	HARMLESS("cyrus_sasl_config_path", STR, "", "smtp,smtpd", SASL_LATER)
	HARMLESS("daemon_directory", STR,
	    "/usr/libexec/postfix", "global",
	    ROLE_LATER)
	HARMLESS("daemon_table_open_error_is_fatal", BOOL,
	    "no", "global",
	    ROLE_LATER)
	HARMLESS("daemon_timeout", TIME, "18000s", "global", ROLE_LATER)
	HARMLESS("data_directory", STR,
	    "/var/lib/postfix", "global",
	    ROLE_LATER)
	HARMLESS("debug_peer_level", INT, "2", "global",
	    "debug_peer_list shows one amount: each command and reply")
	HARMLESS("debug_peer_list", STR, "", "global", NOT_NEEDED)
	HARMLESS("debugger_command", STR, "", "all", NOT_NEEDED)
	HARMLESS("default_cache_db_type", STR, "btree", "global", ROLE_LATER)
	HARMLESS("default_database_type", STR, "hash", "global", ROLE_LATER)
	READ("default_delivery_slot_cost", INT, "5", "qmgr")
	READ("default_delivery_slot_discount", INT,
	    "50", "qmgr")
	READ("default_delivery_slot_loan", INT, "3", "qmgr")
	HARMLESS("default_delivery_status_filter", STR,
	    "", "global",
	    ROLE_LATER)
	READ("default_destination_concurrency_failed_cohort_limit", INT,
	    "1", "oqmgr,qmgr")
	READ("default_destination_concurrency_limit", INT,
	    "20", "oqmgr,qmgr")
	READ("default_destination_concurrency_negative_feedback", STR,
	    "1", "oqmgr,qmgr")
	READ("default_destination_concurrency_positive_feedback", STR,
	    "1", "oqmgr,qmgr")
	READ("default_destination_rate_delay", TIME,
	    "0s", "oqmgr,qmgr")
	READ("default_destination_recipient_limit", INT,
	    "50", "oqmgr,qmgr")
	READ("default_extra_recipient_limit", INT, "1000", "qmgr")
	HARMLESS("default_filter_nexthop", STR, "", "oqmgr,qmgr", ROLE_LATER)
	READ("default_minimum_delivery_slots", INT, "3", "qmgr")
	HARMLESS("default_privs", STR, "nobody", "global", ROLE_LATER)
	HARMLESS("default_process_limit", INT, "100", "global", ROLE_LATER)
	HARMLESS("default_rbl_reply", RAW,
	    "$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked using $rbl_domain${rbl_reason?; $rbl_reason}", "smtpd",
	    DNS_LATER)
	READ("default_recipient_limit", INT, "20000", "qmgr")
	READ("default_recipient_refill_delay", TIME, "5s", "qmgr")
	READ("default_recipient_refill_limit", INT, "100", "qmgr")
	HARMLESS("default_transport", STR,
	    "smtp", "trivial-rewrite",
	    ROLE_LATER)
	READ("default_transport_rate_delay", TIME,
	    "0s", "oqmgr,qmgr")
	HARMLESS("default_verp_delimiters", STR, "+=", "global", ROLE_LATER)
	HARMLESS("defer_code", INT, "450", "smtpd", ROLE_LATER)
	HARMLESS("defer_service_name", STR, "defer", "global", ROLE_LATER)
	HARMLESS("defer_transports", STR, "", "oqmgr,qmgr", ROLE_LATER)
	HARMLESS("delay_logging_resolution_limit", INT,
	    "2", "global",
	    NOT_NEEDED)
	HARMLESS("delay_notice_recipient", STR,
	    "postmaster", "bounce",
	    ROLE_LATER)
	HARMLESS("delay_warning_time", TIME, "0h", "bounce,cleanup", ROLE_LATER)
	HARMLESS("deliver_lock_attempts", INT, "20", "global", ROLE_LATER)
	HARMLESS("deliver_lock_delay", TIME, "1s", "global", ROLE_LATER)
	HARMLESS("destination_concurrency_feedback_debug", BOOL,
	    "no", "oqmgr,qmgr",
	    NOT_NEEDED)
	HARMLESS("detect_8bit_encoding_header", BOOL,
	    "yes", "cleanup",
	    LOOKS_AT_CONTENT)
	HARMLESS("disable_dns_lookups", BOOL, "no", "global", ROLE_LATER)
	HARMLESS("disable_mime_input_processing", BOOL,
	    "no", "global",
	    ROLE_LATER)
	HARMLESS("disable_mime_output_conversion", BOOL,
	    "no", "global",
	    ROLE_LATER)
	HARMLESS("disable_verp_bounces", BOOL,
	    "no", "cleanup,oqmgr,qmgr",
	    ROLE_LATER)
	PROTECTIVE("disable_vrfy_command", BOOL, "no", "postscreen,smtpd", "no")
	HARMLESS("dns_ncache_ttl_fix_enable", BOOL, "no", "global", DNS_LATER)
	HARMLESS("dnsblog_reply_delay", TIME, "0s", "dnsblog", POSTSCREEN_LATER)
	HARMLESS("dnsblog_service_name", STR,
	    "dnsblog", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("dnssec_probe", STR, "ns:.", "global", TLS_LATER)
	HARMLESS("domain_to_ascii", STR, "", "all", DNS_LATER)
	HARMLESS("dont_remove", INT, "0", "global", OLD_FORMAT)
	HARMLESS("double_bounce_sender", STR,
	    "double-bounce", "global",
	    ROLE_LATER)
	HARMLESS("duplicate_filter_limit", INT,
	    "1000", "cleanup,local,showq",
	    ROLE_LATER)
	HARMLESS("empty_address_default_transport_maps_lookup_key", STR,
	    "<>", "trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("empty_address_local_login_sender_maps_lookup_key", STR,
	    "<>", "postdrop",
	    ROLE_LATER)
	HARMLESS("empty_address_recipient", STR,
	    "MAILER-DAEMON", "cleanup,showq,trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("empty_address_relayhost_maps_lookup_key", STR,
	    "<>", "trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("enable_errors_to", LEGACY, "", "", ROLE_LATER)
	HARMLESS("enable_idna2003_compatibility", BOOL,
	    "no", "global",
	    DNS_LATER)
	HARMLESS("enable_long_queue_ids", BOOL, "no", "global", ROLE_LATER)
	HARMLESS("enable_original_recipient", BOOL, "yes", "global", ROLE_LATER)
	HARMLESS("enable_threaded_bounces", BOOL, "no", "bounce", ROLE_LATER)
	HARMLESS("error_notice_recipient", STR,
	    "postmaster", "smtp,smtpd",
	    ROLE_LATER)
	HARMLESS("error_service_name", STR, "error", "global", ROLE_LATER)
	HARMLESS("execution_directory_expansion_filter", STR,
	    "1234567890!@%-_=+:,./abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "local",
	    ROLE_LATER)
	HARMLESS("expand_owner_alias", BOOL, "no", "local", ROLE_LATER)
	HARMLESS("export_environment", STR,
	    "TZ MAIL_CONFIG LANG", "global",
	    ROLE_LATER)
	HARMLESS("extract_recipient_limit", LEGACY, "", "", ROLE_LATER)
	HARMLESS("fallback_relay", LEGACY, "", "all", ROLE_LATER)
	PROTECTIVE("fallback_transport", STR, "", "local", "")
	PROTECTIVE("fallback_transport_maps", STR, "", "local", "")
	HARMLESS("fast_flush_domains", STR,
	    "$relay_domains", "global",
	    ROLE_LATER)
	HARMLESS("fast_flush_purge_time", TIME, "7d", "flush", NOT_NEEDED)
	HARMLESS("fast_flush_refresh_time", TIME, "12h", "flush", NOT_NEEDED)
	HARMLESS("fault_injection_code", INT, "0", "global", FAULTS_ELSEWHERE)
	HARMLESS("flush_service_name", STR, "flush", "global", ROLE_LATER)
	HARMLESS("force_mime_input_conversion", BOOL,
	    "no", "cleanup",
	    ROLE_LATER)
	HARMLESS("fork_attempts", INT, "5", "global", NO_FORK)
	HARMLESS("fork_delay", TIME, "1s", "global", NO_FORK)
	HARMLESS("forward_expansion_filter", STR,
	    "1234567890!@%-_=+:,./abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "local",
	    ROLE_LATER)
	HARMLESS("forward_path", RAW,
	    "$home/.forward${recipient_delimiter}${extension}, $home/.forward", "local",
	    ROLE_LATER)
	HARMLESS("frozen_delivered_to", BOOL, "yes", "local", ROLE_LATER)
	HARMLESS("full_name_encoding_charset", STR,
	    "utf-8", "cleanup",
	    ROLE_LATER)
	HARMLESS("hash_queue_depth", INT, "1", "global", ROLE_LATER)
	HARMLESS("hash_queue_names", STR,
	    "deferred, defer", "global",
	    ROLE_LATER)
	HARMLESS("header_address_token_limit", INT,
	    "10240", "global",
	    ROLE_LATER)
	PROTECTIVE("header_checks", STR, "", "cleanup", "")
	HARMLESS("header_from_format", STR,
	    "standard", "bounce,cleanup,smtp,smtpd",
	    ROLE_LATER)
	HARMLESS("header_size_limit", INT, "102400", "global", ROLE_LATER)
	HARMLESS("helpful_warnings", BOOL, "yes", "global", ONE_WAY)
	HARMLESS("home_mailbox", STR, "", "local", ROLE_LATER)
	HARMLESS("hopcount_limit", INT, "50", "cleanup", ROLE_LATER)
	HARMLESS("html_directory", STR, "no", "postfix", INSTALLER_READS)
	HARMLESS("ignore_mx_lookup_error", BOOL, "no", "smtp", DNS_LATER)
	HARMLESS("ignore_srv_lookup_error", BOOL, "no", "smtp", DNS_LATER)
	HARMLESS("import_environment", STR,
	    "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME XDG_RUNTIME_DIR", "global",
	    ROLE_LATER)
	HARMLESS("in_flow_delay", TIME, "1s", "global", NO_SLOW_DOWN)
	HARMLESS("inet_interfaces", STR, "all", "global", ROLE_LATER)
	HARMLESS("inet_protocols", STR, "all", "global", ROLE_LATER)
	HARMLESS("info_log_address_format", STR,
	    "external", "global",
	    NOT_NEEDED)
	READ("initial_destination_concurrency", INT,
	    "5", "oqmgr,qmgr")
	HARMLESS("internal_mail_filter_classes", STR,
	    "", "global",
	    MILTER_LATER)
	HARMLESS("invalid_hostname_reject_code", INT,
	    "501", "smtpd",
	    ROLE_LATER)
	HARMLESS("ipc_idle", TIME, "5s", "global", ROLE_LATER)
	HARMLESS("ipc_timeout", TIME, "3600s", "global", ROLE_LATER)
	HARMLESS("ipc_ttl", TIME, "1000s", "global", WATCHED)
	HARMLESS("known_tcp_ports", STR,
	    "lmtp=24, smtp=25, smtps=submissions=465, submission=587", "global",
	    FIXED_PORTS)
	HARMLESS("ldap_table:bind", STR, "yes (yes, no, sasl)", "", TABLE_LATER)
	HARMLESS("ldap_table:bind_dn", STR, "", "", TABLE_LATER)
	HARMLESS("ldap_table:bind_pw", STR, "", "", TABLE_LATER)
	HARMLESS("ldap_table:cache", STR, "", "", TABLE_LATER)
	HARMLESS("ldap_table:cache_expiry", STR, "", "", TABLE_LATER)
	HARMLESS("ldap_table:cache_size", STR, "", "", TABLE_LATER)
	HARMLESS("ldap_table:chase_referrals", STR, "0", "", TABLE_LATER)
	HARMLESS("ldap_table:debuglevel", STR, "0", "", TABLE_LATER)
	HARMLESS("ldap_table:dereference", STR, "0", "", TABLE_LATER)
	HARMLESS("ldap_table:domain", STR, "", "", TABLE_LATER)
	HARMLESS("ldap_table:expansion_limit", STR, "0", "", TABLE_LATER)
	HARMLESS("ldap_table:leaf_result_attribute", STR, "", "", TABLE_LATER)
	HARMLESS("ldap_table:query_filter", STR, "", "", TABLE_LATER)
	HARMLESS("ldap_table:recursion_limit", STR, "1000", "", TABLE_LATER)
	HARMLESS("ldap_table:result_attribute", STR,
	    "maildrop", "",
	    TABLE_LATER)
	HARMLESS("ldap_table:result_filter", STR,
	    "%s", "",
	    TABLE_LATER)
	HARMLESS("ldap_table:result_format", STR, "%s", "", TABLE_LATER)
	HARMLESS("ldap_table:sasl_authz_id", STR, "", "", SASL_LATER)
	HARMLESS("ldap_table:sasl_mechs", STR, "", "", SASL_LATER)
	HARMLESS("ldap_table:sasl_minssf", STR, "0", "", SASL_LATER)
	HARMLESS("ldap_table:sasl_realm", STR, "", "", SASL_LATER)
	HARMLESS("ldap_table:scope", STR, "sub", "", TABLE_LATER)
	HARMLESS("ldap_table:search_base", STR, "", "", TABLE_LATER)
	HARMLESS("ldap_table:server_host", STR,
	    "ldap://localhost:389", "",
	    TABLE_LATER)
	HARMLESS("ldap_table:server_port", STR,
	    "389", "",
	    TABLE_LATER)
	HARMLESS("ldap_table:size_limit", STR,
	    "$expansion_limit", "",
	    TABLE_LATER)
	HARMLESS("ldap_table:special_result_attribute", STR,
	    "", "",
	    TABLE_LATER)
	HARMLESS("ldap_table:start_tls", STR, "no", "", TLS_LATER)
	HARMLESS("ldap_table:terminal_result_attribute", STR,
	    "", "",
	    TABLE_LATER)
	HARMLESS("ldap_table:timeout", STR, "10", "", TABLE_LATER)
	HARMLESS("ldap_table:tls_ca_cert_dir", STR, "", "", TLS_LATER)
	HARMLESS("ldap_table:tls_ca_cert_file", STR, "", "", TLS_LATER)
	HARMLESS("ldap_table:tls_cert", STR, "", "", TLS_LATER)
	HARMLESS("ldap_table:tls_cipher_suite", STR, "", "", TLS_LATER)
	HARMLESS("ldap_table:tls_key", STR, "", "", TLS_LATER)
	HARMLESS("ldap_table:tls_random_file", STR, "", "", TLS_LATER)
	HARMLESS("ldap_table:tls_require_cert", STR, "no", "", TLS_LATER)
	HARMLESS("ldap_table:version", STR, "2", "", TABLE_LATER)
	HARMLESS("line_length_limit", INT, "2048", "global", ROLE_LATER)
	HARMLESS("lmdb_map_size", INT, "16777216", "global", OWN_SIZE)
	HARMLESS("lmtp_address_preference", STR, "any", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_address_verify_target", STR,
	    "rcpt", "lmtp",
	    VERIFY_LATER)
	HARMLESS("lmtp_assume_final", BOOL, "no", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_balance_inet_protocols", BOOL, "yes", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_bind_address", STR, "", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_bind_address6", STR, "", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_bind_address_enforce", BOOL, "no", "lmtp", ROLE_LATER)
	PROTECTIVE("lmtp_body_checks", STR, "", "lmtp", "")
	HARMLESS("lmtp_cache_connection", LEGACY, "", "", ROLE_LATER)
	HARMLESS("lmtp_cname_overrides_servername", BOOL,
	    "no", "lmtp",
	    TLS_LATER)
	HARMLESS("lmtp_connect_timeout", TIME, "0s", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_connection_cache_destinations", STR,
	    "", "lmtp",
	    ROLE_LATER)
	HARMLESS("lmtp_connection_cache_on_demand", BOOL,
	    "yes", "lmtp",
	    ROLE_LATER)
	HARMLESS("lmtp_connection_cache_time_limit", TIME,
	    "2s", "lmtp",
	    ROLE_LATER)
	HARMLESS("lmtp_connection_reuse_count_limit", INT,
	    "0", "lmtp",
	    ROLE_LATER)
	HARMLESS("lmtp_connection_reuse_time_limit", TIME,
	    "300s", "lmtp",
	    ROLE_LATER)
	HARMLESS("lmtp_data_done_timeout", TIME, "600s", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_data_init_timeout", TIME, "120s", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_data_xfer_timeout", TIME, "180s", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_defer_if_no_mx_address_found", BOOL,
	    "no", "lmtp",
	    ROLE_LATER)
	HARMLESS("lmtp_delivery_status_filter", STR,
	    "$default_delivery_status_filter", "lmtp",
	    ROLE_LATER)
	READ("lmtp_destination_concurrency_limit", INT,
	    "$default_destination_concurrency_limit", "qmgr")
	READ("lmtp_destination_recipient_limit", INT,
	    "$default_destination_recipient_limit", "qmgr")
	HARMLESS("lmtp_discard_lhlo_keyword_address_maps", STR,
	    "", "lmtp",
	    ROLE_LATER)
	HARMLESS("lmtp_discard_lhlo_keywords", STR, "", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_dns_reply_filter", STR, "", "lmtp", DNS_LATER)
	HARMLESS("lmtp_dns_resolver_options", STR, "", "lmtp", DNS_LATER)
	HARMLESS("lmtp_dns_support_level", STR, "", "lmtp", DNS_LATER)
	PROTECTIVE("lmtp_enforce_tls", BOOL, "no", "lmtp", "no")
	HARMLESS("lmtp_fallback_relay", STR, "", "lmtp", ROLE_LATER)
	PROTECTIVE("lmtp_generic_maps", STR, "", "lmtp", "")
	PROTECTIVE("lmtp_header_checks", STR, "", "lmtp", "")
	HARMLESS("lmtp_host_lookup", STR, "dns", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_lhlo_name", STR, "$myhostname", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_lhlo_timeout", TIME, "300s", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_line_length_limit", INT, "998", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_log_tls_feature_status", BOOL, "yes", "lmtp", TLS_LATER)
	HARMLESS("lmtp_mail_timeout", TIME, "300s", "lmtp", ROLE_LATER)
	PROTECTIVE("lmtp_mime_header_checks", STR, "", "lmtp", "")
	HARMLESS("lmtp_min_data_rate", INT, "500", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_mx_address_limit", INT, "5", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_mx_session_limit", INT, "2", "lmtp", ROLE_LATER)
	PROTECTIVE("lmtp_nested_header_checks", STR, "", "lmtp", "")
	HARMLESS("lmtp_per_record_deadline", LEGACY, "", "all", ROLE_LATER)
	HARMLESS("lmtp_per_request_deadline", BOOL,
	    "${lmtp_per_record_deadline?{$lmtp_per_record_deadline}:{no}}", "lmtp",
	    ROLE_LATER)
	HARMLESS("lmtp_pix_workaround_delay_time", TIME,
	    "10s", "lmtp",
	    ROLE_LATER)
	HARMLESS("lmtp_pix_workaround_maps", STR, "", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_pix_workaround_threshold_time", TIME,
	    "500s", "lmtp",
	    ROLE_LATER)
	HARMLESS("lmtp_pix_workarounds", STR,
	    "disable_esmtp,delay_dotcrlf", "lmtp",
	    ROLE_LATER)
	HARMLESS("lmtp_quit_timeout", TIME, "300s", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_quote_rfc821_envelope", BOOL, "yes", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_randomize_addresses", BOOL, "yes", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_rcpt_timeout", TIME, "300s", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_reply_filter", STR, "", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_requiretls_policy", STR,
	    "opportunistic", "lmtp",
	    TLS_LATER)
	HARMLESS("lmtp_rset_timeout", TIME, "20s", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_sasl_auth_cache_name", STR, "", "lmtp", SASL_LATER)
	HARMLESS("lmtp_sasl_auth_cache_time", TIME, "90d", "lmtp", SASL_LATER)
	PROTECTIVE("lmtp_sasl_auth_enable", BOOL, "no", "lmtp", "no")
	HARMLESS("lmtp_sasl_auth_soft_bounce", BOOL, "yes", "lmtp", SASL_LATER)
	HARMLESS("lmtp_sasl_mechanism_filter", STR, "", "lmtp", SASL_LATER)
	HARMLESS("lmtp_sasl_password_maps", STR, "", "lmtp", SASL_LATER)
	HARMLESS("lmtp_sasl_password_result_delimiter", STR,
	    ":", "lmtp",
	    SASL_LATER)
	HARMLESS("lmtp_sasl_path", STR, "", "lmtp", SASL_LATER)
	HARMLESS("lmtp_sasl_security_options", STR,
	    "noplaintext, noanonymous", "lmtp",
	    SASL_LATER)
	HARMLESS("lmtp_sasl_tls_security_options", STR,
	    "$lmtp_sasl_security_options", "lmtp",
	    TLS_LATER)
	HARMLESS("lmtp_sasl_tls_verified_security_options", STR,
	    "$lmtp_sasl_tls_security_options", "lmtp",
	    TLS_LATER)
	HARMLESS("lmtp_sasl_type", STR, "cyrus", "lmtp", SASL_LATER)
	HARMLESS("lmtp_send_dummy_mail_auth", BOOL, "no", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_send_xforward_command", BOOL, "no", "lmtp", ROLE_LATER)
	PROTECTIVE("lmtp_sender_dependent_authentication", BOOL,
	    "no", "lmtp",
	    "no")
	HARMLESS("lmtp_skip_5xx_greeting", BOOL, "yes", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_skip_quit_response", BOOL, "no", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_starttls_timeout", TIME, "300s", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tcp_port", STR, "24", "lmtp", ROLE_LATER)
	HARMLESS("lmtp_tls_CAfile", STR, "", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_CApath", STR, "", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_block_early_mail_reply", BOOL,
	    "no", "lmtp",
	    TLS_LATER)
	HARMLESS("lmtp_tls_cert_file", STR, "", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_chain_files", STR, "", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_ciphers", STR, "medium", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_connection_reuse", BOOL, "no", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_dcert_file", STR, "", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_dkey_file", STR,
	    "$lmtp_tls_dcert_file", "lmtp",
	    TLS_LATER)
	HARMLESS("lmtp_tls_eccert_file", STR, "", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_eckey_file", STR,
	    "$lmtp_tls_eccert_file", "lmtp",
	    TLS_LATER)
	HARMLESS("lmtp_tls_enable_rpk", BOOL, "no", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_enforce_peername", BOOL, "yes", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_enforce_sts_mx_patterns", BOOL,
	    "yes", "lmtp",
	    TLS_LATER)
	HARMLESS("lmtp_tls_exclude_ciphers", STR, "", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_fingerprint_cert_match", STR, "", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_fingerprint_digest", STR,
	    "${{$compatibility_level} <level {3.6} ? {md5} : {sha256}}", "lmtp",
	    TLS_LATER)
	HARMLESS("lmtp_tls_force_insecure_host_tlsa_lookup", BOOL,
	    "no", "lmtp",
	    TLS_LATER)
	HARMLESS("lmtp_tls_key_file", STR,
	    "$lmtp_tls_cert_file", "lmtp",
	    TLS_LATER)
	HARMLESS("lmtp_tls_loglevel", STR, "0", "lmtp,tlsmgr", TLS_LATER)
	HARMLESS("lmtp_tls_loglevel_maps", STR, "", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_mandatory_ciphers", STR, "medium", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_mandatory_exclude_ciphers", STR,
	    "", "lmtp",
	    TLS_LATER)
	HARMLESS("lmtp_tls_mandatory_protocols", STR,
	    ">=TLSv1", "lmtp",
	    TLS_LATER)
	HARMLESS("lmtp_tls_note_starttls_offer", BOOL, "no", "lmtp", TLS_LATER)
	PROTECTIVE("lmtp_tls_per_site", STR, "", "lmtp", "")
	PROTECTIVE("lmtp_tls_policy_maps", STR, "", "lmtp", "")
	HARMLESS("lmtp_tls_protocols", STR, ">=TLSv1", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_scert_verifydepth", INT, "9", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_secure_cert_match", STR,
	    "nexthop", "lmtp",
	    TLS_LATER)
	PROTECTIVE("lmtp_tls_security_level", STR, "", "lmtp", "none|may")
	HARMLESS("lmtp_tls_servername", STR, "", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_session_cache_database", STR,
	    "", "tlsmgr",
	    TLS_LATER)
	HARMLESS("lmtp_tls_session_cache_timeout", TIME,
	    "3600s", "tlsmgr",
	    TLS_LATER)
	HARMLESS("lmtp_tls_trace_size_limit", INT, "102400", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_trust_anchor_file", STR, "", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tls_verify_cert_match", STR,
	    "hostname", "lmtp",
	    TLS_LATER)
	PROTECTIVE("lmtp_tls_wrappermode", BOOL, "no", "lmtp", "no")
	HARMLESS("lmtp_tlsrpt_enable", BOOL, "no", "lmtp", TLS_LATER)
	HARMLESS("lmtp_tlsrpt_skip_reused_handshakes", BOOL,
	    "no", "lmtp",
	    TLS_LATER)
	HARMLESS("lmtp_tlsrpt_socket_name", STR, "", "lmtp", TLS_LATER)
	HARMLESS("lmtp_use_tls", BOOL, "no", "lmtp", TLS_LATER)
	HARMLESS("lmtp_xforward_timeout", TIME, "300s", "lmtp", ROLE_LATER)
	PROTECTIVE("local_command_shell", STR, "", "local", "")
	HARMLESS("local_delivery_status_filter", STR,
	    "$default_delivery_status_filter", "local",
	    ROLE_LATER)
	READ("local_destination_concurrency_limit", INT,
	    "2", "oqmgr,qmgr")
	READ("local_destination_recipient_limit", INT,
	    "1", "oqmgr,qmgr")
	HARMLESS("local_header_rewrite_clients", STR,
	    "permit_inet_interfaces", "smtpd",
	    ROLE_LATER)
	HARMLESS("local_login_sender_maps", STR,
	    "static:*", "postdrop",
	    ROLE_LATER)
	HARMLESS("local_recipient_maps", STR,
	    "proxy:unix:passwd.byname $alias_maps", "proxymap,smtpd",
	    ROLE_LATER)
	HARMLESS("local_transport", STR,
	    "local:$myhostname", "trivial-rewrite",
	    ROLE_LATER)
	PROTECTIVE("luser_relay", RAW, "", "local", "")
	HARMLESS("mail_name", STR, "Postfix", "global", ROLE_LATER)
	HARMLESS("mail_owner", STR, "postfix", "global", ROLE_LATER)
	HARMLESS("mail_release_date", STR, "20260821", "global", INSTALLER_READS)
	HARMLESS("mail_spool_directory", STR,
	    "/var/mail", "local,virtual",
	    ROLE_LATER)
	HARMLESS("mail_version", STR, "3.12", "global", ROLE_LATER)
	PROTECTIVE("mailbox_command", RAW, "", "local", "")
	PROTECTIVE("mailbox_command_maps", STR, "", "local", "")
	HARMLESS("mailbox_delivery_lock", STR,
	    "fcntl, dotlock", "local",
	    ROLE_LATER)
	HARMLESS("mailbox_size_limit", INT, "51200000", "local", ROLE_LATER)
	PROTECTIVE("mailbox_transport", STR, "", "local", "")
	PROTECTIVE("mailbox_transport_maps", STR, "", "local", "")
	HARMLESS("maillog_file", STR, "", "global", NOT_NEEDED)
	HARMLESS("maillog_file_compressor", STR, "gzip", "global", NOT_NEEDED)
	HARMLESS("maillog_file_permissions", STR, "0600", "global", NOT_NEEDED)
	READ("maillog_file_prefixes", STR,
	    "/var, /dev/stdout", "global")
	HARMLESS("maillog_file_rotate_suffix", STR,
	    "%Y%m%d-%H%M%S", "global",
	    NOT_NEEDED)
	HARMLESS("mailq_path", STR, "/usr/bin/mailq", "postfix", INSTALLER_READS)
	HARMLESS("manpage_directory", STR,
	    "/usr/local/man", "postfix",
	    INSTALLER_READS)
	HARMLESS("maps_rbl_domains", STR, "", "smtpd", DNS_LATER)
	HARMLESS("maps_rbl_reject_code", INT, "554", "smtpd", DNS_LATER)
	HARMLESS("masquerade_classes", STR,
	    "envelope_sender, header_sender, header_recipient", "cleanup",
	    ROLE_LATER)
	PROTECTIVE("masquerade_domains", STR, "", "cleanup", "")
	HARMLESS("masquerade_exceptions", STR, "", "cleanup", ROLE_LATER)
	HARMLESS("master_service_disable", STR, "", "master", ROLE_LATER)
	HARMLESS("max_idle", TIME, "100s", "global", ROLE_LATER)
	HARMLESS("max_use", INT, "100", "global", ROLE_LATER)
	HARMLESS("maximal_backoff_time", TIME,
	    "4000s", "oqmgr,qmgr",
	    ROLE_LATER)
	HARMLESS("maximal_queue_lifetime", TIME,
	    "5d", "bounce,oqmgr,qmgr",
	    ROLE_LATER)
	HARMLESS("memcache_table:backup", STR, "", "", TABLE_LATER)
	HARMLESS("memcache_table:data_size_limit", STR,
	    "10240", "",
	    TABLE_LATER)
	HARMLESS("memcache_table:domain", STR, "", "", TABLE_LATER)
	HARMLESS("memcache_table:flags", STR, "0", "", TABLE_LATER)
	HARMLESS("memcache_table:key_digest", STR, "", "", TABLE_LATER)
	HARMLESS("memcache_table:key_format", STR, "%s", "", TABLE_LATER)
	HARMLESS("memcache_table:line_size_limit", STR, "1024", "", TABLE_LATER)
	HARMLESS("memcache_table:max_try", STR, "2", "", TABLE_LATER)
	HARMLESS("memcache_table:memcache", STR,
	    "inet:localhost:11211", "",
	    TABLE_LATER)
	HARMLESS("memcache_table:retry_pause", STR, "1", "", TABLE_LATER)
	HARMLESS("memcache_table:timeout", STR, "2", "", TABLE_LATER)
	HARMLESS("memcache_table:ttl", STR, "3600", "", TABLE_LATER)
	HARMLESS("message_drop_headers", STR,
	    "bcc, content-length, resent-bcc, return-path", "global",
	    ROLE_LATER)
	PROTECTIVE("message_reject_characters", STR, "", "cleanup", "")
	HARMLESS("message_size_limit", INT, "10240000", "global", ROLE_LATER)
	PROTECTIVE("message_strip_characters", STR, "", "cleanup", "")
	HARMLESS("meta_directory", STR, "/etc/postfix", "global", INSTALLER_READS)
	HARMLESS("milter_command_timeout", TIME,
	    "30s", "cleanup,smtpd",
	    MILTER_LATER)
	HARMLESS("milter_connect_macros", STR,
	    "j {daemon_name} {daemon_addr} v _", "cleanup,smtpd",
	    MILTER_LATER)
	HARMLESS("milter_connect_timeout", TIME,
	    "30s", "cleanup,smtpd",
	    MILTER_LATER)
	HARMLESS("milter_content_timeout", TIME,
	    "300s", "cleanup,smtpd",
	    MILTER_LATER)
	HARMLESS("milter_data_macros", STR, "i", "cleanup,smtpd", MILTER_LATER)
	HARMLESS("milter_default_action", STR,
	    "shutdown", "cleanup,smtpd",
	    MILTER_LATER)
	HARMLESS("milter_end_of_data_macros", STR,
	    "i", "cleanup,smtpd",
	    MILTER_LATER)
	HARMLESS("milter_end_of_header_macros", STR,
	    "i", "cleanup,smtpd",
	    MILTER_LATER)
	PROTECTIVE("milter_header_checks", STR, "", "cleanup", "")
	HARMLESS("milter_helo_macros", STR,
	    "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}", "cleanup,smtpd",
	    MILTER_LATER)
	HARMLESS("milter_macro_daemon_name", STR,
	    "$myhostname", "cleanup,smtpd",
	    MILTER_LATER)
	HARMLESS("milter_macro_defaults", STR,
	    "", "cleanup,smtpd",
	    MILTER_LATER)
	HARMLESS("milter_macro_v", STR,
	    "$mail_name $mail_version", "cleanup,smtpd",
	    MILTER_LATER)
	HARMLESS("milter_mail_macros", STR,
	    "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}", "cleanup,smtpd",
	    MILTER_LATER)
	HARMLESS("milter_protocol", STR, "6", "cleanup,smtpd", MILTER_LATER)
	HARMLESS("milter_rcpt_macros", STR,
	    "i {rcpt_addr} {rcpt_host} {rcpt_mailer}", "cleanup,smtpd",
	    MILTER_LATER)
	HARMLESS("milter_unknown_command_macros", STR,
	    "", "cleanup,smtpd",
	    MILTER_LATER)
	HARMLESS("mime_boundary_length_limit", INT,
	    "2048", "global",
	    ROLE_LATER)
	PROTECTIVE("mime_header_checks", STR, "$header_checks", "cleanup", "")
	HARMLESS("mime_nesting_limit", INT, "100", "global", ROLE_LATER)
	HARMLESS("minimal_backoff_time", TIME,
	    "300s", "oqmgr,qmgr,smtp",
	    ROLE_LATER)
	HARMLESS("mongodb_table:collection", STR, "", "", TABLE_LATER)
	HARMLESS("mongodb_table:dbname", STR, "", "", TABLE_LATER)
	HARMLESS("mongodb_table:domain", STR, "", "", TABLE_LATER)
	HARMLESS("mongodb_table:expansion_limit", STR, "10", "", TABLE_LATER)
	HARMLESS("mongodb_table:projection", STR, "", "", TABLE_LATER)
	HARMLESS("mongodb_table:query_filter", STR, "", "", TABLE_LATER)
	HARMLESS("mongodb_table:result_attribute", STR, "", "", TABLE_LATER)
	HARMLESS("mongodb_table:result_format", STR, "%s", "", TABLE_LATER)
	HARMLESS("mongodb_table:uri", STR, "", "", TABLE_LATER)
	HARMLESS("multi_instance_directories", STR, "", "global", ROLE_LATER)
	HARMLESS("multi_instance_enable", BOOL, "no", "global", ROLE_LATER)
	HARMLESS("multi_instance_group", STR, "", "global", ROLE_LATER)
	HARMLESS("multi_instance_name", STR, "", "global", ROLE_LATER)
	HARMLESS("multi_instance_wrapper", STR, "", "global", ROLE_LATER)
	HARMLESS("multi_recipient_bounce_reject_code", INT,
	    "550", "smtpd",
	    ROLE_LATER)
	HARMLESS("mydestination", STR,
	    "$myhostname, localhost.$mydomain, localhost", "global",
	    ROLE_LATER)
	HARMLESS("mydomain", STR, "", "global", ROLE_LATER)
	HARMLESS("myhostname", STR, "", "global", ROLE_LATER)
	HARMLESS("mynetworks", STR, "", "global", ROLE_LATER)
	HARMLESS("mynetworks_style", STR,
	    "${{$compatibility_level} <level {2} ? {subnet} : {host}}", "global",
	    ROLE_LATER)
	HARMLESS("myorigin", STR, "$myhostname", "global", ROLE_LATER)
	HARMLESS("mysql_table:additional_conditions", STR, "", "", TABLE_LATER)
	HARMLESS("mysql_table:charset", STR, "utf8mb4", "", TABLE_LATER)
	HARMLESS("mysql_table:dbname", STR, "", "", TABLE_LATER)
	HARMLESS("mysql_table:domain", STR, "", "", TABLE_LATER)
	HARMLESS("mysql_table:expansion_limit", STR, "0", "", TABLE_LATER)
	HARMLESS("mysql_table:hosts", STR, "localhost", "", TABLE_LATER)
	HARMLESS("mysql_table:idle_interval", STR, "60", "", TABLE_LATER)
	HARMLESS("mysql_table:option_file", STR, "", "", TABLE_LATER)
	HARMLESS("mysql_table:option_group", STR, "client", "", TABLE_LATER)
	HARMLESS("mysql_table:password", STR, "", "", TABLE_LATER)
	HARMLESS("mysql_table:query", STR, "", "", TABLE_LATER)
	HARMLESS("mysql_table:require_result_set", STR, "yes", "", TABLE_LATER)
	HARMLESS("mysql_table:result_format", STR, "%s", "", TABLE_LATER)
	HARMLESS("mysql_table:retry_interval", STR, "60", "", TABLE_LATER)
	HARMLESS("mysql_table:select_field", STR, "", "", TABLE_LATER)
	HARMLESS("mysql_table:table", STR, "", "", TABLE_LATER)
	HARMLESS("mysql_table:tls_CAfile", STR, "", "", TLS_LATER)
	HARMLESS("mysql_table:tls_CApath", STR, "", "", TLS_LATER)
	HARMLESS("mysql_table:tls_cert_file", STR, "", "", TLS_LATER)
	HARMLESS("mysql_table:tls_ciphers", STR, "", "", TLS_LATER)
	HARMLESS("mysql_table:tls_key_file", STR, "", "", TLS_LATER)
	HARMLESS("mysql_table:tls_verify_cert", STR, "no", "", TLS_LATER)
	HARMLESS("mysql_table:user", STR, "", "", TABLE_LATER)
	HARMLESS("mysql_table:where_field", STR, "", "", TABLE_LATER)
	PROTECTIVE("nested_header_checks", STR, "$header_checks", "cleanup", "")
	HARMLESS("newaliases_path", STR,
	    "/usr/bin/newaliases", "postfix",
	    INSTALLER_READS)
	HARMLESS("non_bdb_custom_mapping", STR, "", "global", NO_MIGRATION)
	HARMLESS("non_bdb_migration_allow_root_prefixes", STR,
	    "/etc /usr/local/etc", "nbdb_reindexd",
	    NO_MIGRATION)
	HARMLESS("non_bdb_migration_allow_user_prefixes", STR,
	    "$data_directory /var/lib/mailman /var/lib/mailman3", "nbdb_reindexd",
	    NO_MIGRATION)
	HARMLESS("non_bdb_migration_level", STR,
	    "disable", "global",
	    NO_MIGRATION)
	HARMLESS("non_bdb_migration_log_redirect", BOOL,
	    "yes", "global",
	    NO_MIGRATION)
	HARMLESS("non_bdb_migration_service_name", STR,
	    "nbdb_reindex", "global",
	    NO_MIGRATION)
	HARMLESS("non_empty_end_of_header_action", STR,
	    "fix_quietly", "cleanup",
	    ROLE_LATER)
	HARMLESS("non_fqdn_reject_code", INT, "504", "smtpd", ROLE_LATER)
	PROTECTIVE("non_smtpd_milters", STR, "", "cleanup", "")
	HARMLESS("notify_classes", STR,
	    "resource, software", "bounce,smtp,smtpd",
	    ROLE_LATER)
	HARMLESS("openssl_path", STR, "openssl", "tls", TLS_LATER)
	HARMLESS("owner_request_special", BOOL, "yes", "global", ROLE_LATER)
	HARMLESS("parent_domain_matches_subdomains", STR,
	    "debug_peer_list,fast_flush_domains,mynetworks,permit_mx_backup_networks,qmqpd_authorized_clients,relay_domains,smtpd_access_maps", "global",
	    ROLE_LATER)
	HARMLESS("permit_mx_backup_networks", STR, "", "smtpd", DNS_LATER)
	HARMLESS("pgsql_table:additional_conditions", STR, "", "", TABLE_LATER)
	HARMLESS("pgsql_table:dbname", STR, "", "", TABLE_LATER)
	HARMLESS("pgsql_table:domain", STR, "", "", TABLE_LATER)
	HARMLESS("pgsql_table:encoding", STR, "UTF8", "", TABLE_LATER)
	HARMLESS("pgsql_table:expansion_limit", STR, "0", "", TABLE_LATER)
	HARMLESS("pgsql_table:hosts", STR,
	    "localhost", "",
	    TABLE_LATER)
	HARMLESS("pgsql_table:idle_interval", STR, "60", "", TABLE_LATER)
	HARMLESS("pgsql_table:password", STR, "", "", TABLE_LATER)
	HARMLESS("pgsql_table:query", STR, "", "", TABLE_LATER)
	HARMLESS("pgsql_table:result_format", STR, "%s", "", TABLE_LATER)
	HARMLESS("pgsql_table:retry_interval", STR, "60", "", TABLE_LATER)
	HARMLESS("pgsql_table:select_field", STR, "", "", TABLE_LATER)
	HARMLESS("pgsql_table:select_function", STR, "", "", TABLE_LATER)
	HARMLESS("pgsql_table:table", STR, "", "", TABLE_LATER)
	HARMLESS("pgsql_table:user", STR, "", "", TABLE_LATER)
	HARMLESS("pgsql_table:where_field", STR, "", "", TABLE_LATER)
	HARMLESS("pickup_service_name", STR, "pickup", "global", ROLE_LATER)
	HARMLESS("pipe_delivery_status_filter", STR,
	    "$default_delivery_status_filter", "pipe",
	    ROLE_LATER)
	HARMLESS("plaintext_reject_code", INT, "450", "smtpd", TLS_LATER)
	HARMLESS("postlog_service_name", STR, "postlog", "global", NOT_NEEDED)
	HARMLESS("postlogd_watchdog_timeout", TIME,
	    "10s", "postlogd",
	    NOT_NEEDED)
	HARMLESS("postmulti_control_commands", STR,
	    "reload flush", "postmulti",
	    ROLE_LATER)
	HARMLESS("postmulti_start_commands", STR,
	    "start", "postmulti",
	    ROLE_LATER)
	HARMLESS("postmulti_stop_commands", STR,
	    "stop abort drain quick-stop", "postmulti",
	    ROLE_LATER)
	HARMLESS("postscreen_access_list", STR,
	    "permit_mynetworks", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_allowlist_interfaces", STR,
	    "${postscreen_whitelist_interfaces?{$postscreen_whitelist_interfaces}:{static:all}}", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_bare_newline_action", STR,
	    "ignore", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_bare_newline_enable", BOOL,
	    "no", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_bare_newline_ttl", TIME,
	    "30d", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_blacklist_action", LEGACY,
	    "", "all",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_cache_cleanup_interval", TIME,
	    "12h", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_cache_map", STR,
	    "$default_cache_db_type:$data_directory/postscreen_cache", "postscreen,proxymap",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_cache_retention_time", TIME,
	    "7d", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_client_connection_count_limit", INT,
	    "$smtpd_client_connection_count_limit", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_command_count_limit", INT,
	    "20", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_command_filter", STR,
	    "", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_command_time_limit", TIME,
	    "${stress?{10}:{300}}s", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_denylist_action", STR,
	    "${postscreen_blacklist_action?{$postscreen_blacklist_action}:{ignore}}", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_disable_vrfy_command", BOOL,
	    "$disable_vrfy_command", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_discard_ehlo_keyword_address_maps", STR,
	    "$smtpd_discard_ehlo_keyword_address_maps", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_discard_ehlo_keywords", STR,
	    "$smtpd_discard_ehlo_keywords", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_dnsbl_action", STR,
	    "ignore", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_dnsbl_allowlist_threshold", INT,
	    "${postscreen_dnsbl_whitelist_threshold?{$postscreen_dnsbl_whitelist_threshold}:{0}}", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_dnsbl_max_ttl", TIME,
	    "${postscreen_dnsbl_ttl?{$postscreen_dnsbl_ttl}:{1}}h", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_dnsbl_min_ttl", TIME,
	    "60s", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_dnsbl_reply_map", STR,
	    "", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_dnsbl_sites", STR,
	    "", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_dnsbl_threshold", INT,
	    "1", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_dnsbl_timeout", TIME,
	    "10s", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_dnsbl_ttl", LEGACY, "", "all", POSTSCREEN_LATER)
	HARMLESS("postscreen_dnsbl_whitelist_threshold", LEGACY,
	    "", "all",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_enforce_tls", BOOL,
	    "$smtpd_enforce_tls", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_expansion_filter", RAW,
	    "$smtpd_expansion_filter", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_forbidden_commands", STR,
	    "$smtpd_forbidden_commands", "postscreen,proxymap",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_greet_action", STR,
	    "ignore", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_greet_banner", STR,
	    "$smtpd_banner", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_greet_ttl", TIME,
	    "1d", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_greet_wait", TIME,
	    "${stress?{2}:{6}}s", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_helo_required", BOOL,
	    "$smtpd_helo_required", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_non_smtp_command_action", STR,
	    "drop", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_non_smtp_command_enable", BOOL,
	    "no", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_non_smtp_command_ttl", TIME,
	    "30d", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_pipelining_action", STR,
	    "enforce", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_pipelining_enable", BOOL,
	    "no", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_pipelining_ttl", TIME,
	    "30d", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_post_queue_limit", INT,
	    "$default_process_limit", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_pre_queue_limit", INT,
	    "$default_process_limit", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_reject_footer", RAW,
	    "$smtpd_reject_footer", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_reject_footer_maps", STR,
	    "$smtpd_reject_footer_maps", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_starttls_timeout", TIME,
	    "$smtpd_starttls_timeout", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_CAfile", STR,
	    "$smtpd_tls_CAfile", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_CApath", STR,
	    "$smtpd_tls_CApath", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_always_issue_session_ids", BOOL,
	    "$smtpd_tls_always_issue_session_ids", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_ask_ccert", BOOL,
	    "$smtpd_tls_ask_ccert", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_ccert_verifydepth", INT,
	    "$smtpd_tls_ccert_verifydepth", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_cert_file", STR,
	    "$smtpd_tls_cert_file", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_chain_files", STR,
	    "$smtpd_tls_chain_files", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_ciphers", STR,
	    "$smtpd_tls_ciphers", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_dcert_file", STR,
	    "$smtpd_tls_dcert_file", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_dh1024_param_file", STR,
	    "$smtpd_tls_dh1024_param_file", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_dh512_param_file", STR,
	    "$smtpd_tls_dh512_param_file", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_dkey_file", STR,
	    "$smtpd_tls_dkey_file", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_eccert_file", STR,
	    "$smtpd_tls_eccert_file", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_eckey_file", STR,
	    "$smtpd_tls_eckey_file", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_eecdh_grade", STR,
	    "$smtpd_tls_eecdh_grade", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_enable_rpk", BOOL,
	    "$smtpd_tls_enable_rpk", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_exclude_ciphers", STR,
	    "$smtpd_tls_exclude_ciphers", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_fingerprint_digest", STR,
	    "$smtpd_tls_fingerprint_digest", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_key_file", STR,
	    "$smtpd_tls_key_file", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_loglevel", STR,
	    "$smtpd_tls_loglevel", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_loglevel_maps", STR,
	    "$smtpd_tls_loglevel_maps", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_mandatory_ciphers", STR,
	    "$smtpd_tls_mandatory_ciphers", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_mandatory_exclude_ciphers", STR,
	    "$smtpd_tls_mandatory_exclude_ciphers", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_mandatory_protocols", STR,
	    "$smtpd_tls_mandatory_protocols", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_protocols", STR,
	    "$smtpd_tls_protocols", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_req_ccert", BOOL,
	    "$smtpd_tls_req_ccert", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_security_level", STR,
	    "$smtpd_tls_security_level", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_tls_trace_size_limit", INT,
	    "$smtpd_tls_trace_size_limit", "postscreen",
	    TLS_LATER)
	PROTECTIVE("postscreen_upstream_proxy_protocol", STR,
	    "", "postscreen",
	    "")
	HARMLESS("postscreen_upstream_proxy_timeout", TIME,
	    "5s", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_use_tls", BOOL,
	    "$smtpd_use_tls", "postscreen",
	    TLS_LATER)
	HARMLESS("postscreen_watchdog_timeout", TIME,
	    "10s", "postscreen",
	    POSTSCREEN_LATER)
	HARMLESS("postscreen_whitelist_interfaces", LEGACY,
	    "", "all",
	    POSTSCREEN_LATER)
	HARMLESS("prepend_delivered_header", STR,
	    "command, file, forward", "local",
	    ROLE_LATER)
	HARMLESS("process_id", STR, "", "all", INSTALLER_READS)
	HARMLESS("process_id_directory", STR, "pid", "global", ONE_WAY)
	HARMLESS("process_name", STR, "", "all", INSTALLER_READS)
	HARMLESS("propagate_unmatched_extensions", STR,
	    "canonical, virtual", "cleanup,local,smtp",
	    ROLE_LATER)
	HARMLESS("proxy_interfaces", STR, "", "global", ROLE_LATER)
	HARMLESS("proxy_read_maps", STR,
	    "$local_recipient_maps $mydestination $virtual_alias_maps $virtual_alias_domains $virtual_mailbox_maps $virtual_mailbox_domains $relay_recipient_maps $relay_domains $canonical_maps $sender_canonical_maps $recipient_canonical_maps $relocated_maps $transport_maps $mynetworks $smtpd_sender_login_maps $sender_bcc_maps $recipient_bcc_maps $smtp_generic_maps $lmtp_generic_maps $alias_maps $smtpd_client_restrictions $smtpd_helo_restrictions $smtpd_sender_restrictions $smtpd_relay_restrictions $smtpd_recipient_restrictions $address_verify_sender_dependent_default_transport_maps $address_verify_sender_dependent_relayhost_maps $address_verify_transport_maps $fallback_transport_maps $lmtp_discard_lhlo_keyword_address_maps $lmtp_pix_workaround_maps $lmtp_sasl_password_maps $lmtp_tls_policy_maps $mailbox_command_maps $mailbox_transport_maps $postscreen_discard_ehlo_keyword_address_maps $rbl_reply_maps $sender_dependent_default_transport_maps $sender_dependent_relayhost_maps $smtp_discard_ehlo_keyword_address_maps $smtp_pix_workaround_maps $smtp_sasl_password_maps $smtp_tls_policy_maps $smtpd_discard_ehlo_keyword_address_maps $smtpd_milter_maps $virtual_gid_maps $virtual_uid_maps $local_login_sender_maps $postscreen_reject_footer_maps $smtpd_reject_footer_maps $tls_server_sni_maps $tlsproxy_client_policy_maps $default_delivery_status_filter $lmtp_delivery_status_filter $lmtp_dns_reply_filter $lmtp_reply_filter $local_delivery_status_filter $pipe_delivery_status_filter $postscreen_command_filter $smtp_delivery_status_filter $smtp_dns_reply_filter $smtp_reply_filter $smtpd_command_filter $smtpd_dns_reply_filter $virtual_delivery_status_filter $body_checks $header_checks $lmtp_body_checks $lmtp_header_checks $lmtp_mime_header_checks $lmtp_nested_header_checks $milter_header_checks $mime_header_checks $nested_header_checks $smtp_body_checks $smtp_header_checks $smtp_mime_header_checks $smtp_nested_header_checks $smtpd_reject_filter_maps $debug_peer_list $smtpd_etrn_restrictions $fast_flush_domains $authorized_flush_users $lmtp_connection_cache_destinations $local_header_rewrite_clients $masquerade_exceptions $postscreen_access_list $postscreen_allowlist_interfaces $postscreen_forbidden_commands $qmqpd_authorized_clients $authorized_mailq_users $smtp_connection_cache_destinations $smtpd_log_access_permit_actions $smtpd_forbidden_commands $smtpd_client_event_limit_exceptions $smtpd_sasl_exceptions_networks $smtpd_sasl_mechanism_filter $smtp_requiretls_policy $smtp_sasl_mechanism_filter $authorized_submit_users $smtpd_authorized_verp_clients $smtpd_authorized_xclient_hosts $smtpd_authorized_xforward_hosts $lmtp_tls_loglevel_maps $postscreen_tls_loglevel_maps $smtp_tls_loglevel_maps $smtpd_tls_loglevel_maps", "proxymap",
	    ROLE_LATER)
	HARMLESS("proxy_write_maps", STR,
	    "$smtp_sasl_auth_cache_name $lmtp_sasl_auth_cache_name $address_verify_map $postscreen_cache_map", "proxymap",
	    ROLE_LATER)
	HARMLESS("proxymap_service_name", STR, "proxymap", "global", ROLE_LATER)
	HARMLESS("proxywrite_service_name", STR,
	    "proxywrite", "global",
	    ROLE_LATER)
	HARMLESS("qmgr_clog_warn_time", TIME, "300s", "oqmgr,qmgr", ROLE_LATER)
	HARMLESS("qmgr_daemon_timeout", TIME, "1000s", "oqmgr,qmgr", WATCHED)
	HARMLESS("qmgr_fudge_factor", INT, "100", "oqmgr", NOT_NEEDED)
	HARMLESS("qmgr_ipc_timeout", TIME, "60s", "oqmgr,qmgr", WATCHED)
	HARMLESS("qmgr_message_active_limit", INT,
	    "20000", "oqmgr,qmgr",
	    ROLE_LATER)
	HARMLESS("qmgr_message_recipient_limit", INT,
	    "20000", "oqmgr,qmgr",
	    ROLE_LATER)
	HARMLESS("qmgr_message_recipient_minimum", INT,
	    "10", "qmgr",
	    ROLE_LATER)
	HARMLESS("qmqpd_authorized_clients", STR, "", "qmqpd", QMQPD_LATER)
	HARMLESS("qmqpd_client_port_logging", BOOL, "no", "qmqpd", NOT_NEEDED)
	HARMLESS("qmqpd_error_delay", TIME, "1s", "qmqpd", QMQPD_LATER)
	HARMLESS("qmqpd_timeout", TIME, "300s", "qmqpd", QMQPD_LATER)
	HARMLESS("queue_directory", STR,
	    "/var/spool/postfix", "global",
	    ROLE_LATER)
	HARMLESS("queue_file_attribute_count_limit", INT,
	    "100", "cleanup",
	    OLD_FORMAT)
	HARMLESS("queue_minfree", INT, "0", "smtpd", ROLE_LATER)
	HARMLESS("queue_run_delay", TIME, "300s", "oqmgr,qmgr,smtp", ROLE_LATER)
	HARMLESS("queue_service_name", STR, "qmgr", "global", ROLE_LATER)
	HARMLESS("rbl_reply_maps", STR, "", "smtpd", DNS_LATER)
	HARMLESS("readme_directory", STR, "no", "postfix", INSTALLER_READS)
	HARMLESS("receive_override_options", STR,
	    "", "pickup,qmqpd,smtpd",
	    ROLE_LATER)
	PROTECTIVE("recipient_bcc_maps", STR, "", "cleanup", "")
	HARMLESS("recipient_canonical_classes", STR,
	    "envelope_recipient, header_recipient", "cleanup",
	    ROLE_LATER)
	HARMLESS("recipient_canonical_maps", STR,
	    "", "cleanup,proxymap,smtpd",
	    ROLE_LATER)
	HARMLESS("recipient_delimiter", STR, "", "global", ROLE_LATER)
	HARMLESS("reject_code", INT, "554", "smtpd", ROLE_LATER)
	HARMLESS("reject_tempfail_action", STR,
	    "defer_if_permit", "smtpd",
	    DNS_LATER)
	HARMLESS("relay_clientcerts", STR, "", "smtpd", TLS_LATER)
	READ("relay_destination_concurrency_limit", INT,
	    "$default_destination_concurrency_limit", "qmgr")
	READ("relay_destination_recipient_limit", INT,
	    "$default_destination_recipient_limit", "qmgr")
	HARMLESS("relay_domains", STR,
	    "${{$compatibility_level} <level {2} ? {$mydestination} : {}}", "global",
	    ROLE_LATER)
	HARMLESS("relay_domains_reject_code", INT, "554", "smtpd", ROLE_LATER)
	HARMLESS("relay_recipient_maps", STR, "", "proxymap,smtpd", ROLE_LATER)
	HARMLESS("relay_transport", STR, "relay", "trivial-rewrite", ROLE_LATER)
	HARMLESS("relayhost", STR, "", "global", ROLE_LATER)
	HARMLESS("relocated_maps", STR,
	    "", "proxymap,trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("relocated_prefix_enable", BOOL,
	    "yes", "trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("remote_header_rewrite_domain", STR,
	    "", "cleanup,trivial-rewrite",
	    ROLE_LATER)
	PROTECTIVE("require_home_directory", BOOL, "no", "local", "no")
	HARMLESS("requiretls_enable", BOOL, "yes", "global", TLS_LATER)
	HARMLESS("requiretls_esmtp_header", BOOL,
	    "yes", "cleanup,smtpd",
	    TLS_LATER)
	HARMLESS("requiretls_redact_dsn", BOOL, "yes", "bounce", TLS_LATER)
	HARMLESS("reset_owner_alias", BOOL, "no", "local", ONE_WAY)
	HARMLESS("resolve_dequoted_address", BOOL,
	    "yes", "trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("resolve_null_domain", BOOL,
	    "no", "trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("resolve_numeric_domain", BOOL,
	    "no", "trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("respectful_logging", BOOL,
	    "${{$compatibility_level} <level {3.6} ? {no} : {yes}}", "global",
	    POSTSCREEN_LATER)
	HARMLESS("rewrite_service_name", STR, "rewrite", "global", ROLE_LATER)
	HARMLESS("sample_directory", STR, "/etc/postfix", "postfix", INSTALLER_READS)
	HARMLESS("send_cyrus_sasl_authzid", BOOL, "no", "global", SASL_LATER)
	HARMLESS("sender_based_routing", LEGACY, "", "", ROLE_LATER)
	PROTECTIVE("sender_bcc_maps", STR, "", "cleanup", "")
	HARMLESS("sender_canonical_classes", STR,
	    "envelope_sender, header_sender", "cleanup",
	    ROLE_LATER)
	HARMLESS("sender_canonical_maps", STR,
	    "", "cleanup,proxymap,smtpd",
	    ROLE_LATER)
	HARMLESS("sender_dependent_default_transport_maps", STR,
	    "", "trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("sender_dependent_relayhost_maps", STR,
	    "", "trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("sendmail_fix_line_endings", STR,
	    "always", "sendmail",
	    ROLE_LATER)
	HARMLESS("sendmail_path", STR,
	    "/usr/sbin/sendmail", "postfix",
	    INSTALLER_READS)
	HARMLESS("service_name", STR, "", "all", INSTALLER_READS)
	READ("service_throttle_time", TIME, "60s", "master")
	HARMLESS("setgid_group", STR, "postdrop", "global", ROLE_LATER)
	HARMLESS("shlib_directory", STR,
	    "/usr/lib/postfix", "global",
	    INSTALLER_READS)
	HARMLESS("show_user_unknown_table_name", BOOL,
	    "yes", "smtpd,trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("showq_service_name", STR, "showq", "global", ROLE_LATER)
	HARMLESS("smtp_address_preference", STR, "any", "smtp", ROLE_LATER)
	HARMLESS("smtp_address_verify_target", STR,
	    "rcpt", "smtp",
	    VERIFY_LATER)
	HARMLESS("smtp_always_send_ehlo", BOOL, "yes", "smtp", ROLE_LATER)
	HARMLESS("smtp_balance_inet_protocols", BOOL, "yes", "smtp", ROLE_LATER)
	HARMLESS("smtp_bind_address", STR, "", "smtp", ROLE_LATER)
	HARMLESS("smtp_bind_address6", STR, "", "smtp", ROLE_LATER)
	HARMLESS("smtp_bind_address_enforce", BOOL, "no", "smtp", ROLE_LATER)
	PROTECTIVE("smtp_body_checks", STR, "", "smtp", "")
	HARMLESS("smtp_cname_overrides_servername", BOOL,
	    "no", "smtp",
	    TLS_LATER)
	HARMLESS("smtp_connect_timeout", TIME, "30s", "smtp", ROLE_LATER)
	HARMLESS("smtp_connection_cache_destinations", STR,
	    "", "smtp",
	    ROLE_LATER)
	HARMLESS("smtp_connection_cache_on_demand", BOOL,
	    "yes", "smtp",
	    ROLE_LATER)
	HARMLESS("smtp_connection_cache_time_limit", TIME,
	    "2s", "smtp",
	    ROLE_LATER)
	HARMLESS("smtp_connection_reuse_count_limit", INT,
	    "0", "smtp",
	    ROLE_LATER)
	HARMLESS("smtp_connection_reuse_time_limit", TIME,
	    "300s", "smtp",
	    ROLE_LATER)
	HARMLESS("smtp_data_done_timeout", TIME, "600s", "smtp", ROLE_LATER)
	HARMLESS("smtp_data_init_timeout", TIME, "120s", "smtp", ROLE_LATER)
	HARMLESS("smtp_data_xfer_timeout", TIME, "180s", "smtp", ROLE_LATER)
	HARMLESS("smtp_defer_if_no_mx_address_found", BOOL,
	    "no", "smtp",
	    ROLE_LATER)
	HARMLESS("smtp_delivery_status_filter", STR,
	    "$default_delivery_status_filter", "smtp",
	    ROLE_LATER)
	READ("smtp_destination_concurrency_limit", INT,
	    "$default_destination_concurrency_limit", "qmgr")
	READ("smtp_destination_recipient_limit", INT,
	    "$default_destination_recipient_limit", "qmgr")
	HARMLESS("smtp_discard_ehlo_keyword_address_maps", STR,
	    "", "smtp",
	    ROLE_LATER)
	HARMLESS("smtp_discard_ehlo_keywords", STR, "", "smtp", ROLE_LATER)
	HARMLESS("smtp_dns_reply_filter", STR, "", "smtp", DNS_LATER)
	HARMLESS("smtp_dns_resolver_options", STR, "", "smtp", DNS_LATER)
	HARMLESS("smtp_dns_support_level", STR, "", "smtp", DNS_LATER)
	PROTECTIVE("smtp_enforce_tls", BOOL, "no", "smtp,tlsproxy", "no")
	HARMLESS("smtp_fallback_relay", STR,
	    "$fallback_relay", "smtp",
	    ROLE_LATER)
	PROTECTIVE("smtp_generic_maps", STR, "", "smtp", "")
	PROTECTIVE("smtp_header_checks", STR, "", "smtp", "")
	HARMLESS("smtp_helo_name", STR, "$myhostname", "smtp", ROLE_LATER)
	HARMLESS("smtp_helo_timeout", TIME, "300s", "smtp", ROLE_LATER)
	HARMLESS("smtp_host_lookup", STR, "dns", "smtp", ROLE_LATER)
	HARMLESS("smtp_line_length_limit", INT, "998", "smtp", ROLE_LATER)
	HARMLESS("smtp_log_tls_feature_status", BOOL, "yes", "smtp", TLS_LATER)
	HARMLESS("smtp_mail_timeout", TIME, "300s", "smtp", ROLE_LATER)
	PROTECTIVE("smtp_mime_header_checks", STR, "", "smtp", "")
	HARMLESS("smtp_min_data_rate", INT, "500", "smtp", ROLE_LATER)
	HARMLESS("smtp_mx_address_limit", INT, "5", "smtp", ROLE_LATER)
	HARMLESS("smtp_mx_session_limit", INT, "2", "smtp", ROLE_LATER)
	PROTECTIVE("smtp_nested_header_checks", STR, "", "smtp", "")
	HARMLESS("smtp_never_send_ehlo", BOOL, "no", "smtp", ROLE_LATER)
	HARMLESS("smtp_per_record_deadline", LEGACY, "", "all", ROLE_LATER)
	HARMLESS("smtp_per_request_deadline", BOOL,
	    "${smtp_per_record_deadline?{$smtp_per_record_deadline}:{no}}", "smtp",
	    ROLE_LATER)
	HARMLESS("smtp_pix_workaround_delay_time", TIME,
	    "10s", "smtp",
	    ROLE_LATER)
	HARMLESS("smtp_pix_workaround_maps", STR, "", "smtp", ROLE_LATER)
	HARMLESS("smtp_pix_workaround_threshold_time", TIME,
	    "500s", "smtp",
	    ROLE_LATER)
	HARMLESS("smtp_pix_workarounds", STR,
	    "disable_esmtp,delay_dotcrlf", "smtp",
	    ROLE_LATER)
	HARMLESS("smtp_quit_timeout", TIME, "300s", "smtp", ROLE_LATER)
	HARMLESS("smtp_quote_rfc821_envelope", BOOL, "yes", "smtp", ROLE_LATER)
	HARMLESS("smtp_randomize_addresses", BOOL, "yes", "smtp", ROLE_LATER)
	HARMLESS("smtp_rcpt_timeout", TIME, "300s", "smtp", ROLE_LATER)
	HARMLESS("smtp_reply_filter", STR, "", "smtp", ROLE_LATER)
	HARMLESS("smtp_requiretls_policy", STR,
	    "inline:{{${domain_to_ascii{$mydomain}}=opportunistic}, {.${domain_to_ascii{$mydomain}}=opportunistic}, {localhost=opportunistic}}, cidr:{{0.0.0.0/0 opportunistic}, {::/0 opportunistic}}, enforce", "smtp",
	    TLS_LATER)
	HARMLESS("smtp_rset_timeout", TIME, "20s", "smtp", ROLE_LATER)
	HARMLESS("smtp_sasl_auth_cache_name", STR, "", "smtp", SASL_LATER)
	HARMLESS("smtp_sasl_auth_cache_time", TIME, "90d", "smtp", SASL_LATER)
	PROTECTIVE("smtp_sasl_auth_enable", BOOL, "no", "smtp", "no")
	HARMLESS("smtp_sasl_auth_soft_bounce", BOOL, "yes", "smtp", SASL_LATER)
	HARMLESS("smtp_sasl_mechanism_filter", STR, "", "smtp", SASL_LATER)
	HARMLESS("smtp_sasl_password_maps", STR, "", "smtp", SASL_LATER)
	HARMLESS("smtp_sasl_password_result_delimiter", STR,
	    ":", "smtp",
	    SASL_LATER)
	HARMLESS("smtp_sasl_path", STR, "", "smtp", SASL_LATER)
	HARMLESS("smtp_sasl_security_options", STR,
	    "noplaintext, noanonymous", "smtp",
	    SASL_LATER)
	HARMLESS("smtp_sasl_tls_security_options", STR,
	    "$smtp_sasl_security_options", "smtp",
	    TLS_LATER)
	HARMLESS("smtp_sasl_tls_verified_security_options", STR,
	    "$smtp_sasl_tls_security_options", "smtp",
	    TLS_LATER)
	HARMLESS("smtp_sasl_type", STR, "cyrus", "smtp", SASL_LATER)
	HARMLESS("smtp_send_dummy_mail_auth", BOOL, "no", "smtp", ROLE_LATER)
	HARMLESS("smtp_send_xforward_command", BOOL, "no", "smtp", ROLE_LATER)
	PROTECTIVE("smtp_sender_dependent_authentication", BOOL,
	    "no", "smtp",
	    "no")
	HARMLESS("smtp_skip_4xx_greeting", LEGACY, "", "", ROLE_LATER)
	HARMLESS("smtp_skip_5xx_greeting", BOOL, "yes", "smtp", ROLE_LATER)
	HARMLESS("smtp_skip_quit_response", BOOL, "yes", "smtp", ROLE_LATER)
	HARMLESS("smtp_starttls_timeout", TIME, "300s", "smtp", TLS_LATER)
	HARMLESS("smtp_tcp_port", STR, "smtp", "smtp", ROLE_LATER)
	HARMLESS("smtp_tls_CAfile", STR, "", "smtp,tlsproxy", TLS_LATER)
	HARMLESS("smtp_tls_CApath", STR, "", "smtp,tlsproxy", TLS_LATER)
	HARMLESS("smtp_tls_block_early_mail_reply", BOOL,
	    "no", "smtp",
	    TLS_LATER)
	HARMLESS("smtp_tls_cert_file", STR, "", "smtp,tlsproxy", TLS_LATER)
	HARMLESS("smtp_tls_chain_files", STR, "", "smtp,tlsproxy", TLS_LATER)
	HARMLESS("smtp_tls_cipherlist", LEGACY, "", "", TLS_LATER)
	HARMLESS("smtp_tls_ciphers", STR, "medium", "smtp", TLS_LATER)
	HARMLESS("smtp_tls_connection_reuse", BOOL, "no", "smtp", TLS_LATER)
	HARMLESS("smtp_tls_dane_insecure_mx_policy", STR,
	    "dane", "smtp",
	    TLS_LATER)
	HARMLESS("smtp_tls_dcert_file", STR, "", "smtp,tlsproxy", TLS_LATER)
	HARMLESS("smtp_tls_dkey_file", STR,
	    "$smtp_tls_dcert_file", "smtp,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtp_tls_eccert_file", STR, "", "smtp,tlsproxy", TLS_LATER)
	HARMLESS("smtp_tls_eckey_file", STR,
	    "$smtp_tls_eccert_file", "smtp,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtp_tls_enable_rpk", BOOL, "no", "smtp", TLS_LATER)
	HARMLESS("smtp_tls_enforce_peername", BOOL, "yes", "smtp", TLS_LATER)
	HARMLESS("smtp_tls_enforce_sts_mx_patterns", BOOL,
	    "yes", "smtp",
	    TLS_LATER)
	HARMLESS("smtp_tls_exclude_ciphers", STR, "", "smtp", TLS_LATER)
	HARMLESS("smtp_tls_fingerprint_cert_match", STR, "", "smtp", TLS_LATER)
	HARMLESS("smtp_tls_fingerprint_digest", STR,
	    "${{$compatibility_level} <level {3.6} ? {md5} : {sha256}}", "posttls-finger,smtp,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtp_tls_force_insecure_host_tlsa_lookup", BOOL,
	    "no", "smtp",
	    TLS_LATER)
	HARMLESS("smtp_tls_key_file", STR,
	    "$smtp_tls_cert_file", "smtp,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtp_tls_loglevel", STR,
	    "0", "smtp,tlsmgr,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtp_tls_loglevel_maps", STR, "", "smtp", TLS_LATER)
	HARMLESS("smtp_tls_mandatory_ciphers", STR, "medium", "smtp", TLS_LATER)
	HARMLESS("smtp_tls_mandatory_exclude_ciphers", STR,
	    "", "smtp",
	    TLS_LATER)
	HARMLESS("smtp_tls_mandatory_protocols", STR,
	    ">=TLSv1", "smtp",
	    TLS_LATER)
	HARMLESS("smtp_tls_note_starttls_offer", BOOL, "no", "smtp", TLS_LATER)
	PROTECTIVE("smtp_tls_per_site", STR, "", "smtp,tlsproxy", "")
	PROTECTIVE("smtp_tls_policy_maps", STR, "", "smtp,tlsproxy", "")
	HARMLESS("smtp_tls_protocols", STR, ">=TLSv1", "smtp", TLS_LATER)
	HARMLESS("smtp_tls_scert_verifydepth", INT,
	    "9", "smtp,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtp_tls_secure_cert_match", STR,
	    "nexthop, dot-nexthop", "smtp",
	    TLS_LATER)
	PROTECTIVE("smtp_tls_security_level", STR,
	    "${{$compatibility_level} <level {3.11} ? {} : {may}}", "smtp,tlsproxy",
	    "none|may")
	HARMLESS("smtp_tls_servername", STR, "", "smtp", TLS_LATER)
	HARMLESS("smtp_tls_session_cache_database", STR,
	    "", "tlsmgr",
	    TLS_LATER)
	HARMLESS("smtp_tls_session_cache_timeout", TIME,
	    "3600s", "tlsmgr",
	    TLS_LATER)
	HARMLESS("smtp_tls_trace_size_limit", INT, "102400", "smtp", TLS_LATER)
	HARMLESS("smtp_tls_trust_anchor_file", STR, "", "smtp", TLS_LATER)
	HARMLESS("smtp_tls_verify_cert_match", STR,
	    "hostname", "smtp",
	    TLS_LATER)
	PROTECTIVE("smtp_tls_wrappermode", BOOL, "no", "smtp", "no")
	HARMLESS("smtp_tlsrpt_enable", BOOL, "no", "smtp", TLS_LATER)
	HARMLESS("smtp_tlsrpt_skip_reused_handshakes", BOOL,
	    "no", "smtp",
	    TLS_LATER)
	HARMLESS("smtp_tlsrpt_socket_name", STR, "", "smtp", TLS_LATER)
	HARMLESS("smtp_use_tls", BOOL, "no", "smtp,tlsproxy", TLS_LATER)
	HARMLESS("smtp_xforward_timeout", TIME, "300s", "smtp", ROLE_LATER)
	HARMLESS("smtpd_authorized_verp_clients", STR,
	    "$authorized_verp_clients", "smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_authorized_xclient_hosts", STR, "", "smtpd", ROLE_LATER)
	HARMLESS("smtpd_authorized_xforward_hosts", STR,
	    "", "smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_banner", STR,
	    "$myhostname ESMTP $mail_name", "postscreen,smtpd",
	    ROLE_LATER)
	PROTECTIVE("smtpd_client_auth_rate_limit", INT, "0", "smtpd", "0")
	PROTECTIVE("smtpd_client_connection_count_limit", INT,
	    "50", "postscreen,smtpd",
	    "0|50")
	HARMLESS("smtpd_client_connection_limit_exceptions", LEGACY,
	    "", "all",
	    ROLE_LATER)
	PROTECTIVE("smtpd_client_connection_rate_limit", INT, "0", "smtpd", "0")
	HARMLESS("smtpd_client_event_limit_exceptions", STR,
	    "${smtpd_client_connection_limit_exceptions:$mynetworks}", "smtpd",
	    ANVIL_LATER)
	HARMLESS("smtpd_client_ipv4_prefix_length", INT,
	    "32", "smtpd",
	    ANVIL_LATER)
	HARMLESS("smtpd_client_ipv6_prefix_length", INT,
	    "84", "smtpd",
	    ANVIL_LATER)
	PROTECTIVE("smtpd_client_message_rate_limit", INT, "0", "smtpd", "0")
	PROTECTIVE("smtpd_client_new_tls_session_rate_limit", INT,
	    "0", "smtpd",
	    "0")
	HARMLESS("smtpd_client_port_logging", BOOL, "no", "smtpd", NOT_NEEDED)
	PROTECTIVE("smtpd_client_recipient_rate_limit", INT, "0", "smtpd", "0")
	HARMLESS("smtpd_client_restrictions", STR, "", "smtpd", ROLE_LATER)
	PROTECTIVE("smtpd_command_filter", STR, "", "postscreen,smtpd", "")
	PROTECTIVE("smtpd_data_restrictions", STR, "", "smtpd", "")
	HARMLESS("smtpd_delay_open_until_valid_rcpt", BOOL,
	    "yes", "smtpd",
	    LATE_FILE)
	HARMLESS("smtpd_delay_reject", BOOL, "yes", "smtpd", ROLE_LATER)
	HARMLESS("smtpd_discard_ehlo_keyword_address_maps", STR,
	    "", "postscreen,smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_discard_ehlo_keywords", STR,
	    "", "postscreen,smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_dns_reply_filter", STR, "", "smtpd", DNS_LATER)
	PROTECTIVE("smtpd_end_of_data_restrictions", STR, "", "smtpd", "")
	PROTECTIVE("smtpd_enforce_tls", BOOL,
	    "no", "postscreen,smtpd,tlsproxy",
	    "no")
	HARMLESS("smtpd_error_sleep_time", TIME, "1s", "smtpd", ROLE_LATER)
	PROTECTIVE("smtpd_etrn_restrictions", STR, "", "smtpd", "")
	HARMLESS("smtpd_expansion_filter", RAW,
	    "\\t\\40!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\\\]^_`abcdefghijklmnopqrstuvwxyz{|}~", "postscreen,smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_forbid_bare_newline", STR,
	    "normalize", "smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_forbid_bare_newline_exclusions", STR,
	    "$mynetworks", "smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_forbid_bare_newline_reject_code", INT,
	    "550", "smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_forbid_unauth_pipelining", BOOL,
	    "yes", "smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_forbidden_commands", STR,
	    "CONNECT GET POST regexp:{{/^[^A-Z]/ Bogus}}", "postscreen,proxymap,smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_hard_error_limit", INT,
	    "${stress?{1}:{20}}", "smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_helo_required", BOOL,
	    "no", "postscreen,smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_helo_restrictions", STR, "", "smtpd", ROLE_LATER)
	PROTECTIVE("smtpd_hide_client_session", BOOL, "no", "smtpd", "no")
	HARMLESS("smtpd_history_flush_threshold", INT,
	    "100", "smtpd",
	    WATCHED)
	HARMLESS("smtpd_junk_command_limit", INT,
	    "${stress?{1}:{100}}", "smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_log_access_permit_actions", STR,
	    "", "smtpd",
	    ROLE_LATER)
	PROTECTIVE("smtpd_milter_maps", STR, "", "smtpd", "")
	PROTECTIVE("smtpd_milters", STR, "", "smtpd", "")
	HARMLESS("smtpd_min_data_rate", INT, "500", "smtpd", ROLE_LATER)
	HARMLESS("smtpd_noop_commands", STR, "", "smtpd", ROLE_LATER)
	HARMLESS("smtpd_null_access_lookup_key", STR, "<>", "smtpd", ROLE_LATER)
	HARMLESS("smtpd_peername_lookup", BOOL, "yes", "smtpd", ROLE_LATER)
	HARMLESS("smtpd_per_record_deadline", LEGACY, "", "all", ROLE_LATER)
	HARMLESS("smtpd_per_request_deadline", BOOL,
	    "${smtpd_per_record_deadline?{$smtpd_per_record_deadline}:{${stress?{yes}:{no}}}}", "smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_policy_service_default_action", STR,
	    "451 4.3.5 Server configuration problem", "smtpd",
	    POLICY_LATER)
	HARMLESS("smtpd_policy_service_max_idle", TIME,
	    "300s", "smtpd",
	    POLICY_LATER)
	HARMLESS("smtpd_policy_service_max_ttl", TIME,
	    "1000s", "smtpd",
	    POLICY_LATER)
	HARMLESS("smtpd_policy_service_policy_context", STR,
	    "", "smtpd",
	    POLICY_LATER)
	HARMLESS("smtpd_policy_service_request_limit", INT,
	    "0", "smtpd",
	    POLICY_LATER)
	HARMLESS("smtpd_policy_service_retry_delay", TIME,
	    "1s", "smtpd",
	    POLICY_LATER)
	HARMLESS("smtpd_policy_service_timeout", TIME,
	    "100s", "smtpd",
	    POLICY_LATER)
	HARMLESS("smtpd_policy_service_try_limit", INT,
	    "2", "smtpd",
	    POLICY_LATER)
	HARMLESS("smtpd_proxy_ehlo", STR, "$myhostname", "smtpd", ROLE_LATER)
	PROTECTIVE("smtpd_proxy_filter", STR, "", "smtpd", "")
	HARMLESS("smtpd_proxy_options", STR, "", "smtpd", ROLE_LATER)
	HARMLESS("smtpd_proxy_timeout", TIME, "100s", "smtpd", ROLE_LATER)
	HARMLESS("smtpd_recipient_limit", INT, "1000", "smtpd", ROLE_LATER)
	HARMLESS("smtpd_recipient_overshoot_limit", INT,
	    "1000", "smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_recipient_restrictions", STR, "", "smtpd", ROLE_LATER)
	HARMLESS("smtpd_reject_filter_maps", STR, "", "smtpd", ROLE_LATER)
	HARMLESS("smtpd_reject_footer", RAW, "", "postscreen,smtpd", ROLE_LATER)
	HARMLESS("smtpd_reject_footer_maps", STR, "", "smtpd", ROLE_LATER)
	HARMLESS("smtpd_reject_unlisted_recipient", BOOL,
	    "yes", "smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_reject_unlisted_sender", BOOL,
	    "no", "smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_relay_before_recipient_restrictions", BOOL,
	    "${{$compatibility_level} <level {3.6} ? {no} : {yes}}", "smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_relay_restrictions", STR,
	    "${{$compatibility_level} <level {1} ? {} : {permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination}}", "smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_restriction_classes", STR,
	    "", "proxymap,smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_sasl_application_name", LEGACY, "", "", SASL_LATER)
	HARMLESS("smtpd_sasl_auth_enable", BOOL, "no", "smtpd", SASL_LATER)
	HARMLESS("smtpd_sasl_authenticated_header", BOOL,
	    "no", "smtpd",
	    SASL_LATER)
	HARMLESS("smtpd_sasl_exceptions_networks", STR, "", "smtpd", SASL_LATER)
	HARMLESS("smtpd_sasl_local_domain", STR, "", "smtpd", SASL_LATER)
	HARMLESS("smtpd_sasl_mechanism_filter", STR,
	    "!external, static:rest", "smtpd",
	    SASL_LATER)
	HARMLESS("smtpd_sasl_path", STR, "smtpd", "smtpd", SASL_LATER)
	HARMLESS("smtpd_sasl_response_limit", INT, "12288", "smtpd", SASL_LATER)
	HARMLESS("smtpd_sasl_security_options", STR,
	    "noanonymous", "smtpd",
	    SASL_LATER)
	HARMLESS("smtpd_sasl_service", STR, "smtp", "smtpd", SASL_LATER)
	HARMLESS("smtpd_sasl_tls_security_options", STR,
	    "$smtpd_sasl_security_options", "smtpd",
	    TLS_LATER)
	HARMLESS("smtpd_sasl_type", STR, "cyrus", "smtpd", SASL_LATER)
	HARMLESS("smtpd_sender_login_maps", STR,
	    "", "proxymap,smtpd",
	    SASL_LATER)
	HARMLESS("smtpd_sender_restrictions", STR, "", "smtpd", ROLE_LATER)
	HARMLESS("smtpd_service_name", STR, "smtpd", "postscreen", POSTSCREEN_LATER)
	HARMLESS("smtpd_soft_error_limit", INT, "10", "smtpd", ROLE_LATER)
	HARMLESS("smtpd_starttls_timeout", TIME,
	    "${stress?{10}:{300}}s", "postscreen,smtpd",
	    TLS_LATER)
	HARMLESS("smtpd_timeout", TIME,
	    "${stress?{10}:{300}}s", "smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_tls_CAfile", STR,
	    "", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_CApath", STR,
	    "", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_always_issue_session_ids", BOOL,
	    "yes", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_ask_ccert", BOOL,
	    "no", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	PROTECTIVE("smtpd_tls_auth_only", BOOL, "no", "smtpd", "yes|no")
	HARMLESS("smtpd_tls_ccert_verifydepth", INT,
	    "9", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_cert_file", STR,
	    "", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_chain_files", STR,
	    "", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_cipherlist", LEGACY, "", "", TLS_LATER)
	HARMLESS("smtpd_tls_ciphers", STR,
	    "medium", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_dcert_file", STR,
	    "", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_dh1024_param_file", STR,
	    "", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_dh512_param_file", STR,
	    "", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_dkey_file", STR,
	    "$smtpd_tls_dcert_file", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_eccert_file", STR,
	    "", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_eckey_file", STR,
	    "$smtpd_tls_eccert_file", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_eecdh_grade", STR,
	    "auto", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_enable_rpk", BOOL,
	    "no", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_exclude_ciphers", STR,
	    "", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_fingerprint_digest", STR,
	    "${{$compatibility_level} <level {3.6} ? {md5} : {sha256}}", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_key_file", STR,
	    "$smtpd_tls_cert_file", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_loglevel", STR,
	    "0", "postscreen,smtpd,tlsmgr,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_loglevel_maps", STR,
	    "", "postscreen,smtpd",
	    TLS_LATER)
	HARMLESS("smtpd_tls_mandatory_ciphers", STR,
	    "medium", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_mandatory_exclude_ciphers", STR,
	    "", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_mandatory_protocols", STR,
	    ">=TLSv1", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_protocols", STR,
	    ">=TLSv1", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtpd_tls_received_header", BOOL, "no", "smtpd", TLS_LATER)
	PROTECTIVE("smtpd_tls_req_ccert", BOOL,
	    "no", "postscreen,smtpd,tlsproxy",
	    "no")
	PROTECTIVE("smtpd_tls_security_level", STR,
	    "", "postscreen,smtpd,tlsproxy",
	    "none|may")
	HARMLESS("smtpd_tls_session_cache_database", STR,
	    "", "tlsmgr",
	    TLS_LATER)
	HARMLESS("smtpd_tls_session_cache_timeout", TIME,
	    "3600s", "tlsmgr",
	    TLS_LATER)
	HARMLESS("smtpd_tls_trace_size_limit", INT,
	    "102400", "postscreen,smtpd",
	    TLS_LATER)
	PROTECTIVE("smtpd_tls_wrappermode", BOOL, "no", "smtpd", "no")
	PROTECTIVE("smtpd_upstream_proxy_protocol", STR, "", "smtpd", "")
	HARMLESS("smtpd_upstream_proxy_timeout", TIME,
	    "5s", "smtpd",
	    ROLE_LATER)
	HARMLESS("smtpd_use_tls", BOOL,
	    "no", "postscreen,smtpd,tlsproxy",
	    TLS_LATER)
	HARMLESS("smtputf8_autodetect_classes", STR,
	    "sendmail, verify", "global",
	    ROLE_LATER)
	HARMLESS("smtputf8_enable", BOOL,
	    "${{$compatibility_level} <level {1} ? {no} : {yes}}", "global",
	    ROLE_LATER)
	HARMLESS("socketmap_max_query_size", INT, "10000", "global", ROLE_LATER)
	HARMLESS("socketmap_max_reply_size", INT,
	    "100000", "global",
	    ROLE_LATER)
	HARMLESS("soft_bounce", BOOL, "no", "global", ROLE_LATER)
	HARMLESS("sqlite_table:additional_conditions", STR, "", "", TABLE_LATER)
	HARMLESS("sqlite_table:dbpath", STR, "", "", TABLE_LATER)
	HARMLESS("sqlite_table:domain", STR, "", "", TABLE_LATER)
	HARMLESS("sqlite_table:expansion_limit", STR, "0", "", TABLE_LATER)
	HARMLESS("sqlite_table:query", STR, "", "", TABLE_LATER)
	HARMLESS("sqlite_table:result_format", STR, "%s", "", TABLE_LATER)
	HARMLESS("sqlite_table:select_field", STR, "", "", TABLE_LATER)
	HARMLESS("sqlite_table:table", STR, "", "", TABLE_LATER)
	HARMLESS("sqlite_table:where_field", STR, "", "", TABLE_LATER)
	HARMLESS("stale_lock_time", TIME, "500s", "global", ROLE_LATER)
	HARMLESS("stress", STR, "", "smtpd", ROLE_LATER)
	PROTECTIVE("strict_7bit_headers", BOOL, "no", "cleanup", "no")
	PROTECTIVE("strict_8bitmime", BOOL, "no", "cleanup", "no")
	PROTECTIVE("strict_8bitmime_body", BOOL, "no", "cleanup", "no")
	HARMLESS("strict_mailbox_ownership", BOOL,
	    "yes", "local,virtual",
	    ROLE_LATER)
	PROTECTIVE("strict_mime_encoding_domain", BOOL, "no", "cleanup", "no")
	HARMLESS("strict_rfc821_envelopes", BOOL, "no", "smtpd", ROLE_LATER)
	HARMLESS("strict_smtputf8", BOOL, "no", "smtpd", ROLE_LATER)
	HARMLESS("sun_mailtool_compatibility", BOOL, "no", "local", NOT_NEEDED)
	HARMLESS("swap_bangpath", BOOL, "yes", "trivial-rewrite", ROLE_LATER)
	HARMLESS("syslog_facility", STR, "mail", "global", NOT_NEEDED)
	HARMLESS("syslog_name", STR,
	    "${multi_instance_name?{$multi_instance_name}:{postfix}}", "global",
	    NOT_NEEDED)
	HARMLESS("tcp_windowsize", INT, "0", "global", NOT_NEEDED)
	HARMLESS("tls_append_default_CA", BOOL, "no", "tls", TLS_LATER)
	HARMLESS("tls_config_file", STR, "default", "tls", TLS_LATER)
	HARMLESS("tls_config_name", STR, "", "tls", TLS_LATER)
	HARMLESS("tls_daemon_random_bytes", INT, "32", "tls", TLS_LATER)
	HARMLESS("tls_dane_digest_agility", LEGACY, "", "", TLS_LATER)
	HARMLESS("tls_dane_digests", STR, "sha512 sha256", "tls", TLS_LATER)
	HARMLESS("tls_dane_trust_anchor_digest_enable", LEGACY,
	    "", "",
	    TLS_LATER)
	HARMLESS("tls_disable_workarounds", STR, "", "tls", TLS_LATER)
	HARMLESS("tls_eecdh_auto_curves", STR,
	    "X25519 X448 prime256v1 secp384r1 secp521r1", "tls",
	    TLS_LATER)
	HARMLESS("tls_eecdh_strong_curve", STR, "prime256v1", "tls", TLS_LATER)
	HARMLESS("tls_eecdh_ultra_curve", STR, "secp384r1", "tls", TLS_LATER)
	HARMLESS("tls_export_cipherlist", STR, "", "tls", TLS_LATER)
	HARMLESS("tls_fast_shutdown_enable", BOOL, "yes", "tls", TLS_LATER)
	HARMLESS("tls_ffdhe_auto_groups", STR, "", "tls", TLS_LATER)
	HARMLESS("tls_high_cipherlist", STR,
	    "aNULL:-aNULL:HIGH:!SEED:!IDEA:!3DES:!RC2:!RC4:!RC5:!kDH:!kECDH:!aDSS:!MD5:@STRENGTH", "tls",
	    TLS_LATER)
	HARMLESS("tls_legacy_public_key_fingerprints", LEGACY,
	    "", "",
	    TLS_LATER)
	HARMLESS("tls_low_cipherlist", STR, "", "tls", TLS_LATER)
	HARMLESS("tls_medium_cipherlist", STR,
	    "aNULL:-aNULL:HIGH:MEDIUM:!SEED:!IDEA:!3DES:!RC2:!RC4:!RC5:!kDH:!kECDH:!aDSS:!MD5:+RC4:@STRENGTH", "tls",
	    TLS_LATER)
	HARMLESS("tls_null_cipherlist", STR,
	    "eNULL:!kDH:!kECDH:!aDSS:!MD5:!aNULL", "tls",
	    TLS_LATER)
	HARMLESS("tls_preempt_cipherlist", BOOL, "no", "tls", TLS_LATER)
	HARMLESS("tls_random_bytes", INT, "32", "tlsmgr", TLS_LATER)
	HARMLESS("tls_random_exchange_name", STR,
	    "${data_directory}/prng_exch", "tlsmgr",
	    TLS_LATER)
	HARMLESS("tls_random_prng_update_period", TIME,
	    "3600s", "tlsmgr",
	    TLS_LATER)
	HARMLESS("tls_random_reseed_period", TIME, "3600s", "tlsmgr", TLS_LATER)
	HARMLESS("tls_random_source", STR,
	    "dev:/dev/urandom", "tlsmgr",
	    TLS_LATER)
	HARMLESS("tls_required_enable", BOOL, "yes", "global", TLS_LATER)
	HARMLESS("tls_server_sni_maps", STR, "", "tls", TLS_LATER)
	HARMLESS("tls_session_ticket_cipher", STR,
	    "aes-256-cbc", "tls",
	    TLS_LATER)
	HARMLESS("tls_ssl_options", STR, "", "tls", TLS_LATER)
	HARMLESS("tls_trace_rate_limit", INT, "1", "tls", TLS_LATER)
	HARMLESS("tls_trust_server_ccerts", BOOL, "no", "tls", TLS_LATER)
	HARMLESS("tls_wildcard_matches_multiple_labels", BOOL,
	    "yes", "tls",
	    TLS_LATER)
	HARMLESS("tlsmgr_service_name", STR, "tlsmgr", "tls", TLS_LATER)
	HARMLESS("tlsproxy_client_CAfile", STR,
	    "$smtp_tls_CAfile", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_CApath", STR,
	    "$smtp_tls_CApath", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_cert_file", STR,
	    "$smtp_tls_cert_file", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_chain_files", STR,
	    "$smtp_tls_chain_files", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_dcert_file", STR,
	    "$smtp_tls_dcert_file", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_dkey_file", STR,
	    "$smtp_tls_dkey_file", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_eccert_file", STR,
	    "$smtp_tls_eccert_file", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_eckey_file", STR,
	    "$smtp_tls_eckey_file", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_enforce_tls", BOOL,
	    "$smtp_enforce_tls", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_fingerprint_digest", STR,
	    "$smtp_tls_fingerprint_digest", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_key_file", STR,
	    "$smtp_tls_key_file", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_level", LEGACY, "", "all", TLS_LATER)
	HARMLESS("tlsproxy_client_loglevel", STR,
	    "$smtp_tls_loglevel", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_loglevel_parameter", LEGACY,
	    "", "",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_per_site", STR,
	    "$smtp_tls_per_site", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_policy", LEGACY, "", "all", TLS_LATER)
	HARMLESS("tlsproxy_client_policy_maps", STR,
	    "${tlsproxy_client_policy?{$tlsproxy_client_policy}:{$smtp_tls_policy_maps}}", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_scert_verifydepth", INT,
	    "$smtp_tls_scert_verifydepth", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_security_level", STR,
	    "${tlsproxy_client_level?{$tlsproxy_client_level}:{$smtp_tls_security_level}}", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_client_use_tls", BOOL,
	    "$smtp_use_tls", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_enforce_tls", BOOL,
	    "$smtpd_enforce_tls", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_service_name", STR,
	    "tlsproxy", "postscreen,smtp,smtpd",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_CAfile", STR,
	    "$smtpd_tls_CAfile", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_CApath", STR,
	    "$smtpd_tls_CApath", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_always_issue_session_ids", BOOL,
	    "$smtpd_tls_always_issue_session_ids", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_ask_ccert", BOOL,
	    "$smtpd_tls_ask_ccert", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_ccert_verifydepth", INT,
	    "$smtpd_tls_ccert_verifydepth", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_cert_file", STR,
	    "$smtpd_tls_cert_file", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_chain_files", STR,
	    "$smtpd_tls_chain_files", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_ciphers", STR,
	    "$smtpd_tls_ciphers", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_dcert_file", STR,
	    "$smtpd_tls_dcert_file", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_dh1024_param_file", STR,
	    "$smtpd_tls_dh1024_param_file", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_dh512_param_file", STR,
	    "$smtpd_tls_dh512_param_file", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_dkey_file", STR,
	    "$smtpd_tls_dkey_file", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_eccert_file", STR,
	    "$smtpd_tls_eccert_file", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_eckey_file", STR,
	    "$smtpd_tls_eckey_file", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_eecdh_grade", STR,
	    "$smtpd_tls_eecdh_grade", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_enable_rpk", BOOL,
	    "$smtpd_tls_enable_rpk", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_exclude_ciphers", STR,
	    "$smtpd_tls_exclude_ciphers", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_fingerprint_digest", STR,
	    "$smtpd_tls_fingerprint_digest", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_key_file", STR,
	    "$smtpd_tls_key_file", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_loglevel", STR,
	    "$smtpd_tls_loglevel", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_mandatory_ciphers", STR,
	    "$smtpd_tls_mandatory_ciphers", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_mandatory_exclude_ciphers", STR,
	    "$smtpd_tls_mandatory_exclude_ciphers", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_mandatory_protocols", STR,
	    "$smtpd_tls_mandatory_protocols", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_protocols", STR,
	    "$smtpd_tls_protocols", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_req_ccert", BOOL,
	    "$smtpd_tls_req_ccert", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_security_level", STR,
	    "$smtpd_tls_security_level", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_tls_session_cache_timeout", LEGACY,
	    "", "",
	    TLS_LATER)
	HARMLESS("tlsproxy_use_tls", BOOL,
	    "$smtpd_use_tls", "tlsproxy",
	    TLS_LATER)
	HARMLESS("tlsproxy_watchdog_timeout", TIME,
	    "10s", "tlsproxy",
	    TLS_LATER)
	HARMLESS("trace_service_name", STR, "trace", "global", ROLE_LATER)
	HARMLESS("transport_maps", STR,
	    "", "proxymap,trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("transport_retry_time", TIME, "60s", "oqmgr,qmgr", ROLE_LATER)
	HARMLESS("trigger_timeout", TIME, "10s", "global", WATCHED)
	HARMLESS("undisclosed_recipients_header", STR,
	    "", "cleanup",
	    ROLE_LATER)
	HARMLESS("unknown_address_reject_code", INT, "450", "smtpd", DNS_LATER)
	HARMLESS("unknown_address_tempfail_action", STR,
	    "$reject_tempfail_action", "smtpd",
	    DNS_LATER)
	HARMLESS("unknown_client_reject_code", INT, "450", "smtpd", ROLE_LATER)
	HARMLESS("unknown_helo_hostname_tempfail_action", STR,
	    "$reject_tempfail_action", "smtpd",
	    DNS_LATER)
	HARMLESS("unknown_hostname_reject_code", INT,
	    "450", "smtpd",
	    DNS_LATER)
	HARMLESS("unknown_local_recipient_reject_code", INT,
	    "550", "smtpd",
	    ROLE_LATER)
	HARMLESS("unknown_relay_recipient_reject_code", INT,
	    "550", "smtpd",
	    ROLE_LATER)
	HARMLESS("unknown_virtual_alias_reject_code", INT,
	    "550", "smtpd",
	    ROLE_LATER)
	HARMLESS("unknown_virtual_mailbox_reject_code", INT,
	    "550", "smtpd",
	    ROLE_LATER)
	HARMLESS("unverified_recipient_defer_code", INT,
	    "450", "smtpd",
	    VERIFY_LATER)
	HARMLESS("unverified_recipient_reject_code", INT,
	    "450", "smtpd",
	    VERIFY_LATER)
	HARMLESS("unverified_recipient_reject_reason", STR,
	    "", "smtpd",
	    VERIFY_LATER)
	HARMLESS("unverified_recipient_tempfail_action", STR,
	    "$reject_tempfail_action", "smtpd",
	    VERIFY_LATER)
	HARMLESS("unverified_sender_defer_code", INT,
	    "450", "smtpd",
	    VERIFY_LATER)
	HARMLESS("unverified_sender_reject_code", INT,
	    "450", "smtpd",
	    VERIFY_LATER)
	HARMLESS("unverified_sender_reject_reason", STR,
	    "", "smtpd",
	    VERIFY_LATER)
	HARMLESS("unverified_sender_tempfail_action", STR,
	    "$reject_tempfail_action", "smtpd",
	    VERIFY_LATER)
	HARMLESS("use_srv_lookup", STR, "", "smtp", DNS_LATER)
	HARMLESS("verp_delimiter_filter", STR, "-=+", "global", ROLE_LATER)
	HARMLESS("virtual_alias_address_length_limit", INT,
	    "1000", "cleanup",
	    ROLE_LATER)
	HARMLESS("virtual_alias_domains", STR,
	    "$virtual_alias_maps", "proxymap,trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("virtual_alias_expansion_limit", INT,
	    "1000", "cleanup",
	    ROLE_LATER)
	HARMLESS("virtual_alias_maps", STR,
	    "$virtual_maps", "cleanup,proxymap,smtpd,trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("virtual_alias_recursion_limit", INT,
	    "1000", "cleanup",
	    ROLE_LATER)
	HARMLESS("virtual_delivery_status_filter", STR,
	    "$default_delivery_status_filter", "virtual",
	    ROLE_LATER)
	READ("virtual_destination_concurrency_limit", INT,
	    "$default_destination_concurrency_limit", "qmgr")
	READ("virtual_destination_recipient_limit", INT,
	    "$default_destination_recipient_limit", "qmgr")
	HARMLESS("virtual_gid_maps", STR, "", "virtual", ROLE_LATER)
	HARMLESS("virtual_mailbox_base", STR, "", "virtual", ROLE_LATER)
	HARMLESS("virtual_mailbox_domains", STR,
	    "$virtual_mailbox_maps", "proxymap,trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("virtual_mailbox_limit", INT,
	    "51200000", "virtual",
	    ROLE_LATER)
	HARMLESS("virtual_mailbox_lock", STR,
	    "fcntl, dotlock", "virtual",
	    ROLE_LATER)
	HARMLESS("virtual_mailbox_maps", STR,
	    "", "proxymap,smtpd,trivial-rewrite,virtual",
	    ROLE_LATER)
	HARMLESS("virtual_maps", LEGACY, "", "all", ROLE_LATER)
	HARMLESS("virtual_minimum_uid", INT, "100", "virtual", ROLE_LATER)
	HARMLESS("virtual_transport", STR,
	    "virtual", "trivial-rewrite",
	    ROLE_LATER)
	HARMLESS("virtual_uid_maps", STR, "", "virtual", ROLE_LATER);

/* In the order of enum param_type. */
static const char kinds[][9] = { "STR", "RAW", "INT", "BOOL", "TIME",
	"TEMPLATE", "LEGACY" };

static struct arena *made;		/* single rows */

static enum param_type
type_of(const char *kind)
{
	size_t i = 0;

	while (strcmp(kinds[i], kind) != 0) {
		i++;
		CHECK(i < ARRAY_COUNT(kinds));
	}
	return (enum param_type)i;
}

/* The field behind this one, or the first one of the next row. */
static const char *
behind(const char *field)
{
	return field + strlen(field) + 1;
}

static const char *
next_row(const char *row)
{
	for (int i = 0; i < 5; i++)
		row = behind(row);
	return row;
}

static bool
is_row(const char *row)
{
	return row < rows + sizeof(rows) - 1;
}

static void
read_row(const char *text, struct param *out)
{
	const char *kind = behind(text), *value = behind(kind);
	const char *programs = behind(value), *last = behind(programs);

	*out = (struct param){ .name = text, .type = type_of(kind + 1),
		.dflt = value, .programs = programs };
	switch (kind[0]) {
	case 'h':
		out->cls = PARAM_HARMLESS;
		out->reason = last;
		break;
	case 'p':
		out->cls = PARAM_PROTECTIVE;
		out->idle = last;
		break;
	default:
		out->cls = PARAM_ACTED;
		break;
	}
}

const struct param *
param_known_find(struct span name)
{
	struct param *found;

	for (const char *row = rows; is_row(row); row = next_row(row)) {
		if (!span_is(name, row))
			continue;
		if (made == NULL)
			made = arena_new();
		found = arena_zalloc(made, sizeof(*found));
		read_row(row, found);
		return found;
	}
	return NULL;
}

const struct param_set *
param_known_all(void)
{
	static struct param_set all = { .role = "known" };
	static struct param *list;

	if (list != NULL)
		return &all;
	for (const char *row = rows; is_row(row); row = next_row(row))
		all.count++;
	list = mem_array(all.count, sizeof(*list));
	all.count = 0;
	for (const char *row = rows; is_row(row); row = next_row(row))
		read_row(row, &list[all.count++]);
	all.rows = list;
	return &all;
}
