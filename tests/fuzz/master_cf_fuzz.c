/*
 * master.cf: rows taken apart, or refused with a reason.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/mail/master_cf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct str why = STR_EMPTY;
	struct master_cf cf;

	if (master_cf_load_text("master.cf", text, &cf, &why)) {
		for (size_t i = 0; i < cf.count; i++) {
			const struct master_row *row = &cf.rows[i];

			CHECK(row->columns.count == 8 && row->line > 0);
			CHECK(row->maxproc >= -1 && row->wakeup >= 0);
			CHECK(master_cf_find(&cf, row->name, row->type_text)
			    == row);
			for (size_t k = 0; k < row->overrides.count; k++)
				CHECK(span_find(SPAN(
				    row->overrides.items[k]), '=') > 0);
		}
		master_cf_free(&cf);
	} else {
		CHECK(str_len(&why) > 0 && cf.count == 0);
	}
	str_fini(&why);
	return 0;
}
