/*
 * options.c - the agent's command line. See options.h.
 *
 * getopt_long() is kept quiet: whatever it printed would come before
 * the status line, and pipe(8) would then bounce the message.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf/conf.h"
#include "lib/mail/address.h"
#include "options.h"

const char options_usage[] =
    "usage: msgraph-agent [-c FILE] --queue-id=ID --identity=USER\n"
    "           --mailbox=ADDR --sender=ADDR [--original-recipient=ADDR]...\n"
    "           -- RECIPIENT...                    < message\n"
    "       msgraph-agent -h | -V\n";

enum {
	OPT_QUEUE_ID = 256,
	OPT_IDENTITY,
	OPT_MAILBOX,
	OPT_SENDER,
	OPT_ORIGINAL
};

static const struct option long_options[] = {
    {"queue-id", required_argument, NULL, OPT_QUEUE_ID},
    {"identity", required_argument, NULL, OPT_IDENTITY},
    {"mailbox", required_argument, NULL, OPT_MAILBOX},
    {"sender", required_argument, NULL, OPT_SENDER},
    {"original-recipient", required_argument, NULL, OPT_ORIGINAL},
    {NULL, 0, NULL, 0},
};

static int
usage_error(struct error *err, const char *what)
{
	return error_set(err, ERROR_OURS, "4.3.5",
	    "msgraph-agent: %s; see msgraph-agent(8) for master.cf", what);
}

static int
take(struct options *o, int option, struct error *err)
{
	switch (option) {
	case 'c':
		o->conf_file = optarg;
		break;
	case 'h':
		o->action = OPTIONS_HELP;
		break;
	case 'V':
		o->action = OPTIONS_VERSION;
		break;
	case OPT_QUEUE_ID:
		o->queue_id = optarg;
		break;
	case OPT_IDENTITY:
		o->identity = optarg;
		break;
	case OPT_MAILBOX:
		o->mailbox = optarg;
		break;
	case OPT_SENDER:
		o->sender = optarg;
		break;
	case OPT_ORIGINAL:
		o->originals[o->original_count++] = optarg;
		break;
	default:
		return usage_error(err, "unknown option, or one without value");
	}
	return 0;
}

/*
 * A mailbox that is no address is how a message looks that the milter did not
 * stamp: see the content_filter line of the examples.
 */
static int
check(const struct options *o, struct error *err)
{
	char key[ADDRESS_KEY_SIZE];
	struct span mailbox;

	if (o->queue_id == NULL || o->identity == NULL || o->mailbox == NULL ||
	    o->sender == NULL)
		return usage_error(err,
		    "--queue-id, --identity, --mailbox and --sender are "
		    "needed");
	if (o->recipient_count == 0)
		return usage_error(err, "no recipient");
	mailbox = span_between(o->mailbox, o->mailbox + strlen(o->mailbox));
	if (address_key(mailbox, key, sizeof(key)) == -1)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "mailbox \"%s\" is not an address: the message did not "
		    "come through msgraph-milter, or its route is wrong",
		    o->mailbox);
	return 0;
}

int
options_parse(struct options *o, int argc, char **argv, struct error *err)
{
	int option;

	memset(o, 0, sizeof(*o));
	o->conf_file = CONF_DEFAULT_FILE;
	o->originals = calloc((size_t)argc + 1, sizeof(*o->originals));
	if (o->originals == NULL)
		return error_set(
		    err, ERROR_TEMPORARY, "4.3.0", "memory is short");
	opterr = 0;
	optind = 1;
	while ((option = getopt_long(
		    argc, argv, "+c:hV", long_options, NULL)) != -1)
		if (take(o, option, err) == -1)
			return -1;
	o->recipients = argv + optind;
	o->recipient_count = (size_t)(argc - optind);
	return o->action == OPTIONS_DELIVER ? check(o, err) : 0;
}

void
options_free(struct options *o)
{
	free(o->originals);
	o->originals = NULL;
}
