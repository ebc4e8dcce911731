/*
 * Queue files and logs that Postfix wrote: read, refused, adopted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/postfix_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/fault.h"
#include "common/io/fs.h"
#include "queue/adopt.h"
#include "queue/outcome_log.h"
#include "queue/scan.h"
#include "tests/queue/files.h"

#define ID "8D531B3C0CE"

/* Records as lines: a letter for the type, then what it holds. */
static void
put_records(struct str *out, const char *lines)
{
	struct span rest = SPAN(lines), line;

	while (span_split(&rest, '\n', &line)) {
		size_t length = line.len - 1;

		str_putc(out, line.p[0]);
		while (length > 127) {
			str_putc(out, (char)(length % 128 + 128));
			length /= 128;
		}
		str_putc(out, (char)length);
		str_add(out, span_skip(line, 1));
	}
}

#define SIZES "C 1 2 3 0 1 0          \n"

static int
file_of(struct span bytes)
{
	int fd = fs_memory_file("test", NULL);

	T_NEED(fd >= 0 && fs_write_all(fd, bytes, NULL));
	return fd;
}

static void
describe_rcpt(const struct envelope_rcpt *r, bool done, void *arg)
{
	struct str *out = arg;

	str_addf(out, " %s%.*s", done ? "done:" : "", SPAN_ARG(r->address));
	if (!span_empty(r->original) && !span_eq(r->original, r->address))
		str_addf(out, "(%.*s)", SPAN_ARG(r->original));
	if (!span_empty(r->orcpt))
		str_addf(out, "[%.*s]", SPAN_ARG(r->orcpt));
	if (r->notify != 0)
		str_addf(out, "/%d", (int)r->notify);
}

/* "s@a -> b@c(orig)[orcpt]/notify {filter} flags: content" */
static void
describe(int fd, struct str *out)
{
	struct arena *arena = arena_new();
	struct queue_message m;
	struct str why = STR_EMPTY;
	char path[40];
	char *text;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	T_NEED(queue_message_open_path(path, arena, &m, &why) == QUEUE_OK);
	T_EQ_INT(queue_message_check(&m, &why), QUEUE_OK);
	str_printf(out, "%.*s ->", SPAN_ARG(m.envelope.sender));
	queue_message_each_rcpt(&m, describe_rcpt, out, &why);
	if (!span_empty(m.envelope.filter))
		str_addf(out, " {%.*s}", SPAN_ARG(m.envelope.filter));
	if (m.envelope.flags != 0)
		str_addf(out, " %llu",
		    (unsigned long long)m.envelope.flags);
	text = arena_alloc(arena, m.layout.content_length + 1);
	T_NEED(fs_pread_all(m.fd, text, m.layout.content_length,
	    (off_t)m.layout.content_offset, &why));
	text[m.layout.content_length] = '\0';
	str_addf(out, ": %s", text);
	queue_message_close(&m);
	arena_free(&arena);
	str_fini(&why);
}

static void
read_records(const char *lines, struct str *out)
{
	struct str bytes = STR_EMPTY, why = STR_EMPTY;
	int fd, copy;

	put_records(&bytes, lines);
	fd = file_of(str_span(&bytes));
	if (postfix_file_copy(fd, str_len(&bytes), &copy, &why) == QUEUE_OK) {
		describe(copy, out);
		close(copy);
	} else {
		str_set(out, str_span(&why));
	}
	close(fd);
	str_fini(&bytes);
	str_fini(&why);
}

#define ENVELOPE SIZES "T7 8\nSs@a\n"
#define REFUSED "a file of Postfix's: "

