/*
 * service - main for every role: options, configuration, tables, jail,
 * listening, limits, reload, drain and exit live here once.
 *
 * Order of start-up, held by a test: configuration, before_jail (tables,
 * patterns, files), descriptors, chroot and identities, Landlock, seccomp,
 * threads, epoll, start.
 *
 * A session counts against the service's limit: for `serve` a connection, for
 * `protocol` a call that suspends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_SERVICE_SERVICE_H
#define COMMON_SERVICE_SERVICE_H

#include "common/io/fiber.h"
#include "common/io/sock.h"
#include "common/io/stream.h"
#include "common/mail/conf_core.h"
#include "common/service/rpc.h"

/* What the jail lets a role do; jail.c turns it into rules. */
enum service_needs {
	NEEDS_NETWORK_OUT = 1,		/* connect to inet addresses */
	NEEDS_QUEUE_READ = 2,
	NEEDS_QUEUE_WRITE = 4,		/* create, rename, unlink queue files */
	NEEDS_CONFIG_READ = 8,		/* reopens tables (unjailed roles) */
	NEEDS_DATA_WRITE = 16,		/* data_directory */
	NEEDS_NSS = 32,			/* passwd, hosts, resolver libraries */
	NEEDS_LAUNCHER = 64,		/* root child before anything else */
	NEEDS_LISTEN = 128,		/* binds sockets itself (none so far) */
	NEEDS_ROOT = 256,		/* keeps root: the launcher alone */
};

struct service {
	const char *name;		/* program: "smtpd" */
	const struct param_set *params;	/* may be NULL */
	unsigned needs;
	bool solitary;			/* one process, no bound on clients */
	bool internal;			/* limit never below 10 000, with a share
					   kept for internal callers */

	/* With files and privileges, single-threaded, no loop. fatal() on
	 * trouble. */
	void (*before_jail)(void);
	/* In the jail, no loop yet. */
	void (*after_jail)(void);
	/* A background fiber: gets as far as its first wait before anybody is
	 * served, and may go on for ever. */
	void (*start)(void);

	/* One of these: a fiber per connection that owns the stream, */
	void (*serve)(struct stream *client, const struct sock_peer *peer);
	/* or calls of a protocol (rpc.h), */
	const struct rpc_protocol *protocol;
	/* or datagrams (postlogd). */
	void (*serve_datagrams)(int fd);

	/* A wake-up: master's timer ("W") or trigger bytes from a connection
	 * whose first byte is not 0 (attr frames begin with 0). In a fiber of its
	 * own, never twice at once; bytes that arrive during one run are joined
	 * for one more. */
	void (*wakeup)(struct span bytes);

	/* A new generation has started or master is stopping: finish. Called
	 * once, on a fiber; the process leaves when it returned and all
	 * connections are closed. May be NULL. */
	void (*drain)(void);

	/* For `waypost check`, instead of all the above, with files and the
	 * configuration of one row: looks closer than types and ranges, logs each
	 * finding by log_error with file and line; false if there was one. */
	bool (*check)(void);

	/* Never leaves for having nothing to do (it keeps work of its own). */
	bool stays;
	/* `serve` speaks forms (rpc_read_hello) in an order of its own. */
	bool forms;
};

int service_main(const struct service *service, int argc, char **argv);

/* Facts of this process. */
const char *service_name(void);		/* master.cf row: "smtp", "submission" */
const char *service_program(void);	/* "smtpd" */
bool service_has_root(void);		/* started by a root master */
bool service_is_chrooted(void);		/* or will be: files outside are gone */
bool service_draining(void);		/* serve: finish the transaction, 421 */
bool service_stress(void);		/* at its limit: stress parameters */
unsigned service_slot(void);		/* process slot, below 4096: for ids */
/* Protection asked for and missing (conf_unmet_protection), else NULL; smtpd
 * answers 451 4.3.5, agents defer. */
const char *service_refusal(void);
struct fiber_group *service_fibers(void);	/* for background fibers */
/* Before the jail: runs fn(arg) with the rights of mail_owner, where this process
 * has others. For files in data_directory. fatal() on trouble. */
void service_as_owner(void (*fn)(void *arg), void *arg);
/* Descriptor of the queue directory (all roles), opened before the jail. */
int service_queue_dir(void);
/* The launcher's socket, for roles with NEEDS_LAUNCHER; -1 otherwise. */
int service_launcher_fd(void);
/* Ask master for a successor, log why (a table changed): new connections go
 * there, this process drains. Once per process. */
void service_restart(const char *why);
struct deadline service_ipc_deadline(void);	/* now + ipc_timeout */
/*
 * In a call of this connection, of a role that serves forms: nobody else is taken
 * any more, and the others are told to close. Returns when that is so and busy()
 * is false; the process leaves when this connection has been closed too. False:
 * cancelled. Suspends.
 */
bool service_be_alone(const struct stream *client, bool (*busy)(void));

/*
 * Between transactions: waits for input. When draining begins, or has begun,
 * an inet client's wait ends with IO_EOF whatever it had sent: say 421 and
 * leave. A client of forms is told to close (rpc.h), and what it has sent until
 * then is served. Suspends.
 */
enum io_status service_wait_idle(struct stream *s, struct deadline deadline);

/* The arguments of the command column that are not options: "flags=..." */
size_t service_arguments(const char *const **args_out);
/* The connection came over a unix socket of ours, an inet one, or "pass". */
const char *service_type(void);			/* "inet", "unix", ... */
/* What `waypost status -v` says of this process besides; up to 15 bytes. */
void service_note(const char *note);
/* trivial-rewrite: its answers may differ from now on. */
void service_tables_changed(void);

/* Tests: this process is that service, without a master; what service_refusal
 * says (or NULL); master told it to finish. */
void service_double(const struct service *service, const char *refusal);
void service_double_drain(void);
#endif
