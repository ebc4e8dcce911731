/*
 * logsink - where log lines go: a file that master opened, syslog, or, for
 * commands beside a log file, the postlog service.
 *
 * A full syslog is given a few milliseconds in each flush, so that lines stay
 * ahead of what they speak of, and no more, so that a dead one stops nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/names.h"
#include "common/io/loop.h"
#include "common/mail/conf_core.h"
#include "common/service/counters.h"
#include "common/service/logsink.h"

enum {
	BUFFER_LIMIT = 1 << 20,
	PACKET_LIMIT = 8000,
	PATIENCE_MS = 5,
	PATIENCE_COMMAND_MS = 1000,
	RETRY_MS = 50,
	RECONNECT_MS = 1000,
};

struct packet {
	struct list link;
	size_t len;
	char bytes[];
};

static struct {
	struct log_sink sink;
	int fd;
	bool postlog;			/* file lines to our own service */
	int facility;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct list packets;
	size_t bytes;
	uint64_t lost;
	int64_t asked_ns;
	void (*ask)(void);
	struct loop_timer retry;
	bool finishing;
} out = { .fd = -1, .packets = LIST_HEAD(out.packets) };

static int file_fd = -1;
static const char *syslog_path = "/dev/log";

static const struct name_value facilities[] = {
	{ "auth", LOG_AUTH }, { "authpriv", LOG_AUTHPRIV },
	{ "cron", LOG_CRON }, { "daemon", LOG_DAEMON }, { "ftp", LOG_FTP },
	{ "kern", LOG_KERN }, { "lpr", LOG_LPR }, { "mail", LOG_MAIL },
	{ "news", LOG_NEWS }, { "syslog", LOG_SYSLOG }, { "user", LOG_USER },
	{ "uucp", LOG_UUCP }, { "local0", LOG_LOCAL0 },
	{ "local1", LOG_LOCAL1 }, { "local2", LOG_LOCAL2 },
	{ "local3", LOG_LOCAL3 }, { "local4", LOG_LOCAL4 },
	{ "local5", LOG_LOCAL5 }, { "local6", LOG_LOCAL6 },
	{ "local7", LOG_LOCAL7 }, { NULL, 0 },
};

/* --- Connecting ----------------------------------------------------------*/

static int
connect_datagrams(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

void
logsink_set_syslog_path(const char *path)
{
	syslog_path = path;
}

int
logsink_connect_syslog(void)
{
	return connect_datagrams(syslog_path);
}

static void
forget_socket(void)
{
	if (out.fd >= 0)
		close(out.fd);
	out.fd = -1;
}

/* At most once a second, but at once for the first time. */
static bool
have_socket(void)
{
	if (out.fd >= 0)
		return true;
	int64_t now = clock_now_ns();

	if (out.asked_ns != 0 &&
	    now - out.asked_ns < (int64_t)RECONNECT_MS * 1000000)
		return false;
	out.asked_ns = now != 0 ? now : 1;
	out.fd = connect_datagrams(out.path);
	if (out.fd < 0 && out.ask != NULL)
		out.ask();
	return out.fd >= 0;
}

/* --- Sending -------------------------------------------------------------*/

static int
severity(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_DEBUG:
		return LOG_DEBUG;
	case LOG_LEVEL_INFO:
		return LOG_INFO;
	case LOG_LEVEL_WARN:
		return LOG_WARNING;
	case LOG_LEVEL_ERROR:
		return LOG_ERR;
	case LOG_LEVEL_FATAL:
	case LOG_LEVEL_PANIC:
		return LOG_CRIT;
	}
	return LOG_INFO;
}

static void
add_packet(const char *bytes, size_t len)
{
	if (len > PACKET_LIMIT)
		len = PACKET_LIMIT;
	if (out.bytes + len > BUFFER_LIMIT) {
		out.lost++;
		counter_add(COUNTER_LOG_LINES_LOST, 1);
		return;
	}
	struct packet *p = mem_alloc(sizeof(*p) + len);

	p->len = len;
	memcpy(p->bytes, bytes, len);
	list_append(&out.packets, &p->link);
	out.bytes += len;
}

static void
format_syslog(const struct log_record *record, struct str *line)
{
	char stamp[32];
	time_t at = (time_t)(record->wall_us / 1000000);
	struct tm tm;

	localtime_r(&at, &tm);
	strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &tm);
	str_addf(line, "<%d>%s %s[%ld]: %.*s",
	    out.facility | severity(record->level), stamp, record->tag,
	    record->pid, SPAN_ARG(record->text));
}

static void
write_record(struct log_sink *sink, const struct log_record *record)
{
	struct str line = STR_EMPTY;

	(void)sink;
	if (out.postlog)
		log_format_line(record, &line);
	else
		format_syslog(record, &line);
	add_packet(str_cstr(&line), str_len(&line));
	str_fini(&line);
}

