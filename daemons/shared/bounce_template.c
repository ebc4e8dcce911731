/*
 * bounce_template - see the header.
 *
 * The first line that is no header, or is empty, ends a template's headers: so
 * it is in the Postfix world, and files rely on it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/bounce_template.h"

#include <stdarg.h>

#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/io/textfile.h"
#include "common/mail/conf.h"
#include "common/mail/macro.h"

#define FROM "Mail Delivery System <MAILER-DAEMON>"

static const struct bounce_template built_in[BOUNCE_TEMPLATES] = {
	[BOUNCE_TEMPLATE_FAILURE] = {
		.name = "failure", .charset = "us-ascii", .from = FROM,
		.subject = "Undelivered Mail Returned to Sender",
		.postmaster_subject = "Postmaster Copy: Undelivered Mail",
		.text =
		"This is the mail system at host $myhostname.\n\n"
		"Your message could not be delivered to one or more "
		"recipients.\n"
		"It is attached below. Nothing more will be tried for the\n"
		"recipients listed here.\n\n"
		"For help, please write to postmaster.\n" },
	[BOUNCE_TEMPLATE_DELAY] = {
		.name = "delay", .charset = "us-ascii", .from = FROM,
		.subject = "Delayed Mail (still being retried)",
		.postmaster_subject = "Postmaster Warning: Delayed Mail",
		.text =
		"This is the mail system at host $myhostname.\n\n"
		"This is a warning only: there is no need to send your "
		"message\nonce more.\n\n"
		"For more than $delay_warning_time_hours hour(s) it could not "
		"be delivered to one or\nmore recipients. Delivery will be "
		"tried again until the message is\n"
		"$maximal_queue_lifetime_days day(s) old.\n\n"
		"For help, please write to postmaster.\n" },
	[BOUNCE_TEMPLATE_SUCCESS] = {
		.name = "success", .charset = "us-ascii", .from = FROM,
		.subject = "Successful Mail Delivery Report",
		.text =
		"This is the mail system at host $myhostname.\n\n"
		"Your message was delivered to the recipients listed below, "
		"or was\nhanded to a system that does not report on its own.\n" },
	[BOUNCE_TEMPLATE_VERIFY] = {
		.name = "verify", .charset = "us-ascii", .from = FROM,
		.subject = "Mail Delivery Status Report",
		.text =
		"This is the mail system at host $myhostname.\n\n"
		"This is the delivery report that you asked for.\n" },
};

void
bounce_templates_built_in(struct bounce_templates *out)
{
	memcpy(out->of, built_in, sizeof(built_in));
}

__attribute__((format(printf, 2, 3))) static void
complain(struct strlist *complaints, const char *format, ...)
{
	struct str text = STR_EMPTY;
	va_list args;

	va_start(args, format);
	str_vaddf(&text, format, args);
	va_end(args);
	strlist_add(complaints, str_span(&text));
	str_fini(&text);
}

/* ---- reading ---- */

struct reading {
	const char *origin;
	struct span rest;
	unsigned line_no;		/* of the line just taken */
	struct arena *arena;
	struct strlist *complaints;
};

static bool
next_line(struct reading *r, struct span *line_out)
{
	if (!span_split(&r->rest, '\n', line_out))
		return false;
	r->line_no++;
	if (span_ends(*line_out, SPAN("\r")))
		line_out->len--;
	return true;
}

static struct bounce_template *
template_named(struct bounce_templates *t, struct span name)
{
	for (size_t i = 0; i < BOUNCE_TEMPLATES; i++)
		if (span_ends(name, SPAN("_template")) && span_is(span_sub(name,
		    0, name.len - strlen("_template")), t->of[i].name))
			return &t->of[i];
	return NULL;
}

/* "Name: value", or the text begins here. */
static bool
split_header(struct span line, struct span *name_out, struct span *value_out)
{
	ssize_t colon = span_find(line, ':');
	struct span name = span_sub(line, 0, colon < 0 ? 0 : (size_t)colon);

	*name_out = span_rtrim(name);
	if (colon <= 0 || span_empty(*name_out))
		return false;
	for (size_t i = 0; i < name_out->len; i++)
		if (name_out->p[i] <= ' ' || name_out->p[i] > '~')
			return false;
	*value_out = span_trim(span_skip(line, (size_t)colon + 1));
	return true;
}

static bool
take_header(struct reading *r, struct bounce_template *t, struct span name,
    struct span value)
{
	const char **field = span_is_nocase(name, "Charset") ? &t->charset
	    : span_is_nocase(name, "From") ? &t->from
	    : span_is_nocase(name, "Subject") ? &t->subject
	    : span_is_nocase(name, "Postmaster-Subject")
		? &t->postmaster_subject : NULL;
	const char *wrong = NULL;

