/*
 * conf_core - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/conf_core.h"

#include <grp.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <pwd.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/mail/address.h"
#include "common/mail/macro.h"
#include "common/mail/paths.h"

struct conf_core conf_core;

#define STR(nm, fld, ...) PARAM_STR(nm, &conf_core.fld, __VA_ARGS__)
#define RAW(nm, fld, ...) PARAM_RAW(nm, &conf_core.fld, __VA_ARGS__)
#define INT(nm, fld, ...) PARAM_INT(nm, &conf_core.fld, __VA_ARGS__)
#define BOOL(nm, fld, ...) PARAM_BOOL(nm, &conf_core.fld, __VA_ARGS__)
#define TIME(nm, fld, ...) PARAM_TIME(nm, &conf_core.fld, __VA_ARGS__)

static const char *service_disable;	/* master asks for it by name */

static const struct param rows[] = {
	STR("queue_directory", queue_directory, .dflt = PATH_QUEUE, .min = 1),
	STR("daemon_directory", daemon_directory, .dflt = PATH_DAEMONS,
	    .min = 1),
	STR("command_directory", command_directory, .dflt = PATH_COMMANDS,
	    .min = 1),
	STR("data_directory", data_directory, .dflt = PATH_DATA, .min = 1),
	STR("mail_owner", mail_owner, .dflt = "postfix", .min = 1),
	STR("setgid_group", setgid_group, .dflt = "postdrop", .min = 1),
	STR("myhostname", myhostname, .dflt = "", .min = 1),
	STR("mydomain", mydomain, .dflt = "", .min = 1),
	STR("myorigin", myorigin, .dflt = "$myhostname", .min = 1),
	STR("mydestination", mydestination,
	    .dflt = "$myhostname, localhost.$mydomain, localhost"),
	STR("mynetworks", mynetworks, .dflt = ""),
	STR("mynetworks_style", mynetworks_style,
	    .dflt = "${{$compatibility_level} <level {2} ? {subnet} : {host}}",
	    .min = 1),
	STR("inet_interfaces", inet_interfaces, .dflt = "all"),
	STR("proxy_interfaces", proxy_interfaces, .dflt = ""),
	STR("inet_protocols", inet_protocols, .dflt =
	    "${{$compatibility_level} <level {1} ? {ipv4} : {all}}",
	    .min = 1),
	STR("relay_domains", relay_domains, .dflt =
	    "${{$compatibility_level} <level {2} ? {$mydestination} : {}}"),
	STR("mail_name", mail_name, .dflt = "Postfix", .min = 1),
	STR("mail_version", mail_version, .dflt = MAIL_VERSION, .min = 1),
	PARAM_STR("master_service_disable", &service_disable, .dflt = ""),
	STR("multi_instance_name", multi_instance_name, .dflt = ""),
	STR("syslog_name", syslog_name, .dflt =
	    "${multi_instance_name?{$multi_instance_name}:{postfix}}",
	    .min = 1),
	STR("syslog_facility", syslog_facility, .dflt = "mail", .min = 1),
	STR("maillog_file", maillog_file, .dflt = ""),
	STR("maillog_file_permissions", maillog_file_permissions,
	    .dflt = "0600", .min = 1),
	STR("log_compat_level", log_compat_level, .dflt = "3.9"),
	STR("info_log_address_format", info_log_address_format,
	    .dflt = "external", .min = 1),
	STR("compatibility_level", compatibility_level, .dflt = "0",
	    .min = 1),
	STR("default_privs", default_privs, .dflt = "nobody", .min = 1),
	STR("recipient_delimiter", recipient_delimiter, .dflt = ""),
	STR("double_bounce_sender", double_bounce_sender,
	    .dflt = "double-bounce", .min = 1),
	STR("default_verp_delimiters", default_verp_delimiters, .dflt = "+=",
	    .min = 1),
	STR("verp_delimiter_filter", verp_delimiter_filter, .dflt = "-=+",
	    .min = 1),
	STR("parent_domain_matches_subdomains",
	    parent_domain_matches_subdomains,
	    .dflt = "debug_peer_list,fast_flush_domains,mynetworks,"
	    "permit_mx_backup_networks,qmqpd_authorized_clients,"
	    "relay_domains,smtpd_access_maps"),
	STR("hash_queue_names", hash_queue_names,
	    .dflt = "deferred, defer"),
	STR("default_database_type", default_database_type, .dflt = "hash",
	    .min = 1),
	STR("process_name", process_name, .dflt = ""),
	STR("service_name", service_name, .dflt = ""),
	STR("queue_sync_method", queue_sync_method, .dflt = "auto",
	    .min = 1),
	INT("queue_log_size", queue_log_size, .dflt = "33554432",
	    .min = 262144, .max = 1073741824),
	STR("import_environment", import_environment, .dflt = "MAIL_CONFIG "
	    "MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C "
	    "POSTLOG_SERVICE POSTLOG_HOSTNAME XDG_RUNTIME_DIR"),
	STR("rewrite_service_name", rewrite_service_name, .dflt = "rewrite",
	    .min = 1),
	STR("cleanup_service_name", cleanup_service_name, .dflt = "cleanup",
	    .min = 1),
	STR("queue_service_name", queue_service_name, .dflt = "qmgr",
	    .min = 1),
	STR("bounce_service_name", bounce_service_name, .dflt = "bounce",
	    .min = 1),
	STR("defer_service_name", defer_service_name, .dflt = "defer",
	    .min = 1),
	STR("trace_service_name", trace_service_name, .dflt = "trace",
	    .min = 1),
	STR("proxymap_service_name", proxymap_service_name,
	    .dflt = "proxymap", .min = 1),
	STR("proxywrite_service_name", proxywrite_service_name,
	    .dflt = "proxywrite", .min = 1),
	STR("error_service_name", error_service_name, .dflt = "error",
	    .min = 1),
	STR("flush_service_name", flush_service_name, .dflt = "flush",
	    .min = 1),
	STR("address_verify_service_name", verify_service_name,
	    .dflt = "verify", .min = 1),
	STR("showq_service_name", showq_service_name, .dflt = "showq",
	    .min = 1),
	STR("pickup_service_name", pickup_service_name, .dflt = "pickup",
	    .min = 1),
	STR("resolver_service_name", resolver_service_name,
	    .dflt = "resolver", .min = 1),
	BOOL("enable_long_queue_ids", enable_long_queue_ids, .dflt = "no"),
	BOOL("soft_bounce", soft_bounce, .dflt = "no"),
	BOOL("daemon_table_open_error_is_fatal", table_open_error_is_fatal,
	    .dflt = "no"),
	PARAM_BOOL("owner_request_special", &address_owner_request_special,
	    .dflt = "yes"),
	BOOL("smtputf8_enable", smtputf8_enable, .dflt =
	    "${{$compatibility_level} <level {1} ? {no} : {yes}}"),
	BOOL("strict_mailbox_ownership", strict_mailbox_ownership,
	    .dflt = "yes"),
	TIME("ipc_timeout", ipc_timeout, .dflt = "3600s", .min = 1),
	TIME("ipc_idle", ipc_idle, .dflt = "5s", .min = 1),
	TIME("max_idle", max_idle, .dflt = "100s", .min = 1),
	INT("max_use", max_use, .dflt = "100", .min = 1),
	TIME("daemon_timeout", daemon_timeout, .dflt = "18000s", .min = 1),
	INT("message_size_limit", message_size_limit, .dflt = "10240000"),
	INT("line_length_limit", line_length_limit, .dflt = "2048",
	    .min = 512),
	INT("header_size_limit", header_size_limit, .dflt = "102400",
	    .min = 1),
	INT("hopcount_limit", hopcount_limit, .dflt = "50", .min = 1),
	INT("delay_logging_resolution_limit", delay_logging_resolution_limit,
	    .dflt = "2", .max = 6),
	INT("default_process_limit", default_process_limit, .dflt = "100",
	    .min = 1),
	INT("service_clients_per_process", service_clients_per_process,
	    .dflt = "0"),
	TIME("stop_timeout", stop_timeout, .dflt = "25s", .min = 1),
	INT("socketmap_max_reply_size", socketmap_max_reply_size,
	    .dflt = "100000", .min = 1),
	INT("socketmap_max_query_size", socketmap_max_query_size,
	    .dflt = "10000", .min = 1),
	INT("hash_queue_depth", hash_queue_depth, .dflt = "1", .min = 1,
	    .max = 4),
	STR("stress", stress, .dflt = ""),
};

