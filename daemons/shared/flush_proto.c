/*
 * flush_proto - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/flush_proto.h"

#include "common/mail/hostname.h"

static const struct attr_field flush_request_fields[] = {
	ATTR_FIELD(struct flush_request, site, 1, ATTR_SPAN,
	    .required = true, .limit = 1024),
};
const struct attr_form flush_request_form =
    ATTR_FORM("flush request", 1, struct flush_request,
    flush_request_fields);

static const struct attr_field flush_reply_fields[] = {
	ATTR_FIELD(struct flush_reply, status, 1, ATTR_U64,
	    .required = true),
};
const struct attr_form flush_reply_form =
    ATTR_FORM("flush reply", 2, struct flush_reply, flush_reply_fields);

bool
flush_site_valid(struct span site)
{
	struct str why = STR_EMPTY;
	struct ipaddr ip;
	bool ok = hostname_literal_address(site, &ip)
	    || hostname_valid(site, &why);

	str_fini(&why);
	return ok;
}
