/*
 * param - how a parameter row is declared: name, field, default, range, unit.
 *
 * A role declares the rows it acts on in its <role>_conf.c. Names that exist
 * in the Postfix world but that no role acts on yet are rows of
 * param_known.c, with their class. A name may be declared by several roles;
 * a test holds their defaults equal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_PARAM_H
#define COMMON_MAIL_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/span.h"

enum param_type {
	PARAM_TYPE_STR,			/* $name expanded at start; const char * */
	PARAM_TYPE_RAW,			/* kept unexpanded; const char * */
	PARAM_TYPE_INT,			/* int64_t; may hold an expression */
	PARAM_TYPE_BOOL,		/* bool; may hold an expression */
	PARAM_TYPE_TIME,		/* int64_t seconds */
	PARAM_TYPE_TEMPLATE,		/* name contains <transport> or <service>:
					   read with conf_template_* */
	PARAM_TYPE_LEGACY,		/* accepted, warned about, no value */
};

enum param_class {
	PARAM_ACTED,			/* a role acts on it */
	PARAM_HARMLESS,			/* accepted, nothing happens; `check` says so */
	PARAM_PROTECTIVE,		/* asks for a protection that does not exist:
					   fail closed unless its value is in `idle` */
};

struct param {
	const char *name;
	enum param_type type;
	enum param_class cls;
	void *field;			/* NULL in rows of param_known.c */
	const char *dflt;		/* unexpanded */
	int64_t min, max;		/* max 0 = no bound; str: min 1 = not empty */
	char unit;			/* of a bare time; 's' if 0 */
	const char *programs;		/* comma list, of known rows */
	const char *idle;		/* protective: values that ask for nothing,
					   separated by '|'; empty counts always */
	const char *reason;		/* harmless: why nothing happens */
	const char *legacy_of;		/* older spelling of this name, or NULL */
};

struct param_set {
	const char *role;
	const struct param *rows;
	size_t count;
};

#define PARAM_STR(nm, fld, ...)                                              \
	{ .name = (nm), .type = PARAM_TYPE_STR,                              \
	    .field = 1 ? (fld) : (const char **)0, __VA_ARGS__ }
#define PARAM_RAW(nm, fld, ...)                                              \
	{ .name = (nm), .type = PARAM_TYPE_RAW,                              \
	    .field = 1 ? (fld) : (const char **)0, __VA_ARGS__ }
#define PARAM_INT(nm, fld, ...)                                              \
	{ .name = (nm), .type = PARAM_TYPE_INT,                              \
	    .field = 1 ? (fld) : (int64_t *)0, __VA_ARGS__ }
#define PARAM_BOOL(nm, fld, ...)                                             \
	{ .name = (nm), .type = PARAM_TYPE_BOOL,                             \
	    .field = 1 ? (fld) : (bool *)0, __VA_ARGS__ }
#define PARAM_TIME(nm, fld, ...)                                             \
	{ .name = (nm), .type = PARAM_TYPE_TIME,                             \
	    .field = 1 ? (fld) : (int64_t *)0, __VA_ARGS__ }
/* A template such as "<transport>_destination_concurrency_limit". */
#define PARAM_TEMPLATE(nm, ...)                                              \
	{ .name = (nm), .type = PARAM_TYPE_TEMPLATE, __VA_ARGS__ }

#define PARAM_SET(role_name, table)                                          \
	{ .role = (role_name), .rows = (table),                              \
	    .count = sizeof(table) / sizeof((table)[0]) }

/* Names that nobody acts on yet, with their class. The row of that name, made
 * by this call and kept for good; NULL: there is none. */
const struct param *param_known_find(struct span name);
/* All of them, sorted by name; made by the first call. */
const struct param_set *param_known_all(void);
/* The parameters every process has (conf_core.c). */
extern const struct param_set conf_core_params;

#endif
