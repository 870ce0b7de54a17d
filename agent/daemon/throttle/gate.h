/*
 * gate.h - how many requests may be under way at once: to one mailbox, and in
 * all.
 *
 * Exchange takes four at a time for an application and mailbox and answers 429
 * to the fifth, whatever Postfix's settings are. Lanes with somebody waiting
 * take turns, so that a busy mailbox does not keep a quiet one out.
 */
#ifndef MSGRAPHD_GATE_H
#define MSGRAPHD_GATE_H

#include <event2/event.h>

struct gate;
struct slot;

/* Called from the event loop when the request may start. */
typedef void (*gate_open)(void *ctx);

/* ceiling: requests in all. NULL without memory. */
struct gate *gate_new(struct event_base *base, unsigned int ceiling);
void gate_free(struct gate **gatep);

/*
 * Waits for a turn in the lane, of which limit may be in at once. NULL when
 * out of memory. The pass counts until gate_leave(), which also gives up one
 * that still waits.
 */
struct slot *gate_enter(struct gate *gate, const char *key, unsigned int limit,
    gate_open open, void *ctx);

/* Takes NULL, and sets *slotp to it. */
void gate_leave(struct slot **slotp);

#endif
