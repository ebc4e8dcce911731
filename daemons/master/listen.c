/*
 * listen - sockets of services: one per address, made once, kept over reloads,
 * handed down to every process of the row.
 *
 * Master waits for a client itself only while no process of the row accepts,
 * because there is none or all are full; then it leaves the socket to them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/io/fs.h"
#include "common/io/sock.h"
#include "common/mail/conf_core.h"
#include "daemons/master/master.h"

enum { BACKLOG = 1024 };

/* --- Which addresses -----------------------------------------------------*/

struct target {
	struct ipaddr ip;
	uint16_t port;
};

struct targets {
	struct target *items;
	size_t count;
};

static bool
family_wanted(int family)
{
	struct strlist words = STRLIST_EMPTY;
	bool yes = false;

	strlist_split(&words, span_cstr(conf_core.inet_protocols),
	    STRLIST_CONF);
	for (size_t i = 0; i < words.count; i++)
		yes |= strcmp(words.items[i], "all") == 0 ||
		    strcmp(words.items[i],
		    family == AF_INET ? "ipv4" : "ipv6") == 0;
	strlist_fini(&words);
	return yes;
}

static void
add_target(struct targets *t, const struct ipaddr *ip, uint16_t port)
{
	if (!family_wanted(ip->family))
		return;
	for (size_t i = 0; i < t->count; i++)
		if (ipaddr_eq(&t->items[i].ip, ip) && t->items[i].port == port)
			return;
	t->items = mem_regrow(t->items, t->count + 1, sizeof(*t->items));
	t->items[t->count++] = (struct target){ *ip, port };
}

static bool
port_number(const char *text, uint16_t *out, struct str *why)
{
	uint32_t number;
	struct servent *s;

	if (scan_u32(span_cstr(text), &number) && number > 0 &&
	    number < 65536) {
		*out = (uint16_t)number;
		return true;
	}
	s = getservbyname(text, "tcp");
	if (s == NULL) {
		str_printf(why, "found port \"%s\", expected a number or a "
		    "name that this machine knows", text);
		return false;
	}
	*out = ntohs((uint16_t)s->s_port);
	return true;
}

static bool
add_host(struct targets *t, const char *host, uint16_t port, struct str *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all;
	struct ipaddr ip;

	if (ipaddr_scan(span_cstr(host), &ip)) {
		add_target(t, &ip, port);
		return true;
	}
	int error = getaddrinfo(host, NULL, &hints, &all);

	if (error != 0) {
		str_printf(why, "found host \"%s\" (%s), expected one with an "
		    "address", host, gai_strerror(error));
		return false;
	}
	for (struct addrinfo *a = all; a != NULL; a = a->ai_next)
		if (ipaddr_from_sockaddr(a->ai_addr, &ip, NULL))
			add_target(t, &ip, port);
	freeaddrinfo(all);
	return true;
}

static void
add_wildcards(struct targets *t, uint16_t port)
{
	const struct ipaddr any4 = { .family = AF_INET };
	const struct ipaddr any6 = { .family = AF_INET6 };

	add_target(t, &any4, port);
	add_target(t, &any6, port);
}

static bool
add_interfaces(struct targets *t, uint16_t port, struct str *why)
{
	struct strlist words = STRLIST_EMPTY;
	bool ok = conf_list(conf_core.inet_interfaces, &words, why);

	for (size_t i = 0; ok && i < words.count; i++) {
		struct span word = span_cstr(words.items[i]);

		if (span_is_nocase(word, "all")) {
			add_wildcards(t, port);
		} else if (span_is_nocase(word, "loopback-only")) {
			ok = add_host(t, "127.0.0.1", port, why) &&
			    add_host(t, "::1", port, why);
		} else {
			if (span_starts(word, span_cstr("[")) &&
			    span_ends(word, span_cstr("]")))
				word = span_sub(word, 1, word.len - 2);
			char *host = mem_strndup(word.p, word.len);

			ok = add_host(t, host, port, why);
			mem_free(host);
		}
	}
	if (ok && words.count == 0) {
		str_printf(why, "inet_interfaces is empty");
		ok = false;
	}
	strlist_fini(&words);
	return ok;
}

