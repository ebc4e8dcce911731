/*
 * pix - firewalls of the PIX kind show themselves by a greeting whose text is
 * made of asterisks. Behind them EHLO may fail in odd ways, and a final dot that
 * is not in one packet with the end of the content may never be seen.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "daemons/shared/tables.h"
#include "daemons/smtp/smtp_priv.h"

static struct maps *maps;

static const struct {
	const char *word;
	unsigned bit;
} workarounds[] = {
	{ "disable_esmtp", SMTP_PIX_NO_ESMTP },
	{ "delay_dotcrlf", SMTP_PIX_LATE_DOT },
};

/* Words that are none are told of; the others count. */
static unsigned
read_words(const char *where, struct span list)
{
	unsigned mask = 0;
	struct span word;

	while (span_token(&list, ", \t\r\n", &word)) {
		unsigned bit = 0;

		for (size_t i = 0; i < ARRAY_COUNT(workarounds); i++)
			if (span_is_nocase(word, workarounds[i].word))
				bit = workarounds[i].bit;
		if (bit == 0)
			log_warn("%s: found \"%.*s\", expected disable_esmtp "
			    "or delay_dotcrlf", where, SPAN_ARG(word));
		mask |= bit;
	}
	return mask;
}

void
smtp_pix_setup(void)
{
	smtp_setup.pix = read_words(smtp_own_name("smtp_pix_workarounds",
	    "lmtp_pix_workarounds"), SPAN(smtp_conf.pix_workarounds));
	maps = tables_open(smtp_own_name("smtp_pix_workaround_maps",
	    "lmtp_pix_workaround_maps"), smtp_conf.pix_maps, 0);
}

void
smtp_pix_close_all(void)
{
	maps_close(maps);
	maps = NULL;
}

bool
smtp_pix_wanted(void)
{
	return !maps_empty(maps);
}

static bool
looks_like_one(struct span greeting)
{
	bool masked = false;

	for (size_t i = 0; i < greeting.len; i++) {
		if (memchr("20 *\t\n", greeting.p[i], 6) == NULL)
			return false;
		masked |= greeting.p[i] == '*';
	}
	return masked;
}

static unsigned
find_words(const struct smtp_session *s)
{
	struct str words = STR_EMPTY;
	unsigned mask = smtp_setup.pix;

	switch (maps_lookup(maps, smtp_session_address(s), 0, &words, NULL)) {
	case MAP_FOUND:
		mask = read_words(maps_title(maps), str_span(&words));
		break;
	case MAP_ABSENT:
		break;
	case MAP_FAILED:
		log_warn("%s: table lookup problem: %s", maps_title(maps),
		    maps_why(maps));
		break;
	}
	str_fini(&words);
	return mask;
}

unsigned
smtp_pix_of(const struct smtp_session *s)
{
	unsigned mask;

	if (!looks_like_one(str_span(&s->reply.text)))
		return 0;
	mask = find_words(s);
	if (mask != 0)
		log_info("enabling PIX workarounds:%s%s for %s",
		    (mask & SMTP_PIX_NO_ESMTP) ? " disable_esmtp" : "",
		    (mask & SMTP_PIX_LATE_DOT) ? " delay_dotcrlf" : "",
		    str_cstr(&s->relay));
	return mask;
}

/* Most young mail does without: the wait is for what did not get through. */
int64_t
smtp_pix_delay(const struct smtp_session *s, const struct envelope *e)
{
	int64_t age_us = clock_wall_us() - e->arrival_us;

	if (!(s->pix & SMTP_PIX_LATE_DOT) ||
	    age_us < smtp_conf.pix_threshold * 1000000)
		return 0;
	return smtp_conf.pix_delay;
}
