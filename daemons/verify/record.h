/*
 * record - what is known of one address: "status:probed:updated:text", as other
 * mail systems write it, and when that has to be asked anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_VERIFY_RECORD_H
#define DAEMONS_VERIFY_RECORD_H

#include "common/base/str.h"
#include "daemons/shared/verify_proto.h"

/* A probe without an answer for so long is taken for lost. */
#define RECORD_PROBE_SECONDS 1000
#define RECORD_IN_PROGRESS "Address verification in progress"

struct record {
	enum verify_status status;
	int64_t probed;			/* seconds; 0: no probe is on its way */
	int64_t updated;		/* when its status was learnt; 0: never */
	struct span text;
};

/* False for what is no record. The text is part of the value. */
bool record_read(struct span value, struct record *out);
void record_print(struct str *out, const struct record *r);

/*
 * Of what is in the cache (NULL: nothing) what counts at this time; *probe_out
 * says that a probe has to be sent, and r->probed is now then.
 */
void record_judge(const struct record *stored, int64_t now,
    struct record *r, bool *probe_out);
/* Nothing that counts is in it: it can go. */
bool record_is_over(const struct record *r, int64_t now);
/*
 * A probe's outcome onto what is in the cache. False: it stays as it was. A
 * probe that fails does not take away what an earlier one has shown until that
 * expires.
 */
bool record_update(const struct record *stored, enum verify_status status,
    struct span text, int64_t now, struct record *r);

#endif
