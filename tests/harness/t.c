/*
 * t - runs the registered tests, each in a process of its own.
 *
 *	common_base_test [-l] [-v] [-1] [part of a name ...]
 *
 * -l lists, -v shows the output of passing tests too, -1 does not fork (for
 * a debugger). The last line has the totals that tests/run adds up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/t_priv.h"

enum outcome { PASSED, FAILED, SKIPPED };
enum { EXIT_SKIPPED = 77, LIMIT_SECONDS = 60, MAX_PRINT = 2000 };

static struct t_test *tests, **tests_end = &tests;
static struct t_test *current;
static char case_label[256];
static unsigned failures;
static char tmpdir[200], memory_dir[200];
static bool tmpdir_made;
static uint64_t seed;

static pid_t dying;
static FILE *last_words;

void
t_register(struct t_test *test)
{
	*tests_end = test;
	tests_end = &test->next;
}

/* --- Checks --------------------------------------------------------------*/

static void
report(const char *file, int line)
{
	failures++;
	printf("%s:%d: %s%s%s%s\n", file, line, current->name,
	    case_label[0] != '\0' ? " [" : "", case_label,
	    case_label[0] != '\0' ? "]" : "");
}

static void
print_bytes(const char *label, const char *p, size_t len)
{
	printf("    %s ", label);
	if (p == NULL) {
		printf("(none)\n");
		return;
	}
	putchar('"');
	for (size_t i = 0; i < len && i < MAX_PRINT; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\n')
			printf("\\n");
		else if (c == '\r')
			printf("\\r");
		else if (c == '\t')
			printf("\\t");
		else if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c == 127)
			printf("\\x%02x", c);
		else
			putchar(c);
	}
	printf("\"%s\n", len > MAX_PRINT ? " (cut)" : "");
}

void
t_case(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(case_label, sizeof(case_label), format, args);
	va_end(args);
}

bool
t_check(const char *file, int line, bool ok, const char *text)
{
	if (ok)
		return true;
	report(file, line);
	printf("    does not hold: %s\n", text);
	return false;
}

bool
t_eq_int(const char *file, int line, const char *text, long long got,
    long long want)
{
	if (got == want)
		return true;
	report(file, line);
	printf("    %s\n    got  %lld\n    want %lld\n", text, got, want);
	return false;
}

bool
t_eq_span(const char *file, int line, const char *text, struct span got,
    struct span want)
{
	if (got.len == want.len &&
	    (got.len == 0 || memcmp(got.p, want.p, got.len) == 0))
		return true;
	report(file, line);
	printf("    %s\n", text);
	print_bytes("got ", got.p, got.len);
	print_bytes("want", want.p, want.len);
	return false;
}

bool
t_eq_str(const char *file, int line, const char *text, const char *got,
    const char *want)
{
	if (got == NULL && want == NULL)
		return true;
	if (got != NULL && want != NULL)
		return t_eq_span(file, line, text, span_cstr(got),
		    span_cstr(want));
	report(file, line);
	printf("    %s\n", text);
	print_bytes("got ", got, got != NULL ? strlen(got) : 0);
	print_bytes("want", want, want != NULL ? strlen(want) : 0);
	return false;
}

bool
t_ne_str(const char *file, int line, const char *text, const char *got,
    const char *unwanted)
{
	if (got == NULL || unwanted == NULL || strcmp(got, unwanted) != 0)
		return true;
	report(file, line);
	printf("    %s\n", text);
	print_bytes("is  ", got, strlen(got));
	return false;
}

bool
t_has_str(const char *file, int line, const char *text, const char *got,
    const char *part)
{
	if (got != NULL && strstr(got, part) != NULL)
		return true;
	report(file, line);
	printf("    %s\n", text);
	print_bytes("got ", got, got != NULL ? strlen(got) : 0);
	print_bytes("want", part, strlen(part));
	return false;
}

