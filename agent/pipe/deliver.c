/*
 * deliver.c - configuration, message, edits, hand-over, in that order.
 *
 * Nothing here says "sent" but msgraphd's answer. Every failure on the way is
 * an error that outcome_from_error() turns into a deferral, or into a bounce
 * where the message itself can never go.
 */
#include "conf.h"
#include "deadline.h"
#include "deliver.h"
#include "outcome.h"
#include "parent.h"
#include "rewrite.h"
#include "submit.h"

/* Unlike /tmp, seldom a file system in memory. */
#define SPOOL_DIRECTORY "/var/tmp"

static int
send_spooled(const struct options *o, const struct conf *conf,
    struct spool *spool, struct wire_reply *reply, struct error *err)
{
	struct recipients recipients;
	struct edits edits;
	int result = -1;

	edits_init(&edits, spool);
	if (recipients_init(
		&recipients, o->recipients, o->recipient_count, err) == 0 &&
	    rewrite(spool, &recipients, &edits, err) == 0)
		result = submit(conf->submit_socket, o, &edits, reply, err);
	edits_free(&edits);
	recipients_free(&recipients);
	return result;
}

static int
spool_and_send(const struct options *o, const struct conf *conf, int in,
    struct wire_reply *reply, struct error *err)
{
	struct spool spool;
	int result;

	result = spool_fill(&spool, in, SPOOL_DIRECTORY, err);
	if (result == 0 && !parent_alive())
		result = error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "pipe(8) went away; the message may be cut off");
	if (result == 0)
		result = send_spooled(o, conf, &spool, reply, err);
	spool_close(&spool);
	return result;
}

void
deliver(const struct options *o, int in, struct wire_reply *reply)
{
	struct error err = {.class = ERROR_NONE};
	struct conf conf;

	if (conf_load(&conf, o->conf_file, &err) == -1) {
		outcome_from_error(reply, &err);
		return;
	}
	deadline_start((unsigned int)conf.delivery_timeout);
	if (spool_and_send(o, &conf, in, reply, &err) == -1)
		outcome_from_error(reply, &err);
	conf_free(&conf);
}
