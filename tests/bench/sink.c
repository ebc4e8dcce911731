/*
 * sink - the next server of the benchmark: takes all mail and keeps count of
 * which message for which recipient came, once or more often.
 *
 *	sink --listen 0.0.0.0:PORT [--messages N --recipients R]
 *	    [--patience SECONDS] [--defer rcpt|dot]
 *
 * Prints "ready" when it listens. When all N messages came for all R
 * recipients, on SIGTERM, or when nothing came for so long, it prints one line
 * of JSON; it goes on until SIGTERM. A message is known by its X-Bench header;
 * its body must have the length the header says. A recipient is the number in
 * its local part. Exit 0: all came, whole. SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/bench.h"

/* Long enough for the header of a message with some Received: lines. */
#define HEAD 8192
#define CHUNK (256 * 1024)

struct session {
	int fd;
	bool in_data;
	/* A line of commands, or the end of what was read of the content. */
	char line[1024];
	size_t line_length;
	/* Content so far: its head, until X-Bench and the body were found. */
	char *head;
	size_t head_length;
	size_t content, body_at;
	bool known;
	uint64_t id, body;
	uint32_t *recipients;
	size_t recipient_count, recipient_room;
};

static uint64_t messages, recipients = 1;
static uint64_t unique, duplicates, damaged, strange, transactions, connections;
static uint64_t first_ns, last_ns, last_any_ns;
static uint8_t *seen;
static bool reported;
static enum { TAKE, DEFER_RCPT, DEFER_DOT } habit;
static char chunk[CHUNK];
static int poller;

static bool
all_came(void)
{
	return unique == messages * recipients && damaged == 0 && strange == 0;
}

static void
report(void)
{
	if (reported)
		return;
	reported = true;
	printf("{\"complete\": %s, \"unique\": %lu, \"duplicates\": %lu, "
	    "\"damaged\": %lu, \"strange\": %lu, \"transactions\": %lu, "
	    "\"connections\": %lu, \"first_ns\": %lu, "
	    "\"last_ns\": %lu}\n", all_came() ? "true" : "false", unique,
	    duplicates, damaged, strange, transactions, connections, first_ns,
	    last_ns);
	fflush(stdout);
}

