/*
 * crc32c_hw - the checksum by the processor: SSE 4.2, or ARMv8 with CRC.
 *
 * The functions carry their own target, so the rest of the program still runs
 * on a machine without the instruction.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "common/base/crc32c_priv.h"
#include "common/base/panic.h"

#if defined(__x86_64__)

#include <nmmintrin.h>

bool
crc32c_has_hardware(void)
{
	return __builtin_cpu_supports("sse4.2");
}

__attribute__((target("sse4.2"))) uint32_t
crc32c_by_hardware(uint32_t crc, const unsigned char *p, size_t len)
{
	uint64_t wide = crc, word;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		wide = _mm_crc32_u64(wide, word);
	}
	crc = (uint32_t)wide;
	for (; len > 0; p++, len--)
		crc = _mm_crc32_u8(crc, *p);
	return crc;
}

#elif defined(__aarch64__) && defined(__AARCH64EL__)

#include <sys/auxv.h>

/* By inline assembly: <arm_acle.h> hides them without -march. */
#define HWCAP_WITH_CRC32 (1ul << 7)

bool
crc32c_has_hardware(void)
{
	return (getauxval(AT_HWCAP) & HWCAP_WITH_CRC32) != 0;
}

uint32_t
crc32c_by_hardware(uint32_t crc, const unsigned char *p, size_t len)
{
	uint64_t word;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		__asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1"
		    : "+r"(crc) : "r"(word));
	}
	for (; len > 0; p++, len--)
		__asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1"
		    : "+r"(crc) : "r"((uint32_t)*p));
	return crc;
}

#else

bool
crc32c_has_hardware(void)
{
	return false;
}

uint32_t
crc32c_by_hardware(uint32_t crc, const unsigned char *p, size_t len)
{
	(void)crc;
	(void)p;
	panic("no instruction for %zu bytes of CRC-32C", len);
}

#endif
