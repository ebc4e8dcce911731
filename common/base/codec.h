/*
 * codec - bytes as text and back: base64, hex, xtext, quoted for the log.
 *
 * Decoders are strict: false on any byte that does not belong, out unchanged
 * in meaning (it may have been appended to; the caller drops it).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_CODEC_H
#define COMMON_BASE_CODEC_H

#include "common/base/span.h"
#include "common/base/str.h"

void base64_encode(struct str *out, struct span bytes);	/* appends, padded */
/* Wants the padding; unused bits before it are ignored, as senders set them. */
bool base64_decode(struct str *out, struct span text);
void hex_encode(struct str *out, struct span bytes);	/* upper case */
bool hex_decode(struct str *out, struct span text);
void xtext_encode(struct str *out, struct span bytes);	/* RFC 3461 4 */
bool xtext_decode(struct str *out, struct span text);
/* Control bytes and broken UTF-8 become '?', each of their bytes one, so that
 * the length stays; other UTF-8 is kept. Appends. */
void log_quote(struct str *out, struct span bytes);
void log_quote_in_place(char *p, size_t len);
/* As a C string literal without its quotes: \r \n \t \\ \" \ooo. Appends. */
void c_escape(struct str *out, struct span bytes);
/* JSON string contents without the quotes; broken UTF-8 is replaced. */
void json_escape(struct str *out, struct span text);
/* The checksum of bytes behind others with the checksum seed; 0 to begin. */
uint32_t crc32c(uint32_t seed, const void *bytes, size_t len);

#endif