T_TEST(a_file_of_postfix_is_read)
{
	static const struct {
		const char *name, *records, *want;
	} cases[] = {
		{ "plain", ENVELOPE "Rr@b\nM\nNSubject: x\nN\nNy\nX\nE\n",
		    "s@a -> r@b: Subject: x\n\ny\n" },
		{ "the null sender, no recipients", "T7\nS\nM\nX\nE\n",
		    " ->: " },
		{ "recipients that are done are left out",
		    ENVELOPE "Rr@b\nDs@b\n/t@b\nRu@b\nM\nX\nE\n",
		    "s@a -> r@b u@b: " },
		{ "what was asked of a recipient goes with it", ENVELOPE
		    "Anotify_flags=3\nAdsn_orig_rcpt=rfc822;o@c\nOo@b\nRr@b\n"
		    "Rs@b\nAnotify_flags=1\nDt@b\nRu@b\nM\nX\nE\n",
		    "s@a -> r@b(o@b)[rfc822;o@c]/3 s@b u@b: " },
		{ "recipients behind the content",
		    ENVELOPE "M\nNx\nX\nAnotify_flags=8\nRr@b\nE\n",
		    "s@a -> r@b/8: x\n" },
		{ "a long line comes in parts",
		    ENVELOPE "M\nLab\nLcd\nNef\nLg\nX\nE\n",
		    "s@a ->: abcdef\ng" },
		{ "flags", "C 1 2 3 0 1 3\nT7\nSs@a\nAtrace_flags=1024\n"
		    "Aencoding=8bit\nW0\nM\nX\nE\n", "s@a -> 87: " },
		{ "a warning that was not sent", ENVELOPE "W 1795804909\n"
		    "M\nX\nE\n", "s@a ->: " },
		{ "asked only to verify", ENVELOPE "Atrace_flags=512\nRr@b\n"
		    "M\nX\nE\n",
		    "s@a -> 48: " },
		{ "a report that was made is not made again",
		    ENVELOPE "Ktrace_flags=1024\nM\nX\nE\n", "s@a ->: " },
		{ "a filter", ENVELOPE "Rr@b\nM\nNx\nX\nLsmtp:f\nE\n",
		    "s@a -> r@b {smtp:f}: x\n" },
		{ "another recipient in place of all", ENVELOPE
		    "Lsmtp:f\nOo@b\nRr@b\nRs@b\nM\nX\n>t@c\nE\n",
		    "s@a -> t@c(o@b): " },
		{ "attributes of later versions mean nothing here",
		    ENVELOPE "Aunheard=of\nAnonsense\nRr@b\nM\nX\nE\n",
		    "s@a -> r@b: " },
		{ "deleted text, and pointers that point nowhere yet",
		    ENVELOPE "w123\nRr@b\np0\nM\nNx\nw1234\np   0\nX\nE\n",
		    "s@a -> r@b: x\n" },

		{ "no end", ENVELOPE "Rr@b\nM\nNx\nX\n",
		    REFUSED "no end of message" },
		{ "no sender", "T7\nRr@b\nM\nX\nE\n",
		    REFUSED "offset 0: no sender, or no time of arrival" },
		{ "no content", ENVELOPE "Rr@b\nE\n",
		    REFUSED "offset 39: it ends too early" },
		{ "recipients within the content", ENVELOPE "M\nRr@b\nX\nE\n",
		    REFUSED "offset 36: content of an unknown kind" },
		{ "two contents", ENVELOPE "M\nM\nX\nE\n",
		    REFUSED "offset 36: its parts are out of order" },
		{ "an unknown record", ENVELOPE "?x\nM\nX\nE\n",
		    REFUSED "offset 34: a record of an unknown kind" },
		{ "a size that is none", "C 1 x\nT7\nSs@a\nM\nX\nE\n",
		    REFUSED "offset 0: a size makes no sense" },
		{ "a time that is none", "Tnow\nSs@a\nM\nX\nE\n",
		    REFUSED "offset 0: a time makes no sense" },
		{ "an address with a control character",
		    ENVELOPE "Rr\r@b\nM\nX\nE\n",
		    REFUSED "offset 34: an address has control characters" },
		{ "a pointer behind the end", ENVELOPE "p999\nM\nX\nE\n",
		    REFUSED "offset 34: a pointer to nowhere" },
		{ "a pointer back", ENVELOPE "p29\nM\nX\nE\n",
		    REFUSED "offset 29: records go round in circles" },
	};
	struct str got = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].name);
		str_clear(&got);
		read_records(cases[i].records, &got);
		T_EQ_STR(str_cstr(&got), cases[i].want);
	}
	str_fini(&got);
}

