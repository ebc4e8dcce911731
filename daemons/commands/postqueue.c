/*
 * postqueue - what unprivileged users may ask of the queue: list it, flush it.
 * Asks showq; with rights of its own and the mail system down, it reads the
 * queue itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/base/reader.h"
#include "common/base/scan.h"
#include "common/base/utf8.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/io/sock.h"
#include "common/mail/conf_core.h"
#include "common/service/logsink.h"
#include "common/service/peer.h"
#include "daemons/commands/lib/commands_conf.h"
#include "daemons/commands/lib/setgid_conf.h"
#include "daemons/commands/lib/user_acl.h"
#include "daemons/shared/flush_client.h"
#include "daemons/shared/qmgr_proto.h"
#include "daemons/shared/queue_list.h"

enum { REASON_COLUMNS = 76, SITE_SECONDS = 20 };

enum mode { MODE_NONE, MODE_LIST, MODE_JSON, MODE_FLUSH, MODE_ID, MODE_SITE };

__attribute__((format(printf, 2, 3))) static int
die(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_va(LOG_LEVEL_FATAL, format, args);
	va_end(args);
	logsink_finish();
	return status;
}

struct printer {
	bool json;
	bool any, long_ids;
	bool begun;			/* the first message is shown */
	uint64_t messages, bytes;
	struct str last_reason;
	size_t rcpts;
};

/* ---- the classic listing ---- */

static void
print_heading(struct printer *p)
{
	if (p->any)
		putchar('\n');
	else if (p->long_ids)
		printf("----Queue ID-----  --Size-- ---Arrival Time---- "
		    "--Sender/Recipient------\n");
	else
		printf("-Queue ID-  --Size-- ----Arrival Time---- "
		    "-Sender/Recipient-------\n");
	p->any = true;
}

static void
print_reason(struct span text)
{
	printf("%*s(%.*s)\n", text.len < REASON_COLUMNS
	    ? REASON_COLUMNS - (int)text.len : 0, "", SPAN_ARG(text));
}

static void
print_message(struct printer *p, const struct listed_message *m)
{
	char id[QUEUE_ID_MAX + 3], date[32];	/* a space ends it, as with ctime */
	struct tm tm;

	localtime_r(&m->when, &tm);
	strftime(date, sizeof(date), "%a %b %e %H:%M:%S ", &tm);
	snprintf(id, sizeof(id), "%s%s%s", m->id,
	    strcmp(m->queue_name, "active") == 0 ? "*"
	    : strcmp(m->queue_name, "hold") == 0 ? "!" : "",
	    m->forced_expire ? "#" : "");
	print_heading(p);
	printf(p->long_ids ? "%-17s %8lu %19.19s %.*s\n"
	    : "%-11s %7lu %20.20s %.*s\n", id, (unsigned long)m->size, date,
	    SPAN_ARG(m->sender));
	p->messages++;
	p->bytes += m->size;
	str_clear(&p->last_reason);
	if (!span_empty(m->unreadable))
		print_reason(m->unreadable);
}

static void
print_rcpt(struct printer *p, const struct listed_rcpt *r)
{
	/* Once for all recipients that follow and share it. */
	if (!span_eq(r->reason, str_span(&p->last_reason))) {
		print_reason(span_empty(r->reason)
		    ? SPAN("reason unavailable") : r->reason);
		str_set(&p->last_reason, r->reason);
	}
	printf(p->long_ids ? "%-17s %8s %19s %.*s\n"
	    : "%-11s %7s %20s %.*s\n", "", "", "", SPAN_ARG(r->address));
}

static void
print_footer(const struct printer *p)
{
	if (p->json)
		return;
	if (p->messages == 0)
		printf("Mail queue is empty\n");
	else
		printf("\n-- %llu Kbytes in %llu Request%s.\n",
		    (unsigned long long)(p->bytes / 1024),
		    (unsigned long long)p->messages,
		    p->messages == 1 ? "" : "s");
}

/* ---- JSON, an object a line ---- */