/* "smtp", "127.0.0.1:smtp", "[::1]:25", "host:25", ":25" */
static bool
find_targets(const char *name, struct targets *t, struct str *why)
{
	const char *colon = strrchr(name, ':');
	uint16_t port;
	bool ok;

	if (!port_number(colon != NULL ? colon + 1 : name, &port, why))
		return false;
	if (colon == NULL || colon == name)
		return add_interfaces(t, port, why);
	struct span host = span_of(name, (size_t)(colon - name));

	if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']')
		host = span_sub(host, 1, host.len - 2);
	char *text = mem_strndup(host.p, host.len);

	ok = add_host(t, text, port, why);
	mem_free(text);
	return ok;
}

/* --- Making sockets ------------------------------------------------------*/

static struct listener *
find_listener(struct row *row, const char *address)
{
	for (size_t i = 0; i < row->nlisteners; i++)
		if (strcmp(row->listeners[i]->address, address) == 0)
			return row->listeners[i];
	return NULL;
}

static void
on_client(struct loop_fd *lfd, unsigned events)
{
	struct listener *l = container_of(lfd, struct listener, lfd);

	(void)events;
	lfd->ready = 0;
	/* Another one's address may have started it in this same turn. */
	if (process_count(l->row, true) == 0)
		process_start(l->row);
	listen_update(l->row);
}

static bool
adopt(struct row *row, const char *address, int fd, struct str *why)
{
	struct listener *l;

	if (row->nlisteners == INHERIT_LISTEN_MAX) {
		str_printf(why, "more than %d addresses", INHERIT_LISTEN_MAX);
		close(fd);
		return false;
	}
	sock_set_nonblock(fd, true);
	sock_set_cloexec(fd, true);
	l = MEM_NEW(struct listener);
	l->row = row;
	l->address = mem_strdup(address);
	l->kept = true;
	l->lfd = (struct loop_fd){ .fd = fd, .level = true,
		.notify = on_client };
	if (!loop_add(&l->lfd)) {
		str_printf(why, "watch %s: %m", address);
		close(fd);
		mem_free(l->address);
		mem_free(l);
		return false;
	}
	loop_pause(&l->lfd);
	row->listeners[row->nlisteners++] = l;
	row->watching = false;
	return true;
}

static bool
listen_inet(struct row *row, struct str *why)
{
	struct targets t = { NULL, 0 };
	bool ok = find_targets(row->cf.name, &t, why);
	char ip[IPADDR_TEXT_MAX];
	struct str address = STR_EMPTY;

	for (size_t i = 0; ok && i < t.count; i++) {
		ipaddr_print(&t.items[i].ip, ip);
		str_printf(&address, "[%s]:%u", ip, t.items[i].port);
		struct listener *have = find_listener(row, str_cstr(&address));

		if (have != NULL) {
			have->kept = true;
			continue;
		}
		int fd = sock_listen_inet(&t.items[i].ip, t.items[i].port,
		    BACKLOG, why);

		/* A machine may be without IPv6 though the kernel knows it. */
		if (fd < 0 && errno == EAFNOSUPPORT && t.count > 1)
			continue;
		ok = fd >= 0 && adopt(row, str_cstr(&address), fd, why);
	}
	if (ok && t.count == 0) {
		str_printf(why, "no address of the families in "
		    "inet_protocols = %s", conf_core.inet_protocols);
		ok = false;
	}
	str_fini(&address);
	mem_free(t.items);
	return ok;
}

