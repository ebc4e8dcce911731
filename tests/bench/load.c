/*
 * load - sends the mail of the benchmark: many clients at once, each message
 * with a number of its own that the sink will look for.
 *
 *	load --to 127.0.0.1:PORT [--clients N] [--messages N]
 *	    [--per-connection N] [--size BYTES] [--recipients N]
 *	    [--recipient FORMAT] [--spread N] [--pipeline yes]
 *	    [--sources N] [--first-id N] [--hold yes] [--slow commands|data]
 *
 * FORMAT has one %u for the number of the recipient; with --spread a message
 * has one recipient, the next of N for each message. Per connection 0 means
 * that a client keeps its connection. What is refused or lost is sent again
 * and counted. With --hold each client stays connected after EHLO, or after
 * the messages, until standard input ends; "holding" is printed first. Then
 * each has to answer NOOP once more. With --slow each sends a byte of its MAIL
 * command, or of its content, now and then; what is left comes at the end, and
 * has to be answered. Contents are stopped after 0 to 15 KB, as far as they
 * have so much. Prints one line of JSON, and with --hold another:
 * {"answered": N}. SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/bench/bench.h"

/* More half-open connections than this only overflow the listener. */
#define OPENING 64
#define REST_NS 50000000
#define ANSWER_NS 60000000000
#define SLOW_NS 5000000000		/* between two bytes of a slow client */
#define FAILURES 100000

enum state { CLOSED, OPENS, GREETING, EHLO, ENVELOPE, CONTENT, QUIT, HOLDS };

struct client {
	int fd;
	enum state state;
	unsigned number, sent_here;
	/* Replies that are awaited, and the part of one that came. */
	unsigned awaited;
	bool last_line;
	char line[512];
	size_t line_length;
	/* Goes out: own text, then the shared body if it is content. */
	char *text;
	size_t text_length, text_room, out_done;
	bool with_body;
	size_t allowed;			/* not more goes out; slow clients */
	/* Recipients named so far when they are not pipelined. */
	uint64_t recipients, id;
	bool has_id;
	uint64_t began_ns, rests_until_ns;
};

static struct sockaddr_in server;
static uint64_t clients = 1, messages, per_connection = 1, size = 2048;
static uint64_t recipients = 1, spread, sources = 1, first_id;
static const char *recipient_format = "u%u@relay.test";
static bool pipeline, hold;
static enum { NOT_SLOW, SLOW_COMMANDS, SLOW_DATA } slow;

static char *body;
static size_t body_length;
static struct client *all;
static uint64_t next_id, done, failures, opening, holding, live, answered;
static uint64_t *again;
static size_t again_count;
static char first_failure[512];
static float *took_ms;
static int poller;

static void open_client(struct client *c);

