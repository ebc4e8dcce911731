/*
 * The commit log: what it promised comes back after a loss of power, and
 * nothing else does.
 *
 * Messages are written as cleanup does. A loss is played by taking their files
 * away, or by what a model of the disk says was durable.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fault.h"
#include "common/io/fiber.h"
#include "common/io/fs.h"
#include "common/io/loop.h"
#include "queue/commit_log_priv.h"
#include "queue/outcome_log.h"
#include "queue/scan.h"
#include "tests/queue/files.h"

static int queue;
static struct commit_log *commits;
static const struct commit_log_size small = { .records = 16,
	.half_bytes = 64 * 1024 };

static void
begin(const struct commit_log_size *size)
{
	struct str why = STR_EMPTY;

	commits = commit_log_new(queue, size);
	T_CHECK(commit_log_take(commits, &why));
	T_EQ_STR(str_cstr(&why), "");
	str_fini(&why);
}

static const char *
id_of(int n)
{
	static char ids[4][QUEUE_ID_MAX];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(ids[turn], sizeof(ids[turn]), "4F0A1B2C%02X", n);
	return ids[turn];
}

/* A message in the queue whose bytes the log has taken. */
static enum commit_log_result
put(const char *id, size_t content, enum queue_name to,
    struct commit_log_spot *spot)
{
	struct files_message m = { .id = id, .sender = "s@a",
		.before = "r@b t@c", .content = content };
	struct str path = STR_EMPTY, bytes = STR_EMPTY, why = STR_EMPTY;
	struct commit_log_spot here;
	enum commit_log_result result;

	T_NEED(files_write(queue, &m, to) == QUEUE_OK);
	queue_path(to, SPAN(id), &path);
	T_NEED(fs_read_file_at(queue, str_cstr(&path), 100000, &bytes, &why));
	result = commit_log_append(commits, id, to, str_span(&bytes),
	    crc32c(0, str_cstr(&bytes), str_len(&bytes)),
	    spot != NULL ? spot : &here, &why);
	str_fini(&path);
	str_fini(&bytes);
	str_fini(&why);
	return result;
}

/* The process dies: its descriptors and locks go, its files stay. */
static void
die(void)
{
	commit_log_free(commits);
	commits = NULL;
}

static void
lose(enum queue_name where, const char *id)
{
	struct str why = STR_EMPTY;

	T_CHECK(queue_remove(queue, where, SPAN(id), &why));
	str_fini(&why);
}

static void
change_file(enum queue_name where, const char *id, off_t cut_at, off_t flip_at)
{
	struct str path = STR_EMPTY;
	char c;

	queue_path(where, SPAN(id), &path);
	int fd = openat(queue, str_cstr(&path), O_RDWR | O_CLOEXEC);

	T_NEED(fd >= 0);
	if (cut_at >= 0)
		T_NEED(ftruncate(fd, cut_at) == 0);
	if (flip_at >= 0) {
		T_NEED(pread(fd, &c, 1, flip_at) == 1);
		c = (char)~c;
		T_NEED(pwrite(fd, &c, 1, flip_at) == 1);
	}
	close(fd);
	str_fini(&path);
}

static void
move(const char *id, enum queue_name from, enum queue_name to)
{
	struct str why = STR_EMPTY;

	T_CHECK(queue_move(queue, SPAN(id), from, to, &why));
	str_fini(&why);
}

static struct commit_log_recovery
recover(void)
{
	struct commit_log_recovery done;

	commit_log_recover(queue, &done);
	return done;
}

/* "1 2 0 0": complete, restored, lost, troubles; and what was removed. */
static const char *
recovered(void)
{
	static char text[128];
	struct commit_log_recovery done = recover();

	snprintf(text, sizeof(text), "%zu %zu %zu %zu", done.complete,
	    done.restored, done.lost, done.troubles);
	if (done.removed > 0)
		snprintf(text + strlen(text), 40, ", %zu removed",
		    done.removed);
	return text;
}

static size_t
logs(void)
{
	uint64_t *names;
	size_t n = clog_names(queue, false, &names);

	mem_free(names);
	return n;
}

static void
list_one(const char *log, const char *id, void *arg)
{
	struct str *text = arg;

	T_HAS_STR(log, COMMIT_LOG_DIR "/");
	str_addf(text, "%s%s", str_len(text) > 0 ? " " : "", id);
}

/* What a recovery would look at. */
static const char *
living(void)
{
	static struct str text;

	str_clear(&text);
	commit_log_list(queue, list_one, &text);
	return str_cstr(&text);
}

/* ---- what comes back ---- */

