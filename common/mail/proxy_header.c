/*
 * proxy_header - see the header. Extensions behind the addresses of version 2
 * (TLVs) are passed over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/proxy_header.h"

#include "common/base/reader.h"
#include "common/base/scan.h"

enum {
	LINE_MOST = 107,		/* with its CR LF */
	V2_HEAD = 16,
	V2_LOCAL = 0, V2_PROXY = 1,
	V2_UNSPEC = 0x00, V2_TCP4 = 0x11, V2_TCP6 = 0x21,
};

static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";

static enum proxy_header_status
bad(struct str *why, const char *what)
{
	str_sets(why, what);
	return PROXY_HEADER_BAD;
}

/* ---- version 1 ---- */

static bool
read_address(struct span *rest, uint8_t family, struct ipaddr *out)
{
	struct span word;

	return span_token(rest, " ", &word) && ipaddr_scan(word, out)
	    && (out->family == family
	    || (family == AF_INET6 && span_has(word, ':')));
}

static bool
read_port(struct span *rest, uint16_t *out)
{
	struct span word;
	uint32_t port;

	if (!span_token(rest, " ", &word) || !scan_u32(word, &port)
	    || port > 65535)
		return false;
	*out = (uint16_t)port;
	return true;
}

static enum proxy_header_status
parse_line(struct span line, struct proxy_header *out, struct str *why)
{
	struct span word;
	uint8_t family;

	if (!span_token(&line, " ", &word) || !span_is(word, "PROXY")
	    || !span_token(&line, " ", &word))
		return bad(why, "no PROXY line");
	if (span_is(word, "UNKNOWN")) {
		out->own = true;
		return PROXY_HEADER_DONE;
	}
	if (!span_is(word, "TCP4") && !span_is(word, "TCP6"))
		return bad(why, "not TCP4, TCP6 or UNKNOWN");
	family = span_is(word, "TCP4") ? AF_INET : AF_INET6;
	if (!read_address(&line, family, &out->client))
		return bad(why, "bad client address");
	if (!read_address(&line, family, &out->server))
		return bad(why, "bad server address");
	if (!read_port(&line, &out->client_port)
	    || !read_port(&line, &out->server_port)
	    || span_token(&line, " ", &word))
		return bad(why, "bad port");
	return PROXY_HEADER_DONE;
}

static enum proxy_header_status
parse_v1(struct span bytes, struct proxy_header *out, struct str *why)
{
	ssize_t lf = span_find(span_sub(bytes, 0, LINE_MOST), '\n');

	if (lf < 0 && bytes.len < LINE_MOST)
		return PROXY_HEADER_MORE;
	if (lf < 1 || bytes.p[lf - 1] != '\r')
		return bad(why, "a line without its end");
	out->length = (size_t)lf + 1;
	return parse_line(span_sub(bytes, 0, (size_t)lf - 1), out, why);
}

/* ---- version 2 ---- */

static void
take_address(struct reader *r, uint8_t family, struct ipaddr *out)
{
	struct span bytes = reader_bytes(r, family == AF_INET ? 4 : 16);

	if (reader_failed(r))
		return;
	if (family == AF_INET) {
		out->family = AF_INET;
		memcpy(out->bytes, bytes.p, 4);
	} else {
		struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };

		memcpy(&sa.sin6_addr, bytes.p, 16);
		(void)ipaddr_from_sockaddr((struct sockaddr *)&sa, out, NULL);
	}
}

static enum proxy_header_status
parse_v2(struct span bytes, struct proxy_header *out, struct str *why)
{
	struct reader r = reader_over(bytes);
	uint8_t version, transport, family;
	uint16_t length;

	if (bytes.len < V2_HEAD)
		return PROXY_HEADER_MORE;
	(void)reader_bytes(&r, sizeof(signature));
	version = reader_u8(&r);
	transport = reader_u8(&r);
	length = reader_u16(&r);
	if (version >> 4 != 2)
		return bad(why, "unknown version");
	if (length > PROXY_HEADER_MOST - V2_HEAD)
		return bad(why, "too long");
	if (bytes.len < V2_HEAD + (size_t)length)
		return PROXY_HEADER_MORE;
	out->length = V2_HEAD + (size_t)length;
	if ((version & 15) != V2_LOCAL && (version & 15) != V2_PROXY)
		return bad(why, "unknown command");
	if ((version & 15) == V2_LOCAL || transport == V2_UNSPEC) {
		out->own = true;
		return PROXY_HEADER_DONE;
	}
	if (transport != V2_TCP4 && transport != V2_TCP6)
		return bad(why, "not TCP over IPv4 or IPv6");
	family = transport == V2_TCP4 ? AF_INET : AF_INET6;
	r = reader_over(span_sub(bytes, V2_HEAD, length));
	take_address(&r, family, &out->client);
	take_address(&r, family, &out->server);
	out->client_port = reader_u16(&r);
	out->server_port = reader_u16(&r);
	return reader_failed(&r) ? bad(why, "addresses are missing")
	    : PROXY_HEADER_DONE;
}

enum proxy_header_status
proxy_header_parse(struct span bytes, struct proxy_header *out,
    struct str *why)
{
	struct span magic = span_of(signature, sizeof(signature));
	size_t n = bytes.len < magic.len ? bytes.len : magic.len;

	*out = (struct proxy_header){ .own = false };
	if (n == 0)
		return PROXY_HEADER_MORE;
	if (memcmp(bytes.p, magic.p, n) == 0)
		return parse_v2(bytes, out, why);
	n = bytes.len < 6 ? bytes.len : 6;
	if (memcmp(bytes.p, "PROXY ", n) == 0)
		return parse_v1(bytes, out, why);
	return bad(why, "no header of the PROXY protocol");
}