/* A filter put a header in, and took one away. */
T_TEST(pointers_are_followed)
{
	struct str bytes = STR_EMPTY, got = STR_EMPTY, why = STR_EMPTY;
	size_t pointer, back, heap;
	char room[20];
	int fd, copy;

	put_records(&bytes, ENVELOPE "Rr@b\nM\nNone\n");
	pointer = str_len(&bytes);
	put_records(&bytes, "p              0\nwtwo\n");
	back = str_len(&bytes);
	put_records(&bytes, "Nthree\nX\nE\n");
	heap = str_len(&bytes);
	put_records(&bytes, "Nadded\n");
	snprintf(room, sizeof(room), "p%15zu\n", back);
	put_records(&bytes, room);
	snprintf(room, sizeof(room), "%15zu", heap);
	memcpy(bytes.buf + pointer + 2, room, 15);
	fd = file_of(str_span(&bytes));
	T_NEED(postfix_file_copy(fd, str_len(&bytes), &copy, &why)
	    == QUEUE_OK);
	describe(copy, &got);
	T_EQ_STR(str_cstr(&got), "s@a -> r@b: one\nadded\nthree\n");
	close(fd);
	close(copy);
	str_fini(&bytes);
	str_fini(&got);
	str_fini(&why);
}

T_TEST(every_part_of_a_file_is_refused)
{
	struct str bytes = STR_EMPTY, why = STR_EMPTY;

	put_records(&bytes, ENVELOPE "Rr@b\nM\nNSubject: x\nX\nE\n");
	for (size_t n = 0; n < str_len(&bytes); n++) {
		int copy, fd = file_of(span_sub(str_span(&bytes), 0, n));

		T_CASEF("%zu bytes", n);
		T_EQ_INT(postfix_file_copy(fd, n, &copy, &why),
		    QUEUE_INCOMPLETE);
		close(fd);
	}
	str_fini(&bytes);
	str_fini(&why);
}

T_TEST(first_bytes_tell_whose_file_it_is)
{
	T_CHECK(postfix_file_is(SPAN("C_             ")));
	T_CHECK(postfix_file_is(SPAN("T\x11" "1795801315 1")));
	T_CHECK(!postfix_file_is(SPAN("WAYPOST1")));
	T_CHECK(!postfix_file_is(SPAN("Content-Type: x")));
	T_CHECK(!postfix_file_is(SPAN("To: somebody")));
	T_CHECK(!postfix_file_is(SPAN("C_ ")));
	T_CHECK(!postfix_file_is(SPAN_NONE));
}

/* ---- on disk ---- */

static void
put_file(int queue, const char *path, struct span bytes, mode_t mode)
{
	int fd = fs_create_at(queue, path, 0600, NULL);

	T_NEED(fd >= 0 && fs_write_all(fd, bytes, NULL)
	    && fs_chmod(fd, mode, NULL) && fs_set_mtime(fd, 1000, NULL));
	close(fd);
}

static void
put_postfix(int queue, const char *path, const char *lines, mode_t mode)
{
	struct str bytes = STR_EMPTY;

	put_records(&bytes, lines);
	put_file(queue, path, str_span(&bytes), mode);
	str_fini(&bytes);
}

#define MESSAGE ENVELOPE "Rr@b\nDs@b\nRt@b\nM\nNx\nX\nE\n"
#define TEXT_LOG "\n<r@b>: in vain\nrecipient=r@b\noffset=33\n"	\
	"original_recipient=<\"a b\"@c>\nnotify_flags=12\nstatus=4.4.1\n"	\
	"action=delayed\ndiag_type=smtp\ndiag_text=450 no\nmta_type=dns\n"	\
	"mta_mname=mx.b\nreason=in vain: a=b\n\n\nrecipient=<>\nreason=x\n"

static enum queue_result
adopt(int queue, enum queue_name where, struct str *why)
{
	bool adopted;
	enum queue_result result = queue_adopt(queue, where, SPAN(ID),
	    &adopted, why);

	T_EQ_INT(adopted, result == QUEUE_OK);
	return result;
}