static void
print_json_text(const char *name, struct span value, bool more)
{
	struct str text = STR_EMPTY;

	json_escape(&text, value);
	printf("\"%s\": \"%s\"%s", name, str_cstr(&text), more ? ", " : "");
	str_fini(&text);
}

static void
print_json_message(struct printer *p, const struct listed_message *m)
{
	putchar('{');
	print_json_text("queue_name", SPAN(m->queue_name), true);
	print_json_text("queue_id", SPAN(m->id), true);
	printf("\"arrival_time\": %lld, \"message_size\": %llu, "
	    "\"forced_expire\": %s, ", (long long)m->when,
	    (unsigned long long)m->size, m->forced_expire ? "true" : "false");
	print_json_text("sender", m->sender, true);
	printf("\"recipients\": [");
	p->rcpts = 0;
}

static void
print_json_rcpt(struct printer *p, const struct listed_rcpt *r)
{
	printf(p->rcpts++ > 0 ? ", {" : "{");
	if (!span_empty(r->original))
		print_json_text("orig_address", r->original, true);
	print_json_text("address", r->address, !span_empty(r->reason));
	if (!span_empty(r->reason))
		print_json_text("delay_reason", r->reason, false);
	putchar('}');
}

/* ---- from a lister or from showq ---- */

static bool
on_message(const struct listed_message *m, void *arg)
{
	struct printer *p = arg;

	if (p->json)
		print_json_message(p, m);
	else
		print_message(p, m);
	return true;
}

static bool
on_rcpt(const struct listed_rcpt *r, void *arg)
{
	struct printer *p = arg;

	if (p->json)
		print_json_rcpt(p, r);
	else
		print_rcpt(p, r);
	return true;
}

static bool
on_end(void *arg)
{
	struct printer *p = arg;

	if (p->json)
		printf("]}\n");
	if (!p->begun)			/* a person waits for it */
		fflush(stdout);
	p->begun = true;
	return !ferror(stdout);
}

/* What showq said of one message so far. */
struct record {
	struct str value[6];		/* in the order of fields[] */
	struct str original, address, reason;
	bool has_message, has_rcpt;
};

enum { FIELD_ID = 1 };
static const char *const fields[] = { "queue_name", "queue_id", "time",
	"size", "forced_expire", "sender" };

static void
flush_rcpt(struct record *r, struct printer *p)
{
	struct listed_rcpt rcpt = { str_span(&r->original),
		str_span(&r->address), str_span(&r->reason) };

	if (r->has_rcpt)
		on_rcpt(&rcpt, p);
	r->has_rcpt = false;
	str_clear(&r->original);
	str_clear(&r->reason);
}

static void
begin_message(struct record *r, struct printer *p)
{
	uint64_t when = 0, size = 0;

	if (r->has_message)
		return;
	r->has_message = true;
	scan_u64(str_span(&r->value[2]), &when);
	scan_u64(str_span(&r->value[3]), &size);

	struct listed_message m = { .queue_name = str_cstr(&r->value[0]),
		.id = str_cstr(&r->value[1]), .when = (time_t)when,
		.size = size,
		.forced_expire = span_is(str_span(&r->value[4]), "1"),
		.sender = str_span(&r->value[5]),
		.unreadable = str_span(&r->reason) };

	on_message(&m, p);
	str_clear(&r->reason);
}

static void
take_pair(struct record *r, struct printer *p, struct span name,
    struct span value)
{
	for (size_t i = 0; i < 6; i++)
		if (span_is(name, fields[i])) {
			str_set(&r->value[i], value);
			return;
		}
	/* Names that are not known yet are skipped, "protocol" too. */
	if (span_is(name, "original_recipient")) {
		begin_message(r, p);
		flush_rcpt(r, p);
		str_set(&r->original, value);
	} else if (span_is(name, "recipient")) {
		begin_message(r, p);
		flush_rcpt(r, p);
		str_set(&r->address, value);
		r->has_rcpt = true;
	} else if (span_is(name, "reason")) {
		str_set(&r->reason, value);
	}
}

