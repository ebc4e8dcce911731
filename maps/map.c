/*
 * map - handles on tables: opening by type, folding, reopening, provenance.
 *
 * A handle outlives its object: when a file changed, a new object is opened
 * beside the old one, and the old one goes when the last look-up that is
 * waiting inside it has come back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/map.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/base/utf8.h"
#include "common/io/fault.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/mail/conf_core.h"
#include "maps/library_priv.h"
#include "maps/types.h"

#define CHECK_EVERY_NS INT64_C(1000000000)
#define RETRY_EVERY_NS (INT64_C(60) * 1000000000)

static struct list opened = LIST_HEAD(opened);
static bool may_reopen;
static bool may_run_loop;		/* a command */

/* --- For types -----------------------------------------------------------*/

void *
map_new_size(const struct map_spec *spec, size_t size)
{
	CHECK(size >= sizeof(struct map));
	struct map *map = mem_zalloc(size);
	struct str label = STR_EMPTY;

	str_printf(&label, "%s:%s", spec->type, spec->name);
	map->label = str_release(&label);
	map->name = map->label + strlen(spec->type) + 1;
	map->flags = spec->flags;
	map->owner = -1;
	map->type = map_type_find(span_cstr(spec->type));
	if (map->type != NULL)
		map->flags |= map->type->flags;
	list_init(&map->opened);
	return map;
}

struct map *
map_discard(struct map *map)
{
	if (map != NULL) {
		str_fini(&map->failed_why);
		mem_free(map->label);
		mem_free(map);
	}
	return NULL;
}

struct map *
map_unavailable(const struct map_spec *spec, const char *reason)
{
	struct map *map = map_new_size(spec, sizeof(*map));

	map->unavailable = true;
	str_sets(&map->failed_why, reason);
	return map;
}

enum map_status
map_fail(struct map *map, const char *format, ...)
{
	va_list args;

	str_clear(&map->failed_why);
	va_start(args, format);
	str_vaddf(&map->failed_why, format, args);
	va_end(args);
	return MAP_FAILED;
}

void
map_call_deep(void (*fn)(void *arg), void *arg)
{
	if (fiber_self() != NULL)
		fiber_call_deep(fn, arg);
	else
		fn(arg);
}

void
map_fold_key(struct str *out, struct span key)
{
	str_clear(out);
	utf8_fold(out, key);
}

bool
map_key_is_folded(struct span key)
{
	for (size_t i = 0; i < key.len; i++) {
		unsigned char c = (unsigned char)key.p[i];

		if (c >= 128 || (c >= 'A' && c <= 'Z'))
			return false;
	}
	return true;
}

/* --- Opening and closing -------------------------------------------------*/

static void
object_close(struct map *object)
{
	if (object->users > 0) {
		object->retired = true;
		return;
	}
	if (!object->unavailable && object->type->close != NULL)
		object->type->close(object);
	map_discard(object);
}

static void
object_release(struct map *object)
{
	CHECK(object->users > 0);
	if (--object->users == 0 && object->retired)
		object_close(object);
}

static struct map *
object_open(const struct map_type *type, const struct map_spec *spec,
    struct str *why)
{
	struct str reason = STR_EMPTY;
	struct map *map;

	if (type->missing != NULL)
		str_printf(&reason, "unsupported dictionary type: %s (%s)",
		    type->name, type->missing);
	else if (library_load(type, span_cstr(spec->name), &reason))
		return type->open(spec, why);
	map = map_unavailable(spec, str_cstr(&reason));
	str_fini(&reason);
	return map;
}

static struct map *
handle_new(const struct map_spec *spec, struct map *object)
{
	struct map *map = map_new_size(spec, sizeof(*map));

	map->object = object;
	map->flags = object->flags;
	map->text = spec->text;
	map->opened_ns = map->checked_ns = clock_now_ns();
	list_append(&opened, &map->opened);
	return map;
}

static struct map *
open_spec(const struct map_type *type, const struct map_spec *spec,
    struct str *why)
{
	struct map *object = object_open(type, spec, why);

