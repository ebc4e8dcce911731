/*
 * textfile_next on any bytes: lines come in order, trimmed, never a comment,
 * and none of the text that counts is lost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/io/textfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct textfile file;
	struct span line, text = span_of((const char *)data, size);
	unsigned last = 0;
	size_t total = 0;

	textfile_open_mem(&file, "fuzz", text);
	while (textfile_next(&file, &line)) {
		struct span first = span_ltrim(line);

		CHECK(first.len > 0 && first.p[0] != '#');
		CHECK(line.len == 0 ||
		    !ascii_is_space(line.p[line.len - 1]));
		CHECK(!span_has(line, '\n'));
		CHECK(file.first_line > last);
		CHECK(file.last_line >= file.first_line);
		/* Only the first logical line can begin with white space. */
		CHECK(last == 0 || !ascii_is_space(line.p[0]));
		last = file.last_line;
		total += line.len;
	}
	CHECK(total <= size && file.at == size);
	textfile_close(&file);
	return 0;
}