T_TEST(a_message_without_its_file_is_written_again_once)
{
	queue = files_queue("queue");
	begin(&small);
	T_EQ_INT(put(id_of(1), 500, QUEUE_INCOMING, NULL), COMMIT_LOG_DURABLE);
	T_EQ_INT(put(id_of(2), 9000, QUEUE_HOLD, NULL), COMMIT_LOG_DURABLE);
	T_EQ_STR(living(), "4F0A1B2C01 4F0A1B2C02");
	die();
	lose(QUEUE_INCOMING, id_of(1));
	lose(QUEUE_HOLD, id_of(2));
	T_EQ_STR(files_list(queue), "");
	T_CHECK(commit_log_any(queue));
	T_EQ_STR(recovered(), "0 2 0 0");
	T_EQ_STR(files_list(queue), "incoming 4F0A1B2C01;hold 4F0A1B2C02;");
	T_EQ_STR(files_read(queue, QUEUE_INCOMING, id_of(1)),
	    "s@a -> r@b t@c (500)");
	T_EQ_STR(files_read(queue, QUEUE_HOLD, id_of(2)),
	    "s@a -> r@b t@c (9000)");
	T_CHECK(!commit_log_any(queue));
	lose(QUEUE_INCOMING, id_of(1));
	T_EQ_STR(recovered(), "0 0 0 0");
	T_EQ_STR(files_list(queue), "hold 4F0A1B2C02;");
}

/* What happened to the file before power failed, and what there must be. */
static const struct {
	const char *name;
	enum queue_name moved_to;
	off_t cut_at, flip_at;
	bool lost, done;
	const char *want, *list;
} fates[] = {
	{ "all is there", QUEUE_INCOMING, -1, -1, false, false, "1 0 0 0",
	    "incoming" },
	{ "in delivery", QUEUE_ACTIVE, -1, -1, false, false, "1 0 0 0",
	    "active" },
	{ "deferred", QUEUE_DEFERRED, -1, -1, false, false, "1 0 0 0",
	    "deferred" },
	{ "put on hold", QUEUE_HOLD, -1, -1, false, false, "1 0 0 0", "hold" },
	{ "set aside, whole", QUEUE_CORRUPT, -1, -1, false, false, "1 0 0 0",
	    "corrupt" },
	{ "the name without bytes", QUEUE_INCOMING, 0, -1, false, false,
	    "0 1 0 0", "incoming" },
	{ "a part", QUEUE_INCOMING, 300, -1, false, false, "0 1 0 0",
	    "incoming" },
	{ "wrong bytes", QUEUE_INCOMING, -1, 200, false, false, "0 1 0 0",
	    "incoming" },
	{ "a part, moved on", QUEUE_ACTIVE, 10, -1, false, false, "0 1 0 0",
	    "incoming" },
	{ "a part, deferred", QUEUE_DEFERRED, 10, -1, false, false, "0 1 0 0",
	    "incoming" },
	{ "a part, put on hold", QUEUE_HOLD, 10, -1, false, false, "0 1 0 0",
	    "hold" },
	{ "a part, set aside", QUEUE_CORRUPT, 10, -1, false, false, "0 1 0 0",
	    "incoming" },
	{ "nothing", QUEUE_INCOMING, -1, -1, true, false, "0 1 0 0",
	    "incoming" },
	{ "over", QUEUE_INCOMING, -1, -1, true, true, "0 0 0 0", NULL },
	{ "over, the file came back", QUEUE_ACTIVE, -1, -1, false, true,
	    "0 0 0 0, 1 removed", NULL },
	{ "over, a part came back", QUEUE_DEFERRED, 20, -1, false, true,
	    "0 0 0 0, 1 removed", NULL },
};

T_TEST(a_file_is_written_again_exactly_if_it_is_not_whole)
{
	queue = files_queue("queue");
	for (size_t i = 0; i < T_COUNT(fates); i++) {
		const char *id = id_of((int)i);
		struct commit_log_spot spot;
		struct str why = STR_EMPTY, list = STR_EMPTY;

		T_CASE(fates[i].name);
		begin(&small);
		T_EQ_INT(put(id, 400, QUEUE_INCOMING, &spot),
		    COMMIT_LOG_DURABLE);
		if (fates[i].moved_to != QUEUE_INCOMING)
			move(id, QUEUE_INCOMING, fates[i].moved_to);
		if (fates[i].done)
			T_CHECK(commit_log_tombstone(queue, &spot, true,
			    &why));
		die();
		if (fates[i].lost)
			lose(fates[i].moved_to, id);
		else
			change_file(fates[i].moved_to, id, fates[i].cut_at,
			    fates[i].flip_at);
		T_EQ_STR(recovered(), fates[i].want);
		if (fates[i].list != NULL)
			str_printf(&list, "%s %s;", fates[i].list, id);
		T_EQ_STR(files_list(queue), str_cstr(&list));
		if (fates[i].list != NULL) {
			int where = queue_name_value(SPAN(fates[i].list));

			T_EQ_STR(files_read(queue, where, id),
			    "s@a -> r@b t@c (400)");
			lose(where, id);
		}
		T_CHECK(!commit_log_any(queue));
		str_fini(&why);
		str_fini(&list);
	}
}

/* An id that was given again while the log still had it. */
T_TEST(a_tombstone_is_for_one_message_not_for_its_name)
{
	struct commit_log_spot spot;
	struct str why = STR_EMPTY;

	queue = files_queue("queue");
	begin(&small);
	put(id_of(1), 400, QUEUE_INCOMING, &spot);
	T_CHECK(commit_log_tombstone(queue, &spot, true, &why));
	lose(QUEUE_INCOMING, id_of(1));
	T_EQ_INT(put(id_of(1), 500, QUEUE_INCOMING, NULL),
	    COMMIT_LOG_DURABLE);
	die();
	T_EQ_STR(recovered(), "1 0 0 0");
	T_EQ_STR(files_read(queue, QUEUE_INCOMING, id_of(1)),
	    "s@a -> r@b t@c (500)");
	str_fini(&why);
}

