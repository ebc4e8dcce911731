/*
 * queue_id: a name that somebody gave for a message is an id or is refused; no
 * id leads out of the queue, whatever the hashing.
 *
 * The first byte chooses the queue and the depth of its hashing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "queue/names.h"
#include "queue/queue_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span id;
	struct str path = STR_EMPTY;
	enum queue_name name;
	int64_t when;

	if (size == 0)
		return 0;
	name = (enum queue_name)(data[0] % QUEUE_NAME_COUNT);
	id = span_of((const char *)data + 1, size - 1);
	CHECK(queue_name_value(SPAN(queue_name_text(name))) == (int)name);
	if (queue_name_value(id) >= 0)
		CHECK(span_is(id, queue_name_text(
		    (enum queue_name)queue_name_value(id))));
	if (!queue_id_valid(id))
		return 0;
	CHECK(id.len > 0 && id.len < QUEUE_ID_MAX && span_is_ascii(id));
	CHECK(!span_has(id, '/') && !span_has(id, '.') && !span_has(id, '\0'));
	if (queue_id_is_long(id) && queue_id_time(id, &when))
		CHECK(when >= 0);
	queue_path_at_depth(name, id, data[0] / QUEUE_NAME_COUNT
	    % (QUEUE_DEPTH_MOST + 1), &path);
	CHECK(span_starts(str_span(&path), SPAN(queue_name_text(name))));
	CHECK(span_ends(str_span(&path), id));
	CHECK(span_search(str_span(&path), SPAN("..")) < 0
	    && span_search(str_span(&path), SPAN("//")) < 0);
	str_fini(&path);
	return 0;
}
