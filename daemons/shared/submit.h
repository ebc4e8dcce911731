/*
 * submit - what sendmail tells postdrop: the forms of cleanup_proto over a
 * pipe, one message: begin (sender, options), recipients, data, end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_SUBMIT_H
#define DAEMONS_SHARED_SUBMIT_H

#include "daemons/shared/cleanup_proto.h"

/* Of cleanup_begin.flags, what a submitter may ask for. */
#define SUBMIT_FLAGS (CLEANUP_EXTRACT_RCPT)
/* Of the envelope's flags. */
#define SUBMIT_ENVELOPE_FLAGS (ENVELOPE_TRACE | ENVELOPE_VERIFY)

#endif