const struct param_set conf_core_params = PARAM_SET("core", rows);

/* ---- computed defaults ---- */

static char *
full_host_name(void)
{
	char name[256];
	struct str full = STR_EMPTY;

	if (gethostname(name, sizeof(name) - 1) < 0)
		return mem_strdup("localhost.localdomain");
	name[sizeof(name) - 1] = '\0';
	str_sets(&full, name[0] != '\0' ? name : "localhost");
	if (!span_has(str_span(&full), '.')) {
		const struct conf_entry *domain = conf_find("mydomain");

		str_addf(&full, ".%s", domain != NULL
		    && !span_has(SPAN(domain->value), '$')
		    ? domain->value : "localdomain");
	}
	return str_release(&full);
}

static char *
domain_of_host(void)
{
	struct str host = STR_EMPTY, why = STR_EMPTY;
	struct span name;
	ssize_t dot;
	char *domain;

	if (!conf_value("myhostname", &host, &why))
		str_clear(&host);
	name = str_span(&host);
	dot = span_find(name, '.');
	domain = dot < 0 ? mem_strdup("localdomain")
	    : mem_strdup(str_cstr(&host) + dot + 1);
	str_fini(&host);
	str_fini(&why);
	return domain;
}

static unsigned
mask_bits(const struct sockaddr *mask)
{
	struct ipaddr ip;
	uint16_t port;
	unsigned bits = 0;
	const uint8_t *p;
	size_t size;

	if (mask == NULL)
		return 0;
	if (mask->sa_family == AF_INET6) {
		p = ((const struct sockaddr_in6 *)(const void *)mask)
		    ->sin6_addr.s6_addr;
		size = 16;
	} else if (ipaddr_from_sockaddr(mask, &ip, &port)) {
		p = ip.bytes;
		size = 4;
	} else {
		return 0;
	}
	for (size_t i = 0; i < size; i++)
		bits += (unsigned)__builtin_popcount(p[i]);
	return bits;
}

