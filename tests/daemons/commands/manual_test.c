/*
 * The manual pages name the parameters that are acted on, with their defaults,
 * and no others: compared with the rows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/io/fs.h"
#include "daemons/commands/lib/all_params.h"
#include "tests/harness/t.h"

#define PAGES "docs/man/"
#define PAGE_MOST (1 << 20)

/* Its text without "\-" and "\e". */
static void
add_page(const char *path, struct str *out)
{
	struct str raw = STR_EMPTY, why = STR_EMPTY;

	T_NEED(fs_read_file_at(AT_FDCWD, path, PAGE_MOST, &raw, &why));
	for (size_t i = 0; i < str_len(&raw); i++) {
		char c = raw.buf[i];

		if (c == '\\' && raw.buf[i + 1] == '-')
			continue;
		if (c == '\\' && raw.buf[i + 1] == 'e')
			i++;
		str_putc(out, c);
	}
	str_fini(&raw);
	str_fini(&why);
}

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
	    c == '<' || c == '>';
}

/* $name is a value, not a parameter that is described. */
static bool
names(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = text; (at = strstr(at, name)) != NULL; at++)
		if ((at == text || (!is_word(at[-1]) && at[-1] != '$')) &&
		    !is_word(at[length]))
			return true;
	return false;
}

static const struct param *
row_of(const char *name, size_t length)
{
	size_t nsets;
	const struct param_set *const *sets = all_params_sets(&nsets);

	for (size_t s = 0; s < nsets; s++)
		for (size_t i = 0; i < sets[s]->count; i++) {
			const struct param *row = &sets[s]->rows[i];

			if (strlen(row->name) == length &&
			    memcmp(row->name, name, length) == 0)
				return row;
		}
	return NULL;
}

static bool
one_of(const char *const *list, const char *name)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

/* As it stands between the parentheses. */
static void
default_text(const struct param *row, struct str *out)
{
	static const char *const computed[] = { "myhostname", "mydomain",
		"mynetworks", "process_name", "service_name", NULL };
	static const char *const lengthy[] = { "proxy_read_maps",
		"mail_version", "smtpd_expansion_filter", NULL };

	if (one_of(computed, row->name))
		str_sets(out, "computed");
	else if (one_of(lengthy, row->name))
		str_sets(out, "long: postconf -d");
	else if (row->dflt == NULL || row->dflt[0] == '\0')
		str_sets(out, "empty");
	else
		str_sets(out, row->dflt);
}

T_TEST(main_cf_5_has_each_parameter_with_its_default)
{
	struct str page = STR_EMPTY, want = STR_EMPTY, dflt = STR_EMPTY;
	size_t nsets;
	const struct param_set *const *sets = all_params_sets(&nsets);

	add_page(PAGES "man5/main.cf.5", &page);
	for (size_t s = 0; s < nsets; s++)
		for (size_t i = 0; i < sets[s]->count; i++) {
			const struct param *row = &sets[s]->rows[i];

			default_text(row, &dflt);
			str_printf(&want, "\n.BR %s \" (", row->name);
			for (size_t k = 0; k < str_len(&dflt); k++)
				str_addf(&want, dflt.buf[k] == '"' ? "\"\"" :
				    "%c", dflt.buf[k]);
			str_adds(&want, ")\"\n");
			T_CASE(str_cstr(&want));
			T_CHECK(strstr(str_cstr(&page), str_cstr(&want)));
		}
	str_fini(&page);
	str_fini(&want);
	str_fini(&dflt);
}

T_TEST(main_cf_5_has_no_parameter_that_nobody_acts_on)
{
	struct str page = STR_EMPTY;
	const char *at;
	size_t count = 0;

	add_page(PAGES "man5/main.cf.5", &page);
	at = strstr(str_cstr(&page), "\n.SH PARAMETERS");
	T_NEED(at != NULL);
	while ((at = strstr(at, "\n.BR ")) != NULL) {
		size_t length = strcspn(at += 5, " \n");

		if (strncmp(at + length, " \" (", 4) != 0)
			continue;	/* a page it refers to */
		T_CASE(at);
		T_CHECK(row_of(at, length) != NULL);
		count++;
	}
	T_CHECK(count > 200);
	str_fini(&page);
}

/* The page of smtp speaks for lmtp. */
static bool
names_row(const char *page, const char *name)
{
	struct str twin = STR_EMPTY;
	bool found = names(page, name);

	if (!found && strncmp(name, "lmtp_", 5) == 0) {
		const char *lhlo = strstr(name, "lhlo");

		str_printf(&twin, "smtp_%s", name + 5);
		if (lhlo != NULL)
			memcpy(twin.buf + (lhlo - name), "ehlo", 4);
		found = names(page, str_cstr(&twin));
	}
	str_fini(&twin);
	return found;
}

static void
add_pages_of(const char *role, struct str *out)
{
	static const char *const commands[] = { "postdrop", "postlock",
		"postmulti", "postqueue", "sendmail", "waypost" };
	struct str path = STR_EMPTY;

	if (strcmp(role, "commands") == 0) {
		for (size_t i = 0; i < T_COUNT(commands); i++) {
			str_printf(&path, PAGES "man1/%s.1", commands[i]);
			add_page(str_cstr(&path), out);
		}
	} else {
		str_printf(&path, PAGES "man8/%s.8",
		    strcmp(role, "lmtp") == 0 ? "smtp" : role);
		add_page(str_cstr(&path), out);
	}
	str_fini(&path);
}

T_TEST(the_page_of_each_role_names_what_the_role_acts_on)
{
	struct str page = STR_EMPTY, name = STR_EMPTY;
	size_t nsets;
	const struct param_set *const *sets = all_params_sets(&nsets);

	for (size_t s = 0; s < nsets; s++) {
		if (strcmp(sets[s]->role, "core") == 0)
			continue;
		str_clear(&page);
		add_pages_of(sets[s]->role, &page);
		for (size_t i = 0; i < sets[s]->count; i++) {
			str_printf(&name, "%s: %s", sets[s]->role,
			    sets[s]->rows[i].name);
			T_CASE(str_cstr(&name));
			T_CHECK(names_row(str_cstr(&page),
			    sets[s]->rows[i].name));
		}
	}
	str_fini(&page);
	str_fini(&name);
}

T_TEST(the_page_of_each_role_lists_nothing_that_nobody_acts_on)
{
	struct str page = STR_EMPTY;
	size_t nsets;
	const struct param_set *const *sets = all_params_sets(&nsets);

	for (size_t s = 0; s < nsets; s++) {
		if (strcmp(sets[s]->role, "core") == 0)
			continue;
		str_clear(&page);
		add_pages_of(sets[s]->role, &page);

		const char *list = strstr(str_cstr(&page), "PARAMETERS\n");

		for (size_t i = 0; list != NULL && i < param_known_all()->count; i++) {
			const char *name = param_known_all()->rows[i].name;

			T_CASE(name);
			if (strchr(name, '_') != NULL && names(list, name))
				T_CHECK(row_of(name, strlen(name)) != NULL);
		}
	}
	str_fini(&page);
}
