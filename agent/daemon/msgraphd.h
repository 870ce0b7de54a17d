/*
 * msgraphd.h - the daemon's parts, as they are handed around.
 */
#ifndef MSGRAPHD_H
#define MSGRAPHD_H

#include <event2/event.h>

#include "account.h"
#include "conf.h"
#include "http.h"
#include "state.h"
#include "vault.h"

struct msgraphd {
	struct conf
	    conf; /* replaced in place by a reload: copy what must last */
	struct event_base *base;
	struct vault *vault;
	struct state *state;
	struct http *http;
	struct accounts *accounts;
};

#endif