static const char *
log_text(int queue)
{
	static struct str text;
	struct arena *arena = arena_new();
	struct outcome *o;
	struct str why = STR_EMPTY;
	size_t n = 0;

	T_EQ_INT(outcome_log_read(queue, QUEUE_DEFER, SPAN(ID), arena, &o, &n,
	    &why), QUEUE_OK);
	str_clear(&text);
	for (size_t i = 0; i < n; i++)
		str_addf(&text, "%.*s(%.*s)/%d %d %.*s %.*s %.*s %.*s %.*s|",
		    SPAN_ARG(o[i].rcpt), SPAN_ARG(o[i].original),
		    (int)o[i].notify, (int)o[i].action, SPAN_ARG(o[i].dsn),
		    SPAN_ARG(o[i].diag_type), SPAN_ARG(o[i].diag_text),
		    SPAN_ARG(o[i].mta_name), SPAN_ARG(o[i].reason));
	arena_free(&arena);
	str_fini(&why);
	return str_cstr(&text);
}

#define LOG_READS \
	"r@b(a b@c)/12 1 4.4.1 smtp 450 no mx.b in vain: a=b|()/0 0     x|"

T_TEST(who_only_looks_sees_a_copy)
{
	int queue = files_queue("q");
	struct arena *arena = arena_new();
	struct queue_message m;
	struct str why = STR_EMPTY;

	put_postfix(queue, "hold/" ID, MESSAGE, 0700);
	put_file(queue, "defer/" ID, SPAN(TEXT_LOG), 0600);
	T_NEED(queue_message_open(queue, QUEUE_HOLD, SPAN(ID), false, true,
	    arena, &m, &why) == QUEUE_OK);
	T_CHECK(m.is_copy);
	T_EQ_INT(m.mtime, 1000);
	T_EQ_INT(m.layout.rcpt_count, 2);
	queue_message_close(&m);
	T_EQ_STR(log_text(queue), LOG_READS);
	T_EQ_STR(files_read(queue, QUEUE_HOLD, ID), "foreign");
	arena_free(&arena);
	str_fini(&why);
	close(queue);
}

T_TEST(maildrop_is_read_as_it_is)
{
	int queue = files_queue("q");

	put_postfix(queue, "maildrop/" ID, "T1795801315 162768\nSs@a\nRr@b\n"
	    "M\nNx\nX\nE\n", 0744);
	T_EQ_STR(files_read(queue, QUEUE_MAILDROP, ID), "s@a -> r@b (2)");
	close(queue);
}

T_TEST(a_message_is_adopted_under_its_name)
{
	int queue = files_queue("q");
	struct str why = STR_EMPTY;
	struct stat st;

	put_postfix(queue, "deferred/" ID, MESSAGE, 0700);
	put_file(queue, "deferred/adopt." ID, SPAN("half"), 0600);
	put_file(queue, "defer/" ID, SPAN(TEXT_LOG), 0600);
	T_EQ_INT(adopt(queue, QUEUE_DEFERRED, &why), QUEUE_OK);
	T_EQ_STR(files_read(queue, QUEUE_DEFERRED, ID), "s@a -> r@b t@b (2)");
	T_EQ_STR(log_text(queue), LOG_READS);
	T_CHECK(fs_stat_at(queue, "deferred/" ID, &st, &why));
	T_EQ_INT(st.st_mtime, 1000);
	T_EQ_INT(st.st_mode & 07777, 0700);
	T_EQ_INT(fs_look_at(queue, "deferred/adopt." ID, &why), FS_ABSENT);

	bool adopted = true;	/* a second time there is nothing to do */
	T_EQ_INT(queue_adopt(queue, QUEUE_DEFERRED, SPAN(ID), &adopted, &why),
	    QUEUE_OK);
	T_CHECK(!adopted);
	str_fini(&why);
	close(queue);
}

