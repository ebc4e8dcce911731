/*
 * textfile - logical lines of table-style text.
 *
 * A line that begins with white space continues the line before it, over any
 * comment or blank lines in between. White space in front of the very first
 * line is kept, for the caller to complain about.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/fault.h"
#include "common/io/textfile.h"

enum { READ_STEP = 65536, FILE_MAX = 1 << 30 };

static bool
refuse(struct textfile *file, int fd, const char *what, const char *why_not,
    struct str *why)
{
	int saved = errno;

	if (why != NULL)
		str_printf(why, "%s %s: %s", what, file->path,
		    why_not != NULL ? why_not : strerror(saved));
	if (fd >= 0)
		close(fd);
	textfile_close(file);
	errno = saved;
	return false;
}

static void
start(struct textfile *file, const char *path)
{
	*file = (struct textfile){ .path = mem_strdup(path), .line_no = 1 };
}

bool
textfile_open(struct textfile *file, const char *path, struct str *why)
{
	start(file, path);
	int fd = FAULT("fs.open") ? -1 :
	    open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return refuse(file, fd, "open", NULL, why);
	if (fstat(fd, &file->st) != 0)
		return refuse(file, fd, "stat", NULL, why);
	if (S_ISREG(file->st.st_mode) && file->st.st_size < FILE_MAX)
		str_reserve(&file->content, (size_t)file->st.st_size + 1);
	for (;;) {
		/* One byte more than there is: the read that finds the end. */
		size_t room = file->content.room > file->content.len + 1 ?
		    file->content.room - file->content.len - 1 : READ_STEP;
		char *to = str_reserve(&file->content, room);
		ssize_t n = FAULT("fs.read") ? -1 : read(fd, to, room);

		if (n == 0)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return refuse(file, fd, "read", NULL, why);
		str_advance(&file->content, (size_t)n);
		if (file->content.len > FILE_MAX) {
			errno = EFBIG;
			return refuse(file, fd, "read", NULL, why);
		}
	}
	close(fd);
	return true;
}

void
textfile_open_mem(struct textfile *file, const char *label, struct span text)
{
	start(file, label);
	str_set(&file->content, text);
}

/* The physical line at file->at without its end; false at the end of file. */
static bool
peek_line(const struct textfile *file, struct span *line_out, size_t *next_out)
{
	const char *from = str_cstr(&file->content) + file->at;
	size_t left = file->content.len - file->at;

	if (left == 0)
		return false;
	const char *end = memchr(from, '\n', left);
	size_t len = end != NULL ? (size_t)(end - from) : left;

	*next_out = file->at + len + (end != NULL);
	if (len > 0 && from[len - 1] == '\r')
		len--;
	*line_out = span_of(from, len);
	return true;
}

static bool
is_comment_or_blank(struct span line)
{
	struct span text = span_ltrim(line);

	return text.len == 0 || text.p[0] == '#';
}

bool
textfile_next(struct textfile *file, struct span *line_out)
{
	struct span line;
	size_t next;
	bool found = false;

	str_clear(&file->logical);
	while (peek_line(file, &line, &next)) {
		bool skipped = is_comment_or_blank(line);

		if (!skipped && found && !ascii_is_space(line.p[0]))
			break;
		if (!skipped) {
			if (!found)
				file->first_line = file->line_no;
			file->last_line = file->line_no;
			found = true;
			str_add(&file->logical, line);
		}
		file->at = next;
		file->line_no++;
	}
	if (!found)
		return false;
	*line_out = span_rtrim(str_span(&file->logical));
	return true;
}

void
textfile_close(struct textfile *file)
{
	mem_free(file->path);
	file->path = NULL;
	str_fini(&file->content);
	str_fini(&file->logical);
}