/* 1 sent, 0 try later, -1 the socket is no good. */
static int
send_packet(const struct packet *p)
{
	if (send(out.fd, p->bytes, p->len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
	    errno == EMSGSIZE)
		return 1;
	return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? 0 : -1;
}

static bool
wait_writable(void)
{
	struct pollfd p = { .fd = out.fd, .events = POLLOUT };

	return poll(&p, 1, loop_started() && !out.finishing ? PATIENCE_MS :
	    PATIENCE_COMMAND_MS) > 0;
}

static void
confess(void)
{
	char text[160];

	if (out.lost == 0)
		return;
	int n = snprintf(text, sizeof(text),
	    "<%d>%s[%ld]: warning: %llu log lines lost",
	    out.facility | LOG_WARNING, log_tag(), (long)getpid(),
	    (unsigned long long)out.lost);

	out.lost = 0;
	if (n > 0)
		add_packet(text, (size_t)n);
}

static void
retry_later(void)
{
	if (!loop_started())
		return;
	loop_timer_set(&out.retry,
	    clock_now_ns() + (int64_t)RETRY_MS * 1000000);
}

static void
flush_packets(struct log_sink *sink)
{
	struct packet *p;
	bool waited = false;

	(void)sink;
	while ((p = LIST_FIRST(&out.packets, struct packet, link)) != NULL) {
		if (!have_socket()) {
			retry_later();
			return;
		}
		int sent = send_packet(p);

		if (sent == 0 && !waited) {
			waited = true;
			if (wait_writable())
				continue;
		}
		if (sent == 0) {
			retry_later();
			return;
		}
		if (sent < 0) {
			forget_socket();
			continue;
		}
		list_remove(&p->link);
		out.bytes -= p->len;
		mem_free(p);
		if (list_empty(&out.packets) && !out.postlog)
			confess();
	}
}

static void
on_retry(struct loop_timer *timer)
{
	(void)timer;
	log_flush();
}

/* --- Choice --------------------------------------------------------------*/

static void
use_datagrams(bool postlog)
{
	int facility = conf_core.syslog_facility != NULL ?
	    names_value(facilities, span_cstr(conf_core.syslog_facility)) : -1;

	out.sink = (struct log_sink){ write_record, flush_packets };
	out.postlog = postlog;
	out.facility = facility >= 0 ? facility : LOG_MAIL;
	if (postlog)
		snprintf(out.path, sizeof(out.path), "%s/public/postlog",
		    conf_core.queue_directory);
	else
		snprintf(out.path, sizeof(out.path), "%s", syslog_path);
	forget_socket();
	loop_timer_init(&out.retry, on_retry);
	/* While it can be reached; the jail comes later. */
	out.fd = connect_datagrams(out.path);
	log_add_sink(&out.sink);
}

static void
set_host(void)
{
	char host[256];
	const char *name = conf_core.myhostname;

	if (name == NULL || name[0] == '\0') {
		if (gethostname(host, sizeof(host)) != 0)
			return;
		host[sizeof(host) - 1] = '\0';
		name = host;
	}
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(name, "."), name);
	log_set_host(host);
}

void
logsink_open_early(const char *program, int log_fd)
{
	struct str tag = STR_EMPTY;

	str_printf(&tag, "postfix/%s", program);
	log_set_tag(str_cstr(&tag));
	str_fini(&tag);
	if (log_fd >= 0)
		log_add_sink(log_sink_fd(log_fd));
	else
		use_datagrams(false);
}

void
logsink_open(const char *program, int log_fd)
{
	struct str tag = STR_EMPTY;

	conf_core_log_tag(program, &tag);
	log_set_tag(str_cstr(&tag));
	str_fini(&tag);
	set_host();
	tzset();
	log_remove_sinks();
	if (log_fd >= 0) {
		file_fd = log_fd;
		log_add_sink(log_sink_fd(log_fd));
		return;
	}
	use_datagrams(conf_core.maillog_file != NULL &&
	    conf_core.maillog_file[0] != '\0');
}

bool
logsink_file_mode(mode_t *mode_out, struct str *why)
{
	static const struct name_value modes[] = {
		{ "0600", 0600 }, { "0640", 0640 }, { "0644", 0644 },
		{ NULL, 0 },
	};
	int mode = names_value(modes,
	    SPAN(conf_core.maillog_file_permissions));

	if (mode < 0)
		str_printf(why, "maillog_file_permissions: found \"%s\", "
		    "expected 0600, 0640 or 0644",
		    conf_core.maillog_file_permissions);
	*mode_out = mode < 0 ? 0600 : (mode_t)mode;
	return mode >= 0;
}

void
logsink_set_asker(void (*ask)(void))
{
	out.ask = ask;
}

void
logsink_take_syslog(int fd)
{
	forget_socket();
	out.fd = fd;
	log_flush();
}

void
logsink_take_file(int fd)
{
	if (file_fd >= 0 && fd >= 0) {
		log_flush();
		dup2(fd, file_fd);
	}
	if (fd >= 0)
		close(fd);
}

void
logsink_finish(void)
{
	out.finishing = true;
	log_flush();
}
