/*
 * service_start - a role from its first instruction to the door of the loop:
 * options, configuration, launcher, tables, descriptors, jail.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/io/child.h"
#include "common/io/crash_slot.h"
#include "common/io/fault.h"
#include "common/service/control.h"
#include "common/service/counters.h"
#include "common/service/jail.h"
#include "common/service/logsink.h"
#include "common/service/peer.h"
#include "common/service/service_priv.h"

#define ST service_state

struct service_state service_state = { .queue_dir = -1, .launcher = -1,
	.stop_by = { INT64_MAX } };

static struct strlist overrides;	/* -o, for the launcher too */

void
service_step(enum service_step step)
{
	CHECK((int)step == (int)ST.step + 1);
	ST.step = step;
}

/* --- Options -------------------------------------------------------------*/

static const char *
option_value(int argc, char **argv, int *at)
{
	const char *arg = argv[*at];

	if (arg[2] != '\0')
		return arg + 2;
	if (*at + 1 >= argc)
		fatal("option %s wants a value", arg);
	return argv[++*at];
}

static void
take_option(int argc, char **argv, int *at)
{
	const char *arg = argv[*at];

	switch (arg[1]) {
	case 'n':
		ST.name = mem_strdup(option_value(argc, argv, at));
		return;
	case 't':
		ST.type = mem_strdup(option_value(argc, argv, at));
		return;
	case 'o':
		strlist_adds(&overrides, option_value(argc, argv, at));
		return;
	case 's':		/* told by WAYPOST_CHILD as well */
	case 'm':
	case 'i':
		(void)option_value(argc, argv, at);
		return;
	case 'c':
		ST.chroot = true;
		return;
	case 'v':
		for (const char *p = arg + 1; *p == 'v'; p++)
			log_verbose++;
		return;
	case 'u':		/* every role gives up root */
	case 'l':		/* the role knows whether it is alone */
	case 'z':
	case 'd':
	case 'D':
	case 'V':
		return;
	default:
		fatal("unknown option %s", arg);
	}
}

void
service_read_options(int argc, char **argv)
{
	int at = 1;

	for (; at < argc && argv[at][0] == '-' && argv[at][1] != '\0'; at++) {
		if (strcmp(argv[at], "--") == 0) {
			at++;
			break;
		}
		take_option(argc, argv, &at);
	}
	ST.arguments = argv + at;
	ST.narguments = (size_t)(argc - at);
	if (ST.name == NULL)
		ST.name = mem_strdup(ST.service->name);
	if (ST.type == NULL)
		ST.type = mem_strdup("unix");
}

/* --- Configuration -------------------------------------------------------*/

static void
set(const char *name, const char *value)
{
	struct str why = STR_EMPTY;

	if (!conf_override(span_cstr(name), span_cstr(value), "master", &why))
		fatal("%s", str_cstr(&why));
	str_fini(&why);
}

/* Rows that speak of $stress, without strings, which would pile up. */
static struct param *stress_rows;
static size_t stress_count;

static void
find_stress_rows(const struct param_set *params)
{
	if (params == NULL)
		return;
	stress_rows = mem_array(params->count + 1, sizeof(*stress_rows));
	for (size_t i = 0; i < params->count; i++) {
		const struct param *row = &params->rows[i];
		const char *raw = conf_raw(row->name);

		if (raw != NULL && strstr(raw, "stress") != NULL &&
		    (row->type == PARAM_TYPE_INT ||
		    row->type == PARAM_TYPE_BOOL ||
		    row->type == PARAM_TYPE_TIME))
			stress_rows[stress_count++] = *row;
	}
}

void
service_follow_stress(void)
{
	static bool now;
	struct param_set some = { .role = ST.service->name,
		.rows = stress_rows, .count = stress_count };
	struct str why = STR_EMPTY;

	if (stress_count == 0 || service_stress() == now)
		return;
	now = !now;
	set("stress", now ? "yes" : "");
	if (!conf_fill(&some, &why))
		log_warn("%s", str_cstr(&why));
	str_fini(&why);
}