T_TEST(a_file_cut_anywhere_becomes_whole)
{
	struct stat st;
	struct str path = STR_EMPTY;

	t_tmpdir_in_memory();
	queue = files_queue("queue");
	begin(&small);
	put(id_of(1), 100, QUEUE_INCOMING, NULL);
	die();
	queue_path(QUEUE_INCOMING, SPAN(id_of(1)), &path);
	T_NEED(fstatat(queue, str_cstr(&path), &st, 0) == 0);
	for (off_t cut = 0; cut <= st.st_size; cut++) {
		T_CASEF("cut at %lld", (long long)cut);
		lose(QUEUE_INCOMING, id_of(1));
		begin(&small);
		put(id_of(1), 100, QUEUE_INCOMING, NULL);
		die();
		change_file(QUEUE_INCOMING, id_of(1), cut, -1);
		T_EQ_STR(recovered(), cut < st.st_size ? "0 1 0 0"
		    : "1 0 0 0");
		T_EQ_STR(files_read(queue, QUEUE_INCOMING, id_of(1)),
		    "s@a -> r@b t@c (100)");
	}
	str_fini(&path);
}

/* Marks of a file that is there are kept: its recipients were delivered. */
T_TEST(a_whole_file_keeps_its_marks)
{
	struct arena *arena = arena_new();
	struct envelope_rcpt rcpts[2];
	struct queue_message m;
	struct str why = STR_EMPTY;
	uint64_t cursor = 0;
	size_t n;

	queue = files_queue("queue");
	begin(&small);
	put(id_of(1), 100, QUEUE_INCOMING, NULL);
	T_NEED(queue_message_open(queue, QUEUE_INCOMING, SPAN(id_of(1)), false,
	    true, arena, &m, &why) == QUEUE_OK);
	T_EQ_INT(queue_message_rcpts(&m, &cursor, 2, arena, rcpts, &n, &why),
	    QUEUE_OK);
	queue_message_close(&m);
	T_EQ_INT(queue_marks_write(queue, QUEUE_INCOMING, SPAN(id_of(1)),
	    &rcpts[0].mark_at, 1, &why), QUEUE_OK);
	die();
	T_EQ_STR(recovered(), "1 0 0 0");
	T_EQ_STR(files_read(queue, QUEUE_INCOMING, id_of(1)),
	    "s@a -> t@c (100)");
	arena_free(&arena);
	str_fini(&why);
}

/* ---- halves and epochs ---- */

/* Fills the log many times over: messages come, most go at once, some stay. */
T_TEST(a_log_is_used_again_and_again_and_brings_back_what_lives)
{
	struct str why = STR_EMPTY;
	struct commit_log_spot spots[300];

	t_tmpdir_in_memory();
	queue = files_queue("queue");
	clock_set_virtual(1000000000, clock_wall_us());
	begin(&small);
	for (int i = 0; i < 300; i++) {
		char id[QUEUE_ID_MAX];
		enum commit_log_result result;

		clock_advance_ns(50000000);
		snprintf(id, sizeof(id), "4F0A1B%04X", i);
		result = put(id, (size_t)(i * 37 % 3000), QUEUE_INCOMING,
		    &spots[i]);
		T_CHECK(result != COMMIT_LOG_FAILED);
		if (result == COMMIT_LOG_PASSED) {
			T_EQ_INT(spots[i].log, 0);
			T_CHECK(commit_log_checkpoint(commits, &why));
			T_EQ_STR(living(), "");
		}
		if (i % 10 != 0) {
			T_CHECK(commit_log_tombstone(queue, &spots[i], false,
			    &why));
			lose(QUEUE_INCOMING, id);
		}
		/* One that stays is done when its half is long another's. */
		if (i >= 100 && i % 10 == 0) {
			snprintf(id, sizeof(id), "4F0A1B%04X", i - 100);
			T_CHECK(commit_log_tombstone(queue, &spots[i - 100],
			    false, &why));
			lose(QUEUE_INCOMING, id);
		}
	}
	T_EQ_STR(str_cstr(&why), "");
	die();
	T_EQ_INT(logs(), 1);
	/* The last checkpoint made the others durable; these it did not. */
	for (int i = 200; i < 300; i += 10) {
		struct str id = STR_EMPTY;

		str_printf(&id, "4F0A1B%04X", i);
		if (strstr(living(), str_cstr(&id)) != NULL)
			lose(QUEUE_INCOMING, str_cstr(&id));
		str_fini(&id);
	}
	struct commit_log_recovery done = recover();

	T_CHECK(done.restored > 0 && done.restored < 10);
	T_EQ_INT(done.lost + done.troubles + done.complete, 0);
	for (int i = 200; i < 300; i += 10) {
		char id[QUEUE_ID_MAX];

		snprintf(id, sizeof(id), "4F0A1B%04X", i);
		T_HAS_STR(files_read(queue, QUEUE_INCOMING, id), "r@b t@c");
		lose(QUEUE_INCOMING, id);
	}
	T_EQ_STR(files_list(queue), "");
	str_fini(&why);
}