static void
end_record(struct record *r, struct printer *p)
{
	if (str_len(&r->value[FIELD_ID]) == 0)
		return;				/* the one about the protocol */
	begin_message(r, p);
	flush_rcpt(r, p);
	on_end(p);
	r->has_message = false;
	str_clear(&r->value[FIELD_ID]);
}

static bool
read_text(FILE *in, struct str *out)
{
	int c;

	str_clear(out);
	while ((c = getc(in)) != EOF && c != '\0')
		str_putc(out, (char)c);
	return c == '\0';
}

static bool
print_from_showq(FILE *in, struct printer *p)
{
	struct record r = { .has_message = false };
	struct str name = STR_EMPTY, value = STR_EMPTY;
	bool complete = false, empty = true;

	/* An empty record says that this was all. */
	while (!complete && read_text(in, &name)) {
		if (str_len(&name) == 0) {
			complete = empty;
			end_record(&r, p);
			empty = true;
		} else if (read_text(in, &value)) {
			take_pair(&r, p, str_span(&name), str_span(&value));
			empty = false;
		}
	}
	for (size_t i = 0; i < 6; i++)
		str_fini(&r.value[i]);
	str_fini(&r.original);
	str_fini(&r.address);
	str_fini(&r.reason);
	str_fini(&name);
	str_fini(&value);
	return complete && !ferror(in);
}

/* The system may well be up. */
static int
not_permitted(const char *service)
{
	return die(EX_NOPERM, "connect to %s/public/%s: %m; is postqueue "
	    "installed set-gid %s?", conf_core.queue_directory, service,
	    conf_core.setgid_group);
}

static int
connect_to_showq(void)
{
	struct str path = STR_EMPTY;
	int fd = -1;

	str_printf(&path, "public/%s", conf_core.showq_service_name);
	if (sock_connect_unix(str_cstr(&path), deadline_in(10), &fd) != IO_OK)
		fd = -1;

	int error = errno;

	str_fini(&path);
	if (fd >= 0)
		sock_set_nonblock(fd, false);
	errno = error;
	return fd;
}

