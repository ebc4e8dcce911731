/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/fault.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/io/sock.h"
#include "common/io/stream.h"
#include "tests/harness/t.h"

static struct fiber_group group;
static struct stream *a, *b;

/* A body in a fiber, with two streams that talk to one another. */
#define PAIR_TEST(what) \
	static void what##_body(void *arg); \
	static void what##_main(void *arg) \
	{ \
		open_pair(); \
		what##_body(arg); \
		fiber_group_close(&group); \
		stream_close(a); \
		stream_close(b); \
	} \
	T_TEST(what) \
	{ \
		loop_start(); \
		fiber_group_init(&group); \
		fiber_run_main(what##_main, NULL); \
	} \
	static void what##_body(__attribute__((unused)) void *arg)

static void
open_pair(void)
{
	int fds[2];

	T_NEED(sock_pair(fds));
	a = stream_open(fds[0]);
	b = stream_open(fds[1]);
}

static struct deadline
soon(void)
{
	return deadline_in(5);
}

static const struct {
	const char *name, *input;
	size_t limit;
	struct {
		enum io_status status;
		const char *line;
		bool crlf;
	} want[5];
} lines[] = {
	{ "LF and CR LF", "a\r\nb\n\r\n\n", 10,
	    { { IO_OK, "a", true }, { IO_OK, "b", false }, { IO_OK, "", true },
	      { IO_OK, "", false }, { IO_EOF, "", false } } },
	{ "no end", "abc", 10, { { IO_EOF, "abc", false } } },
	{ "bare CR is text", "a\rb\r\r\n", 10, { { IO_OK, "a\rb\r", true } } },
	{ "CR at the end of input", "ab\r", 2, { { IO_EOF, "ab\r", false } } },
	{ "as long as the limit", "abcd\r\nabcd\n", 4,
	    { { IO_OK, "abcd", true }, { IO_OK, "abcd", false } } },
	{ "longer than the limit", "abcde\r\nx\n", 4,
	    { { IO_LIMIT, "abcd", true }, { IO_OK, "x", false } } },
	{ "limit, and CR that is not the end", "abcd\rx\nx\n", 4,
	    { { IO_LIMIT, "abcd", false }, { IO_OK, "x", false } } },
	{ "longer than the limit, no end", "abcdefg", 4,
	    { { IO_LIMIT, "abcd", false }, { IO_EOF, "", false } } },
	{ "limit 0", "\na\n", 0,
	    { { IO_OK, "", false }, { IO_LIMIT, "", false } } },
};

T_TEST(lines_end_as_they_should)
{
	for (size_t i = 0; i < T_COUNT(lines); i++) {
		struct stream *s = stream_open_mem(SPAN(lines[i].input));

		for (size_t j = 0; j < T_COUNT(lines[i].want) &&
		     lines[i].want[j].line != NULL; j++) {
			struct span line;
			bool crlf;

			T_CASEF("%s, %zu", lines[i].name, j);
			T_EQ_INT(stream_read_line(s, lines[i].limit, soon(),
			    &line, &crlf), lines[i].want[j].status);
			T_EQ_TEXT(line, lines[i].want[j].line);
			if (lines[i].want[j].status != IO_EOF)
				T_EQ_INT(crlf, lines[i].want[j].crlf);
		}
		stream_close(s);
	}
}

/* Lines of every length around the buffer's size, with a tag at each end. */
T_TEST(lines_may_be_longer_than_the_buffer)
{
	struct str text = STR_EMPTY;
	size_t lengths[] = { 2, 8189, 8190, 8191, 8192, 8193, 8194, 16383,
		16384, 16385, 100000, 3 };

	for (size_t i = 0; i < T_COUNT(lengths); i++) {
		for (size_t j = 0; j < lengths[i]; j++)
			str_putc(&text, j == 0 ? '<' :
			    j == lengths[i] - 1 ? '>' : 'x');
		str_adds(&text, i % 2 ? "\n" : "\r\n");
	}
	static const size_t limits[] = { 200000, 9000, 8192, 100 };

	for (size_t k = 0; k < T_COUNT(limits); k++) {
		struct stream *s = stream_open_mem(str_span(&text));

		for (size_t i = 0; i < T_COUNT(lengths); i++) {
			struct span line;
			bool crlf, cut = lengths[i] > limits[k];
			size_t len = cut ? limits[k] : lengths[i];

			T_CASEF("length %zu, limit %zu", lengths[i],
			    limits[k]);
			T_EQ_INT(stream_read_line(s, limits[k], soon(), &line,
			    &crlf), cut ? IO_LIMIT : IO_OK);
			T_EQ_INT(line.len, len);
			T_EQ_INT(crlf, i % 2 == 0);
			T_CHECK(line.len > 1 && line.p[0] == '<' &&
			    line.p[len - 1] == (cut ? 'x' : '>'));
		}
		stream_close(s);
	}
	str_fini(&text);
}

T_TEST(a_line_without_end_is_given_up)
{
	size_t size = (1 << 20) + 20000;
	char *text = mem_alloc(size);
	struct span line;

	memset(text, 'x', size);
	struct stream *s = stream_open_mem(span_of(text, size));

	T_EQ_INT(stream_read_line(s, 10, soon(), &line, NULL), IO_LIMIT);
	T_EQ_TEXT(line, "xxxxxxxxxx");
	T_EQ_INT(stream_read_line(s, 10, soon(), &line, NULL), IO_ERROR);
	T_EQ_STR(stream_why(s), "line without end");
	stream_close(s);
	mem_free(text);
}

T_TEST(memory_streams_keep_what_is_written)
{
	struct stream *s = stream_open_mem(SPAN("12345"));
	struct span bytes;
	char buf[3];

	T_EQ_INT(stream_print(s, soon(), "%05d", 42), IO_OK);
	T_EQ_TEXT(stream_mem_output(s), "00042");
	for (int i = 0; i < 5000; i++)
		stream_write(s, SPAN("abcdefghij"), soon());
	T_EQ_INT(stream_mem_output(s).len, 50005);
	T_EQ_INT(stream_peek_more(s, 2, soon(), &bytes), IO_OK);
	T_EQ_TEXT(bytes, "12345");
	stream_consume(s, 1);
	T_EQ_INT(stream_read_exact(s, buf, 3, soon()), IO_OK);
	T_EQ_SPAN(span_of(buf, 3), SPAN("234"));
	T_EQ_INT(stream_buffered(s), 1);
	T_EQ_INT(stream_peek_more(s, 1, soon(), &bytes), IO_EOF);
	T_EQ_TEXT(bytes, "5");
	T_EQ_INT(stream_bytes_in(s), 5);
	T_EQ_INT(stream_bytes_out(s), 50005);
	stream_close(s);
}

PAIR_TEST(bytes_go_both_ways)
{
	struct span line;

	T_EQ_INT(stream_write(a, SPAN("hello\r\nwor"), soon()), IO_OK);
	T_CHECK(!stream_input_waits(b));
	T_EQ_INT(stream_unflushed(a), 10);
	T_EQ_INT(stream_flush(a, soon()), IO_OK);
	T_CHECK(stream_input_waits(b));
	T_EQ_INT(stream_read_line(b, 100, soon(), &line, NULL), IO_OK);
	T_EQ_TEXT(line, "hello");
	T_EQ_INT(stream_read_line(b, 100, deadline_in_ms(5), &line, NULL),
	    IO_TIMEOUT);
	T_EQ_INT(stream_write_flush(a, SPAN("ld\n"), soon()), IO_OK);
	T_EQ_INT(stream_read_line(b, 100, soon(), &line, NULL), IO_OK);
	T_EQ_TEXT(line, "world");
	T_EQ_INT(stream_status(b), IO_TIMEOUT);
	/* A time-out of reading does not stop an answer. */
	T_EQ_INT(stream_write_flush(b, SPAN("421\r\n"), soon()), IO_OK);
	T_EQ_INT(stream_read_line(a, 100, soon(), &line, NULL), IO_OK);
	T_EQ_TEXT(line, "421");
}

PAIR_TEST(the_end_of_input_leaves_output_open)
{
	struct span line;

	stream_write_flush(a, SPAN("QUIT\n"), soon());
	shutdown(stream_fd(a), SHUT_WR);
	T_EQ_INT(stream_read_line(b, 100, soon(), &line, NULL), IO_OK);
	T_EQ_INT(stream_read_line(b, 100, soon(), &line, NULL), IO_EOF);
	T_EQ_INT(stream_wait_input(b, soon()), IO_EOF);
	T_EQ_INT(stream_write_flush(b, SPAN("221\n"), soon()), IO_OK);
	T_EQ_INT(stream_read_line(a, 100, soon(), &line, NULL), IO_OK);
	T_EQ_TEXT(line, "221");
	stream_close(b);
	b = NULL;
	T_EQ_INT(stream_write_flush(a, SPAN("x"), soon()), IO_ERROR);
	T_EQ_INT(stream_errno(a), EPIPE);
	T_EQ_STR(stream_why(a), "Broken pipe");
	T_EQ_INT(stream_read_line(a, 100, soon(), &line, NULL), IO_EOF);
	T_EQ_INT(stream_write(a, SPAN("y"), soon()), IO_ERROR);
}

static size_t got_bytes;
static bool in_order;

static void
read_all(void *arg)
{
	struct stream *s = arg;
	struct span bytes;

	in_order = true;
	while (stream_peek(s, soon(), &bytes) == IO_OK) {
		for (size_t i = 0; i < bytes.len; i++)
			in_order &= (unsigned char)bytes.p[i] ==
			    (got_bytes + i) % 251;
		got_bytes += bytes.len;
		stream_consume(s, bytes.len);
	}
}

static char *
pattern(size_t from, size_t size)
{
	char *text = mem_alloc(size);

	for (size_t i = 0; i < size; i++)
		text[i] = (char)((from + i) % 251);
	return text;
}

PAIR_TEST(a_slow_reader_holds_the_writer_back)
{
	size_t size = 1 << 20;
	char *text = pattern(0, size);

	T_EQ_INT(stream_write(a, span_of(text, 100), soon()), IO_OK);
	T_EQ_INT(stream_write(a, span_of(text + 100, size - 100),
	    deadline_in_ms(20)), IO_TIMEOUT);
	T_EQ_INT(stream_unflushed(a), 0);
	T_EQ_INT(stream_write(a, SPAN("x"), soon()), IO_TIMEOUT);
	stream_close(a);
	stream_close(b);
	open_pair();
	fiber_spawn(&group, "r", read_all, b);
	T_EQ_INT(stream_write(a, span_of(text, 100), soon()), IO_OK);
	T_EQ_INT(stream_write(a, span_of(text + 100, size - 100), soon()),
	    IO_OK);
	shutdown(stream_fd(a), SHUT_WR);
	fiber_group_join(&group, DEADLINE_NEVER);
	T_EQ_INT(got_bytes, size);
	T_CHECK(in_order);
	T_EQ_INT(stream_bytes_out(a), size);
	mem_free(text);
}

static void
write_part(void *arg)
{
	struct span *part = arg;

	T_EQ_INT(stream_write_flush(a, *part, soon()), IO_OK);
}

/* Writers that wait, queued bytes and small writes, all mixed. */
PAIR_TEST(bytes_keep_the_order_of_the_calls)
{
	size_t size = 3 << 20, at = 0;
	char *text = pattern(0, size);
	struct span parts[64];

	for (size_t i = 0; i < T_COUNT(parts); i++) {
		static const size_t sizes[] = { 100, 200000, 7000, 1, 9000,
			8192, 30000, 60 };

		parts[i] = span_of(text + at, sizes[i % T_COUNT(sizes)]);
		at += parts[i].len;
		if (i % 3 == 0) {
			stream_queue(a, parts[i]);
		} else {
			fiber_spawn(&group, "w", write_part, &parts[i]);
			fiber_yield();
		}
		if (i == 10)
			fiber_spawn(&group, "r", read_all, b);
	}
	while (stream_queued(a) > 0)
		T_NEED(fiber_sleep(deadline_in_ms(1)) == IO_TIMEOUT);
	shutdown(stream_fd(a), SHUT_WR);
	fiber_group_join(&group, DEADLINE_NEVER);
	T_EQ_INT(got_bytes, at);
	T_CHECK(in_order);
	mem_free(text);
}

PAIR_TEST(queued_bytes_leave_at_the_end_of_the_turn)
{
	struct span line;
	size_t size = 1 << 20;
	char *text = pattern(0, size);

	stream_queue(a, SPAN("x\n"));
	stream_queue(a, SPAN("y\n"));
	T_EQ_INT(stream_queued(a), 4);
	T_EQ_INT(stream_read_line(b, 10, soon(), &line, NULL), IO_OK);
	T_EQ_INT(stream_buffered(b), 2);
	T_EQ_INT(stream_queued(a), 0);
	stream_consume(b, 2);
	stream_queue(a, span_of(text, size));
	fiber_yield();
	fiber_yield();
	T_CHECK(stream_queued(a) > 0 && stream_queued(a) < size);
	got_bytes = 0;
	fiber_spawn(&group, "r", read_all, b);
	T_EQ_INT(stream_flush(a, soon()), IO_OK);
	shutdown(stream_fd(a), SHUT_WR);
	fiber_group_join(&group, DEADLINE_NEVER);
	T_CHECK(got_bytes == size && in_order);
	mem_free(text);
	stream_close(b);
	b = NULL;
	stream_queue(a, SPAN("z"));
	fiber_sleep(deadline_in_ms(1));
	T_EQ_INT(stream_status(a), IO_ERROR);
	stream_queue(a, SPAN("z"));
	T_EQ_INT(stream_queued(a), 0);
}

PAIR_TEST(descriptors_arrive_in_order_with_their_bytes)
{
	size_t before = t_open_fds();
	char text[32];
	struct span line;

	stream_accept_fds(b, true);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 600; i++) {
			int fd = memfd_create("x", MFD_CLOEXEC);

			T_NEED(ftruncate(fd, 1000 + i) == 0);
			stream_queue(a, SPAN("-"));
			stream_queue_fd(a, fd);
			snprintf(text, sizeof(text), "%d\n", i);
			stream_queue(a, SPAN(text));
		}
		for (int i = 0; i < 600; i++) {
			T_NEED(stream_read_line(b, 20, soon(), &line, NULL) ==
			    IO_OK);
			snprintf(text, sizeof(text), "-%d", i);
			T_EQ_TEXT(line, text);
			int fd = stream_take_fd(b);

			T_NEED(fd >= 0);
			T_EQ_INT(lseek(fd, 0, SEEK_END), 1000 + i);
			close(fd);
		}
		T_EQ_INT(stream_take_fd(b), -1);
	}
	T_EQ_INT(t_open_fds(), before);
	/* Not accepted: closed on arrival. */
	stream_attach_fd(b, memfd_create("y", MFD_CLOEXEC));
	stream_write_flush(b, SPAN("1\n"), soon());
	T_EQ_INT(stream_read_line(a, 20, soon(), &line, NULL), IO_OK);
	T_EQ_INT(stream_take_fd(a), -1);
	stream_attach_fd(a, memfd_create("never sent", MFD_CLOEXEC));
}

