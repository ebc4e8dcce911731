/*
 * standalone - drives a fuzz target where libFuzzer is absent: replays the
 * given files and folders, then random changes of them until time is up.
 * Takes libFuzzer's -max_total_time= and -seed= and passes over its others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_ROOM = 16384 };

struct input {
	struct input *next;
	size_t size;
	uint8_t data[];
};

static struct input *inputs;
static size_t ninputs;
static uint64_t state = 1;

static uint64_t
draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

/* A copy of exactly this size, so that a read past the end is seen. */
static void
try_input(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size != 0 ? size : 1);

	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void
add_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct input *in = malloc(sizeof(*in) + INPUT_ROOM);

	if (file == NULL) {
		perror(path);
		exit(2);
	}
	in->size = fread(in->data, 1, INPUT_ROOM, file);
	in->next = inputs;
	inputs = in;
	ninputs++;
	fclose(file);
	try_input(in->data, in->size);
}

static void
add_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return;
	if (!S_ISDIR(st.st_mode)) {
		add_file(path);
		return;
	}
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char name[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		add_path(name);
	}
	if (dir != NULL)
		closedir(dir);
}

static size_t
mutate(uint8_t *data, size_t size)
{
	static const uint8_t telling[] = { 0, '\r', '\n', ' ', ':', ';', '<',
		'>', '"', '\\', '(', ')', '@', '.', '=', ',', '{', '}', '$',
		0x7f, 0x80, 0xff };

	for (uint64_t changes = 1 + draw(8); changes > 0; changes--) {
		size_t at = size != 0 ? (size_t)draw(size) : 0;

		switch (draw(5)) {
		case 0:
			if (size != 0)
				data[at] ^= (uint8_t)(1 << draw(8));
			break;
		case 1:
			if (size != 0)
				data[at] = telling[draw(sizeof(telling))];
			break;
		case 2:
			size = at;
			break;
		case 3:
			if (size < INPUT_ROOM) {
				memmove(data + at + 1, data + at, size - at);
				data[at] = telling[draw(sizeof(telling))];
				size++;
			}
			break;
		case 4:
			if (size != 0 && size * 2 <= INPUT_ROOM) {
				memcpy(data + size, data, size);
				size += at;
			}
			break;
		}
	}
	return size;
}

int
main(int argc, char **argv)
{
	static uint8_t data[INPUT_ROOM + 1];
	long seconds = 2;
	unsigned long long runs = 0;

	state = (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "-max_total_time=", 16) == 0)
			seconds = atol(argv[i] + 16);
		else if (strncmp(argv[i], "-seed=", 6) == 0)
			state = strtoull(argv[i] + 6, NULL, 0) | 1;
		else if (argv[i][0] != '-')
			add_path(argv[i]);
	}
	printf("%zu inputs, seed %llu\n", ninputs, (unsigned long long)state);
	fflush(stdout);
	for (time_t end = time(NULL) + seconds; time(NULL) < end; runs++) {
		const struct input *in = inputs;
		size_t size = 0;

		for (uint64_t skip = ninputs != 0 ? draw(ninputs) : 0;
		    skip > 0; skip--)
			in = in->next;
		if (in != NULL) {
			size = in->size;
			memcpy(data, in->data, size);
		}
		try_input(data, mutate(data, size));
	}
	printf("%llu runs\n", runs);
	return 0;
}
