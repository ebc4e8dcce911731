/*
 * record - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/verify/record.h"

#include "common/base/scan.h"
#include "daemons/verify/verify_conf.h"

static bool
take_number(struct span *rest, int64_t *out)
{
	ssize_t colon = span_find(*rest, ':');
	uint64_t number;

	if (colon <= 0 || !scan_u64(span_sub(*rest, 0, (size_t)colon), &number)
	    || number > INT64_MAX)
		return false;
	*out = (int64_t)number;
	*rest = span_skip(*rest, (size_t)colon + 1);
	return true;
}

bool
record_read(struct span value, struct record *out)
{
	int64_t status;

	if (!take_number(&value, &status) || status > VERIFY_OPEN
	    || !take_number(&value, &out->probed)
	    || !take_number(&value, &out->updated))
		return false;
	out->status = (enum verify_status)status;
	out->text = value;
	return true;
}

void
record_print(struct str *out, const struct record *r)
{
	str_printf(out, "%d:%lld:%lld:%.*s", (int)r->status,
	    (long long)r->probed, (long long)r->updated, SPAN_ARG(r->text));
}

/* A clock that was set back makes nothing young. */
static bool
is_older(int64_t then, int64_t seconds, int64_t now)
{
	return then > now || now - then >= seconds;
}

bool
record_is_over(const struct record *r, int64_t now)
{
	switch (r->status) {
	case VERIFY_OK:
		return is_older(r->updated, verify_conf.positive_expire, now);
	case VERIFY_DEFER:
	case VERIFY_BOUNCE:
		return is_older(r->updated, verify_conf.negative_expire, now);
	case VERIFY_OPEN:
		break;
	}
	return is_older(r->probed, RECORD_PROBE_SECONDS, now);
}

static bool
wants_refresh(const struct record *r, int64_t now)
{
	switch (r->status) {
	case VERIFY_OK:
		return is_older(r->updated, verify_conf.positive_refresh, now);
	case VERIFY_DEFER:
	case VERIFY_BOUNCE:
		return is_older(r->updated, verify_conf.negative_refresh, now);
	case VERIFY_OPEN:
		break;
	}
	return true;
}

void
record_judge(const struct record *stored, int64_t now, struct record *r,
    bool *probe_out)
{
	if (stored == NULL)
		*r = (struct record){ .status = VERIFY_OPEN,
			.text = SPAN(RECORD_IN_PROGRESS) };
	else if (stored->status != VERIFY_OPEN && record_is_over(stored, now))
		*r = (struct record){ .status = VERIFY_OPEN,
			.probed = stored->probed,
			.text = SPAN(RECORD_IN_PROGRESS) };
	else
		*r = *stored;
	*probe_out = wants_refresh(r, now)
	    && is_older(r->probed, RECORD_PROBE_SECONDS, now);
	if (*probe_out)
		r->probed = now;
}

bool
record_update(const struct record *stored, enum verify_status status,
    struct span text, int64_t now, struct record *r)
{
	if (stored == NULL || stored->probed == 0 || status == VERIFY_OPEN)
		return false;
	if (status != VERIFY_OK && stored->status == VERIFY_OK
	    && !record_is_over(stored, now))
		return false;
	*r = (struct record){ .status = status, .updated = now,
		.text = text };
	return true;
}