PAIR_TEST(a_descriptor_that_cannot_be_had_ends_the_connection)
{
	size_t before = t_open_fds();
	struct span line;

	stream_accept_fds(b, true);
	T_EACH_FAULT("fdpass.receive", EMFILE) {
		stream_queue_fd(a, memfd_create("x", MFD_CLOEXEC));
		stream_queue(a, SPAN("with\n"));
		enum io_status got = stream_read_line(b, 20, soon(), &line,
		    NULL);

		/* Those behind it would be taken for it. */
		T_EQ_INT(got, T_FAULT_HIT() ? IO_ERROR : IO_OK);
		T_EQ_INT(stream_take_fd(b) >= 0, !T_FAULT_HIT());
		T_EQ_INT(stream_errno(b), T_FAULT_HIT() ? EMFILE : 0);
		if (!T_FAULT_HIT())
			break;
		T_EQ_INT(t_open_fds(), before);
		int ends[2];

		stream_close(a);
		stream_close(b);
		T_NEED(sock_pair(ends));
		a = stream_open(ends[0]);
		b = stream_open(ends[1]);
		stream_accept_fds(b, true);
	}
}

PAIR_TEST(a_failed_write_ends_the_reading_too)
{
	struct span line;

	fault_arm("stream.write", 1, ENOBUFS);
	stream_queue(a, SPAN("never\n"));
	T_EQ_INT(stream_read_line(a, 20, soon(), &line, NULL), IO_EOF);
	T_EQ_INT(stream_errno(a), ENOBUFS);
	T_EQ_INT(stream_read_line(b, 20, soon(), &line, NULL), IO_EOF);
}

