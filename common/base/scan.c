/*
 * scan - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/scan.h"

static bool
scan_base(struct span text, unsigned base, uint64_t *out)
{
	uint64_t v = 0;

	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = ascii_lower(text.p[i]);
		unsigned digit = ascii_is_digit(c) ? (unsigned)(c - '0')
		    : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 99;

		if (digit >= base || __builtin_mul_overflow(v, base, &v)
		    || __builtin_add_overflow(v, digit, &v))
			return false;
	}
	*out = v;
	return true;
}

bool
scan_u64(struct span text, uint64_t *out)
{
	return scan_base(text, 10, out);
}

bool
scan_u32(struct span text, uint32_t *out)
{
	uint64_t v;

	if (!scan_u64(text, &v) || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

bool
scan_i64(struct span text, int64_t *out)
{
	bool minus = text.len > 0 && text.p[0] == '-';
	uint64_t v;

	if (!scan_u64(span_skip(text, minus), &v)
	    || v > (uint64_t)INT64_MAX + minus)
		return false;
	*out = minus ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

bool
scan_hex64(struct span text, uint64_t *out)
{
	return scan_base(text, 16, out);
}

bool
scan_octal(struct span text, uint32_t *out)
{
	uint64_t v;

	if (!scan_base(text, 8, &v) || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

bool
scan_time(struct span text, char default_unit, int64_t *seconds_out)
{
	char unit = default_unit;
	uint64_t v;
	int64_t factor;

	if (text.len > 0 && ascii_is_alpha(text.p[text.len - 1])) {
		unit = ascii_lower(text.p[text.len - 1]);
		text.len--;
	}
	switch (unit) {
	case 's':
		factor = 1;
		break;
	case 'm':
		factor = 60;
		break;
	case 'h':
		factor = 3600;
		break;
	case 'd':
		factor = 86400;
		break;
	case 'w':
		factor = 604800;
		break;
	default:
		return false;
	}
	if (!scan_u64(text, &v) || v > (uint64_t)(INT64_MAX / factor))
		return false;
	*seconds_out = (int64_t)v * factor;
	return true;
}

bool
scan_bool(struct span text, bool *out)
{
	if (span_is_nocase(text, "yes"))
		*out = true;
	else if (span_is_nocase(text, "no"))
		*out = false;
	else
		return false;
	return true;
}

void
print_delay(struct str *out, int64_t delay_us, int decimals)
{
	int64_t step = 1, scaled;

	if (delay_us < 0)
		delay_us = 0;
	if (decimals < 0)
		decimals = 0;
	if (decimals > 6)
		decimals = 6;
	for (int i = 0; i < 6 - decimals; i++)
		step *= 10;
	/* two significant digits, unless that is coarser than a second */
	while (step < 1000000 && delay_us >= 100 * step)
		step *= 10;
	scaled = (delay_us + step / 2) / step * step;
	str_addf(out, "%lld", (long long)(scaled / 1000000));
	if (scaled % 1000000 != 0) {
		str_addf(out, ".%06lld", (long long)(scaled % 1000000));
		while (out->buf[out->len - 1] == '0')
			str_truncate(out, out->len - 1);
	}
}
