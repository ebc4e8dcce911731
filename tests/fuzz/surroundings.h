/*
 * surroundings - what targets that link more than a parser begin with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_FUZZ_SURROUNDINGS_H
#define TESTS_FUZZ_SURROUNDINGS_H

#include "common/base/log.h"
#include "common/base/panic.h"
#include "common/base/str.h"
#include "common/mail/conf_core.h"

static inline void
surroundings_drop(struct log_sink *sink, const struct log_record *record)
{
	(void)sink;
	(void)record;
}

static inline void
surroundings_flush(struct log_sink *sink)
{
	(void)sink;
}

/* Nothing is logged from now on. */
static inline void
surroundings_quiet(void)
{
	static struct log_sink quiet = { surroundings_drop,
		surroundings_flush };

	log_remove_sinks();
	log_add_sink(&quiet);
}

/* main.cf with this text; the parameters of all roles and of this one. */
static inline void
surroundings_configure(const char *text, const struct param_set *role)
{
	struct str why = STR_EMPTY;

	CHECK(conf_load_text("main.cf", span_cstr(text), &why));
	conf_register(&conf_core_params);
	conf_register(role);
	CHECK(conf_fill(&conf_core_params, &why));
	CHECK(conf_fill(role, &why));
	str_fini(&why);
}

#endif