PAIR_TEST(what_the_kernel_does_not_take_now_is_sent_later)
{
	struct span line;

	stream_accept_fds(b, true);
	fault_arm("stream.write", 1, ETOOMANYREFS);
	stream_queue_fd(a, memfd_create("x", MFD_CLOEXEC));
	stream_queue(a, SPAN("once\n"));
	T_EQ_INT(stream_read_line(b, 20, soon(), &line, NULL), IO_OK);
	T_EQ_TEXT(line, "once");
	T_CHECK(fault_was_hit());
	int fd = stream_take_fd(b);

	T_CHECK(fd >= 0);
	close(fd);
}

PAIR_TEST(a_socket_that_cannot_be_watched_is_broken_from_the_start)
{
	struct span line;
	int ends[2];

	T_NEED(sock_pair(ends));
	fault_arm("loop.add", 1, ENOSPC);
	struct stream *s = stream_open(ends[0]);

	T_CHECK(fault_was_hit());
	T_EQ_INT(stream_read_line(s, 20, soon(), &line, NULL), IO_ERROR);
	T_EQ_INT(stream_write_flush(s, SPAN("x"), soon()), IO_ERROR);
	stream_queue(s, SPAN("x"));
	T_EQ_INT(stream_errno(s), ENOSPC);
	T_EQ_INT(stream_wait_input(s, soon()), IO_ERROR);
	stream_close(s);
	close(ends[1]);
}

