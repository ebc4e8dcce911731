/*
 * deliver_log - see the header; the shape of the line is an interface.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/deliver_log.h"

#include "common/base/log.h"
#include "common/base/scan.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"

static int64_t
between(int64_t from_us, int64_t to_us)
{
	return from_us > 0 && to_us > from_us ? to_us - from_us : 0;
}

static void
add_delays(struct str *out, const struct deliver_times *t)
{
	int decimals = (int)conf_core.delay_logging_resolution_limit;
	int64_t connected = t->connected_us > 0 ? t->connected_us
	    : t->done_us;
	int64_t active = t->active_us > 0 ? t->active_us : t->handed_us;
	int64_t a = between(t->arrival_us, active);
	int64_t b = between(active, t->handed_us);
	int64_t c = between(t->handed_us, connected);
	int64_t d = between(connected, t->done_us);

	str_adds(out, ", delay=");
	print_delay(out, between(t->arrival_us, t->done_us), decimals);
	str_adds(out, ", delays=");
	print_delay(out, a, decimals);
	str_putc(out, '/');
	print_delay(out, b, decimals);
	str_putc(out, '/');
	print_delay(out, c, decimals);
	str_putc(out, '/');
	print_delay(out, d, decimals);
}

static void
add_address(struct str *out, struct span address)
{
	if (span_is_nocase(SPAN(conf_core.info_log_address_format), "internal"))
		str_add(out, address);
	else
		address_print(out, address);
}

void
deliver_log_text(struct str *out, const struct envelope_rcpt *rcpt,
    const struct delivery_status *status, const char *dsn,
    const char *status_word, const struct deliver_times *times)
{
	str_adds(out, "to=<");
	add_address(out, rcpt->address);
	str_putc(out, '>');
	if (!span_empty(rcpt->original)
	    && !span_eq_nocase(rcpt->original, rcpt->address)) {
		str_adds(out, ", orig_to=<");
		add_address(out, rcpt->original);
		str_putc(out, '>');
	}
	str_adds(out, ", relay=");
	str_add(out, span_empty(status->relay) ? SPAN("none") : status->relay);
	if (status->conn_use > 1)
		str_addf(out, ", conn_use=%u", status->conn_use);
	add_delays(out, times);
	str_addf(out, ", dsn=%s, status=%s (", dsn, status_word);
	for (size_t i = 0; i < status->reason.len; i++) {
		char c = status->reason.p[i];

		str_putc(out, c == '\n' || c == '\r' ? ' ' : c);
	}
	str_putc(out, ')');
}

void
deliver_log(const struct envelope_rcpt *rcpt,
    const struct delivery_status *status, const char *dsn,
    const char *status_word, const struct deliver_times *times)
{
	struct str line = STR_EMPTY;

	deliver_log_text(&line, rcpt, status, dsn, status_word, times);
	log_info("%s", str_cstr(&line));
	str_fini(&line);
}