T_TEST(what_cannot_be_adopted_stays_as_it_is)
{
	int queue = files_queue("q");
	struct str why = STR_EMPTY;
	int fd;

	T_EQ_INT(adopt(queue, QUEUE_ACTIVE, &why), QUEUE_GONE);
	put_postfix(queue, "incoming/" ID, MESSAGE, 0600);
	T_EQ_INT(adopt(queue, QUEUE_INCOMING, &why), QUEUE_INCOMPLETE);
	put_postfix(queue, "hold/" ID, ENVELOPE "Rr@b\nM\nNx\n", 0700);
	T_EQ_INT(adopt(queue, QUEUE_HOLD, &why), QUEUE_DAMAGED);
	T_EQ_STR(str_cstr(&why), REFUSED "no end of message");

	put_postfix(queue, "active/" ID, MESSAGE, 0700);
	fd = fs_open_at(queue, "active/" ID, O_RDONLY, &why);
	T_CHECK(fs_flock(fd, true, false));	/* an agent of Postfix's */
	T_EQ_INT(adopt(queue, QUEUE_ACTIVE, &why), QUEUE_BUSY);
	close(fd);
	T_EQ_INT(adopt(queue, QUEUE_ACTIVE, &why), QUEUE_OK);
	str_fini(&why);
	close(queue);
}

/* False when this pass of the point was not reached. */
static bool
adopt_failing_at(const char *point, int nth, int error)
{
	static unsigned count;
	struct str why = STR_EMPTY;
	enum queue_result result;
	bool adopted, hit;
	char name[20];
	int queue;

	snprintf(name, sizeof(name), "q%u", count++);
	queue = files_queue(name);
	put_postfix(queue, "deferred/" ID, MESSAGE, 0700);
	put_file(queue, "defer/" ID, SPAN(TEXT_LOG), 0600);
	fault_arm(point, nth, error);
	result = queue_adopt(queue, QUEUE_DEFERRED, SPAN(ID), &adopted, &why);
	hit = fault_was_hit();
	fault_disarm();
	T_CHECK(result == QUEUE_OK ? adopted : hit);
	T_EQ_STR(files_list(queue), "deferred " ID ";");
	T_EQ_INT(queue_adopt(queue, QUEUE_DEFERRED, SPAN(ID), &adopted, &why),
	    QUEUE_OK);
	T_EQ_STR(files_read(queue, QUEUE_DEFERRED, ID), "s@a -> r@b t@b (2)");
	T_EQ_STR(log_text(queue), LOG_READS);
	close(queue);
	str_fini(&why);
	return hit;
}

/* At any failure the old file is there, or the new one, and no other. */
T_TEST(a_failure_loses_nothing)
{
	static const struct {
		const char *point;
		int error, passes;
	} points[] = { { "fs.open", EMFILE, 3 }, { "fs.create", ENOSPC, 2 },
		{ "fs.write", ENOSPC, 2 }, { "fs.own", EPERM, 2 },
		{ "fs.mtime", EIO, 2 }, { "fs.fsync", EIO, 2 },
		{ "fs.rename", EIO, 2 }, { "fs.fsyncdir", EIO, 2 },
		{ "fs.read", EIO, 3 }, { "fs.stat", EIO, 3 } };

	for (size_t i = 0; i < T_COUNT(points); i++) {
		int nth = 1;

		do {
			T_CASEF("%s, pass %d", points[i].point, nth);
		} while (adopt_failing_at(points[i].point, nth++,
		    points[i].error) && nth < 100);
		T_CHECK(nth > points[i].passes);
	}
}

T_TEST(recovery_adopts_what_it_finds)
{
	int queue = files_queue("q");
	struct queue_recovery done;
	struct str why = STR_EMPTY;

	put_postfix(queue, "active/" ID, MESSAGE, 0700);
	put_postfix(queue, "incoming/9AADBB3C0CF", MESSAGE, 0600);
	put_postfix(queue, "hold/E86C8B3C0D8", ENVELOPE "?\nM\nX\nE\n", 0700);
	T_CHECK(queue_recover(queue, time(NULL) + 100, &done, &why));
	T_EQ_INT(done.requeued, 1);
	T_EQ_INT(done.removed, 1);
	T_EQ_INT(done.corrupt, 1);
	T_EQ_STR(files_read(queue, QUEUE_INCOMING, ID), "s@a -> r@b t@b (2)");
	T_EQ_STR(files_list(queue), "incoming " ID ";corrupt E86C8B3C0D8;");
	str_fini(&why);
	close(queue);
}
