/*
 * addrfind - from the whole address to ever smaller parts of it.
 *
 * Only the whole address is asked of tables whose rules match whole keys
 * (regexp:, cidr:, tcp:): parts of addresses are not what they were written
 * for. A key that must be quoted to be an address is tried quoted first, as
 * it is written in a table, then bare.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/addrfind.h"

#include "common/mail/address.h"

struct search {
	struct maps *maps;
	const struct addrfind *how;
	struct str *value_out;
	struct str key;
};

static enum map_status
ask(struct search *s, struct span key, unsigned skip)
{
	if (key.len == 0)
		return MAP_ABSENT;
	return maps_lookup(s->maps, key, skip, s->value_out, NULL);
}

/* local@domain, or local@ with an empty domain, or a bare local part; as it
 * would be written in a table first, then without quotes. */
static enum map_status
ask_address(struct search *s, struct span local, const char *at,
    struct span domain, unsigned skip)
{
	struct str bare = STR_EMPTY;

	str_add(&bare, local);
	str_adds(&bare, at);
	str_add(&bare, domain);
	/* Quoting looks at the local part alone, which may hold an @. */
	str_clear(&s->key);
	if (!span_empty(local)) {
		struct str own = STR_EMPTY;

		str_add(&own, local);
		str_putc(&own, '@');
		address_quote(&s->key, str_span(&own));
		str_truncate(&s->key, str_len(&s->key) - 1);
		str_fini(&own);
	}
	str_adds(&s->key, at);
	str_add(&s->key, domain);
	enum map_status status = ask(s, str_span(&s->key), skip);

	if (status == MAP_ABSENT &&
	    !span_eq(str_span(&s->key), str_span(&bare)))
		status = ask(s, str_span(&bare), skip);
	str_fini(&bare);
	return status;
}

static enum map_status
ask_parents(struct search *s, struct span domain)
{
	enum map_status status = MAP_ABSENT;
	ssize_t dot;

	if (address_is_literal(domain))
		return MAP_ABSENT;
	while (status == MAP_ABSENT &&
	    (dot = span_find(span_skip(domain, 1), '.')) >= 0) {
		domain = span_skip(domain, (size_t)dot + 1);
		status = ask(s, s->how->parent_style_domain ?
		    span_skip(domain, 1) : domain, MAP_PATTERN);
	}
	return status;
}

static enum map_status
ask_domain(struct search *s, struct span domain)
{
	enum map_status status = MAP_ABSENT;

	if (s->how->tries & ADDRFIND_DOMAIN)
		status = ask(s, domain, MAP_PATTERN);
	if (status == MAP_ABSENT && (s->how->tries & ADDRFIND_PARENT) &&
	    domain.len > 0)
		status = ask_parents(s, domain);
	return status;
}

static enum map_status
ask_at_domain(struct search *s, struct span domain)
{
	if (!(s->how->tries & ADDRFIND_AT_DOMAIN))
		return MAP_ABSENT;
	str_clear(&s->key);
	str_putc(&s->key, '@');
	str_add(&s->key, domain);
	return ask(s, str_span(&s->key), MAP_PATTERN);
}

/* An address in parts; base and extension when there is an extension. */
struct parts {
	struct address_parts a;
	struct span base, extension;	/* extension with its delimiter */
	bool extended;
};

static struct parts
split(const struct addrfind *how, struct span address)
{
	struct parts p = { .a = address_split(address) };
	struct span tail;

	p.base = p.a.local;
	if (how->delimiters == NULL || how->delimiters[0] == '\0' ||
	    !address_split_extension(p.a.local, how->delimiters, &p.base,
	    &tail))
		return p;
	p.extended = true;
	p.extension = span_skip(p.a.local, p.base.len);
	return p;
}

/* user+ext@domain, user@domain */
static enum map_status
try_whole(struct search *s, const struct parts *p, struct span *ext)
{
	const char *at = p->a.has_domain ? "@" : "";
	enum map_status status = MAP_ABSENT;

	if (s->how->tries & ADDRFIND_FULL)
		status = ask_address(s, p->a.local, at, p->a.domain, 0);
	if (status == MAP_ABSENT && p->extended &&
	    (s->how->tries & ADDRFIND_NOEXT)) {
		*ext = p->extension;
		status = ask_address(s, p->base, at, p->a.domain,
		    MAP_PATTERN);
	}
	return status;
}

/* user+ext, user; with an @ behind in access(5) */
static enum map_status
try_local(struct search *s, const struct parts *p, const char *at,
    struct span *ext)
{
	*ext = SPAN_NONE;
	enum map_status status = ask_address(s, p->a.local, at, SPAN_NONE,
	    MAP_PATTERN);

	if (status == MAP_ABSENT && p->extended) {
		*ext = p->extension;
		status = ask_address(s, p->base, at, SPAN_NONE, MAP_PATTERN);
	}
	return status;
}

static enum map_status
find(struct search *s, const struct parts *p, struct span *ext)
{
	const struct addrfind *how = s->how;
	enum map_status status = try_whole(s, p, ext);

	if (status != MAP_ABSENT || !p->a.has_domain)
		return status;
	if ((how->tries & ADDRFIND_LOCAL) && how->is_local_domain != NULL &&
	    how->is_local_domain(p->a.domain))
		status = try_local(s, p, "", ext);
	if (status == MAP_ABSENT)
		*ext = SPAN_NONE;	/* a domain is for all of its users */
	if (status == MAP_ABSENT && !how->order_access)
		status = ask_at_domain(s, p->a.domain);
	if (status == MAP_ABSENT)
		status = ask_domain(s, p->a.domain);
	if (status == MAP_ABSENT && (how->tries & ADDRFIND_LOCAL_AT))
		status = try_local(s, p, "@", ext);
	if (status == MAP_ABSENT && how->order_access) {
		*ext = SPAN_NONE;
		status = ask_at_domain(s, p->a.domain);
	}
	return status;
}

enum map_status
addrfind(struct maps *maps, const struct addrfind *how, struct span address,
    struct str *value_out, struct str *extension_out)
{
	struct search s = { .maps = maps, .how = how, .value_out = value_out,
		.key = STR_EMPTY };
	struct span ext = SPAN_NONE;

	if (extension_out != NULL)
		str_clear(extension_out);
	str_clear(value_out);
	if (maps_empty(maps) || address.len == 0)
		return MAP_ABSENT;
	/* The caller's value or extension may be what the address lies in. */
	struct str own = STR_EMPTY;

	str_set(&own, address);
	struct parts p = split(how, str_span(&own));
	enum map_status status = find(&s, &p, &ext);

	if (status == MAP_FOUND && extension_out != NULL)
		str_set(extension_out, ext);
	str_fini(&own);
	str_fini(&s.key);
	return status;
}
