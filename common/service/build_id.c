/*
 * build_id - of a program that was linked without one: unit tests and tools. The
 * others have it from the makefile, see there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/service/inherit.h"

__attribute__((weak)) const char build_id[BUILD_ID_LEN + 1] = "";
