/*
 * locale - nothing on this floor follows the locale of who started it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <glob.h>
#include <locale.h>

#include "common/base/codec.h"
#include "common/base/scan.h"
#include "common/base/utf8.h"
#include "tests/harness/t.h"

/* A call to one of these, as opposed to a word in a comment. */
static const char *const calls[] = { "isalpha(", "isalnum(", "isdigit(",
	"isspace(", "isupper(", "islower(", "isprint(", "iscntrl(", "tolower(",
	"toupper(", "towlower(", "strcasecmp(", "strncasecmp(", "strcoll(",
	"strtod(", "strtol(", "strtoul(", "atoi(", "atof(", "sscanf(",
	"strftime(", "mbrtowc(", "wcrtomb(", "setlocale(", "nl_langinfo(" };

T_TEST(no_source_calls_what_follows_it)
{
	glob_t files;

	T_NEED(glob("common/base/*.[ch]", 0, NULL, &files) == 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct span text = t_read_file(files.gl_pathv[i]);

		for (size_t k = 0; k < T_COUNT(calls); k++)
			if (span_search(text, SPAN(calls[k])) >= 0)
				T_FAIL("%s: %s)", files.gl_pathv[i], calls[k]);
	}
	globfree(&files);
}

T_TEST(results_are_the_same_in_any_locale)
{
	static const char *const names[] = { "tr_TR.UTF-8", "tr_TR.utf8",
		"de_DE.UTF-8", "de_DE.utf8", "de_DE.ISO-8859-1", "C.UTF-8" };
	struct str out = STR_EMPTY;
	bool any = false;

	for (size_t i = 0; i < T_COUNT(names); i++) {
		if (setlocale(LC_ALL, names[i]) == NULL)
			continue;
		any = true;
		T_CASE(names[i]);
		str_clear(&out);
		print_delay(&out, 1230000, 2);
		utf8_fold(&out, SPAN(" TITLE Ä"));
		log_quote(&out, span_of(" \xe4\n", 3));
		T_EQ_STR(str_cstr(&out), "1.2 title ä ??");
		T_CHECK(span_is_nocase(SPAN("TITLE"), "title"));
		T_CHECK(!span_is_nocase(SPAN("\xc4"), "\xe4"));
	}
	str_fini(&out);
	if (!any)
		T_SKIP("no locale but C");
}
