/*
 * crc32c_priv - the two ways to compute it; both want and return the register,
 * which is the complement of the checksum.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_CRC32C_PRIV_H
#define COMMON_BASE_CRC32C_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint32_t crc32c_by_table(uint32_t crc, const unsigned char *p, size_t len);
bool crc32c_has_hardware(void);
uint32_t crc32c_by_hardware(uint32_t crc, const unsigned char *p, size_t len);

#endif
