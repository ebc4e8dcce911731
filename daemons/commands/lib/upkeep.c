/*
 * upkeep - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/child.h"
#include "common/io/deadline.h"
#include "common/io/fs.h"
#include "common/mail/conf_core.h"
#include "common/mail/master_cf.h"
#include "common/mail/paths.h"
#include "common/service/logsink.h"
#include "daemons/commands/lib/commands_conf.h"
#include "daemons/commands/lib/main_cf_edit.h"
#include "daemons/commands/lib/upkeep.h"

/* --- Programs ------------------------------------------------------------*/

static const char *const setgid_programs[] = { "postdrop", "postqueue" };

static void
program_path(size_t i, struct str *out)
{
	str_printf(out, "%s/%s", conf_core.command_directory,
	    setgid_programs[i]);
}

static bool
lend_group(const char *path, gid_t group, struct str *why)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	/* A change of the group takes the bit away, so it comes first. */
	bool ok = fd >= 0 && fstat(fd, &st) == 0 &&
	    (st.st_gid == group || fchown(fd, (uid_t)-1, group) == 0) &&
	    fchmod(fd, (st.st_mode & 0777) | S_ISGID) == 0;

	if (!ok)
		str_printf(why, "%s: %m", path);
	if (fd >= 0)
		close(fd);
	return ok;
}

bool
upkeep_programs(gid_t setgid_group, struct str *why)
{
	struct str path = STR_EMPTY;
	bool ok = true;

	for (size_t i = 0; ok && i < ARRAY_COUNT(setgid_programs); i++) {
		str_clear(&path);
		program_path(i, &path);
		ok = lend_group(str_cstr(&path), setgid_group, why);
	}
	str_fini(&path);
	return ok;
}

static bool
has_bit(size_t i, gid_t group, bool *lent_out)
{
	struct str path = STR_EMPTY;
	struct stat st;

	program_path(i, &path);
	bool there = stat(str_cstr(&path), &st) == 0;

	*lent_out = there && (st.st_mode & S_ISGID) != 0;
	str_fini(&path);
	return *lent_out && st.st_gid == group;
}

void
upkeep_check_programs(gid_t setgid_group)
{
	bool good[ARRAY_COUNT(setgid_programs)], lent;
	/* Private instances do without: only their owner sends there. */
	bool wanted = strcmp(conf_dir(), PATH_CONFIG) == 0;

	for (size_t i = 0; i < ARRAY_COUNT(setgid_programs); i++) {
		good[i] = has_bit(i, setgid_group, &lent);
		wanted |= lent;
	}
	for (size_t i = 0; wanted && i < ARRAY_COUNT(setgid_programs); i++)
		if (!good[i])
			log_warn("%s/%s: not of group %s, or without its bit; "
			    "\"waypost set-permissions\" sets both",
			    conf_core.command_directory, setgid_programs[i],
			    conf_core.setgid_group);
}

/* --- master.cf -----------------------------------------------------------*/

static const struct {
	const char *name, *type, *row;
} later_rows[] = {
	{ "flush", "unix", "flush unix n - n 1000? 0 flush" },
	{ "relay", "unix", "relay unix - - n - - smtp\n"
	    "  -o syslog_name=postfix/$service_name" },
	{ "trace", "unix", "trace unix - - n - 0 bounce" },
	{ "verify", "unix", "verify unix - - n - 1 verify" },
	{ "proxymap", "unix", "proxymap unix - - n - - proxymap" },
	{ "proxywrite", "unix", "proxywrite unix - - n - 1 proxymap" },
	{ "tlsmgr", "unix", "tlsmgr unix - - n 1000? 1 tlsmgr" },
	{ "anvil", "unix", "anvil unix - - n - 1 anvil" },
	{ "scache", "unix", "scache unix - - n - 1 scache" },
	{ "discard", "unix", "discard unix - - n - - discard" },
	{ "retry", "unix", "retry unix - - n - - error" },
	{ "postlog", "unix-dgram", "postlog unix-dgram n - n - 1 postlogd" },
};

static bool
add_rows(struct span text, void *arg, struct str *out, struct str *why)
{
	const struct master_cf *cf = arg;

	(void)why;
	str_add(out, text);
	if (text.len > 0 && !span_ends(text, SPAN("\n")))
		str_putc(out, '\n');
	for (size_t i = 0; i < ARRAY_COUNT(later_rows); i++)
		if (master_cf_find(cf, later_rows[i].name,
		    later_rows[i].type) == NULL) {
			log_info("master.cf: adding the row of service %s/%s",
			    later_rows[i].name, later_rows[i].type);
			str_addf(out, "%s\n", later_rows[i].row);
		}
	return true;
}

