/*
 * service.h - a local socket on which one kind of request is answered.
 *
 * The daemon's sockets work alike: a peer whose uid is allowed connects, sends
 * a request, gets an answer, and (but for one kind) the connection ends. The
 * differences (how a request reads, what is done about it) are in the functions
 * of struct service_kind: auth_service.c, submit_service.c, bounce_service.c,
 * admin_service.c.
 */
#ifndef MSGRAPHD_SERVICE_H
#define MSGRAPHD_SERVICE_H

#include <event2/event.h>
#include <sys/types.h>

#include "agent/daemon/base/msgraphd.h"
#include "lib/base/buf.h"
#include "lib/base/error.h"
#include "lib/local/wire.h"

struct service;

struct conn {
	struct conn_links *links; /* service.c's own */
	struct service *service;
	struct msgraphd *daemon;
	uid_t uid; /* of the peer */
	struct buf in;
	struct wire_scan scan; /* of in; for a kind that reads records */
	int passed; /* descriptor that came with the request, or -1; owned */
	void *work; /* the kind's own, from request() to gone() or answer */
	void (*gone)(struct conn *conn); /* of work; NULL: the kind's */
};

struct service_kind {
	const char *name; /* in the log; in LISTEN_FDNAMES */
	const char *user; /* who may connect, besides root; NULL: none */
	const char *group; /* whose members may connect as well; NULL: none */
	size_t request_max;
	/* While there are so many, only root may connect; 0: no such limit. */
	unsigned int connections_max;
	int many; /* 1: a connection carries many requests, one at a time */
	/*
	 * Looks at conn->in. WIRE_DONE: the request was taken, and either
	 * conn->work is set and conn_answer() will be called later, or it was
	 * called already. WIRE_BAD: the connection is closed without answer.
	 */
	enum wire_result (*request)(struct conn *conn);
	/* The peer went away while conn->work was set. */
	void (*gone)(struct conn *conn);
	/*
	 * Appends the next piece of an answer in pieces (conn_stream()) to out,
	 * which is empty and takes WIRE_REPLY_MAX bytes. Returns 1 when there
	 * is more to come, 0 when that was the last; then conn->work is NULL.
	 */
	int (*more)(struct conn *conn, struct buf *out);
};

/*
 * Serves connections to the listening descriptor fd, which becomes the
 * service's. The daemon and kind are borrowed. NULL with *err.
 */
struct service *service_new(struct msgraphd *daemon,
    const struct service_kind *kind, int fd, struct error *err);
/* Hangs up on all connections, and frees the service. Takes NULL. */
void service_free(struct service **servicep);

/* Stops taking connections; those that are there go on. */
void service_close(struct service *service);

/* Returns how many connections there are. */
unsigned int service_connections(const struct service *service);

/*
 * Looks whether conn->in is a whole record: WIRE_DONE, WIRE_INCOMPLETE, or
 * WIRE_BAD, also where more follows it.
 */
enum wire_result conn_record(struct conn *conn);

/*
 * Sends the answer and ends the connection, unless its kind takes many
 * requests; len 0 ends it without an answer.
 */
void conn_answer(struct conn *conn, const void *bytes, size_t len);

/*
 * Sends an answer in pieces, which the kind's more() makes: one whenever the
 * one before has gone, in a turn of the event loop of its own. conn->work is
 * set. A peer that does not read it all in half a minute is dropped.
 */
void conn_stream(struct conn *conn);

#endif
