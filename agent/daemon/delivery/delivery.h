/*
 * delivery.h - one message on its way from the agent to Graph.
 *
 * A delivery asks the journal whether the message has gone already, waits for
 * holds and its turn, gets a token, writes down that it is about to post,
 * posts, writes down what came of it, logs its one line and answers. A large
 * message is a draft first; see delivery_draft.c.
 */
#ifndef MSGRAPHD_DELIVERY_H
#define MSGRAPHD_DELIVERY_H

#include "agent/daemon/base/msgraphd.h"
#include "agent/daemon/message/request.h"
#include "lib/local/wire.h"

struct delivery;

typedef void (*delivery_done)(void *ctx, const struct wire_reply *reply);

/*
 * Takes the request over, whatever the outcome. done is called once, from the
 * event loop. NULL without memory.
 */
struct delivery *delivery_start(struct msgraphd *daemon,
    struct delivery_request *request, delivery_done done, void *ctx);

/*
 * The agent has gone. What has not been posted is given up; a request that is
 * under way goes on to its end, so that the log tells what became of it, but
 * done is not called any more. Takes NULL.
 */
void delivery_abandon(struct delivery **deliveryp);

/*
 * Drops all of the daemon's deliveries, for its end. Of each that a request is
 * under way for the log tells whether Graph may have taken the message.
 */
void delivery_drop_all(struct msgraphd *daemon);

/* As journal_follow_clock(), of what is under way. */
void deliveries_follow_clock(
    struct msgraphd *daemon, long long began, long long before, long long step);

#endif
