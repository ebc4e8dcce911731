/*
 * date822 - dates as headers carry them, in any zone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/date822.h"
#include "tests/harness/t.h"

T_TEST(dates_of_headers)
{
	static const struct {
		const char *zone;
		time_t when;
		const char *want;
	} cases[] = {
		{ "UTC", 1795407631, "Mon, 23 Nov 2026 04:20:31 +0000 (UTC)" },
		{ "UTC", 0, "Thu,  1 Jan 1970 00:00:00 +0000 (UTC)" },
		{ "UTC", 951782400, "Tue, 29 Feb 2000 00:00:00 +0000 (UTC)" },
		{ "UTC", 2147483648, "Tue, 19 Jan 2038 03:14:08 +0000 (UTC)" },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1795407631,
		    "Mon, 23 Nov 2026 05:20:31 +0100 (CET)" },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1782864000,
		    "Wed,  1 Jul 2026 02:00:00 +0200 (CEST)" },
		{ "EST5", 1795407631,
		    "Sun, 22 Nov 2026 23:20:31 -0500 (EST)" },
		{ "NST3:30", 1795407631,
		    "Mon, 23 Nov 2026 00:50:31 -0330 (NST)" },
		{ "<+0545>-5:45", 1795407631,
		    "Mon, 23 Nov 2026 10:05:31 +0545 (+0545)" },
		{ "<-0030>0:30", 1795407631,
		    "Mon, 23 Nov 2026 03:50:31 -0030 (-0030)" },
	};
	struct str out = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASEF("%s %lld", cases[i].zone, (long long)cases[i].when);
		setenv("TZ", cases[i].zone, 1);
		tzset();
		str_clear(&out);
		date822_print(&out, cases[i].when);
		T_EQ_STR(str_cstr(&out), cases[i].want);
	}
	str_fini(&out);
}
