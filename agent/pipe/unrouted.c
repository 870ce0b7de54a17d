/*
 * unrouted.c - decides the mailbox of what came past msgraph-milter. See
 * unrouted.h.
 *
 * The route is missing when a line of master.cf or the route's file is wrong,
 * which is no reason for the mail to wait: the application that signed in is
 * known from smtpd, and From and envelope are here. What the milter's stamp says
 * is not looked at, since without the milter a client may have written it.
 *
 * Of what the milter repairs only a missing From is added here (rewrite.c), since
 * it says who sends. Graph is not known to ask for Date and Message-ID, which
 * would be other ones at each attempt.
 */
#include <stdio.h>
#include <string.h>

#include "lib/local/identity.h"
#include "lib/mail/header.h"
#include "lib/mail/mailbox_sources.h"
#include "unrouted.h"

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
	struct identity id;
	const char *reason;

	if (identity_parse(o->identity, strlen(o->identity),
		conf_delimiters(conf), &id, &reason) == 0)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "mailbox \"%.100s\" is not an address: the message did not come "
	    "through msgraph-milter, or its route is wrong; and it is not sent "
	    "without, since the user name is not that of an application: %s",
	    o->mailbox, reason);
}

int
unrouted_decide(const struct options *o, const struct conf *conf,
    struct span head, char mailbox[MAILBOX_SIZE], struct error *err)
{
	struct mailbox_sources sources;
	struct header_reader r;
	struct header_field f;

	memset(&sources, 0, sizeof(sources));
	mailbox_sources_envelope(&sources, unrouted_whole(o->sender));
	header_init(&r, head.p, head.len);
	while (header_next(&r, &f)) {
		if (header_has_stray_line_end(f.value))
			return error_set(err, ERROR_PERMANENT, "5.6.0",
			    "the header field %.*s holds a CR or LF that ends "
			    "no line",
			    f.name.len > 64 ? 64 : (int)f.name.len, f.name.p);
		mailbox_sources_field(&sources, f.name, f.value);
	}
	return mailbox_sources_decide(&sources,
	    conf->mailbox_from == MAILBOX_FROM_ENVELOPE, mailbox, err);
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
