/*
 * address: what a command carried is kept as a plain string; quoted, it reads
 * as the same string, in commands and in headers. Nothing that is sent holds a
 * line end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/base/utf8.h"
#include "common/mail/address.h"
#include "common/mail/dsn.h"
#include "common/mail/header.h"
#include "common/mail/hostname.h"
#include "common/mail/token822.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_quoted(struct span internal, unsigned flags)
{
	struct str text = STR_EMPTY, back = STR_EMPTY, why = STR_EMPTY;
	size_t used;

	str_putc(&text, '<');
	address_quote(&text, internal);
	str_putc(&text, '>');
	CHECK(address_parse_path(str_span(&text), flags | ADDRESS_UTF8
	    | ADDRESS_ALLOW_EMPTY, &back, &used, &why));
	CHECK(used == text.len && span_eq(str_span(&back), internal));
	str_fini(&text);
	str_fini(&back);
	str_fini(&why);
}

static void
check_path(struct span text, unsigned flags)
{
	struct str out = STR_EMPTY, why = STR_EMPTY;
	size_t used = 0;

	if (address_parse_path(text, flags, &out, &used, &why)) {
		struct span internal = str_span(&out);

		CHECK(used <= text.len);
		CHECK(used == text.len || text.p[used] == ' ');
		CHECK(!span_has(internal, '\n') && !span_has(internal, '\r')
		    && !span_has(internal, '\0'));
		CHECK((flags & ADDRESS_UTF8) ? utf8_valid(internal)
		    : span_is_ascii(internal));
		CHECK(internal.len > 0 || (flags & ADDRESS_ALLOW_EMPTY));
		/* several @ in one: quoted before the last */
		if (internal.len > 0 && internal.len < 1000
		    && internal.p[internal.len - 1] != '@')
			check_quoted(internal, flags);
	} else {
		CHECK(str_len(&why) > 0);
	}
	str_fini(&out);
	str_fini(&why);
}

static void
check_sendable(struct span text)
{
	struct str out = STR_EMPTY;
	struct address_parts parts = address_split(text);

	address_quote(&out, text);
	CHECK(!span_has(str_span(&out), '\n')
	    && !span_has(str_span(&out), '\r')
	    && !span_has(str_span(&out), '\0'));
	CHECK(parts.local.len + parts.domain.len + parts.has_domain
	    == text.len);
	str_fini(&out);
}

struct walk {
	struct span value;
	size_t at, count;
};

static void
note(const struct token822_address *a, void *arg)
{
	struct walk *walk = arg;

	CHECK(a->len > 0 && a->internal.len > 0);
	CHECK(a->at >= walk->at && a->at + a->len <= walk->value.len);
	CHECK(a->missing_comma == 0 || (a->missing_comma >= walk->at
	    && a->missing_comma <= a->at));
	CHECK((a->missing_comma == 0) || walk->count > 0);
	CHECK(!span_has(a->internal, '\n') && !span_has(a->internal, '\r')
	    && !span_has(a->internal, '\0'));
	walk->at = a->at + a->len;
	walk->count++;
}

static void
check_header(struct span line)
{
	size_t n = header_name_length(line);
	struct walk walk = { .value = line };

	token822_each_address(line, note, &walk);
	if (n > 0) {
		walk = (struct walk){ .value = header_value(line, n) };
		CHECK(header_find(span_sub(line, 0, n)) < HEADER_COUNT);
		CHECK(walk.value.len + n < line.len);
		token822_each_address(walk.value, note, &walk);
	}
}

static void
check_names(struct span text)
{
	struct str why = STR_EMPTY;
	struct span base, extension, rest;
	struct ipaddr ip;
	char dsn[12], words[40];
	unsigned mask, again;

	if (hostname_valid(text, &why)) {
		CHECK(text.len <= HOSTNAME_MOST && utf8_valid(text));
		CHECK(!hostname_literal_address(text, &ip));
	}
	if (hostname_literal_address(text, &ip))
		CHECK(address_is_literal(text) && ip.scope == 0);
	if (address_split_extension(text, "+-", &base, &extension))
		CHECK(base.len > 0
		    && base.len + extension.len + 1 == text.len);
	dsn_split(text, "5.0.0", 0, dsn, &rest);
	CHECK(dsn_valid(span_cstr(dsn)) && rest.len <= text.len);
	if (dsn_notify_scan(text, &mask)) {
		dsn_notify_print(mask, words);
		CHECK(dsn_notify_scan(span_cstr(words), &again)
		    && again == mask);
	}
	str_fini(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);

	for (unsigned flags = 0; flags < 8; flags++)
		check_path(text, flags);
	check_sendable(text);
	check_header(text);
	check_names(text);
	return 0;
}