static void
add(struct client *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
add(struct client *c, const char *format, ...)
{
	va_list args;
	int n;

	if (c->text_room - c->text_length < 1024) {
		c->text_room = c->text_room * 2 + 2048;
		c->text = realloc(c->text, c->text_room);
	}
	va_start(args, format);
	n = vsnprintf(c->text + c->text_length, c->text_room - c->text_length,
	    format, args);
	va_end(args);
	c->text_length += (size_t)n;
}

static void
add_recipient(struct client *c, uint64_t n)
{
	char address[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(address, sizeof address, recipient_format,
	    (unsigned)(spread > 0 ? c->id % spread : n));
#pragma GCC diagnostic pop
	add(c, "RCPT TO:<%s>\r\n", address);
}

static void
make_body(void)
{
	/* The headers below are about 250 bytes. */
	body_length = size > 300 ? size - 256 : 44;
	if (body_length % 72 <= 2)
		body_length += 3;
	body = malloc(body_length + 3);
	for (size_t i = 0; i < body_length; i++)
		body[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' :
		    (char)('a' + i % 25);
	memcpy(body + body_length - 2, "\r\n", 2);
	memcpy(body + body_length, ".\r\n", 3);
}

static void
rest(struct client *c, uint64_t ns)
{
	if (c->state == OPENS)
		opening--;
	if (c->fd >= 0) {
		close(c->fd);
		live--;
	}
	c->fd = -1;
	c->state = CLOSED;
	c->rests_until_ns = ns == 0 ? 0 : now_ns() + ns;
}

static void
failed(struct client *c, const char *what)
{
	if (failures++ == 0)
		snprintf(first_failure, sizeof first_failure, "%.500s", what);
	if (failures > FAILURES)
		die("too many failures; the first: %s", first_failure);
	if (c->has_id)
		again[again_count++] = c->id;
	c->has_id = false;
	rest(c, REST_NS);
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t
whole_length(const struct client *c)
{
	return c->text_length + (c->with_body ? body_length + 3 : 0);
}

/* Sends what is there; the rest when the socket takes more. */
static void
flush(struct client *c)
{
	for (;;) {
		size_t total = smaller(whole_length(c), c->allowed);
		struct iovec parts[2];
		int count = 0;
		ssize_t n;
		struct msghdr message = { .msg_iov = parts };

		if (c->out_done >= total)
			return;
		if (c->out_done < c->text_length)
			parts[count++] = (struct iovec){ c->text + c->out_done,
			    smaller(c->text_length, total) - c->out_done };
		if (total > c->text_length) {
			size_t from = c->out_done > c->text_length ?
			    c->out_done - c->text_length : 0;

			parts[count++] = (struct iovec){ body + from,
			    total - c->text_length - from };
		}
		message.msg_iovlen = (size_t)count;
		n = sendmsg(c->fd, &message, MSG_NOSIGNAL);
		if (n < 0) {
			if (errno != EAGAIN)
				failed(c, strerror(errno));
			return;
		}
		c->out_done += (size_t)n;
	}
}

static void
new_text(struct client *c, enum state state, unsigned awaited)
{
	c->state = state;
	c->awaited = awaited;
	c->text_length = c->out_done = 0;
	c->with_body = false;
	c->allowed = SIZE_MAX;
}

static void
park(struct client *c)
{
	c->state = HOLDS;
	holding++;
}

static bool
take_id(struct client *c)
{
	if (again_count > 0)
		c->id = again[--again_count];
	else if (next_id < messages)
		c->id = first_id + next_id++;
	else
		return false;
	c->has_id = true;
	return true;
}

static void
begin_message(struct client *c)
{
	c->recipients = 0;
	new_text(c, ENVELOPE, 1);
	add(c, "MAIL FROM:<sender@source.test>\r\n");
	if (pipeline) {
		for (uint64_t i = 0; i < recipients; i++)
			add_recipient(c, i);
		add(c, "DATA\r\n");
		c->awaited = (unsigned)recipients + 2;
		c->recipients = recipients;
	}
	flush(c);
}

static void
begin_content(struct client *c)
{
	new_text(c, CONTENT, 1);
	add(c, "Date: Thu, 01 Jan 2026 12:00:00 +0000\r\n"
	    "From: Load <sender@source.test>\r\nTo: list@relay.test\r\n"
	    "Subject: message %lu of the load\r\n"
	    "Message-ID: <%lu.%d@source.test>\r\n"
	    BENCH_HEADER "%lu %zu\r\n\r\n",
	    c->id, c->id, (int)getpid(), c->id, body_length);
	c->with_body = true;
	if (slow == SLOW_DATA) {
		park(c);
		c->allowed = c->number % 16 * 1024;
	}
	flush(c);
}

/* Begins a command that ends when standard input does. */
static void
begin_slowly(struct client *c)
{
	park(c);
	new_text(c, HOLDS, 1);
	add(c, "MAIL FROM:<sender@source.test>\r\n");
	c->allowed = 1;
	flush(c);
}

static void
after_message(struct client *c)
{
	took_ms[done++] = (float)(now_ns() - c->began_ns) / 1e6f;
	c->has_id = false;
	c->sent_here++;
	if ((per_connection == 0 || c->sent_here < per_connection) &&
	    take_id(c)) {
		c->began_ns = now_ns();
		begin_message(c);
	} else if (hold) {
		park(c);
	} else {
		new_text(c, QUIT, 1);
		add(c, "QUIT\r\n");
		flush(c);
	}
}

/* All replies that were awaited are there and good. */
static void
next_step(struct client *c)
{
	switch (c->state) {
	case GREETING:
		new_text(c, EHLO, 1);
		add(c, "EHLO load.test\r\n");
		flush(c);
		break;
	case EHLO:
		if (c->has_id)
			begin_message(c);
		else if (slow == SLOW_COMMANDS)
			begin_slowly(c);
		else
			park(c);
		break;
	case ENVELOPE:
		if (pipeline || c->recipients > recipients) {
			begin_content(c);
			break;
		}
		new_text(c, ENVELOPE, 1);
		if (c->recipients < recipients)
			add_recipient(c, c->recipients);
		else
			add(c, "DATA\r\n");
		c->recipients++;
		flush(c);
		break;
	case CONTENT:
		after_message(c);
		break;
	case QUIT:
		rest(c, 0);
		break;
	case HOLDS:
		answered++;
		break;
	case CLOSED:
	case OPENS:
		failed(c, "a reply to nothing");
	}
}

static void
reply_line(struct client *c)
{
	c->line[c->line_length] = '\0';
	if (c->line_length >= 4 && c->line[3] == '-')
		return;
	if (c->line[0] != '2' && c->line[0] != '3') {
		failed(c, c->line);
		return;
	}
	if (c->awaited == 0) {
		failed(c, "a reply to nothing");
		return;
	}
	if (--c->awaited == 0)
		next_step(c);
}

static void
read_replies(struct client *c)
{
	char data[16384];
	int fd = c->fd;

	for (;;) {
		ssize_t n = recv(fd, data, sizeof data, 0);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			failed(c, n == 0 ? "connection closed" : strerror(errno));
			return;
		}
		for (ssize_t i = 0; i < n; i++) {
			if (data[i] == '\n') {
				reply_line(c);
				c->line_length = 0;
				if (c->fd != fd)
					return;
			} else if (c->line_length < sizeof c->line - 1)
				c->line[c->line_length++] = data[i];
		}
		if ((size_t)n < sizeof data)
			return;
	}
}

static void
open_client(struct client *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP |
	    EPOLLET, .data.ptr = c };
	struct sockaddr_in from = { .sin_family = AF_INET };

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		die("socket: %s", strerror(errno));
	live++;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	if (sources > 1) {
		from.sin_addr.s_addr = htonl(0x7f000101 +
		    (uint32_t)(c->number % sources));
		setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT,
		    &(int){ 1 }, sizeof(int));
		if (bind(c->fd, (struct sockaddr *)&from, sizeof from) < 0)
			die("bind: %s", strerror(errno));
	}
	if (!c->has_id && take_id(c))
		c->began_ns = now_ns();
	c->sent_here = 0;
	c->line_length = 0;
	new_text(c, OPENS, 1);
	opening++;
	epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
	if (connect(c->fd, (struct sockaddr *)&server, sizeof server) < 0 &&
	    errno != EINPROGRESS)
		failed(c, strerror(errno));
}

static void
event_of(struct client *c, uint32_t events)
{
	if (c->fd < 0)
		return;
	if (c->state == OPENS) {
		int error = 0;

		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error,
		    &(socklen_t){ sizeof error });
		if (error != 0) {
			failed(c, strerror(error));
			return;
		}
		if (!(events & EPOLLOUT))
			return;
		opening--;
		c->state = GREETING;
	}
	if ((events & EPOLLOUT) && c->text_length > 0)
		flush(c);
	if (c->fd >= 0 && (events & ~(uint32_t)EPOLLOUT))
		read_replies(c);
}