	if (object == NULL)
		return NULL;
	/* Commands have their own way to say it. */
	if (object->unavailable && conf_core.table_open_error_is_fatal
	    && !may_run_loop && !(spec->flags & MAP_QUIET))
		fatal("%s is unavailable. %s", object->label,
		    str_cstr(&object->failed_why));
	if (object->unavailable && !(spec->flags & MAP_QUIET))
		log_warn("%s is unavailable. %s", object->label,
		    str_cstr(&object->failed_why));
	return handle_new(spec, object);
}

static struct map *
open_text(const char *text, unsigned flags, struct str *why)
{
	struct span spec = span_cstr(text);
	ssize_t colon = span_find(spec, ':');

	if (colon <= 0 || (size_t)colon + 1 == spec.len) {
		str_printf(why, "open dictionary: expecting \"type:name\" "
		    "form instead of \"%s\"", text);
		return NULL;
	}
	struct span name = span_sub(spec, 0, (size_t)colon);
	const struct map_type *type = map_type_find(name);

	if (type == NULL) {
		str_printf(why, "unsupported dictionary type: %.*s",
		    SPAN_ARG(name));
		return NULL;
	}
	struct map_spec parts = { .type = type->name, .name = text + colon + 1,
		.flags = flags };

	return open_spec(type, &parts, why);
}

struct map *
map_open(const char *text, unsigned flags, struct str *why)
{
	struct str unheard = STR_EMPTY;
	struct map *map = open_text(text, flags, why != NULL ? why : &unheard);

	str_fini(&unheard);
	return map;
}

struct map *
map_open_text(const char *name, const char *text)
{
	const struct map_type *type = map_type_find(span_cstr(name));
	struct map_spec spec = { .type = name, .name = "text",
		.flags = MAP_FOLD, .text = span_cstr(text) };
	struct str why = STR_EMPTY;
	struct map *map = type != NULL ? open_spec(type, &spec, &why) : NULL;

	str_fini(&why);
	return map;
}

void
map_close(struct map *map)
{
	if (map == NULL)
		return;
	CHECK(map->object != NULL);
	list_remove(&map->opened);
	object_close(map->object);
	map_discard(map);
}

/* --- Changes -------------------------------------------------------------*/

void
map_allow_reopen(bool yes)
{
	may_reopen = yes;
}

bool
map_may_reopen(void)
{
	return may_reopen;
}

void
map_for_command(void)
{
	may_reopen = may_run_loop = true;
}

static uint64_t reopens;

uint64_t
map_reopens(void)
{
	return reopens;
}

/* True when the object is now the newest there is. */
static bool
reopen(struct map *map)
{
	struct map_spec spec = { .type = map->type->name, .name = map->name,
		.flags = map->flags };
	struct str why = STR_EMPTY;
	struct map *object = object_open(map->type, &spec, &why);
	bool better = object != NULL &&
	    (!object->unavailable || map->object->unavailable);

	if (better) {
		reopens++;
		object_close(map->object);
		map->object = object;
		map->flags = object->flags;
		map->opened_ns = clock_now_ns();
	} else {
		/* Half-way through an edit, perhaps: the old answers stay
		 * until the file can be read again. */
		log_warn("%s has changed and cannot be read, keeping what "
		    "was read before: %s", map->label, object != NULL ?
		    str_cstr(&object->failed_why) : str_cstr(&why));
		if (object != NULL)
			object_close(object);
	}
	str_fini(&why);
	return better;
}

static bool
object_changed(struct map *map)
{
	struct map *object = map->object;

	if (object->unavailable)
		return object->type->missing == NULL &&
		    (may_reopen || (map->asked &&
		    clock_now_ns() - map->opened_ns >= RETRY_EVERY_NS));
	return object->type->changed != NULL && object->type->changed(object);
}

bool
map_has_changed(struct map *map)
{
	int64_t now = clock_now_ns();

	if (map->text.p != NULL || now - map->checked_ns < CHECK_EVERY_NS)
		return false;
	map->checked_ns = now;
	if (!object_changed(map))
		return false;
	if (!may_reopen) {
		/* Say it again next time: one role may ask twice. */
		map->checked_ns = now - CHECK_EVERY_NS;
		return true;
	}
	(void)reopen(map);
	return false;
}

const char *
map_any_changed(void)
{
	LIST_EACH(item, &opened) {
		struct map *map = LIST_ITEM(item, struct map, opened);

		if (map_has_changed(map))
			return map->label;
	}
	return NULL;
}

/* --- Look-ups ------------------------------------------------------------*/

