/*
 * regexp: tables - POSIX extended expressions of the C library.
 *
 * glibc's matcher puts up to 64 KB on the stack and recurses, so both
 * compiling and matching run on the deep stack.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <regex.h>

#include "common/base/mem.h"
#include "maps/pattern_priv.h"

enum { GROUPS_ON_STACK = 16 };

static unsigned
option_of(char letter)
{
	switch (letter) {
	case 'i':
		return REG_ICASE;
	case 'm':
		return REG_NEWLINE;
	case 'x':
		return REG_EXTENDED;
	}
	return 0;
}

static void *
regexp_compile(struct span pattern, unsigned options, unsigned map_flags,
    size_t *groups_out, struct str *why)
{
	regex_t *code = mem_zalloc(sizeof(*code));
	char *text = mem_strndup(pattern.p, pattern.len);
	int error = regcomp(code, text, (int)options);

	(void)map_flags;
	mem_free(text);
	if (error != 0) {
		char reason[256];

		regerror(error, code, reason, sizeof(reason));
		str_sets(why, reason);
		mem_free(code);
		return NULL;
	}
	*groups_out = code->re_nsub;
	return code;
}

static enum pattern_outcome
regexp_match(void *arg, struct span subject, struct pattern_group *groups,
    size_t ngroups, struct str *why)
{
	const regex_t *code = arg;
	regmatch_t few[GROUPS_ON_STACK], *found = few;

	if (ngroups > GROUPS_ON_STACK)
		found = mem_array(ngroups, sizeof(*found));
	/* Bounds come with the subject: it may hold a NUL. */
	found[0].rm_so = 0;
	found[0].rm_eo = (regoff_t)subject.len;
	int error = regexec(code, subject.p, ngroups,
	    found, REG_STARTEND);

	if (error == 0) {
		for (size_t i = 0; i < ngroups; i++) {
			groups[i].from = found[i].rm_so;
			groups[i].to = found[i].rm_eo;
		}
	}
	if (found != few)
		mem_free(found);
	if (error == 0)
		return PATTERN_HIT;
	if (error == REG_NOMATCH)
		return PATTERN_MISS;
	char reason[256];

	regerror(error, code, reason, sizeof(reason));
	str_sets(why, reason);
	return PATTERN_ERROR;
}

static void
regexp_free(void *code)
{
	regfree(code);
	mem_free(code);
}

static const struct pattern_engine engine = {
	.default_options = REG_EXTENDED | REG_ICASE, .deep = true,
	.option = option_of, .compile = regexp_compile,
	.match = regexp_match, .free = regexp_free,
};

static struct map *
regexp_open(const struct map_spec *spec, struct str *why)
{
	return pattern_open(spec, &engine, why);
}

const struct map_type regexp_type = {
	.name = "regexp", .flags = MAP_PATTERN | MAP_RAW_KEYS,
	.open = regexp_open, .lookup = pattern_lookup,
	.changed = pattern_changed, .close = pattern_close,
};
