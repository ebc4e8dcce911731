/*
 * postmulti - several instances of the mail system on one machine: lists them,
 * makes and removes them, runs a command for each.
 *
 * The primary instance is that of the usual configuration directory; its
 * multi_instance_directories list the others. What is changed is their main.cf.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/child.h"
#include "common/io/fs.h"
#include "common/mail/conf_core.h"
#include "common/mail/paths.h"
#include "daemons/commands/lib/commands_conf.h"
#include "daemons/commands/lib/main_cf_edit.h"
#include "daemons/shared/spool.h"

enum value { DIR_CONFIG, DIR_QUEUE, DIR_DATA, DIR_COMMANDS, DIR_DAEMONS,
	MULTI_NAME, MULTI_GROUP, MULTI_ENABLE, VALUES };

/* As parameters, and as variables for -x. */
static const char *const names[VALUES] = { "config_directory",
	"queue_directory", "data_directory", "command_directory",
	"daemon_directory", "multi_instance_name", "multi_instance_group",
	"multi_instance_enable" };

struct instance {
	char *values[VALUES];
	bool primary;
};

static struct instance *instances;	/* the primary one first */
static size_t ninstances;
static char *start_words, *stop_words, *control_words;

static struct {
	bool list, postfix, unix_command, reverse, json;
	const char *edit;		/* -e */
	const char *group, *name;	/* -g, -i: which; NULL: all */
	const char *new_group, *new_name;	/* -G, -I */
} options;

/* ---- what there is ---- */

static char *
value_of(const char *name)
{
	struct str value = STR_EMPTY, why = STR_EMPTY;

	if (!conf_value(name, &value, &why))
		fatal("%s", str_cstr(&why));
	str_fini(&why);
	return mem_strdup(str_cstr(&value));
}

static void
load(const char *dir)
{
	struct str why = STR_EMPTY;

	conf_unload();
	if (!conf_load(dir, &why))
		fatal("%s", str_cstr(&why));
	conf_register(&conf_core_params);
	conf_register(&commands_params);
	str_fini(&why);
}

/* The configuration of this directory is the one that is loaded. */
static struct instance *
add_instance(const char *dir, bool primary)
{
	struct instance *i;

	load(dir);
	instances = mem_regrow(instances, ninstances + 1, sizeof(*instances));
	i = &instances[ninstances++];
	*i = (struct instance){ .primary = primary };
	for (int v = 0; v < VALUES; v++)
		i->values[v] = v == DIR_CONFIG ? mem_strdup(dir)
		    : value_of(names[v]);
	return i;
}

static bool
is_enabled(const struct instance *i)
{
	return strcasecmp(i->values[MULTI_ENABLE], "yes") == 0;
}

/* "-" stands for none. */
static const char *
or_dash(const char *text)
{
	return text[0] != '\0' ? text : "-";
}

static void
read_instances(void)
{
	const char *env = getenv("MAIL_CONFIG");
	char *dir = realpath(env != NULL && env[0] != '\0' ? env
	    : PATH_CONFIG, NULL);
	char *list;
	struct span rest, one;

	if (dir == NULL)
		fatal("configuration directory %s: %m", env != NULL ? env
		    : PATH_CONFIG);
	unsetenv("MAIL_CONFIG");
	add_instance(dir, true);
	list = value_of("multi_instance_directories");
	start_words = value_of("postmulti_start_commands");
	stop_words = value_of("postmulti_stop_commands");
	control_words = value_of("postmulti_control_commands");
	rest = SPAN(list);
	while (span_token(&rest, " \t\r\n,", &one)) {
		struct str path = STR_EMPTY;

		str_set(&path, one);
		add_instance(str_cstr(&path), false);
		str_fini(&path);
	}
	mem_free(list);
	free(dir);
}

static bool
is_selected(const struct instance *i)
{
	if (options.name != NULL)
		return strcmp(options.name, "-") == 0 ? i->primary
		    : strcmp(options.name, i->values[MULTI_NAME]) == 0;
	return options.group == NULL
	    || strcmp(options.group, or_dash(i->values[MULTI_GROUP])) == 0;
}

