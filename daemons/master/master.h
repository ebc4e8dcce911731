/*
 * master - rows of master.cf, their listeners and their processes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_MASTER_MASTER_H
#define DAEMONS_MASTER_MASTER_H

#include <sys/types.h>

#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/io/stream.h"
#include "common/mail/master_cf.h"
#include "common/service/control.h"
#include "common/service/inherit.h"
#include "common/service/programs.h"
#include "common/service/status.h"

/* Copies of main.cf values: they outlive a reload that fails. */
struct settings {
	char *config_dir, *queue_dir, *daemon_dir, *data_dir, *log_file;
	char *version, *queue_service, *service_disable;
	bool root;
	uid_t uid;
	gid_t gid, setgid_gid;
	int64_t stop_timeout, throttle_time, clients_per_process;
	char **environment;		/* of children, NULL-terminated */
	size_t nenvironment;
};

struct listener {
	struct loop_fd lfd;
	struct row *row;
	char *address;			/* identity over reloads */
	bool kept;			/* wanted by the configuration at hand */
};

struct row {
	struct list link;
	unsigned number;		/* in the control segment */
	struct master_row cf;		/* strings are ours */
	const struct program *program;
	char *path;
	bool solitary;
	bool wanted;			/* in the configuration at hand */
	bool used;			/* it has had a process */

	struct listener *listeners[INHERIT_LISTEN_MAX];
	size_t nlisteners;
	bool watching;			/* master waits for the first client */

	struct list processes;
	uint32_t generation;
	int64_t throttled_until_ns;
	unsigned quick_deaths;
	struct loop_timer throttle, wakeup;
	bool successor_wanted;
	int64_t limit_said_ns;
};

struct process {
	struct list link;		/* of its row */
	struct row *row;
	pid_t pid;
	unsigned slot;
	uint32_t generation;
	enum control_state state;
	bool was_ready, reaped, told_to_leave, full;
	struct stream *words;
	struct fiber *listener;		/* the fiber that hears it */
	int64_t started_ns;
	int64_t cpu_ns, cpu_seen_ns;	/* at the last sample */
	unsigned cpu_permille, busy_samples;
};

enum master_phase { MASTER_STARTING, MASTER_RUNNING, MASTER_DRAINING,
	MASTER_STOPPING, MASTER_ENDING };

struct master {
	struct settings settings;
	struct list rows;
	struct control *control;
	int control_rw, control_ro, counters, lock, log;
	uint32_t generation;
	enum master_phase phase;
	int64_t started_ns;
	struct fiber_group fibers;
	struct fiber_queue changed;	/* a process has gone, a signal has come */
	bool terminate, at_once, reload, drain;
};
extern struct master master;

/* settings.c */
bool settings_load(const char *dir, struct settings *out, struct str *why);
void settings_free(struct settings *s);
/* The descriptor for log lines, or -1 for syslog. */
int settings_open_log(const struct settings *s, bool foreground,
    struct str *why);

/* rows.c: brings the rows in line with master.cf; true when all is well, and
 * at start everything or nothing. */
bool rows_load(bool starting, struct str *why);
struct row *row_named(const char *name, const char *type);
void row_free(struct row *row);

/* listen.c */
bool listen_row(struct row *row, struct str *why);
void listen_drop(struct row *row, bool all);
/* Watches or leaves to the children, whichever it has to be now. */
void listen_update(struct row *row);

/* process.c */
struct process *process_start(struct row *row);
void process_tell(struct process *p, enum status_word word, unsigned seconds,
    int fd);
void process_reap_all(void);
/* All processes of older generations, and of rows that are gone, finish. */
void process_retire_old(void);
size_t process_count(const struct row *row, bool accepting);
/* Those that accept, and those that would if they were not full. */
size_t process_count_staying(const struct row *row);
size_t process_count_all(bool (*counts)(const struct process *p));
void row_wakeup(struct row *row);
void row_set_wakeup(struct row *row, bool now);
/* Closes the status sockets: children leave within a second. */
void process_abandon_all(void);
void process_kill_all(void);

/* crash.c: what a dead process left, as log lines. */
void crash_describe(const struct crash_slot *slot, struct str *out);
void crash_report(const struct process *p, int wait_status);

/* spread.c: another process where one is busy for most of a core. */
void spread_start(void);
size_t spread_most(const struct row *row);
/* The same when all it has are full. */
size_t spread_most_full(const struct row *row);

/* report.c: pid/master.socket. */
bool report_listen(struct str *why);
void report_stop(void);

/* supervisor.c: "READY=1\nSTATUS=..." to the one who asked by NOTIFY_SOCKET. */
void supervisor_tell(const char *lines);

#endif
