/*
 * crc32c - the Castagnoli checksum, by the processor where it can, else by
 * tables, eight bytes a step.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>

#include "common/base/codec.h"
#include "common/base/crc32c_priv.h"

static uint32_t tables[8][256];

static void
fill_tables(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0x82f63b78u & -(crc & 1));
		tables[0][i] = crc;
	}
	for (int t = 1; t < 8; t++)
		for (uint32_t i = 0; i < 256; i++)
			tables[t][i] = tables[t - 1][i] >> 8 ^
			    tables[0][tables[t - 1][i] & 0xff];
}

uint32_t
crc32c_by_table(uint32_t crc, const unsigned char *p, size_t len)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fill_tables);
	for (; len >= 8; p += 8, len -= 8) {
		uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 |
		    (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);

		crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^
		    tables[5][low >> 16 & 0xff] ^ tables[4][low >> 24] ^
		    tables[3][p[4]] ^ tables[2][p[5]] ^ tables[1][p[6]] ^
		    tables[0][p[7]];
	}
	for (; len > 0; p++, len--)
		crc = crc >> 8 ^ tables[0][(crc ^ *p) & 0xff];
	return crc;
}

uint32_t
crc32c(uint32_t seed, const void *bytes, size_t len)
{
	if (crc32c_has_hardware())
		return ~crc32c_by_hardware(~seed, bytes, len);
	return ~crc32c_by_table(~seed, bytes, len);
}
