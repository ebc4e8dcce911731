/*
 * rows - the services of master.cf, kept over reloads by name and type, so that
 * their sockets never close.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/mail/conf_core.h"
#include "daemons/master/master.h"

struct row *
row_named(const char *name, const char *type)
{
	LIST_EACH(item, &master.rows) {
		struct row *row = LIST_ITEM(item, struct row, link);

		if (strcmp(row->cf.name, name) == 0 &&
		    strcmp(row->cf.type_text, type) == 0)
			return row;
	}
	return NULL;
}

static void
copy_list(const struct strlist *from, struct strlist *to)
{
	*to = STRLIST_EMPTY;
	for (size_t i = 0; i < from->count; i++)
		strlist_adds(to, from->items[i]);
}

static void
free_cf(struct master_row *cf)
{
	mem_free(cf->name);
	mem_free(cf->type_text);
	mem_free(cf->command);
	mem_free(cf->file);
	strlist_fini(&cf->args);
	strlist_fini(&cf->overrides);
}

static struct master_row
copy_cf(const struct master_row *from)
{
	struct master_row cf = *from;

	cf.name = mem_strdup(from->name);
	cf.type_text = mem_strdup(from->type_text);
	cf.command = mem_strdup(from->command);
	cf.file = mem_strdup(from->file);
	copy_list(&from->args, &cf.args);
	copy_list(&from->overrides, &cf.overrides);
	return cf;
}

static void
on_throttle_over(struct loop_timer *timer)
{
	struct row *row = container_of(timer, struct row, throttle);

	row->throttled_until_ns = 0;
	listen_update(row);
	if (row->cf.wakeup > 0 && !row->cf.wakeup_if_used)
		row_wakeup(row);
}

static void
on_wakeup(struct loop_timer *timer)
{
	struct row *row = container_of(timer, struct row, wakeup);

	row_wakeup(row);
	row_set_wakeup(row, false);
}

static bool
number_is_free(unsigned number)
{
	LIST_EACH(item, &master.rows)
		if (LIST_ITEM(item, struct row, link)->number == number)
			return false;
	return true;
}

static struct row *
new_row(void)
{
	struct row *row = MEM_NEW(struct row);

	while (row->number < CONTROL_ROWS && !number_is_free(row->number))
		row->number++;
	if (row->number == CONTROL_ROWS) {
		mem_free(row);
		return NULL;
	}
	row->generation = 1;
	list_init(&row->processes);
	loop_timer_init(&row->throttle, on_throttle_over);
	loop_timer_init(&row->wakeup, on_wakeup);
	list_append(&master.rows, &row->link);
	return row;
}

void
row_free(struct row *row)
{
	loop_timer_stop(&row->throttle);
	loop_timer_stop(&row->wakeup);
	list_remove(&row->link);
	free_cf(&row->cf);
	mem_free(row->path);
	mem_free(row);
}

/* --- One line of master.cf -----------------------------------------------*/

static bool
check_program(const struct master_row *cf, const char *path, struct str *why)
{
	if (access(path, X_OK) == 0)
		return true;
	str_printf(why, "%s:%u: service \"%s\": found \"%s\", which is not a "
	    "program that can be run (%s: %m)", cf->file, cf->line, cf->name,
	    cf->command, path);
	return false;
}

static void
publish(struct row *row)
{
	struct control_row *c = &master.control->rows[row->number];

	memset(c->name, 0, sizeof(c->name));
	memset(c->program, 0, sizeof(c->program));
	memccpy(c->name, row->cf.name, '\0', sizeof(c->name) - 1);
	memccpy(c->program, row->cf.command, '\0', sizeof(c->program) - 1);
	atomic_store(&c->limit, program_limit(&row->cf));
}

static bool
take_line(const struct master_row *cf, struct str *why)
{
	struct row *row = row_named(cf->name, cf->type_text);
	struct str path = STR_EMPTY;

	str_printf(&path, "%s/%s", master.settings.daemon_dir, cf->command);
	bool ok = check_program(cf, str_cstr(&path), why);

	if (ok && row == NULL && (row = new_row()) == NULL) {
		str_printf(why, "%s:%u: more than %d services", cf->file,
		    cf->line, CONTROL_ROWS);
		ok = false;
	}
	if (!ok) {
		str_fini(&path);
		return false;
	}
	struct master_row old = row->cf;

	row->cf = copy_cf(cf);
	free_cf(&old);
	mem_free(row->path);
	row->path = str_release(&path);
	row->program = program_find(cf->command);
	row->solitary = program_is_solitary(cf);
	row->wanted = true;
	publish(row);
	return listen_row(row, why);
}

/* --- All lines -----------------------------------------------------------*/

/* A row that has left: no socket, its processes finish. */
static void
drop_row(struct row *row)
{
	loop_timer_stop(&row->wakeup);
	listen_drop(row, true);
	if (list_empty(&row->processes))
		row_free(row);
}

static void
drop_unwanted(void)
{
	LIST_EACH(item, &master.rows) {
		struct row *row = LIST_ITEM(item, struct row, link);

		if (!row->wanted)
			drop_row(row);
		else
			listen_drop(row, false);
	}
}

/* "inet", "smtp/inet", "smtp.inet", "!submission/inet": the first that is about
 * this row decides. */
static bool
is_disabled(const struct master_row *row)
{
	struct span rest = span_cstr(master.settings.service_disable), word;
	struct str slash = STR_EMPTY, dot = STR_EMPTY;
	bool disabled = false, decided = false;

	str_printf(&slash, "%s/%s", row->name, row->type_text);
	str_printf(&dot, "%s.%s", row->name, row->type_text);
	while (!decided && span_token(&rest, " \t\r\n,", &word)) {
		bool except = span_starts(word, span_cstr("!"));

		if (except)
			word = span_skip(word, 1);
		decided = span_is(word, row->type_text)
		    || span_eq(word, str_span(&slash))
		    || span_eq(word, str_span(&dot));
		disabled = decided && !except;
	}
	str_fini(&slash);
	str_fini(&dot);
	return disabled;
}

/* A line that does not work ends a start, and is left out of a reload. */
static bool
take_lines(const struct master_cf *cf, const struct master_cf *not_in,
    bool starting, struct str *why)
{
	struct str problem = STR_EMPTY;
	bool ok = true;

	for (size_t i = 0; i < cf->count && (ok || !starting); i++) {
		const struct master_row *row = &cf->rows[i];

		if (is_disabled(row) || (not_in != NULL &&
		    master_cf_find(not_in, row->name, row->type_text) !=
		    NULL) || take_line(row, &problem))
			continue;
		ok = false;
		if (starting)
			str_sets(why, str_cstr(&problem));
		else
			log_error("%s", str_cstr(&problem));
	}
	str_fini(&problem);
	return ok;
}

bool
rows_load(bool starting, struct str *why)
{
	struct master_cf cf, own;

	if (!master_cf_load(master.settings.config_dir, &cf, why))
		return false;
	if (!master_cf_load_text("built in", span_cstr(program_own_rows), &own,
	    why))
		return false;
	LIST_EACH(item, &master.rows)
		LIST_ITEM(item, struct row, link)->wanted = false;
	bool ok = take_lines(&cf, NULL, starting, why);

	if (ok || !starting)
		ok = take_lines(&own, &cf, starting, why) && ok;

	if (ok || !starting)
		drop_unwanted();
	master_cf_free(&cf);
	master_cf_free(&own);
	if (!ok && !starting)
		str_sets(why, "some services are not as master.cf says");
	return ok;
}
