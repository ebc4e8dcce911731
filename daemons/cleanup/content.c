/*
 * content - what goes into the queue file: bytes up to the size limit, without
 * stray carriage returns. A CR that is left in the content stands alone: CR LF
 * came as LF.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/mail/conf_core.h"
#include "daemons/cleanup/cleanup_priv.h"

void
content_put(struct transaction *t, struct span bytes)
{
	if (!t->has_8bit && !span_is_ascii(bytes))
		t->has_8bit = true;
	if (conf_core.message_size_limit > 0
	    && queue_writer_content_length(t->writer) + bytes.len
	    > (uint64_t)conf_core.message_size_limit) {
		if (t->status == CLEANUP_OK)
			log_warn("queue file size limit exceeded");
		transaction_fail(t, CLEANUP_TOO_BIG, NULL);
		return;
	}
	while (bytes.len > 0) {
		ssize_t cr = cleanup_conf.replace_stray_cr_lf
		    ? span_find(bytes, '\r') : -1;

		if (cr < 0) {
			queue_writer_content(t->writer, bytes);
			return;
		}
		queue_writer_content(t->writer, span_sub(bytes, 0,
		    (size_t)cr));
		queue_writer_content(t->writer, SPAN(" "));
		bytes = span_skip(bytes, (size_t)cr + 1);
	}
}

void
content_put_line(struct transaction *t, struct span line)
{
	content_put(t, line);
	content_put(t, SPAN("\n"));
}