T_TEST(a_late_tombstone_says_nothing_of_the_next_epoch)
{
	struct commit_log_spot old, spot;
	struct str why = STR_EMPTY;

	queue = files_queue("queue");
	begin(&small);
	put(id_of(1), 100, QUEUE_INCOMING, &old);
	T_CHECK(commit_log_checkpoint(commits, &why));
	put(id_of(2), 100, QUEUE_INCOMING, &spot);
	T_CHECK(commit_log_checkpoint(commits, &why));
	put(id_of(3), 100, QUEUE_INCOMING, &spot);
	T_EQ_INT(spot.at, old.at);
	T_CHECK(spot.epoch > old.epoch && spot.mark != old.mark);
	T_EQ_STR(living(), "4F0A1B2C03");
	/* Not yet two seconds later, so that nobody looks whether it is over. */
	old.epoch = (uint64_t)clock_wall_us();
	T_CHECK(commit_log_tombstone(queue, &old, false, &why));
	T_EQ_STR(living(), "4F0A1B2C03");
	T_CHECK(commit_log_tombstone(queue, &spot, false, &why));
	T_EQ_STR(living(), "");
	die();
	str_fini(&why);
}

T_TEST(a_tombstone_of_an_epoch_that_is_over_is_not_written)
{
	struct commit_log_spot old, spot;
	struct str why = STR_EMPTY;

	clock_set_virtual(INT64_C(3600000000000), INT64_C(1767323045000000));
	queue = files_queue("queue");
	begin(&small);
	put(id_of(1), 100, QUEUE_INCOMING, &old);
	put(id_of(2), 100, QUEUE_INCOMING, &spot);
	/* Now the header has been looked at. */
	T_CHECK(commit_log_tombstone(queue, &spot, false, &why));
	T_CHECK(commit_log_checkpoint(commits, &why));
	put(id_of(3), 100, QUEUE_INCOMING, &spot);
	T_CHECK(commit_log_checkpoint(commits, &why));
	put(id_of(4), 100, QUEUE_INCOMING, &spot);
	T_EQ_INT(spot.at, old.at);
	T_CHECK(commit_log_tombstone(queue, &spot, false, &why));
	T_EQ_STR(living(), "");
	clock_advance_ns(INT64_C(2000000000));
	T_CHECK(commit_log_tombstone(queue, &old, false, &why));
	T_EQ_STR(living(), "");
	clock_set_real();
	die();
	str_fini(&why);
}

T_TEST(a_full_log_lets_messages_pass_until_it_is_settled)
{
	struct str why = STR_EMPTY;
	int taken = 0;

	queue = files_queue("queue");
	begin(&small);
	while (put(id_of(taken), 100, QUEUE_INCOMING, NULL)
	    == COMMIT_LOG_DURABLE)
		taken++;
	T_EQ_INT(taken, 2 * 15);	/* a page each, one for the table */
	T_EQ_INT(put(id_of(200), 100, QUEUE_INCOMING, NULL),
	    COMMIT_LOG_PASSED);
	T_CHECK(commit_log_ready(commits));
	T_CHECK(commit_log_checkpoint(commits, &why));
	T_EQ_INT(put(id_of(201), 100, QUEUE_INCOMING, NULL),
	    COMMIT_LOG_DURABLE);
	T_EQ_STR(living(), id_of(201));
	die();
	str_fini(&why);
}

T_TEST(what_is_too_large_passes)
{
	struct commit_log_spot spot;
	struct str bytes = STR_EMPTY, why = STR_EMPTY;

	queue = files_queue("queue");
	begin(&(struct commit_log_size){ 16, 256 * 1024 });
	while (str_len(&bytes) <= COMMIT_LOG_MESSAGE_MOST)
		str_putc(&bytes, 'x');
	T_EQ_INT(commit_log_append(commits, id_of(1), QUEUE_INCOMING,
	    str_span(&bytes), 0, &spot, &why), COMMIT_LOG_PASSED);
	T_EQ_INT(commit_log_append(commits, id_of(1), QUEUE_MAILDROP,
	    SPAN("x"), 0, &spot, &why), COMMIT_LOG_PASSED);
	T_EQ_INT(put(id_of(2), 64000, QUEUE_INCOMING, &spot),
	    COMMIT_LOG_DURABLE);
	T_CHECK(spot.log != 0);
	die();
	lose(QUEUE_INCOMING, id_of(2));
	T_EQ_STR(recovered(), "0 1 0 0");
	T_EQ_STR(files_read(queue, QUEUE_INCOMING, id_of(2)),
	    "s@a -> r@b t@c (64000)");
	str_fini(&bytes);
	str_fini(&why);
}

T_TEST(a_closed_log_promises_nothing_and_holds_nothing)
{
	queue = files_queue("queue");
	begin(&small);
	put(id_of(1), 100, QUEUE_INCOMING, NULL);
	commit_log_close(commits);
	T_EQ_STR(living(), "");
	T_CHECK(!commit_log_ready(commits));
	T_EQ_INT(put(id_of(2), 100, QUEUE_INCOMING, NULL), COMMIT_LOG_PASSED);
	die();
	T_EQ_STR(recovered(), "0 0 0 0");
}

