/*
 * upstream - smtpd_upstream_proxy_protocol: a proxy connects in place of the
 * client and says first whose connection it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/mail/proxy_header.h"
#include "daemons/smtpd/smtpd_priv.h"

static bool
refuse(const struct session *s, const char *why)
{
	log_warn("PROXY header from %s: %s", s->address, why);
	return false;
}

static void
take_client(struct session *s, const struct proxy_header *header)
{
	if (header->own)
		return;
	s->ip = header->client;
	s->port = header->client_port;
	ipaddr_print(&s->ip, s->address);
}

bool
upstream_read(struct session *s)
{
	struct deadline end = deadline_in(smtpd_conf.upstream_proxy_timeout);
	struct str why = STR_EMPTY;
	struct proxy_header header;
	struct span bytes = SPAN_NONE;
	enum io_status status = IO_OK;
	enum proxy_header_status found = PROXY_HEADER_MORE;

	if (smtpd_conf.upstream_proxy_protocol[0] == '\0'
	    || s->ip.family == 0)
		return true;
	while (status == IO_OK && found == PROXY_HEADER_MORE) {
		status = stream_peek_more(s->client, bytes.len, end, &bytes);
		if (status == IO_OK)
			found = proxy_header_parse(bytes, &header, &why);
	}
	if (status != IO_OK)
		return refuse(s, io_status_name(status));
	if (found == PROXY_HEADER_BAD) {
		refuse(s, str_cstr(&why));
		str_fini(&why);
		return false;
	}
	stream_consume(s->client, header.length);
	take_client(s, &header);
	return true;
}
