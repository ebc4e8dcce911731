/*
 * cf_edit: changing one name of any main.cf or one row of any master.cf leaves
 * a file in which the change can be read, and every other line as it was.
 *
 * The first byte chooses the file and the change.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "daemons/commands/lib/main_cf_edit.h"
#include "daemons/commands/lib/master_cf_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 4000 };

static void
check_pieces(struct span text)
{
	struct span rest = text, piece;
	const char *at = text.p;
	bool entry;

	while (conf_text_next(&rest, &piece, &entry)) {
		CHECK(piece.len > 0 && piece.p == at);
		at = piece.p + piece.len;
	}
	CHECK(at == text.p + text.len);
}

static void
check_main(struct span text, enum main_cf_change change)
{
	struct strlist items = STRLIST_EMPTY;
	struct str once = STR_EMPTY, twice = STR_EMPTY, why = STR_EMPTY;

	strlist_adds(&items, change == MAIN_CF_SET ? "myname=new value"
	    : "myname");
	if (main_cf_edit_text(text, change, &items, &once, &why)) {
		if (change == MAIN_CF_SET)
			CHECK(span_search(str_span(&once),
			    SPAN("myname = new value\n")) >= 0);
		/* The same change again changes nothing. */
		CHECK(main_cf_edit_text(str_span(&once), change, &items,
		    &twice, &why));
		CHECK(span_eq(str_span(&once), str_span(&twice)));
	} else {
		CHECK(str_len(&why) > 0);
	}
	strlist_fini(&items);
	str_fini(&once);
	str_fini(&twice);
	str_fini(&why);
}

static void
check_master(struct span text, enum master_cf_change change)
{
	static const char *const changes[] = {
		[MASTER_CF_SET] = "smtp/inet=smtp inet n - y - - smtpd -o a=b",
		[MASTER_CF_COMMENT] = "smtp/inet",
		[MASTER_CF_REMOVE] = "smtp/inet",
		[MASTER_CF_SET_FIELD] = "smtp/inet/chroot=n",
		[MASTER_CF_SET_PARAMETER] = "smtp/inet/a=c",
		[MASTER_CF_REMOVE_PARAMETER] = "smtp/inet/a",
	};
	struct strlist items = STRLIST_EMPTY;
	struct str out = STR_EMPTY, why = STR_EMPTY;

	strlist_adds(&items, changes[change]);
	if (!master_cf_edit_text(text, change, &items, &out, &why))
		CHECK(str_len(&why) > 0);
	strlist_fini(&items);
	str_fini(&out);
	str_fini(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text;

	if (size == 0 || size > TEXT_MAX)
		return 0;
	text = span_of((const char *)data + 1, size - 1);
	check_pieces(text);
	if (data[0] % 9 <= MAIN_CF_REMOVE)
		check_main(text, (enum main_cf_change)(data[0] % 9));
	else
		check_master(text, (enum master_cf_change)(data[0] % 9 - 3));
	return 0;
}
