/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/io/textfile.h"
#include "tests/harness/t.h"

struct wanted {
	const char *text;
	unsigned first, last;
};

static const struct {
	const char *name, *text;
	struct wanted want[5];
} cases[] = {
	{ "empty file", "", { { NULL, 0, 0 } } },
	{ "one line", "a b\n", { { "a b", 1, 1 } } },
	{ "no end of line", "a b", { { "a b", 1, 1 } } },
	{ "comment and blank lines", "# x\n\n  \t\na\n  # y\n",
	    { { "a", 4, 4 } } },
	{ "continuation keeps its white space", "a\n  b\n\tc\nd\n",
	    { { "a  b\tc", 1, 3 }, { "d", 4, 4 } } },
	{ "comments and blank lines between parts", "a\n# x\n\n b\n",
	    { { "a b", 1, 4 } } },
	{ "an indented comment does not continue", "a\n # x\nb\n",
	    { { "a", 1, 1 }, { "b", 3, 3 } } },
	{ "white space at the end goes", "a \t\r\nb\r\n",
	    { { "a", 1, 1 }, { "b", 2, 2 } } },
	{ "CR LF inside a logical line", "a\r\n b\r\n", { { "a b", 1, 2 } } },
	{ "first line indented", "  a\nb\n",
	    { { "  a", 1, 1 }, { "b", 2, 2 } } },
	{ "# inside a line is text", "a # b\n", { { "a # b", 1, 1 } } },
};

T_TEST(logical_lines_are_joined_and_numbered)
{
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const struct wanted *want = cases[i].want;
		struct textfile file;
		struct span line;

		T_CASE(cases[i].name);
		textfile_open_mem(&file, "label", SPAN(cases[i].text));
		for (; want->text != NULL; want++) {
			if (!T_CHECK(textfile_next(&file, &line)))
				break;
			T_EQ_TEXT(line, want->text);
			T_EQ_INT(file.first_line, want->first);
			T_EQ_INT(file.last_line, want->last);
		}
		T_CHECK(!textfile_next(&file, &line));
		textfile_close(&file);
	}
}

T_TEST(a_file_is_read_whole_and_a_missing_one_named)
{
	struct str path = STR_EMPTY, why = STR_EMPTY;
	struct textfile file;
	struct span line;

	str_printf(&path, "%s/table", t_tmpdir());
	T_CHECK(!textfile_open(&file, str_cstr(&path), &why));
	T_HAS_STR(str_cstr(&why), "/table: No such file or directory");
	T_CHECK(!textfile_open(&file, t_tmpdir(), &why));
	T_HAS_STR(str_cstr(&why), "Is a directory");

	FILE *f = fopen(str_cstr(&path), "w");

	for (int i = 0; i < 100000; i++)
		fprintf(f, "key%d value\n", i);
	fclose(f);
	T_NEED(textfile_open(&file, str_cstr(&path), &why));
	int count = 0;

	while (textfile_next(&file, &line)) {
		count++;
		if (count == 100000)
			T_EQ_TEXT(line, "key99999 value");
	}
	T_EQ_INT(count, 100000);
	T_CHECK(file.st.st_size > 1000000);
	textfile_close(&file);
	str_fini(&path);
	str_fini(&why);
}
