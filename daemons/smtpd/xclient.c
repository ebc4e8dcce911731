/*
 * xclient - XCLIENT: a listed client is to be treated as another; XFORWARD: it
 * says where the next message came from, for logs and those behind us.
 *
 * A command is taken as a whole or, at the first attribute that makes no
 * sense, not at all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/xclient.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/mail/conf_core.h"
#include "daemons/smtpd/clients.h"
#include "daemons/smtpd/restrict.h"

static bool
may(struct session *s, bool listed, struct span rest)
{
	if (rest.len == 0)
		reply(s, "501", "5.5.4", "Syntax: %s attribute=value...",
		    s->where);
	else if (!listed)
		reply(s, "550", "5.7.0", "Error: insufficient authorization");
	else
		return true;
	return false;
}

/* Calls take with each attribute; false behind a reply. */
static bool
read_attributes(struct session *s, struct span rest, unsigned attrs,
    bool (*take)(const struct xclient_value *value, void *arg,
    struct str *why), void *arg)
{
	struct xclient_value value = { .text = STR_EMPTY };
	struct str why = STR_EMPTY;
	enum xclient_status status;

	while ((status = xclient_next(&rest, attrs, &value, &why))
	    == XCLIENT_OK)
		if (!take(&value, arg, &why)) {
			status = XCLIENT_BAD;
			break;
		}
	if (status == XCLIENT_BAD)
		reply(s, "501", "5.5.4", "%s", str_cstr(&why));
	str_fini(&value.text);
	str_fini(&why);
	return status == XCLIENT_END;
}

/* ---- XCLIENT ---- */

struct other {				/* what the client becomes */
	unsigned given;			/* enum xclient_attr */
	struct ipaddr ip;
	bool no_address;
	uint16_t port;
	char *name, *reverse_name, *helo;	/* NULL: none is known */
	enum resolver_status name_status, reverse_status;
	bool esmtp;
};

static enum resolver_status
status_of(const struct xclient_value *v)
{
	return v->known == XCLIENT_GIVEN ? RESOLVER_FOUND
	    : v->known == XCLIENT_UNAVAILABLE ? RESOLVER_NO_NAME
	    : RESOLVER_TRY_AGAIN;
}

static void
take_text(char **field, const struct xclient_value *v)
{
	mem_free(*field);
	*field = v->known == XCLIENT_GIVEN ? mem_strdup(str_cstr(&v->text))
	    : NULL;
}

static bool
take_other(const struct xclient_value *v, void *arg, struct str *why)
{
	struct other *o = arg;
	const char *text = str_cstr(&v->text);

	o->given |= v->attr;
	switch (v->attr) {
	case XCLIENT_NAME:
		take_text(&o->name, v);
		o->name_status = status_of(v);
		break;
	case XCLIENT_REVERSE_NAME:
		take_text(&o->reverse_name, v);
		o->reverse_status = status_of(v);
		break;
	case XCLIENT_ADDR:
		o->ip = v->ip;
		o->no_address = v->known != XCLIENT_GIVEN;
		break;
	case XCLIENT_PORT:
		o->port = v->port;
		break;
	case XCLIENT_HELO:
		take_text(&o->helo, v);
		break;
	case XCLIENT_PROTO:
		o->esmtp = strcasecmp(text, "ESMTP") == 0;
		if (o->esmtp || strcasecmp(text, "SMTP") == 0)
			break;
		str_printf(why, "Bad PROTO syntax: %s", text);
		return false;
	case XCLIENT_LOGIN:		/* nobody can be authenticated */
	case XCLIENT_DESTADDR:		/* nothing asks for these */
	case XCLIENT_DESTPORT:
	case XCLIENT_IDENT:
	case XCLIENT_SOURCE:
		break;
	}
	return true;
}

static void
become_name(struct session *s, struct other *o)
{
	if (o->given & XCLIENT_NAME) {
		session_set_name(&s->name, SPAN(o->name != NULL ? o->name
		    : "unknown"));
		s->name_status = o->name_status;
	}
	if (o->given & XCLIENT_REVERSE_NAME) {
		session_set_name(&s->reverse_name,
		    SPAN(o->reverse_name != NULL ? o->reverse_name
		    : "unknown"));
		s->reverse_status = o->reverse_status;
	} else if (o->given & XCLIENT_NAME) {
		session_set_name(&s->reverse_name, SPAN(s->name));
		s->reverse_status = s->name_status;
	}
}

/* One that nobody knows is 0.0.0.0: no address at all means this machine. */
static void
become_address(struct session *s, const struct other *o)
{
	s->ip = o->no_address ? (struct ipaddr){ .family = AF_INET } : o->ip;
	if (o->no_address)
		snprintf(s->address, sizeof(s->address), "unknown");
	else
		ipaddr_print(&o->ip, s->address);
}

static void
become(struct session *s, struct other *o)
{
	transaction_end(s);
	become_name(s, o);
	if (o->given & XCLIENT_ADDR)
		become_address(s, o);
	if (o->given & XCLIENT_PORT)
		s->port = o->port;
	mem_free(s->helo);
	s->helo = o->helo;
	o->helo = NULL;
	s->esmtp = o->esmtp;
	s->state = s->helo != NULL ? STATE_GREETED : STATE_START;
	check_memory_free(&s->memory);
	session_renamed(s);
}

void
command_xclient(struct session *s, struct span rest)
{
	struct other o = { .given = 0 };

	if (!may(s, s->may_xclient, rest))
		return;
	if (read_attributes(s, rest, XCLIENT_ATTRS, take_other, &o)) {
		become(s, &o);
		trouble_begin(s);
		session_greet(s);
	}
	mem_free(o.name);
	mem_free(o.reverse_name);
	mem_free(o.helo);
}

/* ---- XFORWARD ---- */

void
forwarded_free(struct forwarded **forwarded)
{
	struct forwarded *f = *forwarded;

	if (f == NULL)
		return;
	mem_free(f->name);
	mem_free(f->address);
	mem_free(f->port);
	mem_free(f->proto);
	mem_free(f->helo);
	mem_free(f->ident);
	mem_free(f);
	*forwarded = NULL;
}

static bool
take_forwarded(const struct xclient_value *v, void *arg, struct str *why)
{
	struct forwarded *f = arg;

	switch (v->attr) {
	case XCLIENT_NAME:
		take_text(&f->name, v);
		break;
	case XCLIENT_ADDR:
		take_text(&f->address, v);
		break;
	case XCLIENT_PORT:
		take_text(&f->port, v);
		break;
	case XCLIENT_PROTO:
		take_text(&f->proto, v);
		break;
	case XCLIENT_HELO:
		take_text(&f->helo, v);
		break;
	case XCLIENT_IDENT:
		take_text(&f->ident, v);
		break;
	case XCLIENT_SOURCE:
		f->source_given = v->known == XCLIENT_GIVEN;
		f->local = strcasecmp(str_cstr(&v->text), "LOCAL") == 0;
		break;
	case XCLIENT_REVERSE_NAME:
	case XCLIENT_LOGIN:
	case XCLIENT_DESTADDR:
	case XCLIENT_DESTPORT:
		break;
	}
	return true;
}

/* Several commands add up, to the end of the next message. */
void
command_xforward(struct session *s, struct span rest)
{
	if (!may(s, s->may_xforward, rest))
		return;
	if (s->forwarded == NULL)
		s->forwarded = MEM_NEW(struct forwarded);
	if (read_attributes(s, rest, XFORWARD_ATTRS, take_forwarded,
	    s->forwarded))
		reply(s, "250", "2.0.0", "Ok");
	else
		forwarded_free(&s->forwarded);
}