static void
read_configuration(void)
{
	struct str why = STR_EMPTY;
	static struct str origin;	/* entries keep it */

	if (!conf_load(NULL, &why))
		fatal("%s", str_cstr(&why));
	conf_register(&conf_core_params);
	if (ST.service->params != NULL)
		conf_register(ST.service->params);
	set("process_name", ST.service->name);
	set("service_name", ST.name);
	str_printf(&origin, "service \"%s\": -o", ST.name);
	for (size_t i = 0; i < overrides.count; i++)
		if (!conf_override_assignment(span_cstr(overrides.items[i]),
		    str_cstr(&origin), &why))
			fatal("%s: %s", str_cstr(&origin), str_cstr(&why));
	if (!conf_fill(&conf_core_params, &why) ||
	    (ST.service->params != NULL &&
	    !conf_fill(ST.service->params, &why)))
		fatal("%s", str_cstr(&why));
	find_stress_rows(ST.service->params);
	(void)conf_unmet_protection(ST.service->name, &ST.refusal);
	str_fini(&why);
}

/* --- What master handed down ---------------------------------------------*/

static void
own_descriptor(int fd)
{
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		fatal("descriptor %d is not from master: %m", fd);
}

static void
take_inheritance(void)
{
	const char *text = getenv(INHERIT_ENV);
	struct str why = STR_EMPTY;

	if (text == NULL || !inherit_parse(text, &ST.from_master)) {
		fprintf(stderr, "%s: master starts this program, not people: "
		    "see master(8)\n", ST.service->name);
		exit(1);
	}
	if (strcmp(ST.from_master.build, build_id) != 0 &&
	    ST.from_master.build[0] != '\0' && build_id[0] != '\0')
		exit(INHERIT_OTHER_BUILD);
	unsetenv(INHERIT_ENV);
	for (int fd = INHERIT_STATUS; fd <= INHERIT_LOCK; fd++)
		own_descriptor(fd);
	if (ST.from_master.log)
		own_descriptor(INHERIT_LOG);
	for (unsigned i = 0; i < ST.from_master.listen; i++)
		own_descriptor(INHERIT_LISTEN + (int)i);
	if (!control_attach(INHERIT_CONTROL, INHERIT_SLOT, ST.from_master.slot,
	    &why) ||
	    !counters_attach(INHERIT_COUNTERS, ST.from_master.slot, &why))
		fatal("%s", str_cstr(&why));
	str_fini(&why);
}

/* --- Launcher ------------------------------------------------------------*/

static char **
launcher_arguments(void)
{
	char **argv = mem_array(2 * overrides.count + ST.narguments + 10,
	    sizeof(*argv));
	size_t n = 0;

	argv[n++] = mem_strdup("launcher");
	argv[n++] = mem_strdup("-n");
	argv[n++] = ST.name;
	for (size_t i = 0; i < overrides.count; i++) {
		argv[n++] = mem_strdup("-o");
		argv[n++] = overrides.items[i];
	}
	if (log_verbose > 0)
		argv[n++] = mem_strdup("-v");
	if (ST.chroot)
		argv[n++] = mem_strdup("-c");
	argv[n++] = mem_strdup("--");
	argv[n++] = mem_strdup(ST.service->name);
	for (size_t i = 0; i < ST.narguments; i++)
		argv[n++] = ST.arguments[i];
	argv[n] = NULL;
	return argv;
}

static void
start_launcher(void)
{
	struct str path = STR_EMPTY, why = STR_EMPTY;
	int pair[2];

	if (FAULT("sock.pair") || socketpair(AF_UNIX, SOCK_STREAM |
	    SOCK_CLOEXEC, 0, pair) != 0)
		fatal("socket to the launcher: %m");
	setenv(INHERIT_LAUNCHER_ENV, ST.from_master.log ? "v1 log=1" :
	    "v1 log=0", 1);
	str_printf(&path, "%s/launcher", conf_core.daemon_directory);
	const struct child_fd fds[] = {
		{ pair[1], INHERIT_LAUNCHER_SOCKET },
		{ INHERIT_LOCK, INHERIT_LOCK },
		{ INHERIT_LOG, INHERIT_LOG },
	};
	struct child_spec spec = { .path = str_cstr(&path),
		.argv = launcher_arguments(), .envp = environ, .fds = fds,
		.nfds = ST.from_master.log ? 3 : 2, .chdir_to = "/" };

	if (child_start(&spec, &why) < 0)
		fatal("start %s: %s", str_cstr(&path), str_cstr(&why));
	unsetenv(INHERIT_LAUNCHER_ENV);
	close(pair[1]);
	ST.launcher = pair[0];
	str_fini(&path);
}

