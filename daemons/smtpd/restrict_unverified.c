/*
 * restrict_unverified - is there anybody at an address? The verify service knows,
 * or finds out while the client waits.
 *
 * It is asked again and again, at first soon and later each time only
 * address_verify_poll_delay apart, for as long as address_verify_poll_count
 * such pauses last.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/mail/conf_core.h"
#include "common/service/service.h"
#include "daemons/shared/probe_sender.h"
#include "daemons/shared/verify_client.h"
#include "daemons/smtpd/restrict.h"

enum { FIRST_PAUSE_MS = 50, ANSWER_SECONDS = 30 };

struct unverified {
	const struct unverified_conf *conf;
	const char *reply_class;
	const char *dsn, *defer_dsn;
	struct span shown;
};

static bool sender_defers, rcpt_defers;

static bool
read_action(const char *title, const char *value)
{
	struct span word = span_trim(SPAN(value));

	if (!span_is_nocase(word, "defer")
	    && !span_is_nocase(word, "defer_if_permit"))
		fatal("parameter %s: found \"%s\", expected defer or "
		    "defer_if_permit", title, value);
	return span_is_nocase(word, "defer");
}

void
unverified_setup(void)
{
	sender_defers = read_action("unverified_sender_tempfail_action",
	    smtpd_conf.unverified_sender.tempfail_action);
	rcpt_defers = read_action("unverified_recipient_tempfail_action",
	    smtpd_conf.unverified_rcpt.tempfail_action);
}

/* ---- asking ---- */

/* False: no answer at all. */
static bool
ask(struct check *c, struct span address, struct verify_answer *answer)
{
	int64_t pause_ms = FIRST_PAUSE_MS;
	int64_t longest_ms = smtpd_conf.verify_poll_delay * 1000;
	struct deadline end = deadline_in_ms(longest_ms
	    * (smtpd_conf.verify_poll_count - 1));

	for (;;) {
		if (!verify_ask(address, answer, c->arena,
		    deadline_in(ANSWER_SECONDS)))
			return false;
		if (answer->status != VERIFY_OPEN || deadline_passed(end)
		    || !reply_flush(c->s))
			return true;
		if (fiber_sleep(deadline_earlier(end,
		    deadline_in_ms(pause_ms))) == IO_CANCELLED)
			return true;
		pause_ms = 2 * pause_ms < longest_ms ? 2 * pause_ms
		    : longest_ms;
	}
}

/* ---- verdicts ---- */

/* A code of 2xx lets everybody in. */
static enum check_result
put_off(struct check *c, const struct unverified *u, bool at_once, int code,
    const char *what, struct span why)
{
	if (code < 400)
		return CHECK_DUNNO;

	const char *text = arena_printf(c->arena,
	    "<%.*s>: %s rejected: %s%s%.*s", SPAN_ARG(u->shown),
	    u->reply_class, what, span_empty(why) ? "" : ": ",
	    SPAN_ARG(why));

	return at_once ? check_refuse(c, code, u->defer_dsn, "%s", text)
	    : check_defer_if_permit(c, code, u->defer_dsn, text);
}

/* With a code of 4xx, which is the default, an address that is not there is put
 * off like one that could not be asked for. */
static enum check_result
refuse(struct check *c, const struct unverified *u, bool at_once,
    struct span why)
{
	const char *reason = u->conf->reject_reason;
	int code = (int)u->conf->reject_code;

	if (code < 500 && reason[0] != '\0')
		return put_off(c, u, at_once, code, reason, SPAN_NONE);
	if (code < 500)
		return put_off(c, u, at_once, code, "unverified address", why);
	if (reason[0] != '\0')
		return check_refuse(c, code, u->dsn, "<%.*s>: %s rejected: %s",
		    SPAN_ARG(u->shown), u->reply_class, reason);
	return check_refuse(c, code, u->dsn,
	    "<%.*s>: %s rejected: undeliverable address: %.*s",
	    SPAN_ARG(u->shown), u->reply_class, SPAN_ARG(why));
}

static enum check_result
run(struct check *c, struct span address, const struct unverified *u,
    bool at_once)
{
	struct verify_answer answer = { .status = VERIFY_OPEN };

	if (!ask(c, address, &answer)) {
		log_warn("%s service failure", conf_core.verify_service_name);
		return put_off(c, u, at_once, (int)u->conf->defer_code,
		    "address verification problem", SPAN_NONE);
	}
	switch ((enum verify_status)answer.status) {
	case VERIFY_OK:
		return CHECK_DUNNO;
	case VERIFY_BOUNCE:
		return refuse(c, u, at_once, span_sub(answer.text, 0, 250));
	case VERIFY_DEFER:
	case VERIFY_OPEN:
		break;
	}
	return put_off(c, u, at_once, (int)u->conf->defer_code,
	    "unverified address", span_sub(answer.text, 0, 250));
}

enum check_result
run_reject_unverified_sender(struct check *c, const struct restriction *r)
{
	struct transaction *t = c->s->tx;
	struct unverified u = { &smtpd_conf.unverified_sender, CLASS_SENDER,
		"5.1.7", "4.1.7", SPAN_NONE };

	if (t == NULL || span_empty(t->sender))
		return CHECK_DUNNO;
	u.shown = check_shown(c, t->sender);
	if (!session_resolve_sender(c->s))
		return check_lookup_failed(c, u.shown);
	return run(c, t->from.answer.recipient, &u, sender_defers);
}

enum check_result
run_reject_unverified_rcpt(struct check *c, const struct restriction *r)
{
	struct unverified u = { &smtpd_conf.unverified_rcpt, CLASS_RCPT,
		"5.1.1", "4.1.1", SPAN_NONE };

	if (span_empty(c->rcpt))
		return CHECK_DUNNO;
	u.shown = check_shown(c, c->rcpt);
	return run(c, c->rcpt_key, &u, rcpt_defers);
}

struct span
unverified_undated(struct span address, struct arena *arena)
{
	struct str *undated;

	if (smtpd_conf.verify_sender_ttl == 0
	    || !probe_sender_is(address, smtpd_conf.verify_sender,
		smtpd_conf.verify_sender_ttl, clock_wall()))
		return address;
	undated = str_in_arena(arena);
	probe_sender_print(undated, smtpd_conf.verify_sender, 0, 0);
	return str_span(undated);
}

/* Whom we ask may look whether who asks is there, and must not be asked back. */
bool
unverified_is_own_sender(const struct check *c)
{
	return probe_sender_is(c->rcpt_key, smtpd_conf.verify_sender, 0,
	    clock_wall());
}