static int
print_queue(struct printer *p)
{
	int fd = connect_to_showq();

	p->long_ids = conf_core.enable_long_queue_ids;
	if (fd >= 0) {
		FILE *in = fdopen(fd, "r");

		if (in == NULL || !print_from_showq(in, p))
			return die(EX_UNAVAILABLE,
			    "malformed showq server response");
		fclose(in);
	} else if (errno == EACCES) {
		return not_permitted(conf_core.showq_service_name);
	} else if (geteuid() == 0 || access("active", R_OK | X_OK) == 0) {
		struct queue_lister lister = { .message = on_message,
			.rcpt = on_rcpt, .end = on_end, .arg = p };
		int dir = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

		log_warn("Mail system is down -- accessing queue directly");
		if (!queue_list(dir, &lister)) {
			print_footer(p);
			return die(EX_UNAVAILABLE,
			    "part of the queue cannot be listed");
		}
	} else {
		return die(EX_UNAVAILABLE,
		    "Queue report unavailable - mail system is down");
	}
	print_footer(p);
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

/* ---- flushing ---- */

static int
flush_queue(void)
{
	static const char bytes[] = { QMGR_FLUSH_DEAD, QMGR_SCAN_ALL, '\0' };

	if (peer_trigger_bytes("public", conf_core.queue_service_name,
	    SPAN(bytes)))
		return EX_OK;
	if (errno == EACCES)
		return not_permitted(conf_core.queue_service_name);
	return die(EX_UNAVAILABLE,
	    "Cannot flush mail queue - mail system is down");
}

struct flush_one {
	const char *id;			/* or the site */
	int exit_status;
};

static void
flush_message(void *arg)
{
	struct flush_one *f = arg;
	struct peer *qmgr = peer_named("public",
	    conf_core.queue_service_name, QMGR_PROTOCOL, QMGR_VERSION);
	struct qmgr_flush_one request = { .queue_id = SPAN(f->id) };
	struct stream *s = peer_take_connection(qmgr, deadline_in(5));

	if (s == NULL) {
		f->exit_status = die(EX_UNAVAILABLE,
		    "Cannot flush queue ID - mail system is down");
		return;
	}
	f->exit_status = EX_UNAVAILABLE;
	attr_queue(s, &qmgr_flush_one_form, 0, &request);
	if (stream_flush(s, deadline_in(5)) == IO_OK)
		f->exit_status = EX_OK;
	stream_close(s);
}

static void
flush_site_now(void *arg)
{
	struct flush_one *f = arg;

	f->exit_status = EX_OK;
	switch (flush_site(SPAN(f->id), deadline_in(SITE_SECONDS))) {
	case FLUSH_BEGUN:
		break;
	case FLUSH_NOT_SERVED:
		f->exit_status = die(EX_USAGE, "Flush service is not "
		    "configured for destination \"%s\"", f->id);
		break;
	case FLUSH_FAILED:
		f->exit_status = die(EX_UNAVAILABLE, "Cannot flush mail "
		    "queue - mail system is down");
		break;
	}
}

static int
usage(void)
{
	fprintf(stderr, "postqueue: fatal: usage: postqueue [-c config_dir] "
	    "-f | -i queueid | -j | -p | -s site\n");
	return EX_USAGE;
}

int
main(int argc, char **argv)
{
	enum mode mode = MODE_NONE;
	struct str why = STR_EMPTY;
	struct printer printer = { .json = false };
	struct flush_one one = { .id = NULL };
	const char *dir = NULL;
	int option;

	log_set_tag("postqueue");
	while ((option = getopt(argc, argv, "c:fi:jps:v")) != -1) {
		enum mode asked = option == 'f' ? MODE_FLUSH
		    : option == 'i' ? MODE_ID : option == 'j' ? MODE_JSON
		    : option == 'p' ? MODE_LIST : option == 's' ? MODE_SITE
		    : MODE_NONE;

		if (option == '?' || (asked != MODE_NONE && mode != MODE_NONE))
			return usage();
		if (asked != MODE_NONE)
			mode = asked;
		if (option == 'i' || option == 's')
			one.id = optarg;
		if (option == 'c')
			dir = optarg;
	}
	if (mode == MODE_NONE || optind < argc)
		return usage();
	conf_register(&commands_params);
	if (!setgid_conf_load(dir, &why) || !conf_fill(&conf_core_params, &why)
	    || !conf_fill(&commands_params, &why)) {
		fprintf(stderr, "postqueue: fatal: %s\n", str_cstr(&why));
		return EX_CONFIG;
	}
	logsink_open("postqueue", -1);
	log_set_name("postqueue");
	log_add_sink(log_sink_stderr(false));
	if (chdir(conf_core.queue_directory) < 0)
		return die(EX_UNAVAILABLE, "chdir %s: %m",
		    conf_core.queue_directory);
	queue_names_setup(conf_core.hash_queue_names,
	    conf_core.hash_queue_depth);

	bool looks = mode == MODE_JSON || mode == MODE_LIST;
	int refused = user_acl_check(looks ? commands_conf.mailq_users
	    : commands_conf.flush_users, looks ? "view the mail queue"
	    : "flush the mail queue", &why);

	if (refused != EX_OK)
		return die(refused, "%s", str_cstr(&why));
	switch (mode) {
	case MODE_JSON:
		printer.json = true;
		return print_queue(&printer);
	case MODE_LIST:
		return print_queue(&printer);
	case MODE_FLUSH:
		return flush_queue();
	case MODE_ID:
		if (!queue_id_valid(SPAN(one.id)))
			return die(EX_USAGE, "Cannot flush queue ID - "
			    "invalid name: \"%s\"", one.id);
		fiber_run_main(flush_message, &one);
		return one.exit_status;
	case MODE_SITE:
		if (!flush_site_valid(SPAN(one.id)))
			return die(EX_USAGE, "Cannot flush mail queue - "
			    "invalid destination: \"%s\"", one.id);
		fiber_run_main(flush_site_now, &one);
		return one.exit_status;
	case MODE_NONE:
		break;
	}
	return usage();
}
