/*
 * A role for system tests of master and the service frame: it does what it is
 * told, line by line. It goes by the name it was started as.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/panic.h"
#include "common/base/scan.h"
#include "common/io/stream.h"
#include "common/mail/conf_core.h"
#include "common/service/control.h"
#include "common/service/service.h"

static struct str woken;
static struct service role;
static struct stream *out;

static const char *names;
static int64_t stressed;
static const struct param rows[] = {
	PARAM_STR("test_names", &names, .dflt = "$process_name $service_name"),
	PARAM_INT("test_stressed", &stressed, .dflt = "${stress?{1}:{0}}"),
};
static const struct param_set params = PARAM_SET("test", rows);

static void
wake(struct span bytes)
{
	str_add(&woken, bytes);
}

__attribute__((format(printf, 1, 2))) static void
say(const char *format, ...)
{
	struct str line = STR_EMPTY;
	va_list args;

	va_start(args, format);
	str_vaddf(&line, format, args);
	va_end(args);
	str_adds(&line, "\r\n");
	stream_write_flush(out, str_span(&line), deadline_in(5));
	str_fini(&line);
}

static void
say_result(long n)
{
	say("%s", n >= 0 ? "ok" : strerrorname_np(errno));
}

static void
connect_to(struct span where)	/* address and port */
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct span host = SPAN_NONE;
	uint64_t n = 0;
	int fd;

	span_split(&where, ' ', &host);
	scan_u64(where, &n);
	address.sin_port = htons((uint16_t)n);
	inet_pton(AF_INET, arena_cstr(fiber_arena(), host), &address.sin_addr);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		say_result(fd);
		return;
	}
	say_result(connect(fd, (struct sockaddr *)&address, sizeof(address)));
	close(fd);
}

static void
spin(uint64_t ms)
{
	struct timespec t;
	int64_t end;

	clock_gettime(CLOCK_MONOTONIC, &t);
	end = t.tv_sec * 1000 + t.tv_nsec / 1000000 + (int64_t)ms;
	do
		clock_gettime(CLOCK_MONOTONIC, &t);
	while (t.tv_sec * 1000 + t.tv_nsec / 1000000 < end);
}

static void
crash(struct span how)
{
	fiber_note_work("4F2A1B", "client.example[192.0.2.7]");
	if (span_is(how, "panic"))
		panic("told to");
	if (span_is(how, "kill"))
		raise(SIGKILL);
	raise(SIGSEGV);
}

static unsigned
threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *e;
	unsigned n = 0;

	while (dir != NULL && (e = readdir(dir)) != NULL)
		n += e->d_name[0] != '.';
	if (dir != NULL)
		closedir(dir);
	return n;
}

static void
wait_drain(struct stream *s)
{
	say("waiting");
	enum io_status status = service_wait_idle(s, deadline_in(60));

	say("%s %s", status == IO_EOF && service_draining() ? "421" : "250",
	    service_draining() ? "draining" : "serving");
}

static bool
obey(struct stream *s, struct span line)
{
	struct span rest = line, word = SPAN_NONE;
	uint64_t n = 0;

	span_token(&rest, " ", &word);
	rest = span_trim(rest);
	char *text = arena_cstr(fiber_arena(), rest);

	scan_u64(rest, &n);
	out = s;
	if (span_is(word, "pid"))
		say("pid %ld", (long)getpid());
	else if (span_is(word, "who"))
		say("%s %s %s slot %u", service_name(), service_program(),
		    service_type(), service_slot());
	else if (span_is(word, "jail"))
		say("%s", control_mine()->jail);
	else if (span_is(word, "wait"))
		wait_drain(s);
	else if (span_is(word, "read"))
		say_result(open(text, O_RDONLY | O_CLOEXEC));
	else if (span_is(word, "write"))
		say_result(open(text, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	else if (span_is(word, "fork"))
		say_result(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	else if (span_is(word, "exec"))
		say_result(syscall(SYS_execve, "/bin/true", NULL, NULL));
	else if (span_is(word, "socket"))
		say_result(socket(AF_INET, SOCK_STREAM, 0));
	else if (span_is(word, "connect"))
		connect_to(rest);
	else if (span_is(word, "ptrace"))
		say_result(syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0));
	else if (span_is(word, "mount"))
		say_result(syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL));
	else if (span_is(word, "chroot"))
		say_result(syscall(SYS_chroot, "/"));
	else if (span_is(word, "root"))
		say_result(syscall(SYS_setuid, 0));
	else if (span_is(word, "threads"))
		say("%u", threads());
	else if (span_is(word, "stress"))
		say("%s", service_stress() ? "yes" : "no");
	else if (span_is(word, "stressed"))
		say("%lld", (long long)stressed);
	else if (span_is(word, "names"))
		say("%s", names);
	else if (span_is(word, "refusal"))
		say("%s", service_refusal() != NULL ? service_refusal() : "");
	else if (span_is(word, "woken"))
		say("%s", str_cstr(&woken));
	else if (span_is(word, "tables"))
		service_tables_changed(), say("ok");
	else if (span_is(word, "generation"))
		say("%llu", (unsigned long long)control_table_generation());
	else if (span_is(word, "restart"))
		service_restart(text), say("ok");
	else if (span_is(word, "hostname"))
		say("%s", conf_core.myhostname);
	else if (span_is(word, "log"))
		log_info("%s", text), say("ok");
	else if (span_is(word, "spin"))
		spin(n), say("ok");
	else if (span_is(word, "crash"))
		crash(rest);
	else if (span_is(word, "hang"))
		for (;;)
			pause();
	else if (span_is_nocase(word, "quit")) {
		say("221 bye");
		return false;
	}
	else
		say("what");
	return true;
}

static void
serve(struct stream *s, const struct sock_peer *peer)
{
	struct span line;

	(void)peer;
	out = s;
	say("220 test");
	while (stream_read_line(s, 1000, deadline_in(300), &line, NULL) ==
	    IO_OK && obey(s, line))
		continue;
	stream_close(s);
}

static void
prepare(void)
{
	const char *const *args;
	size_t n = service_arguments(&args);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(args[i], "fail") == 0)
			fatal("told to fail at start");
		if (strcmp(args[i], "net") == 0)
			role.needs |= NEEDS_NETWORK_OUT;
		if (strcmp(args[i], "queue") == 0)
			role.needs |= NEEDS_QUEUE_READ | NEEDS_QUEUE_WRITE;
		if (strcmp(args[i], "solitary") == 0)
			role.solitary = true;
	}
}

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');

	role = (struct service){ .name = slash != NULL ? slash + 1 : argv[0],
		.params = &params, .before_jail = prepare, .serve = serve };
	/* An inet client of the wake-up role says nothing first. */
	if (strcmp(role.name, "pickup") == 0)
		role.wakeup = wake;
	return service_main(&role, argc, argv);
}