static void
read_a_line(void *arg)
{
	struct span line;

	*(enum io_status *)arg =
	    stream_read_line(b, 100, DEADLINE_NEVER, &line, NULL);
}

PAIR_TEST(a_cancelled_reader_returns_and_can_still_say_bye)
{
	enum io_status status = IO_OK;
	struct span line;

	fiber_spawn(&group, "r", read_a_line, &status);
	fiber_yield();
	fiber_group_close(&group);
	T_EQ_INT(status, IO_CANCELLED);
	T_EQ_INT(stream_write_flush(b, SPAN("421\n"), soon()), IO_OK);
	T_EQ_INT(stream_read_line(a, 100, soon(), &line, NULL), IO_OK);
}

PAIR_TEST(exact_reads_of_any_size)
{
	size_t size = 300000;
	char *text = pattern(0, size), *got = mem_alloc(size);
	static const size_t sizes[] = { 1, 10, 8191, 8192, 8193, 50000 };

	fiber_spawn(&group, "w", write_part, &(struct span){ text, size });
	for (size_t at = 0, i = 0; at < size; i++) {
		size_t n = sizes[i % T_COUNT(sizes)];

		if (n > size - at)
			n = size - at;
		T_NEED(stream_read_exact(b, got + at, n, soon()) == IO_OK);
		at += n;
	}
	T_CHECK(memcmp(text, got, size) == 0);
	shutdown(stream_fd(a), SHUT_WR);
	T_EQ_INT(stream_read_exact(b, got, 1, soon()), IO_EOF);
	mem_free(text);
	mem_free(got);
}

