/*
 * delivery.h - one message on its way from the agent to Graph.
 *
 * A delivery gets a token, posts the message, reads the outcome, tries a
 * second time where the outcome table says so, logs its one line and answers.
 */
#ifndef MSGRAPHD_DELIVERY_H
#define MSGRAPHD_DELIVERY_H

#include "identity.h"
#include "msgraphd.h"
#include "spool.h"
#include "wire.h"

#define DELIVERY_QUEUE_ID_SIZE 64
#define DELIVERY_ADDRESS_SIZE 320 /* RFC 5321: 64, '@', 255 */

struct delivery_request {
	char queue_id[DELIVERY_QUEUE_ID_SIZE];
	struct identity identity;
	char mailbox[DELIVERY_ADDRESS_SIZE];
	unsigned int nrcpt;
	struct spool spool;
};

struct delivery;

typedef void (*delivery_done)(void *ctx, const struct wire_reply *reply);

/*
 * Takes request->spool over, whatever the outcome, and leaves it closed. done
 * is called once, from the event loop. NULL when memory is short.
 */
struct delivery *delivery_start(struct msgraphd *daemon,
    struct delivery_request *request, delivery_done done, void *ctx);

/*
 * The agent has gone. What has not been posted is given up; a request that is
 * under way goes on to its end, so that the log tells what became of it, but
 * done is not called any more. Takes NULL.
 */
void delivery_abandon(struct delivery **deliveryp);

#endif
