/*
 * unrouted.c - decides the mailbox of what came past msgraph-milter. See
 * unrouted.h.
 *
 * The route is missing when a line of master.cf or the route's file is wrong,
 * which is no reason for the mail to wait: the application that signed in is
 * known from smtpd, and From and envelope are here. So msgraphd is asked here
 * what the milter would have asked, and the limits of the table hold. What the
 * milter's stamp says is not looked at, since without the milter a client may
 * have written it. The client's address is not known here; who signed in is not
 * judged by it.
 *
 * Of what the milter repairs only a missing From is added here (rewrite.c),
 * since it says who sends. Graph is not known to ask for Date and Message-ID,
 * which would be other ones at each attempt.
 */
#include <stdio.h>
#include <string.h>

#include "lib/local/sock.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"
#include "lib/mail/mailbox_sources.h"
#include "unrouted.h"

#define ASK_MS 30000 /* for all questions about a message */

#define WARNING                                                        \
	"warning: it came past msgraph-milter; mend master.cf or the " \
	"route, see msgraph-agent(8)"

static struct span
unrouted_whole(const char *text)
{
	return span_between(text, text + strlen(text));
}

int
unrouted_admit(
    const struct options *o, const struct conf *conf, struct error *err)
{
	char entry[ENTRY_NAME_SIZE];
	struct identity id;
	const char *reason;

	if (identity_parse_entry(o->identity, strlen(o->identity),
		conf_delimiters(conf), &id, entry, &reason) == 0)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "mailbox \"%.100s\" is not an address: the message did not come "
	    "through msgraph-milter, or its route is wrong; and it is not sent "
	    "without, since the user name is not that of an application: %s",
	    o->mailbox, reason);
}

/* --- what msgraphd says --- */

struct asking {
	const struct options *options;
	const struct conf *conf;
	char sender[ADDRESS_KEY_SIZE];
	long long deadline;
};

/* 0 when the answer is yes. A no defers: the table may be mended. */
static int
unrouted_ask(const struct asking *asking, struct policy_question *question,
    struct policy_answer *answer, struct error *err)
{
	question->user = asking->options->identity;
	question->sender = asking->sender;
	if (policy_ask(asking->conf->submit_socket, question, asking->deadline,
		answer, err) == -1)
		return -1;
	if (answer->status == POLICY_OK)
		return 0;
	answer->dsn[0] = '4';
	return error_set(err, ERROR_TEMPORARY, answer->dsn, "%s", answer->text);
}

static int
unrouted_ask_recipients(const struct asking *asking, struct error *err)
{
	const struct options *o = asking->options;
	struct policy_question question = {.stage = POLICY_RECIPIENT};
	int named = o->original_count == o->recipient_count;
	char recipient[ADDRESS_KEY_SIZE];
	struct policy_answer answer;
	size_t i;

	question.recipient = recipient;
	for (i = 0; i < o->recipient_count; i++) {
		address_canonical(
		    named ? o->originals[i] : o->recipients[i], recipient);
		if (unrouted_ask(asking, &question, &answer, err) == -1)
			return -1;
	}
	return 0;
}

static int
unrouted_ask_end(const struct asking *asking,
    const struct mailbox_sources *sources, struct unrouted *out,
    struct error *err)
{
	struct policy_question question = {
	    .stage = POLICY_END, .mailbox = out->mailbox};
	struct policy_answer answer;

	if (out->answer.from[0] == '\0' && sources->from.count == 1)
		question.from = sources->from.key;
	if (unrouted_ask(asking, &question, &answer, err) == -1)
		return -1;
	if (policy_answer_same(&answer, &out->answer))
		return 0;
	return error_set(err, ERROR_TEMPORARY, "4.3.0",
	    "the table of identities was changed meanwhile");
}

/* --- what the message says --- */

static int
unrouted_read(const struct options *o, struct span head,
    struct mailbox_sources *sources, struct error *err)
{
	struct header_reader r;
	struct header_field f;

	mailbox_sources_envelope(sources, unrouted_whole(o->sender));
	header_init(&r, head.p, head.len);
	while (header_next(&r, &f)) {
		if (header_has_stray_line_end(f.value))
			return error_set(err, ERROR_PERMANENT, "5.6.0",
			    "the header field %.*s holds a CR or LF that ends "
			    "no line",
			    f.name.len > 64 ? 64 : (int)f.name.len, f.name.p);
		mailbox_sources_field(sources, f.name, f.value);
	}
	return 0;
}

int
unrouted_decide(const struct options *o, const struct conf *conf,
    struct span head, struct unrouted *out, struct error *err)
{
	struct asking asking = {
	    .options = o, .conf = conf, .deadline = sock_now() + ASK_MS};
	struct policy_question question = {.stage = POLICY_MAIL};
	struct policy_answer *answer = &out->answer;
	struct mailbox_sources sources;

	memset(&sources, 0, sizeof(sources));
	address_canonical(o->sender, asking.sender);
	if (unrouted_read(o, head, &sources, err) == -1 ||
	    unrouted_ask(&asking, &question, answer, err) == -1)
		return -1;
	if (answer->from[0] != '\0')
		memcpy(out->mailbox, answer->from, sizeof(answer->from));
	else if (mailbox_sources_decide(&sources,
		     conf->mailbox_from == MAILBOX_FROM_ENVELOPE, out->mailbox,
		     err) == -1)
		return -1;
	if ((answer->recipients &&
		unrouted_ask_recipients(&asking, err) == -1) ||
	    unrouted_ask_end(&asking, &sources, out, err) == -1)
		return -1;
	identity_canonical(&answer->application, answer->entry, out->identity);
	return 0;
}

void
unrouted_warn(struct wire_reply *reply)
{
	size_t used = strlen(reply->text), room = sizeof(reply->text);

	if (reply->status == WIRE_SENT)
		used = 0;
	else if (used + sizeof(" (" WARNING ")") > room)
		used = room - sizeof(" (" WARNING ")");
	snprintf(reply->text + used, room - used, used == 0 ? "%s" : " (%s)",
	    WARNING);
}
