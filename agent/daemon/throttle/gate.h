/*
 * gate.h - limits the requests that are under way at once: to one mailbox, and
 * in all.
 *
 * Exchange takes four at a time for an application and mailbox and answers 429
 * to the fifth, whatever Postfix's settings are. Keys with somebody waiting
 * take turns, so that a busy mailbox does not keep a quiet one out.
 */
#ifndef MSGRAPHD_GATE_H
#define MSGRAPHD_GATE_H

#include <event2/event.h>

struct gate;
struct slot;

/* Called from the event loop when the request may start. */
typedef void (*gate_open)(void *ctx);

/* Makes a gate for so many requests in all (ceiling). NULL without memory. */
struct gate *gate_new(struct event_base *base, unsigned int ceiling);
void gate_free(struct gate **gatep);

/*
 * Waits for a slot of the key, of which limit may be given at once; open is
 * called then. NULL when out of memory. The slot counts until gate_leave(),
 * which also gives up one that is still waited for.
 */
struct slot *gate_enter(struct gate *gate, const char *key, unsigned int limit,
    gate_open open, void *ctx);

/* Gives a slot back, and sets *slotp to NULL. Takes NULL. */
void gate_leave(struct slot **slotp);

#endif