static bool
lacks_rows(const struct master_cf *cf)
{
	for (size_t i = 0; i < ARRAY_COUNT(later_rows); i++)
		if (master_cf_find(cf, later_rows[i].name,
		    later_rows[i].type) == NULL)
			return true;
	return false;
}

bool
upkeep_master_cf(struct str *why)
{
	struct master_cf cf;
	struct str path = STR_EMPTY;

	if (!master_cf_load(conf_dir(), &cf, why))
		return false;
	str_printf(&path, "%s/master.cf", conf_dir());
	bool ok = !lacks_rows(&cf) ||
	    conf_file_edit(str_cstr(&path), add_rows, &cf, why);

	master_cf_free(&cf);
	str_fini(&path);
	return ok;
}

/* --- Log file ------------------------------------------------------------*/

enum { STEP_MS = 20, WRITERS_S = 10 };

static bool
dated_name(const char *path, struct str *out, struct str *why)
{
	char suffix[100];
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm) == NULL ||
	    strftime(suffix, sizeof(suffix),
	    commands_conf.maillog_file_rotate_suffix, &tm) == 0) {
		str_printf(why, "maillog_file_rotate_suffix = %s gives no name",
		    commands_conf.maillog_file_rotate_suffix);
		return false;
	}
	str_printf(out, "%s.%s", path, suffix);
	if (access(str_cstr(out), F_OK) != 0)
		return true;
	str_printf(why, "%s is there already", str_cstr(out));
	return false;
}

/* A lease for writing is given to the only one who has the file open. Where there
 * are none, a moment has to do. */
static bool
is_ours_alone(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_WRLCK) == 0) {
		fcntl(fd, F_SETLEASE, F_UNLCK);
		return true;
	}
	return false;
}

static void
wait_for_writers(const char *path)
{
	struct deadline end = deadline_in(WRITERS_S);
	int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	while (fd >= 0 && !is_ours_alone(fd) && !deadline_passed(end)) {
		if (errno != EAGAIN)
			end = deadline_in(1);
		usleep(STEP_MS * 1000);
		clock_refresh();
	}
	if (fd >= 0)
		close(fd);
}

static bool
find_program(const char *name, struct str *out)
{
	static const char *const places[] = { "/usr/bin", "/bin",
		"/usr/local/bin" };

	if (strchr(name, '/') != NULL)
		str_adds(out, name);
	for (size_t i = 0; str_len(out) == 0 && i < ARRAY_COUNT(places); i++) {
		str_printf(out, "%s/%s", places[i], name);
		if (access(str_cstr(out), X_OK) != 0)
			str_clear(out);
	}
	return str_len(out) > 0;
}

static bool
compress(const char *file, struct str *why)
{
	const char *name = commands_conf.maillog_file_compressor;
	struct str path = STR_EMPTY;
	int status = -1;

	if (!find_program(name, &path)) {
		str_printf(why, "maillog_file_compressor = %s: no such program",
		    name);
		str_fini(&path);
		return false;
	}
	char *argv[] = { (char *)(uintptr_t)name, (char *)(uintptr_t)file,
		NULL };
	struct child_spec spec = { .path = str_cstr(&path), .argv = argv,
		.envp = environ };
	pid_t pid = child_start(&spec, why);
	bool ok = pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;

	if (pid > 0 && !ok) {
		str_printf(why, "%s %s: ", name, file);
		child_describe_status(status, why);
	}
	str_fini(&path);
	return ok;
}

static bool
wait_for_file(const char *path, struct str *why)
{
	struct deadline end = deadline_in(WRITERS_S);

	while (access(path, F_OK) != 0) {
		if (deadline_passed(end)) {
			str_printf(why, "master has not opened %s again", path);
			return false;
		}
		usleep(STEP_MS * 1000);
		clock_refresh();
	}
	return true;
}

bool
upkeep_logrotate(pid_t master, int (*open_log)(const char *file),
    struct str *why)
{
	const char *file = conf_core.maillog_file;
	struct str old = STR_EMPTY;

	if (file[0] != '/' || strncmp(file, "/dev/", 5) == 0) {
		str_printf(why, "maillog_file = %s: found no file that could be "
		    "rotated", file);
		return false;
	}
	bool ok = dated_name(file, &old, why) &&
	    fs_rename_at(AT_FDCWD, file, AT_FDCWD, str_cstr(&old), why);

	if (ok && master > 0) {
		ok = kill(master, SIGHUP) == 0;
		if (!ok)
			str_printf(why, "signal process %ld: %m", (long)master);
		ok = ok && wait_for_file(file, why);
	}
	/* This process has the old one open like any other. */
	if (ok)
		logsink_take_file(open_log(file));
	if (ok && commands_conf.maillog_file_compressor[0] != '\0') {
		wait_for_writers(str_cstr(&old));
		ok = compress(str_cstr(&old), why);
	}
	str_fini(&old);
	return ok;
}