static void
say(struct session *s, const char *text, size_t length)
{
	/* A peer that does not read its replies is not worth a buffer. */
	if (send(s->fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
	    errno == EAGAIN)
		die("a peer does not read its replies");
}

#define SAY(s, text) say(s, text "\r\n", sizeof(text) + 1)

static void
end_session(struct session *s)
{
	close(s->fd);
	free(s->head);
	free(s->recipients);
	free(s);
}

/* What the header says of the message, once its head is there. */
static void
look_at_head(struct session *s)
{
	char *end = memmem(s->head, s->head_length, "\r\n\r\n", 4);
	char *found;

	if (end == NULL)
		return;
	s->body_at = (size_t)(end + 4 - s->head);
	s->known = true;
	found = memmem(s->head, s->body_at, "\r\n" BENCH_HEADER,
	    2 + strlen(BENCH_HEADER));
	s->id = UINT64_MAX;
	if (found != NULL) {
		*end = '\0';
		sscanf(found + 2 + strlen(BENCH_HEADER), "%lu %lu", &s->id,
		    &s->body);
	}
}

static void
content(struct session *s, const char *data, size_t length)
{
	s->content += length;
	if (s->known)
		return;
	if (s->head == NULL)
		s->head = malloc(HEAD);
	if (length > HEAD - s->head_length)
		length = HEAD - s->head_length;
	memcpy(s->head + s->head_length, data, length);
	s->head_length += length;
	look_at_head(s);
}

static void
count(struct session *s)
{
	uint64_t now = now_ns();

	transactions++;
	last_any_ns = now;
	if (!s->known || s->id >= messages) {
		strange++;
		return;
	}
	if (s->content - s->body_at != s->body)
		damaged++;
	if (first_ns == 0)
		first_ns = now;
	for (size_t i = 0; i < s->recipient_count; i++) {
		uint64_t at = s->id * recipients + s->recipients[i];
		uint8_t bit = (uint8_t)(1 << (at & 7));

		if (s->recipients[i] >= recipients)
			strange++;
		else if (seen[at >> 3] & bit)
			duplicates++;
		else {
			seen[at >> 3] |= bit;
			unique++;
			last_ns = now;
		}
	}
}

static void
new_transaction(struct session *s)
{
	s->recipient_count = 0;
	s->head_length = s->content = s->body_at = 0;
	s->known = s->in_data = false;
}

static void
end_of_content(struct session *s)
{
	if (habit == DEFER_DOT)
		SAY(s, "451 4.3.0 not now");
	else {
		count(s);
		SAY(s, "250 2.0.0 taken");
	}
	new_transaction(s);
	if (messages != 0 && unique == messages * recipients)
		report();
}

static void
recipient(struct session *s, const char *argument)
{
	const char *p = argument + strcspn(argument, "<");

	while (*p != '\0' && *p != '@' && !isdigit((unsigned char)*p))
		p++;
	if (s->recipient_count == s->recipient_room) {
		s->recipient_room = s->recipient_room * 2 + 4;
		s->recipients = realloc(s->recipients,
		    s->recipient_room * sizeof *s->recipients);
	}
	s->recipients[s->recipient_count++] = (uint32_t)strtoul(p, NULL, 10);
}

/* Replies of a pipelined group go out together. */
static char replies[64 * 1024];
static size_t reply_length;

static void
reply(const char *text)
{
	size_t length = strlen(text);

	if (reply_length + length > sizeof replies)
		die("too many commands at once");
	memcpy(replies + reply_length, text, length);
	reply_length += length;
}

/* False: the session is over. */
static bool
command(struct session *s)
{
	const char *line = s->line;

	s->line[s->line_length] = '\0';
	if (strncasecmp(line, "MAIL", 4) == 0) {
		new_transaction(s);
		reply("250 2.1.0 Ok\r\n");
	} else if (strncasecmp(line, "RCPT", 4) == 0) {
		if (habit == DEFER_RCPT) {
			reply("450 4.2.0 not now\r\n");
		} else {
			recipient(s, line);
			reply("250 2.1.5 Ok\r\n");
		}
	} else if (strncasecmp(line, "DATA", 4) == 0) {
		if (s->recipient_count == 0) {
			reply("554 5.5.1 no valid recipients\r\n");
		} else {
			reply("354 go on\r\n");
			s->in_data = true;
		}
	} else if (strncasecmp(line, "EHLO", 4) == 0) {
		reply("250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
		    "250-ENHANCEDSTATUSCODES\r\n250 SIZE 0\r\n");
	} else if (strncasecmp(line, "QUIT", 4) == 0) {
		reply("221 2.0.0 Bye\r\n");
		return false;
	} else {
		new_transaction(s);
		reply("250 2.0.0 Ok\r\n");
	}
	return true;
}

/*
 * Content up to and without the final dot; how much of data was used. The
 * last four bytes are kept back in line[], as they may begin the end.
 */
static size_t
take_content(struct session *s, const char *data, size_t length, bool *done)
{
	static const char end[] = "\r\n.\r\n";
	char edge[16];
	size_t kept = s->line_length;
	size_t peek = length < 5 ? length : 5;
	char *at;

	*done = true;
	memcpy(edge, s->line, kept);
	memcpy(edge + kept, data, peek);
	at = memmem(edge, kept + peek, end, 5);
	if (at != NULL && (size_t)(at - edge) < kept) {
		size_t part = (size_t)(at - edge) + 2;

		content(s, edge, part);
		s->line_length = 0;
		return part + 3 - kept;
	}
	at = memmem(data, length, end, 5);
	if (at != NULL) {
		content(s, s->line, kept);
		content(s, data, (size_t)(at - data) + 2);
		s->line_length = 0;
		return (size_t)(at - data) + 5;
	}
	*done = false;
	if (length >= 4) {
		content(s, s->line, kept);
		content(s, data, length - 4);
		memcpy(s->line, data + length - 4, 4);
		s->line_length = 4;
	} else {
		memcpy(s->line + kept, data, length);
		kept += length;
		if (kept > 4) {
			content(s, s->line, kept - 4);
			memmove(s->line, s->line + kept - 4, 4);
			kept = 4;
		}
		s->line_length = kept;
	}
	return length;
}

/* False: the session is over. */
static bool
take(struct session *s, const char *data, size_t length)
{
	bool go_on = true;

	reply_length = 0;
	while (length > 0 && go_on) {
		const char *newline;
		size_t used;

		if (s->in_data) {
			bool done;

			used = take_content(s, data, length, &done);
			data += used;
			length -= used;
			if (done) {
				if (reply_length > 0)
					say(s, replies, reply_length);
				reply_length = 0;
				s->line_length = 0;
				end_of_content(s);
			}
			continue;
		}
		newline = memchr(data, '\n', length);
		used = newline != NULL ? (size_t)(newline - data) + 1 : length;
		if (s->line_length + used >= sizeof s->line)
			die("a command of more than %zu bytes", sizeof s->line);
		memcpy(s->line + s->line_length, data, used);
		s->line_length += used;
		data += used;
		length -= used;
		if (newline != NULL) {
			go_on = command(s);
			s->line_length = 0;
			/* So that a header or the final dot can come first. */
			if (s->in_data) {
				memcpy(s->line, "\r\n", 2);
				s->line_length = 2;
			}
		}
	}
	if (reply_length > 0)
		say(s, replies, reply_length);
	return go_on;
}

static void
greet(int listener)
{
	for (int i = 0; i < 16; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		struct session *s;
		struct epoll_event event = { .events = EPOLLIN };

		if (fd < 0)
			return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
		s = calloc(1, sizeof *s);
		s->fd = fd;
		event.data.ptr = s;
		epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
		connections++;
		SAY(s, "220 sink.test ESMTP");
	}
}

static void
serve(struct session *s)
{
	ssize_t length = recv(s->fd, chunk, sizeof chunk, 0);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length <= 0 || !take(s, chunk, (size_t)length))
		end_session(s);
}