static int
listen_datagrams(const char *path, struct str *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path)) {
		str_printf(why, "%s: the name is too long for a socket", path);
		close(fd);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	/* Only master makes this name, and it holds the queue. */
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    !fs_unlink_at(AT_FDCWD, path, why)) {
		close(fd);
		return -1;
	}
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address,
	    sizeof(address)) == 0 && chmod(path, 0666) == 0)
		return fd;
	str_printf(why, "bind to %s: %m", path);
	if (fd >= 0)
		close(fd);
	return -1;
}

static int
open_fifo(const char *path, struct str *why)
{
	if (mkfifo(path, 0622) != 0 && errno != EEXIST) {
		str_printf(why, "create %s: %m", path);
		return -1;
	}
	/* Read and write, so that it never ends. */
	int fd = open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) {
		(void)chmod(path, 0622);
		return fd;
	}
	str_printf(why, "open %s: %s", path, fd >= 0 ? "not a FIFO" :
	    strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool
listen_local(struct row *row, struct str *why)
{
	struct str path = STR_EMPTY;
	int fd = -1;

	/* Relative to the queue directory, where master is. */
	str_printf(&path, "%s/%s", row->cf.is_private ? "private" : "public",
	    row->cf.name);
	struct listener *have = find_listener(row, str_cstr(&path));

	if (have != NULL) {
		have->kept = true;
		str_fini(&path);
		return true;
	}
	switch (row->cf.type) {
	case MASTER_UNIX:
	case MASTER_PASS:
		fd = sock_listen_unix(str_cstr(&path), BACKLOG, 0666, why);
		break;
	case MASTER_UNIX_DGRAM:
		fd = listen_datagrams(str_cstr(&path), why);
		break;
	case MASTER_FIFO:
		fd = open_fifo(str_cstr(&path), why);
		break;
	case MASTER_INET:
		break;
	}
	if (fd >= 0 && master.settings.root && lchown(str_cstr(&path),
	    master.settings.uid, (gid_t)-1) != 0)
		log_warn("give %s to mail_owner: %m", str_cstr(&path));
	bool ok = fd >= 0 && adopt(row, str_cstr(&path), fd, why);

	str_fini(&path);
	return ok;
}

bool
listen_row(struct row *row, struct str *why)
{
	struct str problem = STR_EMPTY;

	for (size_t i = 0; i < row->nlisteners; i++)
		row->listeners[i]->kept = false;
	bool ok = row->cf.type == MASTER_INET ? listen_inet(row, &problem) :
	    listen_local(row, &problem);

	if (!ok)
		str_printf(why, "%s:%u: service \"%s\": %s", row->cf.file,
		    row->cf.line, row->cf.name, str_cstr(&problem));
	str_fini(&problem);
	return ok;
}

void
listen_drop(struct row *row, bool all)
{
	size_t left = 0;

	for (size_t i = 0; i < row->nlisteners; i++) {
		struct listener *l = row->listeners[i];

		if (!all && l->kept) {
			row->listeners[left++] = l;
			continue;
		}
		loop_remove(&l->lfd);
		close(l->lfd.fd);
		mem_free(l->address);
		mem_free(l);
	}
	row->nlisteners = left;
}

void
listen_update(struct row *row)
{
	bool watch = row->wanted && row->throttled_until_ns == 0 &&
	    process_count(row, true) == 0 &&
	    process_count_staying(row) < spread_most_full(row) &&
	    (master.phase == MASTER_RUNNING ||
	    (master.phase == MASTER_DRAINING && (row->program == NULL ||
	    (row->program->kind != PROGRAM_SERVER &&
	    row->program->kind != PROGRAM_INTAKE))) ||
	    (master.phase == MASTER_STOPPING && row->program != NULL &&
	    row->program->kind == PROGRAM_INTERNAL));

	for (size_t i = 0; i < row->nlisteners; i++)
		if (watch)
			loop_resume(&row->listeners[i]->lfd);
		else
			loop_pause(&row->listeners[i]->lfd);
	row->watching = watch;
}
