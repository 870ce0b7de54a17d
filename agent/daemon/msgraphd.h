/*
 * msgraphd.h - the daemon's parts, as they are handed around.
 */
#ifndef MSGRAPHD_H
#define MSGRAPHD_H

#include <event2/event.h>
#include <sys/queue.h>

#include "account.h"
#include "conf.h"
#include "gate.h"
#include "hold.h"
#include "http.h"
#include "journal.h"
#include "state.h"
#include "vault.h"

/* Requests to Graph under way at once, over all mailboxes. */
#define MSGRAPHD_REQUESTS_MAX 128

struct clock_watch;
struct delivery;
struct draft_trash;

struct msgraphd {
	struct conf
	    conf; /* replaced in place by a reload: copy what must last */
	struct event_base *base;
	struct vault *vault;
	struct state *state;
	struct http *http;
	struct accounts *accounts;
	struct holds *holds;
	struct journal *journal;
	struct gate *gate;
	struct draft_trash *trash;
	struct clock_watch *clock_watch;
	LIST_HEAD(delivery_list, delivery) deliveries;
};

#endif
