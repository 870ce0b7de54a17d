/*
 * msgraphd.h - the daemon's parts, as they are handed around. A file includes
 * the headers of those that it uses.
 */
#ifndef MSGRAPHD_H
#define MSGRAPHD_H

#include <sys/queue.h>

#include "lib/conf/conf.h"

struct accounts;
struct activity;
struct bounce_count;
struct clock_watch;
struct delivery;
struct draft_trash;
struct event_base;
struct throttles;
struct housekeeping;
struct http;
struct identities;
struct journal;
struct recent;
struct state;
struct turns;
struct vault;

struct msgraphd {
	struct conf
	    conf; /* replaced in place by a reload: copy what must last */
	const char *conf_file; /* borrowed, as the next two; NULL in tests */
	struct activity *activity;
	struct recent *recent;
	long long started; /* clock_wall() */
	struct event_base *base;
	struct vault *vault;
	struct state *state;
	struct http *http; /* Graph's requests */
	struct http *entra_http; /* Entra's: they take no room of mail */
	struct identities *identities;
	struct accounts *accounts;
	struct accounts *storage_accounts; /* tokens for Azure Table storage */
	struct throttles *throttles;
	struct journal *journal;
	struct turns *turns;
	struct draft_trash *trash;
	struct clock_watch *clock_watch;
	struct housekeeping *housekeeping;
	LIST_HEAD(delivery_list, delivery) deliveries;
	LIST_HEAD(bounce_counts, bounce_count) bounce_counts;
};

#endif
