/*
 * forms: what one of our own processes says, in each form there is. A body that
 * is accepted is written again and read as the same; none brings a descriptor
 * that did not come along.
 *
 * The first byte chooses the form, the rest is its body.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/service/master_proto.h"
#include "daemons/shared/bounce_proto.h"
#include "daemons/shared/cleanup_proto.h"
#include "daemons/shared/delivery_proto.h"
#include "daemons/shared/mailbox_proto.h"
#include "daemons/shared/qmgr_proto.h"
#include "daemons/shared/resolver_proto.h"
#include "daemons/shared/rewrite_proto.h"
#include "daemons/shared/verify_proto.h"
#include "maps/proxy_proto.h"
#include "queue/outcome_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The seeds count on the order: new ones go to the end. */
static const struct attr_form *const forms[] = {
	&attr_hello_form, &cleanup_begin_form, &cleanup_rcpts_form,
	&cleanup_data_form, &cleanup_end_form, &cleanup_result_form,
	&qmgr_note_form, &qmgr_flush_one_form, &delivery_request_form,
	&delivery_reply_form, &bounce_append_form, &bounce_send_form,
	&bounce_drop_form, &bounce_reply_form, &rewrite_request_form,
	&rewrite_reply_form, &resolver_request_form, &resolver_reply_form,
	&worker_request_form, &worker_reply_form, &mailbox_job_form,
	&mailbox_result_form, &mailbox_read_form, &mailbox_text_form,
	&proxy_lookup_form, &proxy_answer_form, &master_query_form,
	&master_answer_form, &envelope_form, &envelope_rcpt_form,
	&outcome_form, &command_job_form, &verify_query_form,
	&verify_answer_form, &verify_update_form, &verify_taken_form,
	&proxy_change_form, &proxy_walk_form, &proxy_entry_form,
};

static void
check_no_descriptor(const struct attr_form *form, const void *fields)
{
	for (size_t i = 0; i < form->nfields; i++) {
		const char *at = (const char *)fields + form->fields[i].offset;

		if (form->fields[i].kind == ATTR_FD)
			CHECK(*(const int *)at == -1);
	}
}

static void
check_again(const struct attr_form *form, const void *fields,
    struct arena *arena)
{
	struct str one = STR_EMPTY, two = STR_EMPTY, why = STR_EMPTY;
	void *again = arena_zalloc(arena, form->size);

	attr_encode_body(&one, form, fields);
	CHECK(attr_decode_body(form, str_span(&one), arena, again, &why));
	attr_encode_body(&two, form, again);
	CHECK(span_eq(str_span(&one), str_span(&two)));
	str_fini(&one);
	str_fini(&two);
	str_fini(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct attr_form *form;
	struct arena *arena;
	struct str why = STR_EMPTY;
	struct attr_frame frame = { .form = 0 };
	void *fields;

	if (size == 0)
		return 0;
	form = forms[data[0] % ARRAY_COUNT(forms)];
	frame.body = span_of((const char *)data + 1, size - 1);
	frame.form = form->id;
	arena = arena_new();
	fields = arena_zalloc(arena, form->size);
	if (attr_decode(form, &frame, NULL, arena, fields, &why)) {
		check_no_descriptor(form, fields);
		check_again(form, fields, arena);
	} else {
		CHECK(str_len(&why) > 0);
	}
	arena_free(&arena);
	str_fini(&why);
	return 0;
}