void
t_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	report(file, line);
	printf("    ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void
t_stop(const char *file, int line, const char *text)
{
	report(file, line);
	printf("    does not hold, the test ends here: %s\n", text);
	fflush(NULL);
	_exit(1);
}

bool
t_failed(void)
{
	return failures > 0;
}

void
t_skip(const char *why)
{
	printf("skipped: %s\n", why);
	fflush(NULL);
	_exit(failures > 0 ? 1 : EXIT_SKIPPED);
}

void
t_skip_unless_shared(void)
{
	if (access(T_SHARED("README.md"), R_OK) != 0)
		t_skip("no third-party data in " T_SHARED(""));
}

uint64_t
t_seed(void)
{
	return seed;
}

struct span
t_read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		printf("%s: %m\n", path);
		t_stop(T_HERE, "open input file");
	}
	char *text = malloc((size_t)st.st_size + 1);
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text + len, (size_t)st.st_size - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(fd);

	/* Held by a list that only leak checkers look at. */
	static struct kept {
		struct kept *next;
		char *text;
	} *kept;
	struct kept *k = malloc(sizeof(*k));

	k->next = kept;
	k->text = text;
	kept = k;
	return span_of(text, len);
}

size_t
t_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	if (dir == NULL)
		t_stop(T_HERE, "list the open descriptors");
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 3;			/* the directory, "." and ".." */
}

/* tests/run has a directory there that goes away with it. */
static const char *
memory_root(void)
{
	const char *given = getenv("T_MEMORY");

	return given != NULL ? given : "/dev/shm";
}

void
t_tmpdir_in_memory(void)
{
	if (!tmpdir_made && access(memory_root(), W_OK) == 0)
		snprintf(tmpdir, sizeof(tmpdir), "%s", memory_dir);
}

const char *
t_tmpdir(void)
{
	if (!tmpdir_made && mkdir(tmpdir, 0755) != 0 && errno != EEXIST) {
		printf("%s: %m\n", tmpdir);
		t_stop(T_HERE, "mkdir");
	}
	tmpdir_made = true;
	return tmpdir;
}

/* --- Deaths --------------------------------------------------------------*/

bool
t_dies_fork(void)
{
	fflush(NULL);
	last_words = tmpfile();
	dying = fork();
	if (dying != 0)
		return false;
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL,
		SIGABRT, SIGSYS };

	for (size_t i = 0; i < T_COUNT(faults); i++)
		signal(faults[i], SIG_DFL);
	dup2(fileno(last_words), STDOUT_FILENO);
	dup2(fileno(last_words), STDERR_FILENO);
	return true;
}

void
t_dies_survived(void)
{
	fflush(NULL);
	_exit(0);
}

void
t_dies_check(const char *file, int line, const char *text, int status,
    const char *output)
{
	static char said[8192];
	int state = 0;

	waitpid(dying, &state, 0);
	rewind(last_words);
	said[fread(said, 1, sizeof(said) - 1, last_words)] = '\0';
	fclose(last_words);
	t_eq_int(file, line, text, WIFSIGNALED(state) ? -WTERMSIG(state) :
	    WEXITSTATUS(state), status);
	if (output != NULL)
		t_has_str(file, line, text, said, output);
}

/* --- Running -------------------------------------------------------------*/

/* In the test's own process. */
static int
run_here(void)
{
	bool ok = t_run_one(current);

	return ok && failures == 0 ? 0 : 1;
}

static int
remove_entry(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static pid_t
start_child(FILE *output)
{
	fflush(NULL);
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(fileno(output), STDOUT_FILENO);
	dup2(fileno(output), STDERR_FILENO);
	exit(run_here());
}

/* False when the limit passed and the test had to be killed. */
static bool
wait_child(pid_t pid, int *state)
{
	struct pollfd ended = { .fd = (int)syscall(SYS_pidfd_open, pid, 0),
		.events = POLLIN };
	const char *limit = getenv("T_LIMIT");
	int seconds = limit != NULL ? atoi(limit) : LIMIT_SECONDS;
	bool in_time = ended.fd < 0 || poll(&ended, 1, seconds * 1000) != 0;

	if (!in_time)
		kill(pid, SIGKILL);
	waitpid(pid, state, 0);
	kill(-pid, SIGKILL);			/* what it left behind */
	if (ended.fd >= 0)
		close(ended.fd);
	return in_time;
}

/* cmocka's own frame around a group of one tells nothing new. */
static bool
is_frame(const char *line)
{
	static const char *const frames[] = { "[====", "[ RUN", "[  PASSED",
		"[       OK", "[  FAILED", "[  ERROR   ] --- [", " 1 FAILED" };

	for (size_t i = 0; i < T_COUNT(frames); i++)
		if (strncmp(line, frames[i], strlen(frames[i])) == 0)
			return true;
	return false;
}

static void
show(FILE *output)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	rewind(output);
	while ((n = getline(&line, &size, output)) > 0)
		if (!is_frame(line) && (n > 1 || line[0] != '\n'))
			fwrite(line, 1, (size_t)n, stdout);
	free(line);
}

