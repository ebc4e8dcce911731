/*
 * random_priv - seeds for this folder.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_RANDOM_PRIV_H
#define COMMON_BASE_RANDOM_PRIV_H

#include <stddef.h>

/* From the kernel; from what else differs between processes if it refuses. */
void random_kernel_bytes(void *out, size_t len);

#endif
