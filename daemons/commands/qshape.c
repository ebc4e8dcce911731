/*
 * qshape - how old the mail is that waits, by domain: a row for each, a column
 * for each span of ages. Tells a dead destination from a general slowness.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/base/utf8.h"
#include "common/mail/address.h"
#include "common/service/logsink.h"
#include "daemons/commands/lib/queue_command.h"
#include "queue/message.h"
#include "queue/scan.h"

enum { BUCKETS_MOST = 100, COLUMN_LEAST = 2 };

struct row {
	char *name;
	uint64_t total;
	uint64_t by_age[BUCKETS_MOST];
	uint64_t subdomains;		/* of a parent: distinct ones */
};

struct shape {
	bool senders, parents, linear;
	uint32_t subdomains_least, buckets, minutes, width;
	uint32_t batch, top;		/* on a terminal */
	struct hash *rows;
	struct row total;
	uint64_t messages;
	size_t bucket;			/* of the message at hand */
};

static int
usage(void)
{
	fprintf(stderr, "qshape: fatal: usage: qshape [-c config_dir] [-lpsv] "
	    "[-b bucket_count] [-m min_subdomains] [-N batch_msg_count] "
	    "[-n batch_top_domains] [-t bucket_time] [-w terminal_width] "
	    "[queue_name ...]\n");
	return EX_USAGE;
}

/* ---- counting ---- */

/* The first minute that is too old for a bucket; the last one has no such. */
static uint64_t
bucket_end(const struct shape *s, size_t bucket)
{
	return s->linear ? s->minutes * (bucket + 1)
	    : (uint64_t)s->minutes << bucket;
}

static size_t
bucket_of(const struct shape *s, int64_t seconds)
{
	uint64_t minutes = seconds > 0 ? (uint64_t)seconds / 60 : 0;
	size_t bucket = 0;

	while (bucket + 1 < s->buckets && minutes >= bucket_end(s, bucket))
		bucket++;
	return bucket;
}

static void
count(const struct shape *s, struct row *row)
{
	row->total++;
	row->by_age[s->bucket]++;
}

static struct row *
row_of(struct shape *s, struct span name, bool *is_new_out)
{
	struct row *row = hash_get(s->rows, name);

	*is_new_out = row == NULL;
	if (row == NULL) {
		row = MEM_NEW(struct row);
		row->name = mem_strndup(name.p, name.len);
		hash_put(s->rows, name, row);
	}
	return row;
}

/* ".b.example" for a.b.example; not for top-level domains. */
static void
count_parents(struct shape *s, struct span domain, bool is_new)
{
	for (;;) {
		ssize_t dot = span_find(domain, '.');
		struct row *row;
		bool first;

		if (dot < 0)
			return;
		domain = span_skip(domain, (size_t)dot);
		if (span_find(span_skip(domain, 1), '.') < 0)
			return;
		row = row_of(s, domain, &first);
		row->subdomains += is_new;
		count(s, row);
		domain = span_skip(domain, 1);
	}
}

static void
count_address(struct shape *s, struct span address)
{
	struct address_parts parts = address_split(address);
	struct str name = STR_EMPTY;
	bool is_new;

	if (address.len == 0)
		str_sets(&name, "MAILER-DAEMON");
	else if (!parts.has_domain)
		str_sets(&name, "localhost");
	else
		utf8_fold(&name, parts.domain);
	count(s, &s->total);
	count(s, row_of(s, str_span(&name), &is_new));
	if (s->parents && str_cstr(&name)[0] != '[')
		count_parents(s, str_span(&name), is_new);
	str_fini(&name);
}

static void
count_rcpt(const struct envelope_rcpt *rcpt, bool done, void *arg)
{
	if (!done)
		count_address(arg, rcpt->address);
}

/* ---- the table ---- */

static unsigned
digits(uint64_t n)
{
	unsigned count = 1;

	while (n >= 10) {
		n /= 10;
		count++;
	}
	return count;
}

static unsigned
larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

/* "5", or "1280+" of the last bucket, where that is where it begins. */
static void
label(const struct shape *s, size_t bucket, char out[24])
{
	bool last = bucket + 1 == s->buckets;

	if (last && bucket == 0)
		snprintf(out, 24, "0+");
	else
		snprintf(out, 24, "%llu%s", (unsigned long long)bucket_end(s,
		    bucket - last), last ? "+" : "");
}

static int
compare(const void *left, const void *right)
{
	const struct row *a = *(struct row *const *)left;
	const struct row *b = *(struct row *const *)right;
	size_t a_length = strlen(a->name), b_length = strlen(b->name);

	if (a->total != b->total)
		return a->total > b->total ? -1 : 1;
	if (a_length != b_length)
		return a_length < b_length ? -1 : 1;
	return strcmp(a->name, b->name);
}

static bool
is_shown(const struct shape *s, const struct row *row)
{
	return row->name[0] != '.' || row->subdomains >= s->subdomains_least;
}

static void
print_row(const struct row *row, const struct shape *s, unsigned name_width,
    unsigned total_width, const unsigned *widths)
{
	size_t length = strlen(row->name);

	/* The end of a name says more than its beginning. */
	if (length > name_width)
		printf("+%s", row->name + length - name_width + 1);
	else
		printf("%*s", (int)name_width, row->name);
	printf(" %*llu", (int)total_width, (unsigned long long)row->total);
	for (size_t i = 0; i < s->buckets; i++)
		printf(" %*llu", (int)widths[i],
		    (unsigned long long)row->by_age[i]);
	putchar('\n');
}