/* ---- processes that die ---- */

T_TEST(a_successor_settles_and_takes_the_log_of_the_dead)
{
	struct commit_log *other;
	struct commit_log_spot spot, new_spot;
	struct str why = STR_EMPTY;

	queue = files_queue("queue");
	begin(&small);
	put(id_of(1), 100, QUEUE_INCOMING, &spot);
	put(id_of(2), 100, QUEUE_INCOMING, NULL);
	lose(QUEUE_INCOMING, id_of(2));	/* over; its tombstone never came */
	other = commits;
	begin(&small);			/* the first is alive: another one */
	T_EQ_INT(logs(), 2);
	put(id_of(3), 100, QUEUE_INCOMING, NULL);
	commit_log_free(other);
	T_HAS_STR(living(), id_of(1));
	T_HAS_STR(living(), id_of(2));
	die();

	begin(&small);
	T_EQ_INT(logs(), 1);
	T_EQ_STR(living(), "");
	put(id_of(4), 100, QUEUE_INCOMING, &new_spot);
	T_CHECK(new_spot.epoch > spot.epoch);
	T_EQ_STR(living(), id_of(4));
	die();
	T_EQ_STR(recovered(), "1 0 0 0");
	T_EQ_STR(files_list(queue), "incoming 4F0A1B2C01;"
	    "incoming 4F0A1B2C03;incoming 4F0A1B2C04;");
	str_fini(&why);
}

T_TEST(a_log_of_another_size_is_settled_and_goes)
{
	queue = files_queue("queue");
	begin(&small);
	put(id_of(1), 100, QUEUE_INCOMING, NULL);
	die();
	begin(&(struct commit_log_size){ 16, 128 * 1024 });
	T_EQ_INT(logs(), 1);
	T_EQ_STR(living(), "");
	put(id_of(2), 100, QUEUE_INCOMING, NULL);
	die();
	T_EQ_STR(recovered(), "1 0 0 0");
}

/* ---- spots ---- */

T_TEST(a_message_whose_notice_was_not_seen_is_found_in_the_log)
{
	struct commit_log_spot spots[40], found;
	struct str why = STR_EMPTY;
	int n = 0;

	queue = files_queue("queue");
	clock_set_virtual(1000000000, clock_wall_us());
	commit_log_find(queue, SPAN(id_of(0)), &found);
	T_EQ_INT(found.log, 0);
	begin(&small);
	for (; n < 20; n++) {		/* the first half and a part */
		put(id_of(n), (size_t)n * 200, QUEUE_INCOMING, &spots[n]);
		if (n % 3 != 0)
			continue;
		clock_advance_ns(1000000000);
		commit_log_find(queue, SPAN(id_of(n)), &found);
		T_CASEF("message %d", n);
		T_CHECK(memcmp(&found, &spots[n], sizeof(found)) == 0);
		commit_log_find(queue, SPAN(id_of(n / 2)), &found);
		T_CHECK(memcmp(&found, &spots[n / 2], sizeof(found)) == 0);
		commit_log_find(queue, SPAN(id_of(99)), &found);
		T_EQ_INT(found.log, 0);
	}
	T_CHECK(commit_log_checkpoint(commits, &why));
	clock_advance_ns(1000000000);
	commit_log_find(queue, SPAN(id_of(99)), &found);
	for (int i = 0; i < n; i++) {
		commit_log_find(queue, SPAN(id_of(i)), &found);
		T_EQ_INT(found.log, 0);
	}
	commit_log_close(commits);
	die();
	str_fini(&why);
}

/* Its file comes back, and what was noted of it has to be there. */
T_TEST(logs_of_a_message_that_only_the_log_has_are_left_alone)
{
	static const struct outcome one = { .rcpt = SPAN_LIT("r@b"),
		.action = DSN_FAILED, .dsn = SPAN_LIT("5.1.1") };
	struct queue_recovery done = { .requeued = 0 };
	struct str why = STR_EMPTY;

	queue = files_queue("queue");
	begin(&small);
	put(id_of(1), 100, QUEUE_INCOMING, NULL);
	lose(QUEUE_INCOMING, id_of(1));
	for (int n = 1; n <= 2; n++) {
		T_CHECK(outcome_log_append(queue, QUEUE_BOUNCE,
		    SPAN(id_of(n)), &one, 1, &why));
		queue_recover_log(queue, QUEUE_BOUNCE, SPAN(id_of(n)),
		    clock_wall() + 100, &done);
		T_EQ_INT(done.logs, n - 1);
	}
	die();
	str_fini(&why);
}

