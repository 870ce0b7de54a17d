/*
 * admin_reply.h - reads an answer of msgraphd's admin socket (admin.h):
 * records, each of which is a list of names and values.
 */
#ifndef MSGRAPH_ADMIN_REPLY_H
#define MSGRAPH_ADMIN_REPLY_H

#include "lib/base/buf.h"
#include "lib/base/error.h"

struct admin_reply;
struct admin_record;

/*
 * Takes an answer apart, and its bytes over: *bytes becomes empty, whatever the
 * outcome. The caller owns the reply. NULL with *err: nothing came, it was cut
 * or is no answer, msgraphd says that it failed and why, or memory is out.
 */
struct admin_reply *admin_reply_parse(struct buf *bytes, struct error *err);

/* Frees *replyp and makes it NULL. Takes NULL. */
void admin_reply_free(struct admin_reply **replyp);

/*
 * Returns the next record behind one (NULL: the first), or NULL. The record
 * "end" is not among them.
 */
const struct admin_record *admin_next(
    const struct admin_reply *reply, const struct admin_record *after);

/*
 * Returns the value of a line of the record, "" where there is none. It is the
 * reply's. "record" has the kind.
 */
const char *admin_value(const struct admin_record *record, const char *name);

/* Returns the value as a number; 0 where there is none. */
long long admin_value_number(
    const struct admin_record *record, const char *name);

#endif
