/*
 * library - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/library_priv.h"

#include <dlfcn.h>

#include "common/base/mem.h"
#include "common/io/fault.h"
#include "maps/types.h"

static bool
find_calls(const struct library *library, void *handle)
{
	for (size_t i = 0; i < library->count; i++) {
		void *function = dlsym(handle, library->calls[i].name);

		if (function == NULL)
			return false;
		memcpy(library->calls[i].pointer, &function,
		    sizeof(function));
	}
	return true;
}

static bool
is_loaded(const struct library *library)
{
	void *last;

	memcpy(&last, library->calls[library->count - 1].pointer,
	    sizeof(last));
	return last != NULL;
}

bool
library_load(const struct map_type *type, struct span table, struct str *why)
{
	const struct library *library = type->library;
	const char *reason;

	if (library == NULL || is_loaded(library))
		return true;
	(void)dlerror();

	void *handle = FAULT("map.library") ? NULL
	    : dlopen(library->file, RTLD_NOW | RTLD_LOCAL);

	if (handle != NULL && find_calls(library, handle))
		return true;
	reason = dlerror();
	str_printf(why, "open %s:%.*s: the library %s cannot be loaded (Debian "
	    "has it in %s): %s", type->name, SPAN_ARG(table), library->file,
	    library->package, reason != NULL ? reason : "no reason given");
	return false;
}

void
map_load_libraries(void)
{
	struct str unheard = STR_EMPTY;

	for (size_t i = 0; i < map_types_count; i++)
		(void)library_load(map_types[i], SPAN_NONE, &unheard);
	str_fini(&unheard);
}
