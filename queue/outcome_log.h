/*
 * outcome_log - per-message logs of what became of recipients: bounce, defer,
 * trace. Appended durably before a recipient is marked done.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QUEUE_OUTCOME_LOG_H
#define QUEUE_OUTCOME_LOG_H

#include "queue/message.h"

struct outcome {
	struct span rcpt, original, orcpt;
	uint64_t notify, mark_at;
	uint64_t action;		/* enum dsn_action */
	struct span dsn;		/* "5.1.1" */
	struct span reason;		/* for people, as logged */
	struct span diag_type, diag_text;	/* "smtp", the remote reply */
	struct span mta_type, mta_name;	/* "dns", the remote host */
	int64_t when_us;
};
extern const struct attr_form outcome_form;

/* An entry as it stands in a log. */
void outcome_entry(struct str *bytes, const struct outcome *outcome);
/* Appends and fsyncs. kind: QUEUE_DEFER, QUEUE_BOUNCE, QUEUE_TRACE. Suspends
 * (offload). */
bool outcome_log_append(int queue_dir, enum queue_name kind, struct span id,
    const struct outcome *outcomes, size_t count, struct str *why);
/* One entry after the other, of a log of any length, in a bounded buffer; a
 * torn last entry, and what is behind it, is dropped. */
struct outcome_reader {
	int fd;
	off_t at, end;			/* of the file: read from, whole entries */
	struct str window;
	size_t used;			/* of the window */
};
/* QUEUE_GONE when there is no log. To be closed in any case. */
enum queue_result outcome_reader_open(struct outcome_reader *r, int queue_dir,
    enum queue_name kind, struct span id, struct str *why);
/* QUEUE_OK with the next one, its parts in the arena; QUEUE_GONE at the end. */
enum queue_result outcome_reader_next(struct outcome_reader *r,
    struct arena *arena, struct outcome *out, struct str *why);
void outcome_reader_close(struct outcome_reader *r);

/* All entries into an arena array, or QUEUE_IO_ERROR where they are more than
 * 64 MiB. QUEUE_GONE when there is no log. */
enum queue_result outcome_log_read(int queue_dir, enum queue_name kind,
    struct span id, struct arena *arena, struct outcome **outcomes_out,
    size_t *count_out, struct str *why);
/* Tests: as if this process had written to none. */
void outcome_log_forget_ends(void);
bool outcome_log_remove(int queue_dir, enum queue_name kind, struct span id,
    struct str *why);

#endif
