/*
 * pages - whole pages for what lives briefly: arenas, buffers.
 *
 * They are kept apart from malloc's heap, where the small things that stay
 * would keep the page beside them resident after a crowd has gone. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_PAGES_H
#define COMMON_BASE_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#define PAGES_UNIT 4096
#define PAGES_MOST 16			/* units of one piece */

/* units: 1, 2, 4, 8 or 16; the piece has that many times PAGES_UNIT bytes, not
 * cleared. Ends the process without memory, as mem_alloc does. */
void *pages_get(size_t units);
/* With the same units. NULL is harmless. */
void pages_put(void *piece, size_t units);

/* Gives the memory of free pieces back to the system. */
void pages_cool(void);
/* Gives back what lay free ever since the last call, and tells whether many
 * were asked for since. Who calls it once promises to do so again, every
 * second or two while there are many: from then on all are kept until then,
 * because to give a page back costs as much as to send a message. */
bool pages_settle(void);
/* Whether more are free than a process may keep for good. */
bool pages_many(void);
/* Bytes of pieces in use, and of free ones that may be resident; for tests. */
size_t pages_in_use(void);
size_t pages_warm(void);
/* So under a sanitizer. */
bool pages_are_mallocs(void);

#endif