	if (field == NULL)
		wrong = "unknown header";
	else if (*field == NULL)
		wrong = "a postmaster gets no copies of this; header";
	else if (!span_is_ascii(value) || span_has(value, '\0'))
		wrong = "only ASCII text may stand in header";
	if (wrong != NULL) {
		complain(r->complaints, "%s, line %u: %s_template: %s \"%.*s\" "
		    "-- ignoring this template", r->origin, r->line_no,
		    t->name, wrong, SPAN_ARG(name));
		return false;
	}
	if (!span_empty(value))
		*field = arena_cstr(r->arena, value);
	return true;
}

/* From the text of one template; false with a complaint. */
static bool
fill_template(struct reading *r, struct bounce_template *t)
{
	struct span line = SPAN_NONE, name, value, text = r->rest;
	unsigned first = r->line_no + 1;

	while (next_line(r, &line) && split_header(line, &name, &value)) {
		if (!take_header(r, t, name, value))
			return false;
		text = r->rest;
	}
	if (span_empty(span_trim(line)))
		text = r->rest;
	if (span_empty(span_trim(text)))
		complain(r->complaints, "%s, line %u: %s_template: there is no "
		    "message text -- ignoring this template", r->origin, first,
		    t->name);
	else if (!span_is_ascii(text) && span_is_nocase(SPAN(t->charset),
	    "us-ascii"))
		complain(r->complaints, "%s, line %u: %s_template: 8-bit "
		    "message text wants a Charset other than us-ascii -- "
		    "ignoring this template", r->origin, first, t->name);
	else if (span_has(text, '\0'))
		complain(r->complaints, "%s, line %u: %s_template: NUL in the "
		    "message text -- ignoring this template", r->origin, first,
		    t->name);
	else {
		t->text = arena_printf(r->arena, "%.*s%s", SPAN_ARG(text),
		    span_ends(text, SPAN("\n")) ? "" : "\n");
		return true;
	}
	return false;
}

/* What is between "<<EOF" and "EOF". */
static struct span
text_up_to(struct reading *r, struct span word)
{
	struct span line, body = r->rest;
	size_t length = 0;

	while (next_line(r, &line)) {
		if (span_eq(line, word))
			return span_sub(body, 0, length);
		length = body.len - r->rest.len;
	}
	complain(r->complaints, "%s, line %u: missing \"%.*s\" end marker",
	    r->origin, r->line_no, SPAN_ARG(word));
	return body;
}

static void
take_template(struct reading *r, struct bounce_templates *out,
    struct span name, struct span value)
{
	struct reading inner = *r;
	struct bounce_template *t = template_named(out, name), filled;
	unsigned line_no = r->line_no;

	inner.rest = value;
	inner.line_no--;		/* the text is on this line */
	if (span_starts(value, SPAN("<<"))) {
		struct span word = span_trim(span_skip(value, 2));

		if (span_empty(word)) {
			complain(r->complaints, "%s, line %u: missing end "
			    "marker after <<", r->origin, line_no);
			return;
		}
		inner.line_no = line_no;
		inner.rest = text_up_to(r, word);
	}
	if (t == NULL) {
		complain(r->complaints, "%s, line %u: unknown template name: "
		    "%.*s -- ignoring this template", r->origin, line_no,
		    SPAN_ARG(name));
		return;
	}
	filled = *t;
	filled.origin = arena_printf(r->arena, "%s, line %u", r->origin,
	    line_no);
	if (fill_template(&inner, &filled))
		*t = filled;
}

void
bounce_templates_parse(struct bounce_templates *out, struct span text,
    const char *origin, struct arena *arena, struct strlist *complaints)
{
	struct reading r = { .origin = origin, .rest = text, .arena = arena,
		.complaints = complaints };
	struct span line;

	while (next_line(&r, &line)) {
		ssize_t equals = span_find(line, '=');

		if (span_empty(span_trim(line)) || line.p[0] == '#')
			continue;
		if (equals <= 0)
			complain(complaints, "%s, line %u: \"%.*s\" is no "
			    "\"name = value\"", origin, r.line_no,
			    SPAN_ARG(line));
		else
			take_template(&r, out, span_trim(span_sub(line, 0,
			    (size_t)equals)), span_trim(span_skip(line,
			    (size_t)equals + 1)));
	}
}

void
bounce_templates_read(struct bounce_templates *out, const char *path,
    struct arena *arena, struct strlist *complaints)
{
	struct textfile file;
	struct str why = STR_EMPTY;