static void
print(const struct shape *s, size_t most)
{
	size_t known = hash_count(s->rows), n = 0;
	struct row **rows = mem_array(known + 1, sizeof(struct row *));
	struct hash_iter it = HASH_ITER_START;
	unsigned widths[BUCKETS_MOST], total_width, used;
	char text[24];
	struct span key;
	void *value;

	while (hash_next(s->rows, &it, &key, &value))
		if (is_shown(s, value))
			rows[n++] = value;
	qsort(rows, n, sizeof(*rows), compare);

	/* No row has more in a bucket than all have together. */
	total_width = larger(COLUMN_LEAST, digits(s->total.total));
	used = 1 + total_width;
	for (size_t i = 0; i < s->buckets; i++) {
		label(s, i, text);
		widths[i] = larger(larger(COLUMN_LEAST,
		    (unsigned)strlen(text)), digits(s->total.by_age[i]));
		used += 1 + widths[i];
	}
	unsigned name_width = s->width > used + strlen("TOTAL")
	    ? s->width - used : (unsigned)strlen("TOTAL");

	printf("%*s %*s", (int)name_width, "", (int)total_width, "T");
	for (size_t i = 0; i < s->buckets; i++) {
		label(s, i, text);
		printf(" %*s", (int)widths[i], text);
	}
	putchar('\n');
	print_row(&s->total, s, name_width, total_width, widths);
	for (size_t i = 0; i < n && i < most; i++)
		print_row(rows[i], s, name_width, total_width, widths);
	mem_free(rows);
}

/* ---- the queue ---- */

static void
take_message(struct shape *s, struct queue_message *m)
{
	struct str why = STR_EMPTY;

	s->bucket = bucket_of(s, clock_wall()
	    - m->envelope.arrival_us / 1000000);
	if (s->senders)
		count_address(s, m->envelope.sender);
	else if (queue_message_each_rcpt(m, count_rcpt, s, &why) != QUEUE_OK)
		log_warn("%s: %s", m->id, str_cstr(&why));
	str_fini(&why);
	s->messages++;
	if (s->batch > 0 && s->messages % s->batch == 0
	    && isatty(STDOUT_FILENO)) {
		printf("\nafter %llu messages:\n",
		    (unsigned long long)s->messages);
		print(s, s->top);
		fflush(stdout);
	}
}

static void
take_queue(struct shape *s, int queue_dir, enum queue_name where)
{
	struct arena *arena = arena_new();
	struct str why = STR_EMPTY;
	struct queue_scan scan;
	char id[QUEUE_ID_MAX];

	queue_scan_start(&scan, queue_dir, where);
	while (queue_scan_next(&scan, id)) {
		struct queue_message m;

		switch (queue_message_open(queue_dir, where, SPAN(id), false,
		    false, arena, &m, &why)) {
		case QUEUE_OK:
			take_message(s, &m);
			queue_message_close(&m);
			break;
		case QUEUE_GONE:
		case QUEUE_BUSY:
		case QUEUE_INCOMPLETE:
			break;
		case QUEUE_DAMAGED:
		case QUEUE_FOREIGN:
		case QUEUE_NOSPACE:
		case QUEUE_EXISTS:
		case QUEUE_IO_ERROR:
			log_warn("%s: %s", id, str_cstr(&why));
			break;
		}
		str_clear(&why);
		arena_reset(arena);
	}
	if (scan.trouble != 0)
		log_warn("queue %s: %s", queue_name_text(where),
		    strerror(scan.trouble));
	queue_scan_stop(&scan);
	str_fini(&why);
	arena_free(&arena);
}

static bool
number(const char *text, uint32_t least, uint32_t most, uint32_t *out)
{
	return scan_u32(span_cstr(text), out) && *out >= least && *out <= most;
}

static bool
take_option(struct shape *s, int option)
{
	switch (option) {
	case 'b':
		return number(optarg, 1, BUCKETS_MOST, &s->buckets);
	case 'l':
		return s->linear = true;
	case 'm':
		return number(optarg, 1, UINT32_MAX, &s->subdomains_least);
	case 'N':
		return number(optarg, 0, UINT32_MAX, &s->batch);
	case 'n':
		return number(optarg, 1, UINT32_MAX, &s->top);
	case 'p':
		return s->parents = true;
	case 's':
		return s->senders = true;
	case 't':
		return number(optarg, 1, 1 << 20, &s->minutes);
	case 'v':
		log_verbose++;
		return true;
	case 'w':
		return number(optarg, 1, 10000, &s->width);
	default:
		return false;
	}
}

int
main(int argc, char **argv)
{
	static char total[] = "TOTAL";
	static struct shape s = { .subdomains_least = 5, .buckets = 10,
		.minutes = 5, .width = 80, .batch = 1000, .top = 20,
		.total = { .name = total } };
	const char *dir = NULL;
	bool all_known = true;
	int option;

	while ((option = getopt(argc, argv, "b:c:lm:N:n:pst:vw:")) != -1) {
		if (option == 'c')
			dir = optarg;
		else if (!take_option(&s, option))
			return usage();
	}
	/* Doubled, the ages of so many would not fit a number. */
	if (!s.linear && s.buckets > 40)
		return usage();

	int queue_dir = queue_command_start("qshape", dir);

	s.rows = hash_new();
	if (optind == argc) {
		take_queue(&s, queue_dir, QUEUE_INCOMING);
		take_queue(&s, queue_dir, QUEUE_ACTIVE);
	}
	for (int i = optind; i < argc; i++) {
		int where = queue_name_value(span_cstr(argv[i]));

		if (where < 0 || where > QUEUE_CORRUPT) {
			log_warn("no queue is called %s", argv[i]);
			all_known = false;
			continue;
		}
		take_queue(&s, queue_dir, (enum queue_name)where);
	}
	print(&s, SIZE_MAX);
	logsink_finish();
	return all_known ? 0 : EX_USAGE;
}
