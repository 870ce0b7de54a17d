/*
 * admin.h - what msgraphctl asks msgraphd over the admin socket, for the admin:
 * root, and members of the group ADMIN_GROUP.
 *
 * A connection carries one question, a record of wire.h:
 *
 *	request=applications		(a name that msgraphd(8) lists)
 *	application=<tenant>/<client>	(forget: which one)
 *	<empty line>
 *
 * The answer is records, one after the other, however many. The first line of
 * each names its kind, and lines without a value are left out:
 *
 *	record=application
 *	application=<tenant>/<client>
 *	token-until=1764410400		(times are seconds since 1970)
 *	<empty line>
 *	record=end
 *	status=ok			(failed)
 *	text=...			(with failed: why, and what to do)
 *	<empty line>
 *
 * An answer without the record "end" was cut. No secret and no token is in any
 * of them, nor digests of one. Names that are not known are passed over, on
 * both sides.
 */
#ifndef MSGRAPH_ADMIN_H
#define MSGRAPH_ADMIN_H

#include "lib/base/buf.h"

#define ADMIN_GROUP "msgraph-admin"
#define ADMIN_QUESTION_MAX 4096

/*
 * How many may ask at a time, besides root. Each may leave a piece of an answer
 * unread, and the kernel keeps some hundred kilobytes more for it, on
 * msgraphd's account.
 */
#define ADMIN_MEMBERS_MAX 32

/* Strings are borrowed; NULL is as empty. */
struct admin_question {
	const char *request, *application;
};

/* Appends a question as a record. 0, or -1 as wire_field() does. */
int admin_question_format(
    struct buf *out, const struct admin_question *question);

/*
 * Reads a whole record, into which it writes and the question's strings point;
 * what is absent is empty.
 */
void admin_question_parse(struct admin_question *question, char *bytes);

#endif