T_TEST(a_spot_from_outside_cannot_hurt_a_record)
{
	struct commit_log_spot spot, bad;
	struct str why = STR_EMPTY;
	uint64_t half = clog_half_at(&small, 0);
	uint64_t wrong[] = { 0, 8, half + 4, half + 16 * 8, half + 4096,
		clog_half_at(&small, 1) + 16 * 8, clog_half_at(&small, 2),
		UINT64_MAX, UINT64_MAX - 7 };

	queue = files_queue("queue");
	begin(&small);
	put(id_of(1), 100, QUEUE_INCOMING, &spot);
	for (size_t i = 0; i < T_COUNT(wrong); i++) {
		bad = spot;
		bad.at = wrong[i];
		T_CHECK(!commit_log_tombstone(queue, &bad, false, &why));
	}
	bad = spot;
	bad.log++;			/* gone, or never there */
	T_CHECK(commit_log_tombstone(queue, &bad, true, &why));
	bad.log = 0;
	T_CHECK(commit_log_tombstone(queue, &bad, true, &why));
	T_EQ_STR(living(), id_of(1));
	die();
	lose(QUEUE_INCOMING, id_of(1));
	T_EQ_STR(recovered(), "0 1 0 0");
	str_fini(&why);
}

/* ---- damage ---- */

/* Of hundreds of runs. */
static void
say_nothing(struct log_sink *sink, const struct log_record *record)
{
	(void)sink;
	(void)record;
}

static struct log_sink quiet = { .write = say_nothing };

struct image {
	struct str path, bytes;
};

static void
take_image(struct image *image)
{
	uint64_t *names;
	struct str why = STR_EMPTY;

	*image = (struct image){ STR_EMPTY, STR_EMPTY };
	T_NEED(clog_names(queue, false, &names) == 1);
	clog_path(names[0], false, &image->path);
	T_NEED(fs_read_file_at(queue, str_cstr(&image->path), 1 << 20,
	    &image->bytes, &why));
	mem_free(names);
	str_fini(&why);
}

/* Puts the log back as it was, but for one byte, or shorter. */
static void
put_image(const struct image *image, size_t length, ssize_t flip_at)
{
	int fd = openat(queue, str_cstr(&image->path), O_WRONLY | O_CREAT
	    | O_TRUNC | O_CLOEXEC, 0600);
	char c;

	T_NEED(fd >= 0);
	T_NEED(write(fd, image->bytes.buf, length) == (ssize_t)length);
	if (flip_at >= 0) {
		c = (char)~image->bytes.buf[flip_at];
		T_NEED(pwrite(fd, &c, 1, flip_at) == 1);
	}
	close(fd);
}

static void
image_over(struct image *image)
{
	str_fini(&image->path);
	str_fini(&image->bytes);
}

/* All that is there, and gone again; false if something is not as written. */
static size_t
count_whole(int messages)
{
	size_t n = 0;

	for (int i = 0; i < messages; i++) {
		const char *text = files_read(queue, QUEUE_INCOMING,
		    id_of(i));

		if (strcmp(text, "gone") == 0)
			continue;
		T_EQ_STR(text, "s@a -> r@b t@c (90)");
		lose(QUEUE_INCOMING, id_of(i));
		n++;
	}
	T_EQ_STR(files_list(queue), "");
	return n;
}

static void
remove_logs(void)
{
	for (int failed = 0; failed < 2; failed++) {
		uint64_t *names;
		size_t n = clog_names(queue, failed, &names);
		struct str why = STR_EMPTY;

		for (size_t i = 0; i < n; i++)
			T_CHECK(clog_remove(queue, names[i], failed, &why));
		mem_free(names);
		str_fini(&why);
	}
}

/* A byte of a head or of its message costs that message, and it is said so;
 * a byte of anything else costs nothing. */
T_TEST(each_byte_that_is_damaged_costs_one_message_at_most)
{
	const struct commit_log_size tiny = { 8, 4 * LOG_PAGE };
	struct image image;
	size_t cost = 0, last;

	log_add_sink(&quiet);
	t_tmpdir_in_memory();
	queue = files_queue("queue");
	begin(&tiny);
	for (int i = 0; i < 3; i++) {
		put(id_of(i), 90, QUEUE_INCOMING, NULL);
		lose(QUEUE_INCOMING, id_of(i));
	}
	die();
	take_image(&image);
	last = clog_half_at(&tiny, 0) + 3 * LOG_PAGE;
	T_CHECK(memcmp(image.bytes.buf + last, RECORD_MAGIC, 8) == 0);
	for (size_t at = 0; at < str_len(&image.bytes); at++) {
		struct commit_log_recovery done;
		size_t whole;

		/* Zeros behind zeros are all alike. */
		if (at % LOG_PAGE >= 8 && at >= 512 && image.bytes.buf[at] == 0
		    && image.bytes.buf[at - 1] == 0)
			continue;
		T_CASEF("byte %zu", at);
		put_image(&image, str_len(&image.bytes), (ssize_t)at);
		done = recover();
		T_CHECK(done.lost <= 1);
		/* Without the last head nothing tells that there was one. */
		if (at < last || at >= last + RECORD_HEAD_BYTES)
			T_EQ_INT(done.restored, 3 - done.lost);
		T_CHECK(done.restored >= 2);
		whole = count_whole(3);
		T_EQ_INT(whole, done.restored);
		T_EQ_INT(done.troubles, 0);
		cost += done.lost;
		if (t_failed())
			break;
	}
	T_CHECK(cost > 3 * 100);	/* it did meet them */
	image_over(&image);
}