/* Whether a client that is closed has something to do. */
static bool
wanted(void)
{
	return next_id < messages || again_count > 0 || (hold && messages == 0);
}

/* The nearest end of a rest, in milliseconds; opens what may be opened. */
static int
open_clients(void)
{
	uint64_t now = now_ns();
	int wait = hold ? 1000 : 60000;
	static uint64_t turn;

	for (uint64_t i = 0; i < clients && opening < OPENING; i++) {
		struct client *c = &all[turn++ % clients];

		if (c->state != CLOSED || (!c->has_id && !wanted()))
			continue;
		if (c->rests_until_ns > now)
			wait = 10;
		else
			open_client(c);
	}
	return wait;
}

static int
by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static double
share(double part)
{
	return done == 0 ? 0 : took_ms[(size_t)((double)(done - 1) * part)];
}

static void
report(uint64_t start_ns)
{
	uint64_t end_ns = now_ns();

	qsort(took_ms, done, sizeof *took_ms, by_value);
	for (char *p = first_failure; *p != '\0'; p++)
		if (*p == '"' || *p == '\\' || (unsigned char)*p < ' ')
			*p = ' ';
	printf("{\"sent\": %lu, \"failures\": %lu, \"first_failure\": \"%s\", "
	    "\"start_ns\": %lu, \"end_ns\": %lu, \"holding\": %lu, "
	    "\"ms_50\": %.3f, \"ms_90\": %.3f, \"ms_99\": %.3f, "
	    "\"ms_100\": %.3f}\n", done, failures, first_failure, start_ns,
	    end_ns, holding, share(0.5), share(0.9), share(0.99), share(1));
	fflush(stdout);
}

