/*
 * fill - many messages in a deferred queue: copies of one that is there, each
 * with a number of its own in its X-Bench header and a name of its own.
 *
 *	fill --spool DIRECTORY --id ID --messages N --due SECONDS
 *
 * Copies deferred/I/ID and its log in defer/ while no mail system runs there,
 * and removes both. SECONDS from now is when the next attempt is due. The
 * number of the original has seven digits. Names are short ids; where they
 * hold an inode number (Postfix), postsuper -s sets them right.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "tests/bench/bench.h"

#define DIGITS 7
/* Of a file of ours: docs/queue-format.md. */
#define MAGIC "WAYPOST1"
#define TRAILER 53
#define TRAILER_CRC 33

struct original {
	char *bytes;
	size_t length, number_at;
	struct stat status;
};

static struct original message, outcome;
static const char *spool;

static void
read_file(struct original *file, const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &file->status) < 0)
		die("%s: %s", path, strerror(errno));
	file->length = (size_t)file->status.st_size;
	file->bytes = malloc(file->length + 1);
	if (read(fd, file->bytes, file->length) != (ssize_t)file->length)
		die("%s: not read", path);
	file->bytes[file->length] = '\0';
	close(fd);
}

static void
set_checksum(struct original *file, bool check)
{
	size_t covered = file->length - TRAILER;
	char *place = file->bytes + covered + TRAILER_CRC;
	uint32_t crc;

	if (memcmp(file->bytes, MAGIC, strlen(MAGIC)) != 0)
		return;
	crc = htonl(crc32c(0, file->bytes, covered));
	if (check && memcmp(place, &crc, sizeof crc) != 0)
		die("the checksum of the original is not as expected");
	memcpy(place, &crc, sizeof crc);
}

static void
write_file(const struct original *file, const char *queue, const char *name,
    time_t due)
{
	char path[4096];
	struct timespec times[2] = { { .tv_sec = due }, { .tv_sec = due } };
	int fd;

	snprintf(path, sizeof path, "%s/%s/%c/%s", spool, queue, name[0], name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	if (write(fd, file->bytes, file->length) != (ssize_t)file->length ||
	    fchown(fd, file->status.st_uid, file->status.st_gid) < 0 ||
	    fchmod(fd, file->status.st_mode & 07777) < 0 ||
	    futimens(fd, times) < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
}

static void
make_folders(const char *queue)
{
	for (const char *digit = "0123456789ABCDEF"; *digit != '\0'; digit++) {
		char path[4096];

		snprintf(path, sizeof path, "%s/%s/%c", spool, queue, *digit);
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			die("%s: %s", path, strerror(errno));
		if (chown(path, message.status.st_uid, message.status.st_gid) < 0)
			die("%s: %s", path, strerror(errno));
	}
}

int
main(int argc, char **argv)
{
	uint64_t messages = 0, due = 0;
	const char *id = NULL;
	char original[4096], log[4096];
	char *header;
	time_t when;

	for (int i = 1; i < argc; i += 2) {
		const char *name = argv[i], *value = argv[i + 1];

		if (value == NULL)
			die("%s wants a value", name);
		if (strcmp(name, "--spool") == 0)
			spool = value;
		else if (strcmp(name, "--id") == 0)
			id = value;
		else if (strcmp(name, "--messages") == 0)
			messages = number(name, value);
		else if (strcmp(name, "--due") == 0)
			due = number(name, value);
		else
			die("no option %s", name);
	}
	if (spool == NULL || id == NULL)
		die("--spool DIRECTORY --id ID");
	snprintf(original, sizeof original, "%s/deferred/%c/%s", spool, id[0], id);
	snprintf(log, sizeof log, "%s/defer/%c/%s", spool, id[0], id);
	read_file(&message, original);
	read_file(&outcome, log);
	header = memmem(message.bytes, message.length, BENCH_HEADER,
	    strlen(BENCH_HEADER));
	if (header == NULL || header[strlen(BENCH_HEADER) + DIGITS] != ' ')
		die("%s: no number of %d digits", original, DIGITS);
	header += strlen(BENCH_HEADER);
	set_checksum(&message, true);
	make_folders("deferred");
	make_folders("defer");
	when = time(NULL) + (time_t)due;
	for (uint64_t i = 0; i < messages; i++) {
		char name[32];

		snprintf(name, sizeof name, "%05X000%06X",
		    (unsigned)(i * 7919 % 1000000), (unsigned)i);
		header[snprintf(header, DIGITS + 1, "%0*lu", DIGITS, i)] = ' ';
		set_checksum(&message, false);
		write_file(&message, "deferred", name, when);
		write_file(&outcome, "defer", name, time(NULL));
	}
	unlink(original);
	unlink(log);
	return 0;
}
