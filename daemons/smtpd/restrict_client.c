/*
 * restrict_client - restrictions that apply to anything, and those about the
 * client's address and name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/io/fiber.h"
#include "daemons/smtpd/clients.h"
#include "daemons/smtpd/restrict.h"

/* ---- anything ---- */

enum check_result
run_permit(struct check *c, const struct restriction *r)
{
	return CHECK_PERMIT;
}

enum check_result
run_reject(struct check *c, const struct restriction *r)
{
	return check_refuse(c, (int)smtpd_conf.reject_code, "5.7.1",
	    "<%.*s>: %s rejected: Access denied", SPAN_ARG(c->reply_name),
	    c->reply_class);
}

enum check_result
run_defer(struct check *c, const struct restriction *r)
{
	return check_refuse(c, (int)smtpd_conf.defer_code, "4.3.2",
	    "<%.*s>: %s rejected: Try again later", SPAN_ARG(c->reply_name),
	    c->reply_class);
}

static const char *
requested(struct check *c, const char *what)
{
	return arena_printf(c->arena, "<%.*s>: %s rejected: %s requested",
	    SPAN_ARG(c->reply_name), c->reply_class, what);
}

enum check_result
run_defer_if_permit(struct check *c, const struct restriction *r)
{
	return check_defer_if_permit(c, 450, "4.7.0",
	    requested(c, "defer_if_permit"));
}

enum check_result
run_defer_if_reject(struct check *c, const struct restriction *r)
{
	return check_defer_if_reject(c, 450, "4.7.0",
	    requested(c, "defer_if_reject"));
}

/* The engine sees to it; alone at the end of a list it does nothing. */
enum check_result
run_warn_if_reject(struct check *c, const struct restriction *r)
{
	return CHECK_DUNNO;
}

/* Tools that do not wait leave in the meantime. */
enum check_result
run_sleep(struct check *c, const struct restriction *r)
{
	if (reply_flush(c->s))
		fiber_sleep(deadline_in(r->seconds));
	return CHECK_DUNNO;
}

/* permit_sasl_authenticated and friends: nobody can be authenticated. */
enum check_result
run_never(struct check *c, const struct restriction *r)
{
	return CHECK_DUNNO;
}

enum check_result
run_reject_unauth_pipelining(struct check *c, const struct restriction *r)
{
	struct session *s = c->s;

	if (!s->bad_pipelining
	    && (s->esmtp && s->doing != SMTP_DATA))
		return CHECK_DUNNO;
	if (!s->bad_pipelining && !stream_input_waits(s->client))
		return CHECK_DUNNO;
	return check_refuse(c, 503, "5.5.0", "<%.*s>: %s rejected: Improper "
	    "use of SMTP command pipelining", SPAN_ARG(c->reply_name),
	    c->reply_class);
}

/* ---- the client ---- */


enum check_result
run_permit_mynetworks(struct check *c, const struct restriction *r)
{
	switch (client_in_mynetworks(c->s)) {
	case MAP_FOUND:
		compat_networks(c->s);
		return CHECK_PERMIT;
	case MAP_ABSENT:
		return CHECK_DUNNO;
	case MAP_FAILED:
		break;
	}
	return check_lookup_failed(c, SPAN(c->s->peer));
}

enum check_result
run_permit_inet_interfaces(struct check *c, const struct restriction *r)
{
	return client_is_own_address(c->s) ? CHECK_PERMIT : CHECK_DUNNO;
}

static bool
is_temporary(enum resolver_status status)
{
	return status == RESOLVER_TRY_AGAIN || status == RESOLVER_BOGUS
	    || status == RESOLVER_UNSUPPORTED;
}

static enum check_result
refuse_unknown(struct check *c, enum resolver_status status,
    const char *what)
{
	return check_refuse(c, is_temporary(status) ? 450
	    : (int)smtpd_conf.unknown_client_reject_code, "4.7.25",
	    "Client host rejected: cannot find your %s, [%s]", what,
	    c->s->address);
}

enum check_result
run_reject_unknown_client(struct check *c, const struct restriction *r)
{
	if (strcmp(c->s->name, "unknown") != 0)
		return CHECK_DUNNO;
	return refuse_unknown(c, c->s->name_status, "hostname");
}

enum check_result
run_reject_unknown_reverse_client(struct check *c,
    const struct restriction *r)
{
	if (strcmp(c->s->reverse_name, "unknown") != 0)
		return CHECK_DUNNO;
	return refuse_unknown(c, c->s->reverse_status, "reverse hostname");
}

enum check_result
run_check_client_access(struct check *c, const struct restriction *r)
{
	return access_by_name(c, r, SPAN(c->s->name), c->s->address,
	    CLASS_CLIENT, SPAN(c->s->peer));
}

enum check_result
run_check_reverse_client_access(struct check *c, const struct restriction *r)
{
	enum check_result result = access_by_name(c, r,
	    SPAN(c->s->reverse_name), c->s->address, CLASS_REVERSE_CLIENT,
	    SPAN(c->s->peer));

	/* Anybody can make his address point to any name. */
	if (result == CHECK_PERMIT
	    && (c->s->tx == NULL || !c->s->tx->discard))
		return check_misconfigured(c, arena_printf(c->arena,
		    "access table %s: OK is not allowed for %s, a name that "
		    "is not verified: use DUNNO", r->table,
		    c->s->reverse_name));
	return result;
}

/* local_header_rewrite_clients: any match permits. */
enum check_result
run_check_address_map(struct check *c, const struct restriction *r)
{
	struct str *value = str_in_arena(c->arena);

	return maps_lookup(r->maps, SPAN(c->s->address), 0, value, NULL)
	    == MAP_FOUND ? CHECK_PERMIT : CHECK_DUNNO;
}
