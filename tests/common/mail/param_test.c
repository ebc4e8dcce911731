/*
 * param - the rows: every name known, defaults that fit their type.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/hash.h"
#include "common/base/scan.h"
#include "common/io/textfile.h"
#include "common/mail/conf.h"
#include "tests/harness/t.h"

T_TEST(every_name_is_known)
{
	struct textfile file;
	struct str why = STR_EMPTY;
	struct hash *names = hash_new();
	struct span line;

	for (size_t i = 0; i < param_known.count; i++)
		hash_put(names, SPAN(param_known.rows[i].name),
		    (void *)(uintptr_t)&param_known.rows[i]);
	T_EQ_INT(hash_count(names), param_known.count);
	T_NEED(textfile_open(&file, T_DATA("params.txt"), &why));
	while (textfile_next(&file, &line)) {
		t_case("%.*s", SPAN_ARG(line));
		T_CHECK(hash_has(names, line));
	}
	textfile_close(&file);
	hash_free(&names);
	str_fini(&why);
}

T_TEST(rows_are_sorted_and_complete)
{
	for (size_t i = 0; i < param_known.count; i++) {
		const struct param *row = &param_known.rows[i];

		T_CASE(row->name);
		if (i > 0)
			T_CHECK(strcmp(row[-1].name, row->name) < 0);
		T_CHECK(row->field == NULL);
		T_CHECK(row->dflt != NULL && row->programs != NULL);
		if (row->cls == PARAM_PROTECTIVE)
			T_CHECK(row->idle != NULL);
		else
			T_CHECK(row->reason != NULL && row->reason[0] != 0);
	}
}

/* Where a default needs no expansion it reads as its type. */
static void
check_default(const struct param *row)
{
	struct span text = SPAN(row->dflt);
	int64_t number;
	bool flag;

	if (span_has(text, '$'))
		return;
	switch (row->type) {
	case PARAM_TYPE_INT:
		T_CHECK(scan_i64(text, &number));
		break;
	case PARAM_TYPE_TIME:
		T_CHECK(scan_time(text, 's', &number));
		break;
	case PARAM_TYPE_BOOL:
		T_CHECK(scan_bool(text, &flag));
		break;
	case PARAM_TYPE_STR:
	case PARAM_TYPE_RAW:
	case PARAM_TYPE_TEMPLATE:
	case PARAM_TYPE_LEGACY:
		break;
	}
}

T_TEST(defaults_fit_their_type)
{
	for (size_t i = 0; i < param_known.count; i++) {
		T_CASE(param_known.rows[i].name);
		check_default(&param_known.rows[i]);
	}
	for (size_t i = 0; i < conf_core_params.count; i++) {
		T_CASE(conf_core_params.rows[i].name);
		check_default(&conf_core_params.rows[i]);
	}
}

/* A default that says yes would refuse service on every machine. */
T_TEST(protective_defaults_ask_for_nothing_by_themselves)
{
	struct str what = STR_EMPTY, why = STR_EMPTY;

	T_NEED(conf_load_text("main.cf", SPAN(""), &why));
	T_CHECK(!conf_unmet_protection("smtpd", &what));
	T_CHECK(!conf_unmet_protection("smtp", &what));
	T_CHECK(!conf_unmet_protection("cleanup", &what));
	T_CHECK(!conf_unmet_protection("local", &what));
	str_fini(&what);
	str_fini(&why);
}