static enum outcome
run_apart(bool verbose)
{
	FILE *output = tmpfile();

	if (output == NULL) {
		perror("tmpfile");
		exit(2);
	}
	int state = 0;
	bool in_time = wait_child(start_child(output), &state);
	enum outcome outcome = FAILED;

	if (in_time && WIFEXITED(state) && WEXITSTATUS(state) == 0)
		outcome = PASSED;
	if (in_time && WIFEXITED(state) && WEXITSTATUS(state) == EXIT_SKIPPED)
		outcome = SKIPPED;
	if (outcome == FAILED || verbose)
		show(output);
	if (outcome == FAILED) {
		if (!in_time)
			printf("killed: it took too long\n");
		else if (WIFSIGNALED(state))
			printf("killed by signal %d (%s)\n", WTERMSIG(state),
			    strsignal(WTERMSIG(state)));
		printf("FAILED %s (%s:%d, T_SEED=%llu)\n", current->name,
		    current->file, current->line, (unsigned long long)seed);
	}
	if (outcome == SKIPPED && !verbose) {
		printf("%s: ", current->name);
		show(output);
	}
	fclose(output);
	return outcome;
}

static bool
wanted(const struct t_test *test, char **parts)
{
	if (*parts == NULL)
		return true;
	for (; *parts != NULL; parts++)
		if (strstr(test->name, *parts) != NULL)
			return true;
	return false;
}

static void
choose_seed(void)
{
	const char *given = getenv("T_SEED");

	if (given != NULL)
		seed = strtoull(given, NULL, 0);
	else if (getenv("CI") != NULL)
		seed = 1;
	else if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = (uint64_t)getpid();
}

static double
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	bool list = false, verbose = false, in_process = false;
	int option;

	while ((option = getopt(argc, argv, "lv1")) != -1) {
		list |= option == 'l';
		verbose |= option == 'v';
		in_process |= option == '1';
		if (option == '?')
			return 2;
	}
	unsigned count[3] = { 0, 0, 0 };
	double start = seconds_now();

	choose_seed();
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (current = tests; current != NULL; current = current->next) {
		const char *tmp = getenv("TMPDIR");

		if (!wanted(current, argv + optind))
			continue;
		if (list) {
			printf("%s\n", current->name);
			continue;
		}
		if (verbose)
			printf("--- %s\n", current->name);
		snprintf(tmpdir, sizeof(tmpdir), "%s/t%d.%u",
		    tmp != NULL ? tmp : "/tmp", (int)getpid(),
		    count[PASSED] + count[FAILED] + count[SKIPPED]);
		snprintf(memory_dir, sizeof(memory_dir), "%s/t%d.%u",
		    memory_root(), (int)getpid(), count[PASSED] + count[FAILED]
		    + count[SKIPPED]);
		if (in_process)
			count[run_here() == 0 ? PASSED : FAILED]++;
		else
			count[run_apart(verbose)]++;
		nftw(tmpdir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
		nftw(memory_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
		failures = 0;
		case_label[0] = '\0';
	}
	if (list)
		return 0;
	const char *name = strrchr(argv[0], '/');

	printf("%s: %u passed, %u failed, %u skipped (%.2f s)\n",
	    name != NULL ? name + 1 : argv[0], count[PASSED], count[FAILED],
	    count[SKIPPED], seconds_now() - start);
	return count[FAILED] > 0;
}