static struct instance *
selected(void)
{
	for (size_t n = 0; n < ninstances; n++)
		if (is_selected(&instances[n]))
			return &instances[n];
	fatal("no instance is called \"%s\"", options.name);
}

/* The nth in order, or from the end. */
static struct instance *
nth(size_t n, bool reverse)
{
	return &instances[reverse ? ninstances - 1 - n : n];
}

static int
list_instances(void)
{
	for (size_t n = 0; n < ninstances; n++) {
		const struct instance *i = nth(n, options.reverse);
		const char *name = or_dash(i->values[MULTI_NAME]);
		const char *group = or_dash(i->values[MULTI_GROUP]);

		if (!is_selected(i))
			continue;
		if (options.json)
			printf("{\"name\": \"%s\", \"group\": \"%s\", "
			    "\"enabled\": %s, \"config_directory\": \"%s\"}\n",
			    name, group, is_enabled(i) ? "true" : "false",
			    i->values[DIR_CONFIG]);
		else
			printf("%-15s %-15s %-9s %s\n", name, group,
			    is_enabled(i) ? "y" : "n",
			    i->values[DIR_CONFIG]);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}

/* ---- commands for each ---- */

static bool
is_word_of(const char *list, const char *word)
{
	struct span rest = SPAN(list), one;

	while (span_token(&rest, " \t\r\n,", &one))
		if (span_is(one, word))
			return true;
	return false;
}

/* The exit status, or 128 and more. */
static int
run(const char *path, char **argv)
{
	struct child_spec spec = { .path = path, .argv = argv,
		.envp = environ };
	struct str why = STR_EMPTY;
	int status = 0;
	pid_t pid = child_start(&spec, &why);

	if (pid < 0)
		fatal("%s", str_cstr(&why));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
	    : WEXITSTATUS(status);
}

static int
run_postfix(const struct instance *i, int argc, char **argv)
{
	char **words = mem_array((size_t)argc + 4, sizeof(*words));
	struct str path = STR_EMPTY;
	int status;

	str_printf(&path, "%s/postfix", i->values[DIR_COMMANDS]);
	words[0] = (char *)(uintptr_t)str_cstr(&path);
	words[1] = (char *)(uintptr_t)"-c";
	words[2] = i->values[DIR_CONFIG];
	memcpy(words + 3, argv, (size_t)argc * sizeof(*argv));
	status = run(str_cstr(&path), words);
	mem_free(words);
	str_fini(&path);
	return status;
}

/*
 * Disabled instances are checked in place of a start, and left alone by what
 * stops or controls; stops go backwards. A member of a group that does not start
 * ends the start of those behind it.
 */
static int
for_each_postfix(int argc, char **argv)
{
	static char *check[] = { (char *)(uintptr_t)"check" };
	bool starts, stops, controls;
	int worst = 0;

	if (argc < 1)
		fatal("-p: which command of postfix?");
	starts = is_word_of(start_words, argv[0]);
	stops = is_word_of(stop_words, argv[0]);
	controls = is_word_of(control_words, argv[0]);
	for (size_t n = 0; n < ninstances; n++) {
		struct instance *i = nth(n, options.reverse != stops);
		int status;

		if (!is_selected(i)
		    || (!is_enabled(i) && (stops || controls)))
			continue;
		status = starts && !is_enabled(i) ? run_postfix(i, 1, check)
		    : run_postfix(i, argc, argv);
		if (status > worst)
			worst = status;
		if (status != 0 && starts && is_enabled(i)
		    && i->values[MULTI_GROUP][0] != '\0')
			break;
	}
	return worst;
}

static int
for_each_unix(int argc, char **argv)
{
	int worst = 0;

	if (argc < 1)
		fatal("-x: which command?");
	for (size_t n = 0; n < ninstances; n++) {
		const struct instance *i = nth(n, options.reverse);
		char *words[] = { (char *)(uintptr_t)"/usr/bin/env", NULL };
		char **all = mem_array((size_t)argc + 2, sizeof(*all));
		int status;

		if (is_selected(i)) {
			for (int v = 0; v < VALUES; v++)
				setenv(names[v], i->values[v], 1);
			setenv("MAIL_CONFIG", i->values[DIR_CONFIG], 1);
			all[0] = words[0];
			memcpy(all + 1, argv, (size_t)argc * sizeof(*argv));
			status = run(words[0], all);
			if (status > worst)
				worst = status;
		}
		mem_free(all);
	}
	return worst;
}

/* ---- changes ---- */

static void
change(const char *dir, struct strlist *settings)
{
	struct str path = STR_EMPTY, why = STR_EMPTY;

	str_printf(&path, "%s/main.cf", dir);
	if (!main_cf_edit(str_cstr(&path), MAIN_CF_SET, settings, &why))
		fatal("%s", str_cstr(&why));
	str_fini(&path);
	str_fini(&why);
	strlist_fini(settings);
}

static void
add_setting(struct strlist *settings, const char *name, const char *value)
{
	struct str text = STR_EMPTY;

	str_printf(&text, "%s = %s", name, value);
	strlist_adds(settings, str_cstr(&text));
	str_fini(&text);
}

/* The list as it is, without `gone`, with `added` where -i or -g say. */
static void
write_list(const char *gone, const char *added)
{
	struct strlist settings = STRLIST_EMPTY;
	struct str list = STR_EMPTY;
	size_t place = ninstances;

	for (size_t n = 0; n < ninstances && (options.name != NULL
	    || options.group != NULL); n++) {
		if (!is_selected(&instances[n]))
			continue;
		place = options.reverse ? n : n + 1;
		if (options.reverse)
			break;
	}
	for (size_t n = 1; n <= ninstances; n++) {
		if (added != NULL && (n == place || (n == 1 && place == 0)))
			str_addf(&list, " %s", added);
		if (n < ninstances && (gone == NULL || strcmp(gone,
		    instances[n].values[DIR_CONFIG]) != 0))
			str_addf(&list, " %s", instances[n].values[DIR_CONFIG]);
	}
	add_setting(&settings, "multi_instance_directories",
	    str_cstr(&list) + (str_len(&list) > 0));
	change(instances[0].values[DIR_CONFIG], &settings);
	str_fini(&list);
}

static int
init(void)
{
	struct strlist settings = STRLIST_EMPTY;

	add_setting(&settings, "multi_instance_wrapper",
	    "${command_directory}/postmulti -p --");
	add_setting(&settings, "multi_instance_enable", "yes");
	change(instances[0].values[DIR_CONFIG], &settings);
	return 0;
}

static void
check_new_name(const char *name)
{
	if (strncmp(name, "postfix-", 8) != 0
	    || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789_-") != strlen(name))
		fatal("\"%s\": names of instances begin with \"postfix-\" and "
		    "have letters, digits, _ and -", name);
	for (size_t n = 0; n < ninstances; n++)
		if (strcmp(instances[n].values[MULTI_NAME], name) == 0)
			fatal("there is an instance %s already", name);
}

/* In the folder where that of the primary instance is. */
static char *
beside(const char *primary, const char *name)
{
	struct str path = STR_EMPTY;
	const char *slash = strrchr(primary, '/');

	str_printf(&path, "%.*s/%s", (int)(slash != NULL ? slash - primary
	    : 0), primary, name);
	return str_release(&path);
}

static void
add_names(struct strlist *settings)
{
	if (options.new_name != NULL)
		add_setting(settings, "multi_instance_name",
		    strcmp(options.new_name, "-") == 0 ? "" : options.new_name);
	if (options.new_group != NULL)
		add_setting(settings, "multi_instance_group",
		    strcmp(options.new_group, "-") == 0 ? ""
		    : options.new_group);
}

static void
write_file(const char *dir, const char *name, struct span text)
{
	struct str path = STR_EMPTY, why = STR_EMPTY;
	int fd;

	str_printf(&path, "%s/%s", dir, name);
	fd = fs_create_at(AT_FDCWD, str_cstr(&path), 0644, &why);
	if (fd < 0 || !fs_write_all(fd, text, &why)
	    || !fs_chmod(fd, 0644, &why))
		fatal("%s", str_cstr(&why));
	close(fd);
	str_fini(&path);
	str_fini(&why);
}

/* From NAME.proto or, where there is none, NAME of the primary instance. */
static bool
read_primary(const char *name, bool or_own, struct str *text)
{
	const char *dir = instances[0].values[DIR_CONFIG];
	struct str path = STR_EMPTY, why = STR_EMPTY;
	bool ok;

	str_printf(&path, "%s/%s.proto", dir, name);
	ok = fs_read_file_at(AT_FDCWD, str_cstr(&path), 1 << 20, text, &why);
	if (!ok && or_own) {
		str_printf(&path, "%s/%s", dir, name);
		ok = fs_read_file_at(AT_FDCWD, str_cstr(&path), 1 << 20, text,
		    &why);
		if (!ok)
			fatal("%s", str_cstr(&why));
	}
	str_fini(&path);
	str_fini(&why);
	return ok;
}

static void
write_configuration(const char *dir)
{
	struct str text = STR_EMPTY;

	if (!read_primary("main.cf", false, &text)) {
		load(instances[0].values[DIR_CONFIG]);
		str_printf(&text, "compatibility_level = %s\n",
		    value_of("compatibility_level"));
	}
	write_file(dir, "main.cf", str_span(&text));
	str_clear(&text);
	read_primary("master.cf", true, &text);
	write_file(dir, "master.cf", str_span(&text));
	str_fini(&text);
}

static void
make_directories(const char *queue, const char *data)
{
	struct spool_owner owner = { .root = geteuid() == 0 };
	struct str why = STR_EMPTY;

	load(instances[0].values[DIR_CONFIG]);
	if (!conf_fill(&conf_core_params, &why)
	    || !conf_core_ids(&owner.uid, &owner.gid, &owner.setgid_gid, &why)
	    || !spool_prepare(queue, &owner, false, &why)
	    || !spool_prepare_data(data, &owner, false, &why))
		fatal("%s", str_cstr(&why));
	str_fini(&why);
}

/* The operands: name=value. The value of one of them, or NULL. */
static const char *
operand(int argc, char **argv, const char *name)
{
	size_t length = strlen(name);

	for (int i = 0; i < argc; i++)
		if (strncmp(argv[i], name, length) == 0
		    && argv[i][length] == '=')
			return argv[i] + length + 1;
	return NULL;
}

/* -I name, or a new directory whose last part is the name. */
static const char *
new_directory(int argc, char **argv)
{
	const char *dir = operand(argc, argv, "config_directory");

	if (dir == NULL && options.new_name == NULL)
		fatal("-e %s: -I, or config_directory=, says which one",
		    options.edit);
	if (dir == NULL)
		dir = beside(instances[0].values[DIR_CONFIG],
		    options.new_name);
	if (dir[0] != '/')
		fatal("config_directory = %s: not an absolute path", dir);
	for (size_t n = 0; n < ninstances; n++)
		if (strcmp(instances[n].values[DIR_CONFIG], dir) == 0)
			fatal("%s belongs to an instance already", dir);
	if (options.new_name != NULL)
		check_new_name(options.new_name);
	return dir;
}

static const char *
own_directory(int argc, char **argv, enum value v, const char *dir)
{
	const char *given = operand(argc, argv, names[v]);

	return given != NULL ? given : beside(instances[0].values[v],
	    options.new_name != NULL ? options.new_name
	    : strrchr(dir, '/') + 1);
}

static int
create(int argc, char **argv)
{
	const char *dir = new_directory(argc, argv);
	const char *queue = own_directory(argc, argv, DIR_QUEUE, dir);
	const char *data = own_directory(argc, argv, DIR_DATA, dir);
	struct strlist settings = STRLIST_EMPTY;
	struct str why = STR_EMPTY;

	if (!fs_mkdir_at(AT_FDCWD, dir, 0755, &why))
		fatal("%s", str_cstr(&why));
	write_configuration(dir);
	add_setting(&settings, "queue_directory", queue);
	add_setting(&settings, "data_directory", data);
	add_setting(&settings, "multi_instance_enable", "no");
	/* It clashes with nobody and takes mail from nobody until it is told. */
	add_setting(&settings, "master_service_disable", "inet");
	add_setting(&settings, "authorized_submit_users", "");
	add_names(&settings);
	for (int i = 0; i < argc; i++)
		if (strncmp(argv[i], "config_directory=", 17) != 0)
			strlist_adds(&settings, argv[i]);
	change(dir, &settings);
	make_directories(queue, data);
	write_list(NULL, dir);
	str_fini(&why);
	return 0;
}

static int
import(int argc, char **argv)
{
	const char *dir = new_directory(argc, argv);
	struct strlist settings = STRLIST_EMPTY;
	size_t count = ninstances;
	const struct instance *i = add_instance(dir, false);

	/* It would work on another one's mail. */
	for (size_t n = 0; n < count; n++)
		if (strcmp(instances[n].values[DIR_QUEUE],
		    i->values[DIR_QUEUE]) == 0 || strcmp(
		    instances[n].values[DIR_DATA], i->values[DIR_DATA]) == 0)
			fatal("%s has the queue or the data directory of %s",
			    dir, instances[n].values[DIR_CONFIG]);
	ninstances = count;
	add_setting(&settings, "multi_instance_enable", "no");
	add_names(&settings);
	change(dir, &settings);
	write_list(NULL, dir);
	return 0;
}

static struct instance *
secondary(void)
{
	struct instance *i = selected();
	pid_t pid;

	if (i->primary)
		fatal("-e %s: not of the primary instance", options.edit);
	if (is_enabled(i))
		fatal("%s is enabled: disable it first",
		    i->values[DIR_CONFIG]);
	if (spool_master(i->values[DIR_QUEUE], &pid) == SPOOL_RUNNING)
		fatal("%s is running: stop it first", i->values[DIR_CONFIG]);
	return i;
}

static int
remove_entry(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return type == FTW_DP ? rmdir(path)
	    : fs_unlink_at(AT_FDCWD, path, NULL) ? 0 : -1;
}

static bool
remove_tree(const char *path)
{
	if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0
	    || errno == ENOENT)
		return true;
	log_warn("%s is not removed: %m", path);
	return false;
}

/* Nothing waits in it, not even on hold or in maildrop. */
static bool
has_mail(const char *queue)
{
	static const char *const others[] = { "hold", "maildrop", "corrupt" };
	struct str path = STR_EMPTY;
	bool found = !spool_is_empty(queue);

	for (size_t n = 0; n < ARRAY_COUNT(others) && !found; n++) {
		struct dirent *entry;
		DIR *dir;

		str_printf(&path, "%s/%s", queue, others[n]);
		dir = fs_open_dir(AT_FDCWD, str_cstr(&path), NULL);
		while (dir != NULL && (entry = fs_read_dir(dir)) != NULL)
			found |= entry->d_name[0] != '.'
			    && entry->d_type != DT_DIR;
		if (dir != NULL)
			closedir(dir);
	}
	str_fini(&path);
	return found;
}

static int
destroy(void)
{
	struct instance *i = secondary();
	bool ok;

	if (has_mail(i->values[DIR_QUEUE]))
		fatal("there is mail in %s", i->values[DIR_QUEUE]);
	options.name = options.group = NULL;
	write_list(i->values[DIR_CONFIG], NULL);
	ok = remove_tree(i->values[DIR_QUEUE]);
	ok = remove_tree(i->values[DIR_DATA]) && ok;
	return remove_tree(i->values[DIR_CONFIG]) && ok ? 0 : 1;
}

static int
deport(void)
{
	struct instance *i = secondary();

	options.name = options.group = NULL;
	write_list(i->values[DIR_CONFIG], NULL);
	return 0;
}

static int
set_enabled(const char *value)
{
	struct strlist settings = STRLIST_EMPTY;

	add_setting(&settings, "multi_instance_enable", value);
	change(selected()->values[DIR_CONFIG], &settings);
	return 0;
}

static int
assign(void)
{
	struct instance *i = selected();
	struct strlist settings = STRLIST_EMPTY;

	if (options.new_name == NULL && options.new_group == NULL)
		fatal("-e assign: -I name, -G group, or both");
	if (options.new_name != NULL && i->primary)
		fatal("-e assign: the primary instance keeps its name");
	if (options.new_name != NULL && strcmp(options.new_name, "-") != 0)
		check_new_name(options.new_name);
	add_names(&settings);
	change(i->values[DIR_CONFIG], &settings);
	return 0;
}

static int
edit(int argc, char **argv)
{
	const char *what = options.edit;
	bool makes = strcmp(what, "create") == 0
	    || strcmp(what, "import") == 0;

	for (int i = 0; i < argc; i++)
		if (!makes || strchr(argv[i], '=') == NULL)
			fatal("-e %s: found \"%s\", where %s", what, argv[i],
			    makes ? "name=value is expected"
			    : "nothing is expected");
	if (strcmp(what, "init") == 0)
		return init();
	if (!makes && options.name == NULL)
		fatal("-e %s: -i name says which instance", what);
	if (strcmp(what, "create") == 0)
		return create(argc, argv);
	if (strcmp(what, "import") == 0)
		return import(argc, argv);
	if (strcmp(what, "destroy") == 0)
		return destroy();
	if (strcmp(what, "deport") == 0)
		return deport();
	if (strcmp(what, "enable") == 0)
		return set_enabled("yes");
	if (strcmp(what, "disable") == 0)
		return set_enabled("no");
	if (strcmp(what, "assign") == 0)
		return assign();
	fatal("-e %s: init, create, import, destroy, deport, enable, disable "
	    "or assign", what);
}

static int
usage(void)
{
	fprintf(stderr,
	    "usage: postmulti -l [-aRv] [-g group] [-i name]\n"
	    "       postmulti -p [-aRv] [-g group] [-i name] command ...\n"
	    "       postmulti -x [-aRv] [-g group] [-i name] command ...\n"
	    "       postmulti -e init | create | import | destroy | deport |\n"
	    "           enable | disable | assign [-aRv] [-g group] [-i name]\n"
	    "           [-G group] [-I name] [name=value ...]\n");
	return 1;
}

int
main(int argc, char **argv)
{
	int c;

	log_set_tag("postmulti");
	log_add_sink(log_sink_stderr(false));
	while ((c = getopt(argc, argv, "+ae:g:i:jlpvxG:I:R")) != -1) {
		switch (c) {
		case 'a':
			options.group = options.name = NULL;
			break;
		case 'e':
			options.edit = optarg;
			break;
		case 'g':
			options.group = optarg;
			break;
		case 'i':
			options.name = optarg;
			break;
		case 'j':
			options.json = true;
			break;
		case 'l':
			options.list = true;
			break;
		case 'p':
			options.postfix = true;
			break;
		case 'x':
			options.unix_command = true;
			break;
		case 'v':
			log_verbose++;
			break;
		case 'G':
			options.new_group = optarg;
			break;
		case 'I':
			options.new_name = optarg;
			break;
		case 'R':
			options.reverse = true;
			break;
		default:
			return usage();
		}
	}
	if (options.list + options.postfix + options.unix_command
	    + (options.edit != NULL) != 1)
		return usage();
	argc -= optind;
	argv += optind;
	read_instances();
	if (options.list)
		return list_instances();
	if (options.postfix)
		return for_each_postfix(argc, argv);
	return options.unix_command ? for_each_unix(argc, argv)
	    : edit(argc, argv);
}