PAIR_TEST(peek_waits_for_more_and_knows_its_limit)
{
	struct span bytes;
	char *text = pattern(0, 20000);

	stream_write_flush(a, SPAN("abc"), soon());
	T_EQ_INT(stream_peek(b, soon(), &bytes), IO_OK);
	T_EQ_TEXT(bytes, "abc");
	T_EQ_INT(stream_peek_more(b, 3, deadline_in_ms(2), &bytes),
	    IO_TIMEOUT);
	stream_write_flush(a, SPAN("d"), soon());
	T_EQ_INT(stream_peek_more(b, 3, soon(), &bytes), IO_OK);
	T_EQ_TEXT(bytes, "abcd");
	stream_consume(b, 4);
	stream_write_flush(a, span_of(text, 20000), soon());
	T_EQ_INT(stream_peek_more(b, 8191, soon(), &bytes), IO_OK);
	T_EQ_INT(bytes.len, 8192);
	T_EQ_INT(stream_peek_more(b, 8192, soon(), &bytes), IO_LIMIT);
	mem_free(text);
}

static void
over_pipe(void *arg)
{
	int fds[2];
	struct span line;

	(void)arg;
	T_NEED(pipe2(fds, O_CLOEXEC) == 0);
	struct stream *in = stream_open(fds[0]), *out = stream_open(fds[1]);
	char *text = pattern(0, 500000);

	T_EQ_INT(stream_read_line(in, 9, deadline_in_ms(2), &line, NULL),
	    IO_TIMEOUT);
	fiber_spawn(&group, "r", read_all, in);
	T_EQ_INT(stream_write_flush(out, span_of(text, 500000), soon()),
	    IO_OK);
	stream_close(out);
	fiber_group_join(&group, DEADLINE_NEVER);
	T_CHECK(got_bytes == 500000 && in_order);
	int fd = stream_release_fd(in);

	T_EQ_INT(fd, fds[0]);
	close(fd);

	FILE *f = tmpfile();
	int file = dup(fileno(f));

	T_NEED(write(file, text, 500000) == 500000);
	lseek(file, 0, SEEK_SET);
	in = stream_open(file);
	got_bytes = 0;
	read_all(in);
	T_CHECK(got_bytes == 500000 && in_order);
	T_EQ_INT(stream_status(in), IO_EOF);
	stream_close(in);
	fclose(f);
	mem_free(text);
}