T_TEST(a_log_cut_anywhere_gives_what_is_before_the_cut)
{
	const struct commit_log_size tiny = { 8, 4 * LOG_PAGE };
	struct image image;
	size_t before = 0;

	log_add_sink(&quiet);
	t_tmpdir_in_memory();
	queue = files_queue("queue");
	begin(&tiny);
	for (int i = 0; i < 3; i++) {
		put(id_of(i), 90, QUEUE_INCOMING, NULL);
		lose(QUEUE_INCOMING, id_of(i));
	}
	die();
	take_image(&image);
	for (size_t cut = 0; cut < str_len(&image.bytes); cut += 61) {
		size_t whole;

		T_CASEF("cut at %zu", cut);
		put_image(&image, cut, -1);
		recover();
		whole = count_whole(3);
		T_CHECK(whole >= before && whole <= 3);
		before = whole;
	}
	T_EQ_INT(before, 3);
	image_over(&image);
}

/* Without a header nobody knows what is over; but nothing is lost. */
T_TEST(a_log_without_headers_is_read_all_the_same)
{
	struct image image;

	queue = files_queue("queue");
	begin(&small);
	put(id_of(0), 90, QUEUE_INCOMING, NULL);
	lose(QUEUE_INCOMING, id_of(0));
	die();
	take_image(&image);
	memset(image.bytes.buf, 0, 2 * LOG_PAGE);
	put_image(&image, str_len(&image.bytes), -1);
	/* Who looks for a log while the system runs leaves it alone. */
	begin(&small);
	T_EQ_INT(logs(), 2);
	die();
	T_EQ_STR(recovered(), "0 1 0 0");
	T_EQ_INT(count_whole(1), 1);
	image_over(&image);
}

/* The picture of a record in a message, of an epoch yet to come: in a damaged
 * record, and in what is left of an older epoch. */
T_TEST(content_that_looks_like_a_record_is_none)
{
	struct clog_record forged = { .epoch = UINT64_MAX / 2,
		.nonce = 4711, .where = QUEUE_INCOMING, .id = "4F0A1B2CFF" };
	struct str bytes = STR_EMPTY, path = STR_EMPTY, why = STR_EMPTY;
	char head[RECORD_HEAD_BYTES];
	struct commit_log_spot spot;
	struct image image;

	queue = files_queue("queue");
	begin(&small);
	/* A queue file like any other, as the content of a record would be. */
	put("4F0A1B2CFF", 90, QUEUE_INCOMING, &spot);
	T_CHECK(commit_log_tombstone(queue, &spot, false, &why));
	queue_path(QUEUE_INCOMING, SPAN("4F0A1B2CFF"), &path);
	T_NEED(fs_read_file_at(queue, str_cstr(&path), 10000, &bytes, &why));
	lose(QUEUE_INCOMING, "4F0A1B2CFF");
	forged.bytes = str_span(&bytes);
	forged.crc = crc32c(0, str_cstr(&bytes), str_len(&bytes));
	clog_record_head(&forged, head);

	struct str content = STR_EMPTY, all = STR_EMPTY;

	/* At each place of a grid of 16, so that one is on a boundary. */
	for (int i = 0; i < 4; i++) {
		str_add(&content, span_of(head, sizeof(head)));
		str_add(&content, str_span(&bytes));
		str_adds(&content, RECORD_END);
		while (str_len(&content) % 16 != 0)
			str_putc(&content, 'x');
	}
	for (int i = 0; i < 16; i++) {
		str_putc(&all, ' ');
		str_add(&all, str_span(&content));
	}
	T_EQ_INT(commit_log_append(commits, "4F0A1B2C00", QUEUE_INCOMING,
	    str_span(&all), crc32c(0, str_cstr(&all), str_len(&all)), &spot,
	    &why), COMMIT_LOG_DURABLE);
	T_EQ_INT(put(id_of(1), 90, QUEUE_INCOMING, NULL), COMMIT_LOG_DURABLE);
	lose(QUEUE_INCOMING, id_of(1));
	die();
	take_image(&image);
	ssize_t at = span_search(str_span(&image.bytes), SPAN("4F0A1B2C00"));

	T_NEED(at > 0);
	put_image(&image, str_len(&image.bytes), at);
	T_EQ_STR(recovered(), "0 1 1 0");
	T_EQ_STR(files_list(queue), "incoming 4F0A1B2C01;");
	image_over(&image);
	str_fini(&content);
	str_fini(&all);
	str_fini(&bytes);
	str_fini(&path);
	str_fini(&why);
}

/* ---- every call that can fail ---- */

/* A disk that forgets what was not synced: whole queue files that were, and the
 * log as it was at its last sync. */
static int safe;

static const char *
name_of(int fd)
{
	static char name[256];
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof(name) - 1);
	T_NEED(n > 0);
	name[n] = '\0';
	return name;
}

static void
copy_to_safe(int fd, const char *path)
{
	static char buf[512 * 1024];
	ssize_t n = pread(fd, buf, sizeof(buf), 0);
	int to = openat(safe, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0700);

	T_NEED(to >= 0 && n >= 0 && write(to, buf, (size_t)n) == n);
	close(to);
}

static void
after_each_sync(const struct fs_change *change)
{
	const char *name;

	if (strcmp(change->op, "fsync") != 0
	    && strcmp(change->op, "fdatasync") != 0)
		return;
	name = name_of(change->fd);
	if (strstr(name, " (deleted)") != NULL)
		return;
	if (strstr(name, "/log/") != NULL)
		copy_to_safe(change->fd, strstr(name, "/log/") + 1);
	else if (strstr(name, "/incoming/") != NULL)
		copy_to_safe(change->fd, strstr(name, "/incoming/") + 1);
}

