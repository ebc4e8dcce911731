/*
 * dotforward - what an account's owner wants done with mail: the first file of
 * forward_path that is there, read by a worker that has become the owner.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/recent.h"
#include "common/mail/conf_core.h"
#include "daemons/local/local_priv.h"

#define FORWARD_MOST (1024 * 1024)

static enum map_status
read_one(struct expansion *e, const struct user *user, struct span path,
    struct span *text_out)
{
	static struct recent absent;
	struct mailbox_text text;
	const char *key = arena_printf(e->d->arena, "%lu %.*s",
	    (unsigned long)user->uid, SPAN_ARG(path));

	if (recent_get(&absent, SPAN(key)) != NULL)
		return MAP_ABSENT;
	mailbox_read_file(user->uid, user->gid, path, FORWARD_MOST, true,
	    &text, e->d->arena);
	switch ((enum mailbox_read_status)text.status) {
	case MAILBOX_READ_OK:
		*text_out = text.text;
		return MAP_FOUND;
	case MAILBOX_READ_ABSENT:
		(void)recent_arena(&absent);
		recent_put(&absent, SPAN(key), &absent);
		return MAP_ABSENT;
	case MAILBOX_READ_UNSAFE:
	case MAILBOX_READ_DENIED:
		log_warn("%.*s is not used: %.*s", SPAN_ARG(path),
		    SPAN_ARG(text.why));
		return MAP_ABSENT;
	case MAILBOX_READ_FAILED:
		break;
	}
	log_warn("%.*s cannot be read: %.*s", SPAN_ARG(path),
	    SPAN_ARG(text.why));
	return MAP_FAILED;
}

/* A path with $extension is not looked for when the recipient has none. Nobody
 * becomes root to read root's. */
enum map_status
dotforward_read(struct expansion *e, struct span address,
    const struct user *user, struct span *text_out, bool *by_extension_out)
{
	const struct envelope_rcpt rcpt = { .address = address,
		.original = e->rcpt->original };
	const struct words words = { .rcpt = &rcpt, .user = user,
		.filter = local_conf.forward_expansion_filter,
		.extension_out = by_extension_out };
	struct strlist paths = STRLIST_EMPTY;
	enum map_status status = MAP_ABSENT;

	if (user->uid == 0)
		return MAP_ABSENT;
	strlist_split(&paths, SPAN(local_conf.forward_path), STRLIST_CONF);
	for (size_t i = 0; status == MAP_ABSENT && i < paths.count; i++) {
		struct str *path = str_in_arena(e->d->arena);

		*by_extension_out = false;
		if (words_expand(&words, SPAN(paths.items[i]), path)
		    && str_len(path) > 0 && path->buf[0] == '/')
			status = read_one(e, user, str_span(path), text_out);
	}
	strlist_fini(&paths);
	return status;
}
