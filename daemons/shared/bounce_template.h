/*
 * bounce_template - the words of notices: headers and text for people, built in
 * or from bounce_template_file, whose form bounce(5) describes.
 *
 * A template that is wrong is left out with a complaint, and the built-in one
 * stands: mail goes on. Nothing here suspends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_BOUNCE_TEMPLATE_H
#define DAEMONS_SHARED_BOUNCE_TEMPLATE_H

#include "common/base/arena.h"
#include "common/base/strlist.h"

enum bounce_template_kind {
	BOUNCE_TEMPLATE_FAILURE, BOUNCE_TEMPLATE_DELAY,
	BOUNCE_TEMPLATE_SUCCESS, BOUNCE_TEMPLATE_VERIFY,
};
#define BOUNCE_TEMPLATES 4

struct bounce_template {
	const char *name;		/* "failure" */
	const char *charset, *from, *subject;
	const char *postmaster_subject;	/* NULL: a postmaster gets no copies */
	const char *text;		/* $names as they were written */
	const char *origin;		/* "FILE, line 3"; NULL: built in */
};

struct bounce_templates {
	struct bounce_template of[BOUNCE_TEMPLATES];
};

void bounce_templates_built_in(struct bounce_templates *out);
/*
 * Those of text take the place of what out has; their parts are in the arena.
 * origin is the file's name. Complaints, one each, name file and line.
 */
void bounce_templates_parse(struct bounce_templates *out, struct span text,
    const char *origin, struct arena *arena, struct strlist *complaints);
/* The same from a file; a path that is empty changes nothing. Blocks. */
void bounce_templates_read(struct bounce_templates *out, const char *path,
    struct arena *arena, struct strlist *complaints);

/*
 * The text with its $names: those of main.cf, and delay_warning_time_UNIT,
 * maximal_queue_lifetime_UNIT, bounce_queue_lifetime_UNIT. Appended. False
 * where the text cannot be expanded; a unit that makes nonsense of the time is
 * only complained about.
 */
bool bounce_template_expand(const struct bounce_template *t, struct str *out,
    struct strlist *complaints);
/* Each template that cannot be expanded gives way to the built-in one. */
void bounce_templates_check(struct bounce_templates *t,
    struct strlist *complaints);
/* As they stand in a file: headers, an empty line, the text. Appended. */
void bounce_template_print(const struct bounce_template *t, struct str *out);

#endif
