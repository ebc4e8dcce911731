/*
 * pcre: tables - Perl-compatible expressions by PCRE2.
 *
 * Matching uses the JIT with a stack of its own, so it runs on the fiber's
 * stack; where there is no JIT it runs on the deep stack. Limits turn a
 * pattern that runs away into a failed look-up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/pattern_priv.h"

#if HAVE_PCRE2

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "common/base/mem.h"
#include "common/base/panic.h"
#include "maps/library_priv.h"

#define CALLS(_) _(pcre2_code_free) _(pcre2_compile) _(pcre2_config) \
	_(pcre2_get_error_message) _(pcre2_get_ovector_count) \
	_(pcre2_get_ovector_pointer) _(pcre2_jit_compile) \
	_(pcre2_jit_stack_assign) _(pcre2_jit_stack_create) _(pcre2_match) \
	_(pcre2_match_context_create) _(pcre2_match_data_create_from_pattern) \
	_(pcre2_match_data_free) _(pcre2_pattern_info) _(pcre2_set_heap_limit) \
	_(pcre2_set_match_limit)
static struct { CALLS(LIBRARY_POINTER) } lib;
static const struct library_call calls[] = { CALLS(LIBRARY_CALL) };
static const struct library pcre_library = LIBRARY(PCRE2_SONAME,
    "libpcre2-8-0", calls);

enum {
	JIT_STACK_MIN = 32 * 1024, JIT_STACK_MAX = 1024 * 1024,
	MATCH_LIMIT = 10000000, HEAP_LIMIT_KIB = 64 * 1024,
};

struct pcre_code {
	pcre2_code *code;
	pcre2_match_data *found;
};

static struct {
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	bool jit;
} shared;

static void
prepare(void)
{
	uint32_t jit = 0;

	if (shared.context != NULL)
		return;
	shared.context = lib.pcre2_match_context_create(NULL);
	CHECK(shared.context != NULL);
	lib.pcre2_set_match_limit(shared.context, MATCH_LIMIT);
	lib.pcre2_set_heap_limit(shared.context, HEAP_LIMIT_KIB);
	lib.pcre2_config(PCRE2_CONFIG_JIT, &jit);
	if (jit == 0)
		return;
	shared.stack = lib.pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX,
	    NULL);
	shared.jit = shared.stack != NULL;
	if (shared.jit)
		lib.pcre2_jit_stack_assign(shared.context, NULL, shared.stack);
}

static unsigned
option_of(char letter)
{
	switch (letter) {
	case 'i':
		return PCRE2_CASELESS;
	case 'm':
		return PCRE2_MULTILINE;
	case 's':
		return PCRE2_DOTALL;
	case 'x':
		return PCRE2_EXTENDED;
	case 'A':
		return PCRE2_ANCHORED;
	case 'E':
		return PCRE2_DOLLAR_ENDONLY;
	case 'U':
		return PCRE2_UNGREEDY;
	}
	return 0;
}

static void
say_error(int error, struct str *why)
{
	PCRE2_UCHAR reason[256];

	lib.pcre2_get_error_message(error, reason, sizeof(reason));
	str_sets(why, (const char *)reason);
}

static void
pcre_free(void *arg)
{
	struct pcre_code *c = arg;

	lib.pcre2_match_data_free(c->found);
	lib.pcre2_code_free(c->code);
	mem_free(c);
}

static void *
pcre_compile(struct span pattern, unsigned options, unsigned map_flags,
    size_t *groups_out, struct str *why)
{
	struct pcre_code *c = MEM_NEW(struct pcre_code);
	uint32_t groups = 0;
	PCRE2_SIZE offset = 0;
	int error = 0;

	/* \C would let a match end inside a character. */
	if (map_flags & MAP_UTF8)
		options |= PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
	c->code = lib.pcre2_compile((PCRE2_SPTR)pattern.p, pattern.len, options,
	    &error, &offset, NULL);
	if (c->code == NULL) {
		struct str reason = STR_EMPTY;

		say_error(error, &reason);
		str_printf(why, "error in regex at offset %zu: %s", offset,
		    str_cstr(&reason));
		str_fini(&reason);
		mem_free(c);
		return NULL;
	}
	/* An expression that the JIT cannot do is interpreted. */
	if (shared.jit)
		(void)lib.pcre2_jit_compile(c->code, PCRE2_JIT_COMPLETE);
	c->found = lib.pcre2_match_data_create_from_pattern(c->code, NULL);
	CHECK(c->found != NULL);
	lib.pcre2_pattern_info(c->code, PCRE2_INFO_CAPTURECOUNT, &groups);
	*groups_out = groups;
	return c;
}

struct interpreted {
	struct pcre_code *c;
	struct span subject;
	int result;
};

static void
interpret(void *arg)
{
	struct interpreted *job = arg;

	job->result = lib.pcre2_match(job->c->code, (PCRE2_SPTR)job->subject.p,
	    job->subject.len, 0, 0, job->c->found, shared.context);
}

static int
run_match(struct pcre_code *c, struct span subject)
{
	struct interpreted job = { .c = c, .subject = subject };
	size_t jit_size = 0;

	lib.pcre2_pattern_info(c->code, PCRE2_INFO_JITSIZE, &jit_size);
	if (jit_size > 0)
		interpret(&job);
	else
		map_call_deep(interpret, &job);
	return job.result;
}

static enum pattern_outcome
pcre_match(void *arg, struct span subject, struct pattern_group *groups,
    size_t ngroups, struct str *why)
{
	struct pcre_code *c = arg;

	if (subject.p == NULL)
		subject.p = "";
	int n = run_match(c, subject);

	if (n == PCRE2_ERROR_NOMATCH)
		return PATTERN_MISS;
	if (n < 0) {
		say_error(n, why);
		return PATTERN_ERROR;
	}
	const PCRE2_SIZE *at = lib.pcre2_get_ovector_pointer(c->found);
	size_t known = lib.pcre2_get_ovector_count(c->found);

	for (size_t i = 0; i < ngroups && i < known; i++) {
		if (at[2 * i] == PCRE2_UNSET)
			continue;
		groups[i].from = (ssize_t)at[2 * i];
		groups[i].to = (ssize_t)at[2 * i + 1];
	}
	return PATTERN_HIT;
}

static const struct pattern_engine engine = {
	.default_options = PCRE2_CASELESS | PCRE2_DOTALL,
	.option = option_of, .compile = pcre_compile, .match = pcre_match,
	.free = pcre_free,
};

static struct map *
pcre_open(const struct map_spec *spec, struct str *why)
{
	prepare();
	return pattern_open(spec, &engine, why);
}

const struct map_type pcre_type = {
	.name = "pcre", .flags = MAP_PATTERN | MAP_RAW_KEYS,
	.open = pcre_open, .lookup = pattern_lookup,
	.changed = pattern_changed, .close = pattern_close,
	.library = &pcre_library,
};

#else

const struct map_type pcre_type = {
	.name = "pcre", .flags = MAP_PATTERN | MAP_RAW_KEYS,
	.missing = "built without PCRE2",
};

#endif
