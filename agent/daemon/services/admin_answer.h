/*
 * admin_answer.h - an answer of the admin socket while it is made, for the
 * files that make the records. admin_service.c sends it.
 */
#ifndef MSGRAPHD_ADMIN_ANSWER_H
#define MSGRAPHD_ADMIN_ANSWER_H

#include <sys/types.h>

#include "agent/daemon/base/msgraphd.h"
#include "lib/base/buf.h"
#include "lib/local/identity.h"

/* The longest value of a line; what is longer is cut. */
#define ADMIN_VALUE_MAX 2000

/* The longest record: some lines, of which few are long. */
#define ADMIN_RECORD_MAX 8192

struct admin_answer {
	struct msgraphd *daemon;
	struct identity application; /* of the question, where it names one */
	uid_t uid; /* who asks */
	struct buf *out;

	/* where the answer stands; zeroed at first, each request has its own */
	unsigned int part;
	size_t place;
	char after[IDENTITY_TEXT_SIZE];
	const void *event;

	char failure[512]; /* why there is no answer; empty: there is one */
};

/*
 * Appends the next record. Returns 1 to be called again, also where it has
 * appended nothing, and 0 at the end. Takes a few milliseconds at most.
 */
typedef int (*admin_step)(struct admin_answer *answer);

/* Takes one step of the answer to the request of this name: an admin_step. */
int admin_status(struct admin_answer *answer);
int admin_throttles(struct admin_answer *answer);
int admin_events(struct admin_answer *answer);
int admin_applications(struct admin_answer *answer);
int admin_identities(struct admin_answer *answer);
int admin_forget(struct admin_answer *answer);

/* Begins a record of a kind, and ends it. */
void admin_begin(struct admin_answer *answer, const char *kind);
void admin_end(struct admin_answer *answer);

/* Appends a line; none where the value is empty, NULL, or 0. */
void admin_text(
    struct admin_answer *answer, const char *name, const char *value);
void admin_number(
    struct admin_answer *answer, const char *name, long long value);

/* Appends a count, 0 as well. */
void admin_count(
    struct admin_answer *answer, const char *name, unsigned long long value);

/* Appends "application=tenant/client". */
void admin_identity(struct admin_answer *answer, const struct identity *id);

#endif
