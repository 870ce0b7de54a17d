/*
 * delivery.h - one message on its way from the agent to Graph.
 *
 * A delivery asks the journal whether the message has gone already, asks for
 * permission to make a request, writes down that it is about to post, posts,
 * writes down the outcome, logs its one line and answers. A large message is a
 * draft first; see delivery_draft.c.
 */
#ifndef MSGRAPHD_DELIVERY_H
#define MSGRAPHD_DELIVERY_H

#include "agent/daemon/base/msgraphd.h"
#include "agent/daemon/message/request.h"
#include "lib/local/wire.h"

struct delivery;

/* Is called once, from the event loop, with the reply to the agent. */
typedef void (*delivery_done)(void *ctx, const struct wire_reply *reply);

/*
 * Begins a delivery. Takes the request over, whatever the outcome. NULL without
 * memory; done is not called then.
 */
struct delivery *delivery_start(struct msgraphd *daemon,
    struct delivery_request *request, delivery_done done, void *ctx);

/*
 * Gives a delivery up, since its agent has gone, and sets *deliveryp to NULL. A
 * message that was not posted is not posted any more. A request that is under
 * way goes on to its end, so that the log tells what became of it. done is not
 * called. Takes NULL.
 */
void delivery_abandon(struct delivery **deliveryp);

/*
 * Ends all of the daemon's deliveries, before the daemon itself ends. For each
 * one with a request under way the log tells whether Graph may have taken the
 * message.
 */
void delivery_drop_all(struct msgraphd *daemon);

/* Returns how many deliveries are under way. */
size_t deliveries_count(const struct msgraphd *daemon);

/* Calls journal_follow_clock() for every delivery that is under way. */
void deliveries_follow_clock(
    struct msgraphd *daemon, long long began, long long before, long long step);

#endif