static void
clear_host_bits(struct ipaddr *ip, unsigned bits)
{
	size_t size = ip->family == AF_INET ? 4 : 16;

	for (size_t i = 0; i < size; i++) {
		unsigned keep = bits >= 8 * (i + 1) ? 8
		    : bits <= 8 * i ? 0 : bits - (unsigned)(8 * i);

		ip->bytes[i] &= (uint8_t)(0xff << (8 - keep));
	}
}

/* Which interfaces count: "all", "loopback-only", or addresses and names. */
static bool
is_ours(struct span interfaces, const struct ipaddr *ip)
{
	struct span word;
	struct ipaddr listed;

	while (span_token(&interfaces, STRLIST_CONF, &word)) {
		if (span_is_nocase(word, "all"))
			return true;
		if (span_is_nocase(word, "loopback-only")
		    || span_is_nocase(word, "localhost")) {
			if (ipaddr_is_loopback(ip))
				return true;
			continue;
		}
		if (word.len > 2 && word.p[0] == '[')
			word = span_sub(word, 1, word.len - 2);
		if (ipaddr_scan(word, &listed) && ipaddr_eq(&listed, ip))
			return true;
	}
	return false;
}

static void
add_address(struct str *out, const struct ipaddr *ip, unsigned bits,
    bool with_bits)
{
	char text[IPADDR_TEXT_MAX];

	ipaddr_print(ip, text);
	if (str_len(out) > 0)
		str_putc(out, ' ');
	if (ip->family == AF_INET6)
		str_addf(out, "[%s]", text);
	else
		str_adds(out, text);
	if (with_bits)
		str_addf(out, "/%u", bits);
}

static char *
list_interfaces(const char *style)
{
	struct str out = STR_EMPTY, interfaces = STR_EMPTY, why = STR_EMPTY;
	struct ifaddrs *list = NULL;
	bool blocks = style != NULL;

	if (!conf_value("inet_interfaces", &interfaces, &why))
		str_sets(&interfaces, "all");
	if (getifaddrs(&list) < 0)
		list = NULL;
	for (struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		struct ipaddr ip;
		uint16_t port;
		unsigned bits;

		if (i->ifa_addr == NULL || !(i->ifa_flags & IFF_UP)
		    || !ipaddr_from_sockaddr(i->ifa_addr, &ip, &port))
			continue;
		ip.scope = 0;
		if (!ipaddr_is_loopback(&ip)
		    && !is_ours(str_span(&interfaces), &ip))
			continue;
		if (!blocks) {
			if (is_ours(str_span(&interfaces), &ip))
				add_address(&out, &ip, 0, false);
			continue;
		}
		bits = ip.family == AF_INET ? 32 : 128;
		if (ipaddr_is_loopback(&ip) && ip.family == AF_INET)
			bits = 8;
		else if (span_is_nocase(SPAN(style), "subnet"))
			bits = mask_bits(i->ifa_netmask);
		else if (span_is_nocase(SPAN(style), "class")
		    && ip.family == AF_INET)
			bits = ip.bytes[0] < 128 ? 8
			    : ip.bytes[0] < 192 ? 16 : 24;
		clear_host_bits(&ip, bits);
		add_address(&out, &ip, bits, true);
	}
	if (list != NULL)
		freeifaddrs(list);
	str_fini(&interfaces);
	str_fini(&why);
	return str_release(&out);
}