	if (path[0] == '\0')
		return;
	if (textfile_open(&file, path, &why)) {
		bounce_templates_parse(out, str_span(&file.content), path,
		    arena, complaints);
		textfile_close(&file);
	} else {
		complain(complaints, "bounce_template_file: %s -- using the "
		    "built-in templates", str_cstr(&why));
	}
	str_fini(&why);
}

/* ---- expanding ---- */

struct expansion {
	const struct bounce_template *t;
	struct strlist *complaints;
	bool failed;
};

static const char *
origin_of(const struct bounce_template *t)
{
	return t->origin != NULL ? t->origin : "built-in templates";
}

static int64_t
seconds_of(struct span parameter)
{
	char *name = mem_strndup(parameter.p, parameter.len);
	struct str value = STR_EMPTY, why = STR_EMPTY;
	int64_t seconds = 0;

	if (!conf_value(name, &value, &why) || !scan_time(str_span(&value),
	    strcmp(name, "delay_warning_time") == 0 ? 'h' : 'd', &seconds))
		seconds = 0;
	str_fini(&value);
	str_fini(&why);
	mem_free(name);
	return seconds;
}

static int64_t
seconds_in(struct span unit)
{
	return span_is(unit, "seconds") ? 1 : span_is(unit, "minutes") ? 60
	    : span_is(unit, "hours") ? 3600 : span_is(unit, "days") ? 86400
	    : span_is(unit, "weeks") ? 604800 : 0;
}

/* "delay_warning_time_hours" and its like; false when it is another name. */
static bool
print_time(struct span name, struct str *out, struct expansion *x)
{
	static const char *const times[] = { "delay_warning_time",
		"maximal_queue_lifetime", "bounce_queue_lifetime" };
	ssize_t underscore = span_rfind(name, '_');
	struct span parameter = span_sub(name, 0,
	    underscore < 0 ? 0 : (size_t)underscore);
	struct span unit = span_skip(name, parameter.len + 1);
	int64_t seconds, result;
	size_t i = 0;

	while (i < ARRAY_COUNT(times) && !span_is(parameter, times[i]))
		i++;
	if (i == ARRAY_COUNT(times))
		return false;
	if (seconds_in(unit) == 0) {
		complain(x->complaints, "%s: %s_template: \"%.*s\" is no unit "
		    "of time in $%.*s; those are seconds, minutes, hours, "
		    "days, weeks", origin_of(x->t), x->t->name, SPAN_ARG(unit),
		    SPAN_ARG(name));
		x->failed = true;
		return true;
	}
	seconds = seconds_of(parameter);
	result = seconds / seconds_in(unit);
	if ((result == 0 && seconds > 0) || result > 999)
		complain(x->complaints, "%s: %s_template: $%.*s is %lld; a "
		    "%s unit would say more", origin_of(x->t), x->t->name,
		    SPAN_ARG(name), (long long)result,
		    result == 0 ? "smaller" : "larger");
	str_addf(out, "%lld", (long long)result);
	return true;
}

static bool
look_up(struct span name, struct str *value_out, void *arg)
{
	char *key;
	struct str why = STR_EMPTY;
	bool known;

	if (print_time(name, value_out, arg))
		return true;
	key = mem_strndup(name.p, name.len);
	known = conf_raw(key) != NULL && conf_value(key, value_out, &why);
	str_fini(&why);
	mem_free(key);
	return known;
}

bool
bounce_template_expand(const struct bounce_template *t, struct str *out,
    struct strlist *complaints)
{
	struct expansion x = { .t = t, .complaints = complaints };
	struct macro macro = { .lookup = look_up, .arg = &x };
	struct str why = STR_EMPTY;
	bool ok = macro_expand(&macro, SPAN(t->text), out, &why);

	if (!ok)			/* with the text, of which a line is enough */
		complain(complaints, "%s: %s_template: %.*s", origin_of(t),
		    t->name, (int)strcspn(str_cstr(&why), "\n"),
		    str_cstr(&why));
	str_fini(&why);
	return ok && !x.failed;
}

void
bounce_templates_check(struct bounce_templates *t, struct strlist *complaints)
{
	for (size_t i = 0; i < BOUNCE_TEMPLATES; i++) {
		struct str text = STR_EMPTY;

		if (t->of[i].origin != NULL && !bounce_template_expand(
		    &t->of[i], &text, complaints))
			t->of[i] = built_in[i];
		str_fini(&text);
	}
}

void
bounce_template_print(const struct bounce_template *t, struct str *out)
{
	str_addf(out, "Charset: %s\nFrom: %s\nSubject: %s\n", t->charset,
	    t->from, t->subject);
	if (t->postmaster_subject != NULL)
		str_addf(out, "Postmaster-Subject: %s\n",
		    t->postmaster_subject);
	str_addf(out, "\n%s", t->text);
}