static enum map_status
keep_why(struct map *map, struct map *object, enum map_status status)
{
	if (status != MAP_FAILED)
		return status;
	if (object->unavailable)
		str_printf(&map->failed_why, "%s is unavailable. %s",
		    map->label, str_cstr(&object->failed_why));
	else if (str_len(&object->failed_why) > 0)
		str_set(&map->failed_why, str_span(&object->failed_why));
	else
		str_printf(&map->failed_why, "%s: query error", map->label);
	return status;
}

static enum map_status
object_lookup(struct map *map, struct span key, struct str *value_out)
{
	struct map *object = map->object;

	if (object->unavailable)
		return keep_why(map, object, MAP_FAILED);
	object->users++;
	str_clear(&object->failed_why);
	enum map_status status = keep_why(map, object, FAULT("map.lookup") ?
	    MAP_FAILED : object->type->lookup(object, key, value_out));

	object_release(object);
	return status;
}

/* What is not UTF-8 is not in a table of UTF-8; such a value is an error. */
static enum map_status
utf8_lookup(struct map *map, struct span key, struct str *value_out)
{
	if (!utf8_valid(key)) {
		log_warn("%s: non-UTF-8 key \"%.*s\": malformed UTF-8 or "
		    "invalid codepoint", map->label, SPAN_ARG(key));
		return MAP_ABSENT;
	}
	enum map_status status = object_lookup(map, key, value_out);

	if (status != MAP_FOUND || utf8_valid(str_span(value_out)))
		return status;
	log_warn("%s: key \"%.*s\": non-UTF-8 value \"%s\": malformed UTF-8 "
	    "or invalid codepoint", map->label, SPAN_ARG(key),
	    str_cstr(value_out));
	return map_fail(map, "%s: non-UTF-8 value", map->label);
}

static enum map_status
lookup(struct map *map, struct span key, struct str *value_out)
{
	struct str folded = STR_EMPTY;

	map->asked = true;
	if (may_reopen)
		(void)map_has_changed(map);
	str_clear(value_out);
	if ((map->flags & MAP_FOLD) && !(map->flags & MAP_RAW_KEYS) &&
	    !map_key_is_folded(key)) {
		map_fold_key(&folded, key);
		key = str_span(&folded);
	}
	enum map_status status = (map->flags & MAP_UTF8) ?
	    utf8_lookup(map, key, value_out) :
	    object_lookup(map, key, value_out);

	if (status != MAP_FOUND)
		str_clear(value_out);
	str_fini(&folded);
	return status;
}

struct lookup_call {
	struct map *map;
	struct span key;
	struct str *value_out;
	enum map_status status;
};

static void
lookup_in_fiber(void *arg)
{
	struct lookup_call *call = arg;

	call->status = lookup(call->map, call->key, call->value_out);
}

enum map_status
map_lookup(struct map *map, struct span key, struct str *value_out)
{
	if (!may_run_loop || fiber_self() != NULL ||
	    !(map->flags & MAP_SUSPENDS))
		return lookup(map, key, value_out);
	struct lookup_call call = { .map = map, .key = key,
		.value_out = value_out };

	if (!loop_started())
		loop_start();
	fiber_run_main(lookup_in_fiber, &call);
	return call.status;
}

enum map_status
map_sequence(struct map *map, bool first, struct str *key_out,
    struct str *value_out)
{
	struct map *object = map->object;

	if (object->unavailable)
		return keep_why(map, object, MAP_FAILED);
	if (object->type->sequence == NULL)
		return map_fail(map, "table %s: sequence operation is not "
		    "supported", map->label);
	object->users++;
	str_clear(&object->failed_why);
	enum map_status status = keep_why(map, object,
	    object->type->sequence(object, first, key_out, value_out));

	object_release(object);
	return status;
}

const char *
map_label(const struct map *map)
{
	return map->label;
}

const char *
map_why(const struct map *map)
{
	if (map->object != NULL && map->object->unavailable)
		return str_cstr(&map->object->failed_why);
	return str_cstr(&map->failed_why);
}

bool
map_is_unavailable(const struct map *map)
{
	return map->object->unavailable;
}

bool
map_owner(const struct map *map, uid_t *uid_out)
{
	*uid_out = (uid_t)map->object->owner;
	return map->object->owner >= 0;
}
