/*
 * docs/compatibility.md ends with what is known and not acted on, made from the
 * rows: WRITE=1 build/test/daemons_commands_test no_effect writes it anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/io/fs.h"
#include "common/mail/conf.h"
#include "daemons/commands/lib/all_params.h"
#include "tests/harness/t.h"

#define PAGE "docs/compatibility.md"
#define MARK "<!-- made from the rows of parameters -->\n"
#define MANY 40				/* names: only their number is told */

static bool
is_acted_on(const char *name)
{
	size_t nsets;
	const struct param_set *const *sets = all_params_sets(&nsets);

	for (size_t s = 0; s < nsets; s++)
		for (size_t i = 0; i < sets[s]->count; i++)
			if (strcmp(sets[s]->rows[i].name, name) == 0)
				return true;
	return false;
}

static const char *
reason_of(const struct param *row)
{
	if (row->cls == PARAM_ACTED || row->type == PARAM_TYPE_LEGACY ||
	    is_acted_on(row->name))
		return NULL;
	return row->cls == PARAM_PROTECTIVE
	    ? "mail is refused when it asks for anything" : row->reason;
}

static bool
was_told(size_t i, const char *reason)
{
	while (i-- > 0) {
		const char *other = reason_of(&param_known_all()->rows[i]);

		if (other != NULL && strcmp(other, reason) == 0)
			return true;
	}
	return false;
}

static void
add_group(struct str *out, size_t first, const char *reason)
{
	struct str names = STR_EMPTY;
	size_t count = 0;

	for (size_t i = first; i < param_known_all()->count; i++) {
		const char *other = reason_of(&param_known_all()->rows[i]);

		if (other == NULL || strcmp(other, reason) != 0)
			continue;
		str_addf(&names, "%s`%s`", count++ > 0 ? ", " : "",
		    param_known_all()->rows[i].name);
	}
	if (count > MANY)
		str_addf(out, "| %zu names | %s |\n", count, reason);
	else
		str_addf(out, "| %s | %s |\n", str_cstr(&names), reason);
	str_fini(&names);
}

static void
make_table(struct str *out)
{
	str_adds(out, MARK "\n| known, but without effect | why |\n"
	    "| --- | --- |\n");
	for (size_t i = 0; i < param_known_all()->count; i++) {
		const char *reason = reason_of(&param_known_all()->rows[i]);

		if (reason != NULL && !was_told(i, reason))
			add_group(out, i, reason);
	}
}

static void
write_page(const struct str *page, size_t keep, const struct str *table)
{
	FILE *file = fopen(PAGE, "w");

	T_NEED(file != NULL);
	fwrite(page->buf, 1, keep, file);
	fwrite(table->buf, 1, str_len(table), file);
	T_CHECK(fclose(file) == 0);
}

/* A name that is acted on since may stand there until the page is made anew. */
T_TEST(what_has_no_effect_is_told)
{
	struct str page = STR_EMPTY, table = STR_EMPTY, why = STR_EMPTY;
	const char *at;

	T_NEED(fs_read_file_at(AT_FDCWD, PAGE, 1 << 20, &page, &why));
	at = strstr(str_cstr(&page), MARK);
	T_NEED(at != NULL);
	make_table(&table);
	if (getenv("WRITE") != NULL) {
		write_page(&page, (size_t)(at - str_cstr(&page)), &table);
		return;
	}
	for (size_t i = 0; i < param_known_all()->count; i++) {
		const struct param *row = &param_known_all()->rows[i];
		const char *reason = reason_of(row);
		struct str quoted = STR_EMPTY;

		if (reason == NULL)
			continue;
		T_CASE(row->name);
		str_printf(&quoted, "| %s |\n", reason);
		T_HAS_STR(at, str_cstr(&quoted));
		str_printf(&quoted, "`%s`", row->name);
		if (strstr(str_cstr(&table), str_cstr(&quoted)) != NULL)
			T_HAS_STR(at, str_cstr(&quoted));
		str_fini(&quoted);
	}
	str_fini(&page);
	str_fini(&table);
	str_fini(&why);
}
