/*
 * mime - where the headers of a message stand, of its parts, and of messages
 * inside it (RFC 2045, 2046), found while the content passes by in any split.
 *
 * What comes in comes back as headers, boundaries and content, every byte once
 * and in order. Nothing is decoded, and bad structure is content.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_MIME_H
#define COMMON_MAIL_MIME_H

#include "common/base/arena.h"
#include "common/base/span.h"
#include "common/base/str.h"
#include "common/mail/header.h"

enum mime_place {
	MIME_PRIMARY,			/* the message's own */
	MIME_PART,			/* headers behind a boundary */
	MIME_NESTED,			/* headers of an attached message */
};

struct mime_events {
	/* A logical header, folds kept, without its last LF; cut at the limit. */
	void (*header)(enum mime_place place, struct span line,
	    size_t name_length, void *arg);
	/* The headers of a part are over: what follows counts as content of its
	 * own. May be NULL. */
	void (*part)(void *arg);
	/* A boundary, with its LF if it has come; part of it only when it is
	 * long. NULL: it is content. */
	void (*boundary)(struct span line, void *arg);
	/* Content with its LFs, the empty lines behind headers among it, in
	 * any split. */
	void (*content)(struct span bytes, void *arg);
	void *arg;
};

struct mime_limits {
	size_t header;			/* bytes kept of a logical header */
	size_t boundary;		/* bytes that tell boundaries apart */
	unsigned nesting;		/* boundaries within boundaries */
	unsigned reported;		/* enum mime_trouble that is wanted */
};

enum mime_trouble {
	MIME_TOO_DEEP = 1,		/* nesting */
	MIME_LONG_HEADER = 2,
	MIME_8BIT_HEADER = 4,
	MIME_8BIT_BODY = 8,		/* in a part that is said to be 7bit */
	MIME_ENCODED_CONTAINER = 16,	/* multipart or message as base64, qp */
};

struct mime;

/* In the arena. The events' spans are good during the call. */
struct mime *mime_new(struct arena *arena, const struct mime_limits *limits,
    const struct mime_events *events);
/* The content begins with the headers of the message itself. */
void mime_begin_whole(struct mime *m);
/* Or: the caller has taken these out of it, and keeps and prints them. */
void mime_primary_header(struct mime *m, enum header_id id, struct span line,
    size_t name_length);
void mime_primary_end(struct mime *m);
/* After mime_primary_end: there are no headers in the content, it need not go
 * through here (and then is not looked at for MIME_8BIT_BODY). */
bool mime_is_flat(const struct mime *m);
void mime_take(struct mime *m, struct span bytes);
void mime_end(struct mime *m);
/* During header events and up to the empty line behind them: is it multipart or
 * a message, as far as headers have told? */
bool mime_is_container(const struct mime *m);
/* What was met so far, of what is reported: enum mime_trouble. *text_out is how
 * the place of the first one begins; good until the arena goes. */
unsigned mime_trouble(const struct mime *m, struct span *text_out);

#endif
