/*
 * date822 - see the header. Names of days and months are those of the RFC,
 * whatever the locale.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/date822.h"

#include <stdlib.h>

void
date822_print(struct str *out, time_t when)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm;
	long offset;

	localtime_r(&when, &tm);
	offset = tm.tm_gmtoff / 60;
	str_addf(out, "%.3s, %2d %.3s %d %02d:%02d:%02d %c%02ld%02ld",
	    days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    offset < 0 ? '-' : '+', labs(offset) / 60, labs(offset) % 60);
	if (tm.tm_zone != NULL && tm.tm_zone[0] != '\0')
		str_addf(out, " (%s)", tm.tm_zone);
}
