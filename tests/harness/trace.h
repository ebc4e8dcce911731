/*
 * trace - what the recorder wrote (common/io/record.h), entry by entry.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_HARNESS_TRACE_H
#define TESTS_HARNESS_TRACE_H

#include "common/base/span.h"
#include "common/io/record.h"

struct trace {
	const struct record_trace *head;
	const struct record_entry **entries;
	size_t count;
};

/* Maps it; false with a reason where it cannot be trusted. */
bool trace_open(struct trace *t, const char *path, const char **why_out);
void trace_close(struct trace *t);

struct span trace_name(const struct record_entry *e);
struct span trace_to(const struct record_entry *e);
struct span trace_bytes(const struct record_entry *e);
/* "4711 rename 4F0A1B2C3D -> 4F0A1B2C3D", for people. Static storage. */
const char *trace_text(const struct trace *t, size_t i);

/* Notes the directories and files below root as what was there, durably, at the
 * start: file system number fs. The trace must be on (record_to). */
bool trace_base(unsigned fs, const char *root);

/* Names an inode: two file systems may each have one of this number. */
struct trace_inode {
	uint64_t dev, ino;
};

static inline struct span
trace_inode_key(const struct trace_inode *inode)
{
	return span_of((const char *)inode, sizeof(*inode));
}

#define TRACE_INODE(device, number) \
	trace_inode_key(&(struct trace_inode){ device, number })

#endif
