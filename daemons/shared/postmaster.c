/*
 * postmaster - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/postmaster.h"

#include "common/base/log.h"
#include "common/base/names.h"
#include "common/base/strlist.h"
#include "common/mail/conf_core.h"

struct postmaster_conf postmaster_conf;

static const struct name_value classes[] = {
	{ "bounce", TROUBLE_BOUNCE | TROUBLE_2BOUNCE },
	{ "2bounce", TROUBLE_2BOUNCE },
	{ "data", TROUBLE_DATA },
	{ "delay", TROUBLE_DELAY },
	{ "policy", TROUBLE_POLICY },
	{ "protocol", TROUBLE_PROTOCOL },
	{ "resource", TROUBLE_RESOURCE },
	{ "software", TROUBLE_SOFTWARE },
	{ NULL, 0 },
};

static unsigned asked;

void
postmaster_setup(void)
{
	struct span rest = SPAN(postmaster_conf.classes), word;

	asked = 0;
	while (span_token(&rest, STRLIST_CONF, &word)) {
		int trouble = names_value(classes, word);

		if (trouble == -1)
			log_warn("parameter notify_classes: no such class: "
			    "\"%.*s\"", SPAN_ARG(word));
		else
			asked |= (unsigned)trouble;
	}
}

bool
postmaster_wants(unsigned trouble)
{
	return (asked & trouble) != 0;
}

uint64_t
postmaster_cleanup_flags(enum cleanup_flags kind)
{
	struct span rest = SPAN(postmaster_conf.filter_classes), word;
	const char *name = kind == CLEANUP_OF_BOUNCE ? "bounce" : "notify";
	uint64_t flags = CLEANUP_INTERNAL | kind;

	while (span_token(&rest, STRLIST_CONF, &word))
		if (span_is_nocase(word, name))
			flags |= CLEANUP_FILTER;
	return flags;
}

struct span
postmaster_sender(struct arena *arena)
{
	return SPAN(arena_printf(arena, "%s@%s",
	    conf_core.double_bounce_sender, conf_core.myhostname));
}

bool
postmaster_is_sender(struct span address)
{
	size_t local = strlen(conf_core.double_bounce_sender);
	struct span domain;

	if (address.len <= local || address.p[local] != '@'
	    || !span_is_nocase(span_sub(address, 0, local),
		conf_core.double_bounce_sender))
		return false;
	domain = span_skip(address, local + 1);
	return span_is_nocase(domain, conf_core.myhostname)
	    || span_is_nocase(domain, conf_core.myorigin);
}

struct span
postmaster_address(struct arena *arena, const char *recipient)
{
	return strchr(recipient, '@') != NULL ? SPAN(recipient)
	    : SPAN(arena_printf(arena, "%s@%s", recipient,
		conf_core.myorigin));
}
