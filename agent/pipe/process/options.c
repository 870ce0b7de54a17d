/*
 * options.c - the agent's command line. See options.h.
 *
 * Nothing is printed: it would come before the status line, and pipe(8) would
 * then bounce the message.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/conf/conf.h"
#include "lib/mail/address.h"
#include "options.h"

enum {
	OPT_QUEUE_ID = 256,
	OPT_IDENTITY,
	OPT_MAILBOX,
	OPT_SENDER,
	OPT_ORIGINAL
};

static const struct cmdline_option rows[] = {
    {CONF_CMDLINE_FILE},
    {CMDLINE_HELP},
    {OPT_IDENTITY, "identity", "user", "who signed in (${sasl_username})"},
    {OPT_MAILBOX, "mailbox", "route",
	"mailbox and application that send (${nexthop})"},
    {OPT_ORIGINAL, "original-recipient", "address",
	"a recipient as the client named it (${original_recipient})"},
    {OPT_QUEUE_ID, "queue-id", "id", "Postfix's name for it (${queue_id})"},
    {OPT_SENDER, "sender", "address", "the envelope's sender (${sender})"},
    {CMDLINE_VERSION},
    {0, NULL, NULL, NULL},
};

const struct cmdline options_cmdline = {"msgraph-agent",
    "[-c file] --queue-id=id --identity=user\n"
    " --mailbox=route --sender=address\n"
    " [--original-recipient=address ...] -- recipient ...\n"
    "-h | -V",
    rows, 1};

static int
options_usage_error(struct error *err, const char *what)
{
	return error_set(err, ERROR_OURS, "4.3.5",
	    "msgraph-agent: %s; see msgraph-agent(8) for master.cf", what);
}

static void
options_take(struct options *o, int key, const char *value)
{
	switch (key) {
	case 'c':
		o->conf_file = value;
		break;
	case 'h':
	case 'V':
		o->answer = key;
		break;
	case OPT_QUEUE_ID:
		o->queue_id = value;
		break;
	case OPT_IDENTITY:
		o->identity = value;
		break;
	case OPT_MAILBOX:
		o->mailbox = value;
		break;
	case OPT_SENDER:
		o->sender = value;
		break;
	case OPT_ORIGINAL:
		o->originals[o->original_count++] = value;
		break;
	}
}

/* An application in the route comes before who signed in. */
static int
options_read_route(struct options *o, struct error *err)
{
	struct route *route = &o->route;

	if (route_parse(o->mailbox, route) == -1)
		return options_usage_error(
		    err, "--mailbox names a mailbox over 254 bytes");
	o->mailbox = route->mailbox;
	o->entry = route->entry;
	if (route->has_application)
		o->identity = identity_canonical(
		    &route->application, route->entry, o->canonical);
	return 0;
}

/*
 * A mailbox that is no address is how a message looks that the milter did not
 * stamp: see the content_filter line of the examples. It can go if somebody
 * signed in.
 */
static int
options_check(struct options *o, struct error *err)
{
	char key[ADDRESS_KEY_SIZE];
	struct span mailbox;

	if (o->queue_id == NULL || o->identity == NULL || o->mailbox == NULL ||
	    o->sender == NULL)
		return options_usage_error(err,
		    "--queue-id, --identity, --mailbox and --sender are "
		    "needed");
	if (o->recipient_count == 0)
		return options_usage_error(err, "no recipient");
	if (options_read_route(o, err) == -1)
		return -1;
	mailbox = span_between(o->mailbox, o->mailbox + strlen(o->mailbox));
	o->is_unrouted = address_key(mailbox, key, sizeof(key)) == -1;
	if (o->is_unrouted && o->identity[0] == '\0')
		return error_set(err, ERROR_OURS, "4.3.5",
		    "mailbox \"%.100s\" is not an address: the message did "
		    "not come through msgraph-milter, or its route is wrong; "
		    "and nobody signed in, so it is not sent without",
		    o->mailbox);
	return 0;
}

int
options_parse(struct options *o, int argc, char **argv, struct error *err)
{
	struct error wrong;
	const char *value;
	int key;

	memset(o, 0, sizeof(*o));
	o->entry = "";
	o->conf_file = CONF_DEFAULT_FILE;
	o->originals = calloc((size_t)argc + 1, sizeof(*o->originals));
	if (o->originals == NULL)
		return error_no_memory(err);
	optind = 1;
	while ((key = cmdline_next(
		    &options_cmdline, argc, argv, &value, &wrong)) > 0)
		options_take(o, key, value);
	if (key == -1)
		return options_usage_error(err, wrong.text);
	o->recipients = argv + optind;
	o->recipient_count = (size_t)(argc - optind);
	return o->answer == 0 ? options_check(o, err) : 0;
}

void
options_free(struct options *o)
{
	free(o->originals);
	o->originals = NULL;
}