const char *
conf_own_addresses(void)
{
	static char *kept;

	mem_free(kept);
	kept = list_interfaces(NULL);
	return kept;
}

const char *
conf_host_networks(void)
{
	static char *kept;

	mem_free(kept);
	kept = list_interfaces("host");
	return kept;
}

static char *
networks_by_style(void)
{
	struct str style = STR_EMPTY, why = STR_EMPTY;
	char *networks;

	if (!conf_value("mynetworks_style", &style, &why))
		str_sets(&style, "host");
	networks = list_interfaces(str_cstr(&style));
	str_fini(&style);
	str_fini(&why);
	return networks;
}

/* A default made from other values that may refer to it in their turn: then
 * `fallback` ends the circle. */
struct computed {
	char *(*make)(void);
	char *value;
	bool busy;
};

static const char *
compute(struct computed *c, const char *fallback)
{
	char *value;

	if (c->busy)
		return fallback;
	c->busy = true;
	value = c->make();
	c->busy = false;
	mem_free(c->value);
	c->value = value;
	return value;
}

const char *
conf_computed_default(const char *name)
{
	static char *host;
	static struct computed domain = { .make = domain_of_host };
	static struct computed networks = { .make = networks_by_style };

	if (strcmp(name, "config_directory") == 0)
		return conf_dir();
	if (strcmp(name, "myhostname") == 0) {
		if (host == NULL)
			host = full_host_name();
		return host;
	}
	/* "myhostname = mail.$mydomain" alone: the domain of the machine. */
	if (strcmp(name, "mydomain") == 0) {
		const char *full = conf_computed_default("myhostname");

		return compute(&domain, strchr(full, '.') + 1);
	}
	if (strcmp(name, "mynetworks") == 0)
		return compute(&networks, "");
	return NULL;
}

/* ---- identities ---- */

static bool
find_user(const char *name, uid_t *uid_out, gid_t *gid_out, struct str *why)
{
	struct passwd *pw;
	uint32_t number;

	if (scan_u32(SPAN(name), &number)) {
		*uid_out = *gid_out = number;
		pw = getpwuid(number);
		if (pw != NULL)
			*gid_out = pw->pw_gid;
		return true;
	}
	pw = getpwnam(name);
	if (pw == NULL) {
		str_printf(why, "mail_owner: found \"%s\", expected a user "
		    "that exists, or a number", name);
		return false;
	}
	*uid_out = pw->pw_uid;
	*gid_out = pw->pw_gid;
	return true;
}

bool
conf_core_ids(uid_t *uid_out, gid_t *gid_out, gid_t *setgid_out,
    struct str *why)
{
	struct group *gr;
	uint32_t number;

	if (geteuid() != 0) {
		*uid_out = geteuid();
		*gid_out = *setgid_out = getegid();
		return true;
	}
	if (!find_user(conf_core.mail_owner, uid_out, gid_out, why))
		return false;
	if (*uid_out == 0) {
		str_sets(why, "mail_owner must not be root");
		return false;
	}
	if (scan_u32(SPAN(conf_core.setgid_group), &number)) {
		*setgid_out = number;
		return true;
	}
	gr = getgrnam(conf_core.setgid_group);
	if (gr == NULL) {
		str_printf(why, "setgid_group: found \"%s\", expected a group "
		    "that exists, or a number", conf_core.setgid_group);
		return false;
	}
	*setgid_out = gr->gr_gid;
	return true;
}

void
conf_core_log_tag(const char *program, struct str *out)
{
	str_printf(out, "%s/%s", conf_core.syslog_name, program);
}

bool
conf_core_logs_as(const char *release)
{
	int order = 0;

	return macro_compare_levels(SPAN(conf_core.log_compat_level),
	    SPAN(release), &order) && order >= 0;
}