#define MESSAGES 14			/* more than both halves take */

static struct str files[MESSAGES];	/* as they are written */

static void
make_files(void)
{
	struct str path = STR_EMPTY, why = STR_EMPTY;

	for (int i = 0; i < MESSAGES; i++) {
		struct files_message m = { .id = id_of(i), .sender = "s@a",
			.before = "r@b t@c", .content = (size_t)i * 20 };

		T_NEED(files_write(queue, &m, QUEUE_INCOMING) == QUEUE_OK);
		queue_path(QUEUE_INCOMING, SPAN(id_of(i)), &path);
		T_NEED(fs_read_file_at(queue, str_cstr(&path), 10000,
		    &files[i], &why));
	}
	str_fini(&path);
	str_fini(&why);
}

/* Past the door, where no fault is met and nothing is synced. */
static void
write_file(int i)
{
	struct str path = STR_EMPTY;

	queue_path(QUEUE_INCOMING, SPAN(id_of(i)), &path);
	int fd = openat(queue, str_cstr(&path), O_WRONLY | O_CREAT | O_TRUNC
	    | O_CLOEXEC, 0700);

	T_NEED(fd >= 0 && write(fd, files[i].buf, str_len(&files[i]))
	    == (ssize_t)str_len(&files[i]));
	close(fd);
	str_fini(&path);
}

static void
empty(int dir)
{
	struct str path = STR_EMPTY;
	int saved = queue;

	for (int i = 0; i < MESSAGES; i++) {
		queue_path(QUEUE_INCOMING, SPAN(id_of(i)), &path);
		unlinkat(dir, str_cstr(&path), 0);
	}
	queue = dir;
	remove_logs();
	queue = saved;
	str_fini(&path);
}

static bool promised[MESSAGES];

static void
append_all(void)
{
	struct commit_log_spot spot;
	struct str why = STR_EMPTY;

	for (int i = 0; i < MESSAGES; i++) {
		write_file(i);
		promised[i] = commit_log_append(commits, id_of(i),
		    QUEUE_INCOMING, str_span(&files[i]), crc32c(0,
		    files[i].buf, str_len(&files[i])), &spot, &why)
		    == COMMIT_LOG_DURABLE;
		if (i % 4 == 3) {		/* one is delivered */
			promised[i] = false;
			commit_log_tombstone(queue, &spot, false, &why);
			queue_remove(queue, QUEUE_INCOMING, SPAN(id_of(i)),
			    &why);
		}
		if (i % 6 == 5)
			commit_log_checkpoint(commits, &why);
	}
	str_fini(&why);
}

/* Power is lost: what was promised is in what was safe. */
static size_t
count_promises_kept(void)
{
	struct commit_log_recovery done;
	int saved = queue;
	size_t n = 0;

	queue = safe;
	commit_log_recover(queue, &done);
	T_EQ_INT(done.troubles + done.lost, 0);
	for (int i = 0; i < MESSAGES; i++) {
		if (!promised[i])
			continue;
		T_HAS_STR(files_read(queue, QUEUE_INCOMING, id_of(i)),
		    "r@b t@c");
		n++;
	}
	T_CHECK(!commit_log_any(queue));
	queue = saved;
	return n;
}

/* A log is taken, written, checkpointed; each of its calls fails once. */
static void
live_with_faults(const char *point, int error)
{
	struct str why = STR_EMPTY;
	size_t kept = 0;
	bool hit = true;
	int nth = 0;

	while (hit && !t_failed()) {
		T_CASEF("%s, pass %d", point, ++nth);
		empty(queue);
		empty(safe);
		commits = commit_log_new(queue, &(struct commit_log_size){
			4, 6 * LOG_PAGE });
		fs_set_recorder(after_each_sync);
		fault_arm(point, nth, error);
		bool taken = commit_log_take(commits, &why);

		T_CHECK(taken || fault_was_hit());
		append_all();
		fs_set_recorder(NULL);
		if (commits->failed && !commits->given_up)
			commit_log_checkpoint(commits, &why);
		die();
		hit = fault_was_hit();
		fault_disarm();		/* recovery is another test's */
		kept += count_promises_kept();
	}
	T_CHECK(nth > 1 && kept >= MESSAGES / 2);
	str_fini(&why);
}

T_TEST(whatever_call_fails_what_was_promised_is_there)
{
	static const char *const points[] = { "fs.pwritev", "fs.fdatasync",
		"fs.pwrite", "fs.fsync", "fs.open", "fs.read", "fs.create",
		"fs.fsyncdir", "fs.unlink" };

	log_add_sink(&quiet);
	t_tmpdir_in_memory();
	queue = files_queue("queue");
	safe = files_queue("safe");
	make_files();
	for (size_t i = 0; i < T_COUNT(points); i++) {
		T_CASE(points[i]);
		live_with_faults(points[i], EIO);
	}
	for (int i = 0; i < MESSAGES; i++)
		str_fini(&files[i]);
}
