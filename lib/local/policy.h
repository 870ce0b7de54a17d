/*
 * policy.h - the question whether a client may send, as msgraph-milter (and
 * msgraph-agent, for mail that came past it) asks msgraphd, which alone has the
 * table of identities.
 *
 * It goes over the submit socket, a connection for each, as a record of wire.h:
 *
 *	request=policy
 *	stage=mail			(recipient, end)
 *	user=<user name, canonical or as typed; empty: nobody signed in>
 *	client-address=192.0.2.9	(empty: not known)
 *	daemon-name=port25
 *	certificate-issuer=...		(both: only where smtpd trusts the
 *	certificate-subject=...		 certificate)
 *	sender=app@example.com		(empty: the null sender)
 *	mailbox=scan@example.com	(end)
 *	from=scan@example.com		(end: From's address, may be empty)
 *	recipient=a@example.org		(recipient)
 *	<empty line>
 *
 * Addresses are in canonical form: lower case, xn--, no quotes where none are
 * needed. The answer:
 *
 *	status=ok			(later, refused)
 *	dsn=5.7.1			(not with ok; 5.7.0: sign in first)
 *	text=...
 *	application=<tenant>@<client>	(with ok, as the rest)
 *	entry=printers			(not where no entry decides)
 *	from=scan@example.com		(the entry's from)
 *	transport=msgraph-slow		(the entry's transport)
 *	recipients=yes			(each recipient must be asked about, and
 *					 the header must name no other)
 *	<empty line>
 *
 * Names that are not known are passed over, on both sides.
 */
#ifndef MSGRAPH_POLICY_H
#define MSGRAPH_POLICY_H

#include "lib/base/buf.h"
#include "lib/base/error.h"
#include "route.h"

#define POLICY_QUESTION_MAX (16 * 1024)
#define POLICY_ANSWER_MAX 4096

enum policy_stage { POLICY_MAIL, POLICY_RECIPIENT, POLICY_END };

/* Strings are borrowed; NULL is as empty. */
struct policy_question {
	enum policy_stage stage;
	const char *user, *client_address, *daemon_name;
	const char *certificate_issuer, *certificate_subject;
	const char *sender, *mailbox, *from, *recipient;
};

enum policy_status { POLICY_OK, POLICY_LATER, POLICY_REFUSED };

struct policy_answer {
	enum policy_status status;
	char dsn[12], text[512]; /* unless POLICY_OK */
	struct identity application; /* POLICY_OK, as the rest */
	char entry[ENTRY_NAME_SIZE];
	char from[ROUTE_MAILBOX_SIZE];
	char transport[ROUTE_TRANSPORT_SIZE];
	int recipients;
};

/* Appends a question as a record. 0, or -1 as wire_field() does. */
int policy_question_format(
    struct buf *out, const struct policy_question *question);

/*
 * Reads a whole record, into which it writes and the question's strings point.
 * Returns 1; 0 when it is no policy request; -1 when it is a wrong one: without
 * a stage, or what the stage asks about.
 */
int policy_question_parse(struct policy_question *question, char *bytes);

/* Appends an answer as a record. 0, or -1 as wire_field() does. */
int policy_answer_format(struct buf *out, const struct policy_answer *answer);

/*
 * Reads an answer, whose bytes are written to and are followed by a NUL. 0; or
 * -1 when it is none, or its dsn is not of its status (4.x later, 5.x refused).
 */
int policy_answer_parse(struct policy_answer *answer, char *bytes, size_t len);

/*
 * Returns 1 when two answers with POLICY_OK decide alike who sends and what is
 * asked about. A message whose first and last answer differ waits: the table
 * was changed meanwhile, and what the first one decided does not hold.
 */
int policy_answer_same(
    const struct policy_answer *a, const struct policy_answer *b);

/*
 * Asks msgraphd and waits for its answer until the deadline (sock_now()). 0; or
 * -1 with *err, temporary, when there is none.
 */
int policy_ask(const char *socket_path, const struct policy_question *question,
    long long deadline, struct policy_answer *answer, struct error *err);

#endif
