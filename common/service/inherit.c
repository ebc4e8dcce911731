/*
 * inherit - reading the variable that master leaves its children.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/service/control.h"
#include "common/service/inherit.h"

static bool
take_number(struct span word, struct inherit *out)
{
	uint32_t log = 0, root = 0;
	const struct {
		const char *name;
		uint32_t *to, below;
	} known[] = {
		{ "slot", &out->slot, CONTROL_SLOTS },
		{ "row", &out->row, CONTROL_ROWS },
		{ "generation", &out->generation, UINT32_MAX },
		{ "listen", &out->listen, INHERIT_LISTEN_MAX + 1 },
		{ "log", &log, 2 },
		{ "root", &root, 2 },
	};
	struct span name;

	if (!span_split(&word, '=', &name))
		return false;
	if (span_is(name, "build")) {
		if (word.len > BUILD_ID_LEN)
			return false;
		memcpy(out->build, word.p, word.len);
		return true;
	}
	for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
		if (!span_is(name, known[i].name))
			continue;
		if (!scan_u32(word, known[i].to) ||
		    *known[i].to >= known[i].below)
			return false;
		out->log |= log != 0;
		out->root |= root != 0;
		return true;
	}
	return false;
}

bool
inherit_parse(const char *text, struct inherit *out)
{
	struct span rest = span_cstr(text), word;

	*out = (struct inherit){ 0 };
	if (!span_token(&rest, " ", &word) || !span_is(word, "v1"))
		return false;
	while (span_token(&rest, " ", &word))
		if (!take_number(word, out))
			return false;
	return true;
}
