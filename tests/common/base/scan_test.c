/*
 * scan - numbers, times, yes and no; delays as they are logged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/scan.h"
#include "tests/harness/t.h"

T_TEST(numbers_are_whole_or_refused)
{
	static const struct {
		const char *text;
		int u64, u32, i64, hex, octal;	/* accepted? */
	} cases[] = {
		{ "0", 1, 1, 1, 1, 1 },
		{ "007", 1, 1, 1, 1, 1 },
		{ "8", 1, 1, 1, 1, 0 },
		{ "4294967295", 1, 1, 1, 1, 0 },
		{ "4294967296", 1, 0, 1, 1, 0 },
		{ "37777777777", 1, 0, 1, 1, 1 },
		{ "40000000000", 1, 0, 1, 1, 0 },
		{ "9223372036854775807", 1, 0, 1, 0, 0 },
		{ "9223372036854775808", 1, 0, 0, 0, 0 },
		{ "18446744073709551615", 1, 0, 0, 0, 0 },
		{ "18446744073709551616", 0, 0, 0, 0, 0 },
		{ "99999999999999999999999", 0, 0, 0, 0, 0 },
		{ "-1", 0, 0, 1, 0, 0 },
		{ "-0", 0, 0, 1, 0, 0 },
		{ "-9223372036854775808", 0, 0, 1, 0, 0 },
		{ "-9223372036854775809", 0, 0, 0, 0, 0 },
		{ "", 0, 0, 0, 0, 0 },
		{ "-", 0, 0, 0, 0, 0 },
		{ "--1", 0, 0, 0, 0, 0 },
		{ "+1", 0, 0, 0, 0, 0 },
		{ " 1", 0, 0, 0, 0, 0 },
		{ "1 ", 0, 0, 0, 0, 0 },
		{ "1a", 0, 0, 0, 1, 0 },
		{ "0x1", 0, 0, 0, 0, 0 },
		{ "fFfFfFfFfFfFfFfF", 0, 0, 0, 1, 0 },
		{ "1ffffffffffffffff", 0, 0, 0, 0, 0 },
		{ "g", 0, 0, 0, 0, 0 },
		{ "1.5", 0, 0, 0, 0, 0 },
		{ "\xd9\xa1", 0, 0, 0, 0, 0 },	/* Arabic-Indic one */
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct span text = SPAN(cases[i].text);
		uint64_t u64, hex;
		uint32_t u32, octal;
		int64_t i64;

		T_CASE(cases[i].text);
		T_EQ_INT(scan_u64(text, &u64), cases[i].u64);
		T_EQ_INT(scan_u32(text, &u32), cases[i].u32);
		T_EQ_INT(scan_i64(text, &i64), cases[i].i64);
		T_EQ_INT(scan_hex64(text, &hex), cases[i].hex);
		T_EQ_INT(scan_octal(text, &octal), cases[i].octal);
	}
	T_CHECK(!scan_u64(span_of("1\0", 2), &(uint64_t){ 0 }));
}

T_TEST(numbers_have_their_value)
{
	uint64_t u64;
	uint32_t u32;
	int64_t i64;

	T_CHECK(scan_u64(SPAN("18446744073709551615"), &u64) &&
	    u64 == UINT64_MAX);
	T_CHECK(scan_u32(SPAN("4294967295"), &u32) && u32 == UINT32_MAX);
	T_CHECK(scan_i64(SPAN("-9223372036854775808"), &i64) &&
	    i64 == INT64_MIN);
	T_CHECK(scan_i64(SPAN("9223372036854775807"), &i64) &&
	    i64 == INT64_MAX);
	T_CHECK(scan_hex64(SPAN("DEADbeef"), &u64) && u64 == 0xdeadbeef);
	T_CHECK(scan_octal(SPAN("0755"), &u32) && u32 == 0755);
	u64 = 5;
	T_CHECK(!scan_u64(SPAN("99x"), &u64) && u64 == 5);
}