/* --- Jail ----------------------------------------------------------------*/

void
service_as_owner(void (*fn)(void *arg), void *arg)
{
	struct str why = STR_EMPTY;
	uid_t uid;
	gid_t gid, setgid_group;

	if (!ST.from_master.root)
		fn(arg);
	else if (!conf_core_ids(&uid, &gid, &setgid_group, &why)
	    || !jail_as(uid, gid, fn, arg, &why))
		fatal("%s", str_cstr(&why));
	str_fini(&why);
}

static void
enter_jail(void)
{
	struct jail jail = { .needs = ST.service->needs,
		.root = ST.from_master.root, .chroot = ST.chroot,
		.queue_directory = conf_core.queue_directory,
		.data_directory = conf_core.data_directory };
	struct str why = STR_EMPTY;
	gid_t setgid_group;

	if (!conf_core_ids(&jail.uid, &jail.gid, &setgid_group, &why))
		fatal("%s", str_cstr(&why));
	if (jail.root && jail.uid == 0)
		fatal("mail_owner = %s is root, which no role may be",
		    conf_core.mail_owner);
	if (!jail_enter(&jail, &ST.jail, &why))
		fatal("cannot confine this process: %s", str_cstr(&why));
	snprintf(control_mine()->jail, sizeof(control_mine()->jail), "%s",
	    str_cstr(&ST.jail));
	str_fini(&why);
}

/* What `waypost check` runs in place of the service. */
__attribute__((noreturn)) static void
check_only(void)
{
	bool good = true;

	log_add_sink(log_sink_stderr(false));
	read_configuration();
	if (str_len(&ST.refusal) > 0) {
		log_error("service \"%s\" refuses to work: %s", ST.name,
		    str_cstr(&ST.refusal));
		good = false;
	}
	if (ST.service->check != NULL && !ST.service->check())
		good = false;
	log_flush();
	exit(good ? 0 : 1);
}

static void
ask_for_syslog(void)
{
	status_tell(STATUS_WANT_SYSLOG, NULL);
}

void
service_prepare(const struct service *service, int argc, char **argv)
{
	ST.service = service;
	fiber_group_init(&ST.sessions);
	fiber_group_init(&ST.background);
	fiber_queue_init(&ST.leave);
	log_set_tag(service->name);
	signal(SIGPIPE, SIG_IGN);
	fault_arm_from_environment(service->name);

	service_read_options(argc, argv);
	if (getenv(INHERIT_CHECK_ENV) != NULL)
		check_only();
	take_inheritance();
	logsink_open_early(service->name,
	    ST.from_master.log ? INHERIT_LOG : -1);
	read_configuration();
	logsink_open(service->name,
	    ST.from_master.log ? INHERIT_LOG : -1);
	crash_slot_use(&control_mine()->crash);
	crash_handlers_install();
	service_step(STEP_CONFIGURATION);

	if (service->needs & NEEDS_LAUNCHER)
		start_launcher();
	service_step(STEP_LAUNCHER);
	if (service->before_jail != NULL)
		service->before_jail();
	service_step(STEP_TABLES);

	/* before_jail may have asked for it already. */
	if (service_queue_dir() < 0)
		fatal("open %s: %m", conf_core.queue_directory);
	service_learn_memory();
	service_step(STEP_DESCRIPTORS);
	enter_jail();
	logsink_set_asker(ask_for_syslog);
	peer_set_root("");
	service_step(STEP_JAIL);
}
