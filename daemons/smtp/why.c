/*
 * why - the reason that recipients are left without delivery.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "daemons/smtp/smtp_priv.h"

void
smtp_why_init(struct smtp_why *why)
{
	*why = (struct smtp_why){ .kind = OUTCOME_DEFERRED };
	snprintf(why->dsn, sizeof(why->dsn), "4.0.0");
}

void
smtp_why_fini(struct smtp_why *why)
{
	str_fini(&why->reason);
	str_fini(&why->said);
	str_fini(&why->mta);
	str_fini(&why->relay);
}

void
smtp_why_set(struct smtp_why *why, enum outcome_kind kind, const char *dsn,
    const char *format, ...)
{
	va_list args;

	why->kind = kind;
	why->site = false;
	snprintf(why->dsn, sizeof(why->dsn), "%s", dsn);
	str_clear(&why->reason);
	str_clear(&why->said);
	str_clear(&why->mta);
	str_clear(&why->relay);
	va_start(args, format);
	str_vaddf(&why->reason, format, args);
	va_end(args);
}

void
smtp_why_status(const struct smtp_why *why, struct delivery_status *out)
{
	*out = (struct delivery_status){ .kind = why->kind, .dsn = why->dsn,
		.reason = str_span(&why->reason),
		.relay = str_span(&why->relay),
		.diag_text = str_span(&why->said),
		.mta_name = str_span(&why->mta) };
	if (!span_empty(out->diag_text))
		out->diag_type = SPAN("smtp");
	if (!span_empty(out->mta_name))
		out->mta_type = SPAN("dns");
}