static int
listen_at(const char *where)
{
	struct sockaddr_in at = endpoint(where);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 ||
	    listen(fd, 4096) < 0)
		die("listen at %s: %s", where, strerror(errno));
	return fd;
}

static int
wait_for_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK);
}

int
main(int argc, char **argv)
{
	int listener = -1, signals;
	uint64_t patience_ns = 0;
	struct epoll_event event = { .events = EPOLLIN };

	for (int i = 1; i < argc; i += 2) {
		const char *name = argv[i], *value = argv[i + 1];

		if (value == NULL)
			die("%s wants a value", name);
		if (strcmp(name, "--listen") == 0)
			listener = listen_at(value);
		else if (strcmp(name, "--messages") == 0)
			messages = number(name, value);
		else if (strcmp(name, "--recipients") == 0)
			recipients = number(name, value);
		else if (strcmp(name, "--patience") == 0)
			patience_ns = number(name, value) * 1000000000;
		else if (strcmp(name, "--defer") == 0)
			habit = strcmp(value, "rcpt") == 0 ? DEFER_RCPT : DEFER_DOT;
		else
			die("no option %s", name);
	}
	if (listener < 0)
		die("--listen ADDRESS:PORT");
	many_descriptors();
	seen = calloc(1, messages * recipients / 8 + 1);
	signals = wait_for_signals();
	poller = epoll_create1(0);
	event.data.ptr = &listener;
	epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
	event.data.ptr = &signals;
	epoll_ctl(poller, EPOLL_CTL_ADD, signals, &event);
	last_any_ns = now_ns();
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		struct epoll_event events[256];
		int n = epoll_wait(poller, events, 256, 500);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &listener)
				greet(listener);
			else if (events[i].data.ptr == &signals)
				goto over;
			else
				serve(events[i].data.ptr);
		}
		if (patience_ns != 0 && n == 0 &&
		    now_ns() - last_any_ns > patience_ns)
			report();
	}
over:
	report();
	return all_came() ? 0 : 1;
}
