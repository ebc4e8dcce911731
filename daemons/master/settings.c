/*
 * settings - what master itself takes from main.cf, as copies, so that a reload
 * that fails leaves the old ones in force.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/base/strlist.h"
#include "common/mail/conf_core.h"
#include "common/mail/master_cf.h"
#include "common/service/logsink.h"
#include "daemons/master/master.h"

/* --- Environment of children ---------------------------------------------*/

static void
put(struct settings *s, const char *name, const char *value)
{
	struct str entry = STR_EMPTY;

	str_printf(&entry, "%s=%s", name, value);
	s->environment = mem_regrow(s->environment, s->nenvironment + 3,
	    sizeof(char *));
	s->environment[s->nenvironment++] = str_release(&entry);
	s->environment[s->nenvironment] = NULL;
}

static void
keep(struct settings *s, const char *name)
{
	const char *value = getenv(name);

	if (value != NULL)
		put(s, name, value);
}

/* What is configured by variables is so for everyone. */
static void
keep_configuration(struct settings *s)
{
	static const char *const prefixes[] = { CONF_ENVIRONMENT,
		MASTER_CF_ENVIRONMENT };

	for (char **e = environ; e != NULL && *e != NULL; e++) {
		for (size_t i = 0; i < ARRAY_COUNT(prefixes); i++) {
			char *name = span_starts(SPAN(*e), SPAN(prefixes[i]))
			    ? mem_strndup(*e, strcspn(*e, "=")) : NULL;

			if (name != NULL)
				keep(s, name);
			mem_free(name);
		}
	}
}

static bool
fill_environment(struct settings *s, struct str *why)
{
	/* Tests arm faults and recorders, sanitizers are told where to report. */
	static const char *const always[] = { "WAYPOST_FAULT",
		"WAYPOST_FAULT_BOARD", "WAYPOST_RECORD", "ASAN_OPTIONS",
		"UBSAN_OPTIONS", "LSAN_OPTIONS" };
	struct strlist names = STRLIST_EMPTY;

	if (!conf_list(conf_core.import_environment, &names, why))
		return false;
	put(s, "MAIL_CONFIG", s->config_dir);
	put(s, "PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
	for (size_t i = 0; i < names.count; i++) {
		char *eq = strchr(names.items[i], '=');

		if (eq != NULL) {
			*eq = '\0';
			put(s, names.items[i], eq + 1);
		} else if (strcmp(names.items[i], "MAIL_CONFIG") != 0) {
			keep(s, names.items[i]);
		}
	}
	for (size_t i = 0; i < ARRAY_COUNT(always); i++)
		keep(s, always[i]);
	keep_configuration(s);
	strlist_fini(&names);
	return true;
}

/* --- main.cf -------------------------------------------------------------*/

bool
settings_load(const char *dir, struct settings *out, struct str *why)
{
	int64_t throttle = 60;

	*out = (struct settings){ .root = geteuid() == 0 };
	conf_unload();
	if (!conf_load(dir, why))
		return false;
	conf_register(&conf_core_params);
	if (!conf_fill(&conf_core_params, why) ||
	    !conf_core_ids(&out->uid, &out->gid, &out->setgid_gid, why))
		return false;
	out->config_dir = mem_strdup(conf_dir());
	out->queue_dir = mem_strdup(conf_core.queue_directory);
	out->daemon_dir = mem_strdup(conf_core.daemon_directory);
	out->data_dir = mem_strdup(conf_core.data_directory);
	out->log_file = mem_strdup(conf_core.maillog_file);
	out->version = mem_strdup(conf_core.mail_version);
	out->queue_service = mem_strdup(conf_core.queue_service_name);
	out->clients_per_process = conf_core.service_clients_per_process;
	out->stop_timeout = conf_core.stop_timeout;
	struct str text = STR_EMPTY;

	if (conf_value("service_throttle_time", &text, NULL) &&
	    (!scan_time(str_span(&text), 's', &throttle) || throttle < 1))
		throttle = 60;
	out->throttle_time = throttle;
	str_clear(&text);
	if (!conf_value("master_service_disable", &text, why)) {
		str_fini(&text);
		return false;
	}
	out->service_disable = str_release(&text);
	return fill_environment(out, why);
}

void
settings_free(struct settings *s)
{
	mem_free(s->config_dir);
	mem_free(s->queue_dir);
	mem_free(s->daemon_dir);
	mem_free(s->data_dir);
	mem_free(s->log_file);
	mem_free(s->version);
	mem_free(s->queue_service);
	mem_free(s->service_disable);
	for (size_t i = 0; i < s->nenvironment; i++)
		mem_free(s->environment[i]);
	mem_free(s->environment);
	*s = (struct settings){ 0 };
}

/* --- Log file ------------------------------------------------------------*/

static bool
prefix_allows(const char *path, struct str *why)
{
	struct strlist prefixes = STRLIST_EMPTY;
	struct str value = STR_EMPTY;
	bool found = false;
	struct span p = span_cstr(path);

	/* Not conf_list, which would read "/var" as a file of prefixes. */
	if (conf_value("maillog_file_prefixes", &value, why))
		strlist_split(&prefixes, str_span(&value), STRLIST_CONF);
	for (size_t i = 0; i < prefixes.count && !found; i++) {
		struct span prefix = span_cstr(prefixes.items[i]);

		found = span_starts(p, prefix) &&
		    (p.len == prefix.len || p.p[prefix.len] == '/' ||
		    span_ends(prefix, span_cstr("/")));
	}
	strlist_fini(&prefixes);
	if (!found)
		str_printf(why, "maillog_file = %s is not below any of "
		    "maillog_file_prefixes = %s", path, str_cstr(&value));
	str_fini(&value);
	return found;
}

int
settings_open_log(const struct settings *s, bool foreground, struct str *why)
{
	const char *path = s->log_file;
	mode_t mode;
	int fd;

	if (path[0] == '\0')
		return foreground && isatty(STDOUT_FILENO) ?
		    fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10) : -1;
	if (!prefix_allows(path, why))
		return -1;
	if (strcmp(path, "/dev/stdout") == 0) {
		if (!foreground) {
			str_printf(why, "maillog_file = %s wants \"start-fg\", "
			    "or container use", path);
			return -1;
		}
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
		if (fd >= 0) {
			int flags = fcntl(fd, F_GETFL);

			/* Several writers; a no-op on terminals and pipes. */
			if (flags >= 0)
				(void)fcntl(fd, F_SETFL, flags | O_APPEND);
		}
	} else {
		if (!logsink_file_mode(&mode, why))
			return -1;
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY |
		    O_NOFOLLOW | O_CLOEXEC, mode);
	}
	if (fd < 0)
		str_printf(why, "maillog_file = %s: %m", path);
	return fd;
}
