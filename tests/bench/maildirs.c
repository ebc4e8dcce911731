/*
 * maildirs - the end of local mail in the benchmark: waits until N messages
 * are in the new/ of some Maildirs, then reads them.
 *
 *	maildirs --messages N [--patience SECONDS] MAILDIR ...
 *
 * Prints "ready" when it watches, and one line of JSON when all are there or
 * nothing came for so long. Each has to have a number of its own in its
 * X-Bench header and a body of the length that the header says.
 * Exit 0: all came, whole. SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "tests/bench/bench.h"

static uint64_t messages, unique, duplicates, damaged, strange;
static uint8_t *seen;

static void
look_at(const char *path)
{
	static char *text;
	static size_t room;
	FILE *file = fopen(path, "r");
	size_t length = 0, lines = 0;
	char *header, *content;
	uint64_t id, size;

	if (file == NULL)
		die("%s: %s", path, strerror(errno));
	for (;;) {
		if (length + 65536 > room)
			text = realloc(text, room = room * 2 + 131072);
		size_t n = fread(text + length, 1, 65535, file);
		length += n;
		if (n == 0)
			break;
	}
	fclose(file);
	text[length] = '\0';
	header = strstr(text, "\n" BENCH_HEADER);
	content = strstr(text, "\n\n");
	if (header == NULL || content == NULL || header > content ||
	    sscanf(header + 1 + strlen(BENCH_HEADER), "%lu %lu", &id, &size) != 2 ||
	    id >= messages) {
		strange++;
		return;
	}
	if (seen[id]++ > 0)
		duplicates++;
	else
		unique++;
	for (const char *p = content + 2; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	/* On the wire each line has one byte more. */
	if (length - (size_t)(content + 2 - text) + lines != size)
		damaged++;
}

static void
look_through(const char *maildir)
{
	char path[4096];
	DIR *dir;
	struct dirent *entry;

	snprintf(path, sizeof path, "%s/new", maildir);
	dir = opendir(path);
	if (dir == NULL)
		die("%s: %s", path, strerror(errno));
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/new/%s", maildir, entry->d_name);
		look_at(path);
	}
	closedir(dir);
}

/* When the last of all came; sooner if nothing came for so long. */
static uint64_t
wait_for_all(int watch, int patience_ms)
{
	static char events[1 << 20]
	    __attribute__((aligned(__alignof__(struct inotify_event))));
	uint64_t came = 0, last_ns = 0;

	while (came < messages) {
		struct pollfd one = { .fd = watch, .events = POLLIN };
		ssize_t n;

		if (poll(&one, 1, patience_ms) == 0)
			break;
		n = read(watch, events, sizeof events);
		last_ns = now_ns();
		for (char *p = events; n > 0 && p < events + n;) {
			struct inotify_event *event = (struct inotify_event *)p;

			if (event->mask & IN_Q_OVERFLOW)
				die("more arrivals at once than the kernel keeps");
			came++;
			p += sizeof *event + event->len;
		}
	}
	return last_ns;
}

int
main(int argc, char **argv)
{
	int watch = inotify_init(), first = 1;
	int patience_ms = 60000;
	uint64_t last_ns;
	bool complete;

	for (; first + 1 < argc && strncmp(argv[first], "--", 2) == 0; first += 2) {
		if (strcmp(argv[first], "--messages") == 0)
			messages = number(argv[first], argv[first + 1]);
		else if (strcmp(argv[first], "--patience") == 0)
			patience_ms = (int)number(argv[first], argv[first + 1]) * 1000;
		else
			die("no option %s", argv[first]);
	}
	seen = calloc(1, messages + 1);
	for (int i = first; i < argc; i++) {
		char path[4096];

		snprintf(path, sizeof path, "%s/new", argv[i]);
		if (inotify_add_watch(watch, path, IN_MOVED_TO | IN_CREATE) < 0)
			die("%s: %s", path, strerror(errno));
	}
	printf("ready\n");
	fflush(stdout);
	last_ns = wait_for_all(watch, patience_ms);
	for (int i = first; i < argc; i++)
		look_through(argv[i]);
	complete = unique == messages && damaged == 0 && strange == 0;
	printf("{\"complete\": %s, \"unique\": %lu, \"duplicates\": %lu, "
	    "\"damaged\": %lu, \"strange\": %lu, \"transactions\": %lu, "
	    "\"last_ns\": %lu}\n", complete ? "true" : "false", unique,
	    duplicates, damaged, strange, unique + duplicates, last_ns);
	fflush(stdout);
	getchar();
	return complete ? 0 : 1;
}