static void
options(int argc, char **argv)
{
	for (int i = 1; i < argc; i += 2) {
		const char *name = argv[i], *value = argv[i + 1];

		if (value == NULL)
			die("%s wants a value", name);
		if (strcmp(name, "--to") == 0)
			server = endpoint(value);
		else if (strcmp(name, "--clients") == 0)
			clients = number(name, value);
		else if (strcmp(name, "--messages") == 0)
			messages = number(name, value);
		else if (strcmp(name, "--per-connection") == 0)
			per_connection = number(name, value);
		else if (strcmp(name, "--size") == 0)
			size = number(name, value);
		else if (strcmp(name, "--recipients") == 0)
			recipients = number(name, value);
		else if (strcmp(name, "--recipient") == 0)
			recipient_format = value;
		else if (strcmp(name, "--first-id") == 0)
			first_id = number(name, value);
		else if (strcmp(name, "--spread") == 0)
			spread = number(name, value);
		else if (strcmp(name, "--sources") == 0)
			sources = number(name, value);
		else if (strcmp(name, "--pipeline") == 0)
			pipeline = strcmp(value, "yes") == 0;
		else if (strcmp(name, "--hold") == 0)
			hold = strcmp(value, "yes") == 0;
		else if (strcmp(name, "--slow") == 0)
			slow = strcmp(value, "data") == 0 ? SLOW_DATA :
			    SLOW_COMMANDS;
		else
			die("no option %s", name);
	}
	if (server.sin_port == 0 || clients == 0)
		die("--to ADDRESS:PORT, and at least one client");
}

static void
take_events(int wait)
{
	struct epoll_event events[256];
	int n = epoll_wait(poller, events, 256, wait);

	for (int i = 0; i < n; i++)
		event_of(events[i].data.ptr, events[i].events);
}

/* A byte of each slow client in turn; never the last two of what it says. */
static void
send_slowly(void)
{
	static uint64_t turn;
	static uint64_t begun_ns, sent;

	if (begun_ns == 0)
		begun_ns = now_ns();
	uint64_t due = (now_ns() - begun_ns) / (SLOW_NS / clients);

	for (; sent < due; sent++) {
		struct client *c = &all[turn++ % clients];

		if (c->state != HOLDS || c->allowed + 2 >= whole_length(c))
			continue;
		c->allowed++;
		flush(c);
	}
}

static void
hold_all(void)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };
	char text[64];

	for (;;) {
		if (poll(&input, 1, slow != NOT_SLOW ? 10 : -1) > 0 &&
		    read(0, text, sizeof text) <= 0)
			return;
		if (slow != NOT_SLOW) {
			send_slowly();
			take_events(0);
		}
	}
}

/* Whether those that were held are still served. */
static void
ask_all(void)
{
	uint64_t end = now_ns() + ANSWER_NS;

	for (uint64_t i = 0; i < clients; i++) {
		struct client *c = &all[i];

		if (c->state != HOLDS)
			continue;
		if (slow == NOT_SLOW) {
			new_text(c, HOLDS, 1);
			add(c, "NOOP\r\n");
		}
		c->allowed = SIZE_MAX;
		flush(c);
		if (i % OPENING == 0)
			take_events(0);
	}
	while (answered < live && now_ns() < end)
		take_events(100);
	printf("{\"answered\": %lu, \"failures\": %lu}\n", answered, failures);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	uint64_t start_ns;
	bool told = false;

	options(argc, argv);
	many_descriptors();
	make_body();
	all = calloc(clients, sizeof *all);
	again = calloc(clients + 1, sizeof *again);
	took_ms = calloc(messages + 1, sizeof *took_ms);
	for (uint64_t i = 0; i < clients; i++) {
		all[i].fd = -1;
		all[i].number = (unsigned)i;
	}
	poller = epoll_create1(0);
	start_ns = now_ns();
	while (done < messages || live > 0 || hold) {
		take_events(open_clients());
		if (hold && !told && holding == clients &&
		    (done == messages || slow == SLOW_DATA)) {
			told = true;
			report(start_ns);
			printf("holding\n");
			fflush(stdout);
			hold_all();
			ask_all();
			return 0;
		}
	}
	report(start_ns);
	return 0;
}