T_TEST(pipes_and_files_are_streams_too)
{
	loop_start();
	fiber_group_init(&group);
	fiber_run_main(over_pipe, NULL);
}

PAIR_TEST(each_fault_of_the_socket_is_a_status)
{
	T_EACH_FAULT("stream.read", ECONNRESET)
	{
		struct span line;
		enum io_status status;

		stream_write_flush(a, SPAN("x\n"), soon());
		status = stream_read_line(b, 10, soon(), &line, NULL);
		T_EQ_INT(status, T_FAULT_HIT() ? IO_ERROR : IO_OK);
		if (T_FAULT_HIT()) {
			T_EQ_STR(stream_why(b), "Connection reset by peer");
			T_EQ_INT(stream_write_flush(b, SPAN("x"), soon()),
			    IO_ERROR);
			stream_close(a);
			stream_close(b);
			open_pair();
		}
	}
	T_EACH_FAULT("stream.write", EPIPE)
	{
		enum io_status status =
		    stream_write_flush(a, SPAN("x\n"), soon());

		T_EQ_INT(status, T_FAULT_HIT() ? IO_ERROR : IO_OK);
		if (T_FAULT_HIT()) {
			stream_close(a);
			stream_close(b);
			open_pair();
		}
	}
}

PAIR_TEST(changing_the_transport_tells_of_early_input)
{
	static const struct stream_ops other = { .name = "other" };
	struct span line;

	stream_write_flush(a, SPAN("STARTTLS\r\n"), soon());
	T_EQ_INT(stream_read_line(b, 100, soon(), &line, NULL), IO_OK);
	T_CHECK(stream_change_ops(b, &other, &line));
	T_CHECK(stream_impl(b) == &line);
	stream_close(b);
	stream_close(a);
	open_pair();
	stream_write_flush(a, SPAN("STARTTLS\r\nMAIL FROM:<>\r\n"), soon());
	T_EQ_INT(stream_read_line(b, 100, soon(), &line, NULL), IO_OK);
	T_CHECK(!stream_change_ops(b, &other, NULL));
	T_EQ_INT(stream_buffered(b), 0);
}
