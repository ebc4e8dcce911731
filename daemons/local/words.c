/*
 * words - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/macro.h"
#include "daemons/local/local_priv.h"

struct span
words_extension(const struct envelope_rcpt *rcpt)
{
	struct span base, extension;

	return address_split_extension(address_split(rcpt->address).local,
	    conf_core.recipient_delimiter, &base, &extension) ? extension
	    : SPAN_NONE;
}

static struct span
base_of(struct span local)
{
	struct span base, extension;

	return address_split_extension(local, conf_core.recipient_delimiter,
	    &base, &extension) ? base : local;
}

/* The one that parts this recipient, or the first there is. */
static struct span
delimiter(const struct envelope_rcpt *rcpt)
{
	struct span extension = words_extension(rcpt);

	if (extension.p != NULL)
		return span_of(extension.p - 1, 1);
	return span_sub(SPAN(conf_core.recipient_delimiter), 0, 1);
}

static bool
look_up(struct span name, struct str *value_out, void *arg)
{
	const struct words *w = arg;
	struct address_parts parts = address_split(w->rcpt->address);
	struct str value = STR_EMPTY;
	const struct {
		const char *name;
		struct span value;
	} values[] = {
		{ "user", w->user != NULL ? SPAN(w->user->name)
		    : base_of(parts.local) },
		{ "home", w->user != NULL ? SPAN(w->user->home) : SPAN_NONE },
		{ "shell", w->user != NULL ? SPAN(w->user->shell) : SPAN_NONE },
		{ "recipient", w->rcpt->address },
		{ "extension", words_extension(w->rcpt) },
		{ "domain", parts.domain },
		{ "local", parts.local },
		{ "recipient_delimiter", delimiter(w->rcpt) },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (!span_is(name, values[i].name))
			continue;
		if (w->extension_out != NULL && span_is(name, "extension"))
			*w->extension_out = true;
		str_set(&value, values[i].value);
		words_filter(&value, w->filter);
		str_add(value_out, str_span(&value));
		str_fini(&value);
		return true;
	}
	return false;
}

void
words_filter(struct str *text, const char *filter)
{
	for (size_t i = 0; filter != NULL && i < str_len(text); i++)
		if (text->buf[i] == '\0'
		    || strchr(filter, text->buf[i]) == NULL)
			text->buf[i] = '_';
}

bool
words_expand(const struct words *words, struct span text, struct str *out)
{
	bool unset = false;
	const struct macro macro = { .lookup = look_up,
		.arg = (void *)(uintptr_t)words, .unset_out = &unset };
	struct str why = STR_EMPTY;
	bool ok = macro_expand(&macro, text, out, &why);

	if (!ok)
		log_warn("%.*s: %s", SPAN_ARG(text), str_cstr(&why));
	str_fini(&why);
	return ok && (!unset || words->may_lack);
}