T_TEST(times_have_units)
{
	static const struct {
		const char *text;
		char unit;
		bool ok;
		int64_t seconds;
	} cases[] = {
		{ "300s", 'h', true, 300 },
		{ "5m", 's', true, 300 },
		{ "5M", 's', true, 300 },
		{ "2h", 's', true, 7200 },
		{ "5d", 's', true, 432000 },
		{ "1w", 's', true, 604800 },
		{ "10", 's', true, 10 },
		{ "10", 'd', true, 864000 },
		{ "0", 's', true, 0 },
		{ "9223372036854775807", 's', true, INT64_MAX },
		{ "9223372036854775807", 'm', false, 0 },
		{ "99999999999999999w", 's', false, 0 },
		{ "10", 'x', false, 0 },
		{ "10y", 's', false, 0 },
		{ "10ms", 's', false, 0 },
		{ "10 s", 's', false, 0 },
		{ "1.5h", 's', false, 0 },
		{ "-1s", 's', false, 0 },
		{ "s", 's', false, 0 },
		{ "", 's', false, 0 },
		{ "1h30m", 's', false, 0 },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		int64_t seconds = 0;

		T_CASE(cases[i].text);
		T_EQ_INT(scan_time(SPAN(cases[i].text), cases[i].unit,
		    &seconds), cases[i].ok);
		T_EQ_INT(seconds, cases[i].seconds);
	}
}

T_TEST(yes_and_no)
{
	bool value = false;

	T_CHECK(scan_bool(SPAN("yes"), &value) && value);
	T_CHECK(scan_bool(SPAN("No"), &value) && !value);
	T_CHECK(scan_bool(SPAN("YES"), &value) && value);
	T_CHECK(!scan_bool(SPAN("true"), &value));
	T_CHECK(!scan_bool(SPAN(""), &value));
	T_CHECK(!scan_bool(SPAN("yess"), &value));
}

T_TEST(delays_have_two_digits_that_count)
{
	static const struct {
		int64_t us;
		int decimals;
		const char *want;
	} cases[] = {
		{ 0, 2, "0" },
		{ -5, 2, "0" },
		{ 1, 2, "0" },
		{ 4999, 2, "0" },
		{ 5000, 2, "0.01" },
		{ 10000, 2, "0.01" },
		{ 14999, 2, "0.01" },
		{ 50000, 2, "0.05" },
		{ 99000, 2, "0.1" },
		{ 100000, 2, "0.1" },
		{ 123456, 2, "0.12" },
		{ 500000, 2, "0.5" },
		{ 994999, 2, "0.99" },
		{ 995000, 2, "1" },
		{ 1000000, 2, "1" },
		{ 1040000, 2, "1" },
		{ 1050000, 2, "1.1" },
		{ 1234567, 2, "1.2" },
		{ 9940000, 2, "9.9" },
		{ 9960000, 2, "10" },
		{ 10400000, 2, "10" },
		{ 10500000, 2, "11" },
		{ 15000000, 2, "15" },
		{ 99600000, 2, "100" },
		{ 120000000, 2, "120" },
		{ 123400000, 2, "123" },
		{ 86407000000, 2, "86407" },
		{ 1234, 6, "0.0012" },
		{ 123, 6, "0.00012" },
		{ 12, 6, "0.000012" },
		{ 1, 6, "0.000001" },
		{ 1234567, 0, "1" },
		{ 1500000, 0, "2" },
		{ 400000, 0, "0" },
		{ 1234567, 1, "1.2" },
		{ 40000, 1, "0" },
		{ 60000, 1, "0.1" },
	};
	struct str out = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASEF("%lld us, %d decimals", (long long)cases[i].us,
		    cases[i].decimals);
		str_clear(&out);
		print_delay(&out, cases[i].us, cases[i].decimals);
		T_EQ_STR(str_cstr(&out), cases[i].want);
	}
	str_sets(&out, "delay=");
	print_delay(&out, 200000, 2);
	T_EQ_STR(str_cstr(&out), "delay=0.2");
	str_fini(&out);
}
