/*
 * map.h - a source of entries that is asked key by key: one item of the setting
 * identity_maps that is no file, such as socketmap:unix:/run/names:relay.
 *
 * A kind of source is one file with a struct map_kind, and a row of the table
 * in map.c. Its own struct has a struct map as its first member, and what it
 * keeps of a question has a struct map_query as its first.
 *
 * A kind does no more than ask. What an answer may hold, for how long it is
 * believed, and what counts while there is none, is the business of those who
 * ask. What a kind must bound itself: the size of an answer, the time until
 * there is one (MAP_TIMEOUT_MS), and how often a source that is out of reach is
 * tried (backoff.h).
 */
#ifndef MSGRAPHD_MAP_H
#define MSGRAPHD_MAP_H

#include <event2/event.h>
#include <stddef.h>

#include "agent/daemon/entra/account.h"
#include "agent/daemon/net/http.h"
#include "lib/base/error.h"
#include "lib/conf/conf.h"
#include "lib/local/identity.h"

/* The longest row, with its NUL: some 500 addresses. */
#define MAP_ROW_SIZE (16 * 1024)

/* A source must have answered a question by then, or it is out of reach. */
#define MAP_TIMEOUT_MS 3000

/*
 * The longest key, with its NUL: the name of an entry, or tenant@client. Keys
 * are in lower case, and have no other characters than a to z, 0 to 9, '_', '-'
 * and one '@'.
 */
#define MAP_KEY_SIZE (2 * UUID_TEXT_SIZE)

struct map_kind;

struct map {
	const struct map_kind *kind;
	char *name; /* the item as written, for the log; owned */
};

struct map_query {
	struct map *map;
};

enum map_result {
	MAP_FOUND, /* row is set */
	MAP_NONE, /* the source says for certain that there is no such row */
	MAP_MISTAKE, /* there is a row that cannot be meant; text says why */
	MAP_UNAVAILABLE /* out of reach, or its answer is none; text says why */
};

/*
 * Takes an answer: called once, from the event loop, never from inside
 * map_ask(). row has the attributes of an entry as identities(5) writes them,
 * without the name, on one line. text is one line and has no secret. Both are
 * borrowed during the call. The query is gone when this is called.
 */
typedef void (*map_done)(
    void *ctx, enum map_result result, const char *row, const char *text);

/* What a source may use. Everything is borrowed and outlives the source. */
struct map_with {
	struct event_base *base;
	const struct conf *conf;
	struct http *http; /* for requests that take no room of mail */
	struct accounts *accounts; /* tokens for Azure Table storage */
	/*
	 * Finds the application of an entry in root's files, for a source that
	 * asks with its credential: account_token() of that application and
	 * entry. 0, or -1 where there is no such entry. A reload may change it,
	 * so ask each time.
	 */
	int (*find_entry)(
	    void *ctx, const char *entry, struct identity *application);
	void *ctx; /* of find_entry */
};

struct map_kind {
	const char *prefix; /* "socketmap:" */

	/*
	 * Makes a source of what stands behind the prefix. Connects to nothing
	 * yet. NULL with *err (ERROR_OURS, 4.3.5) that says what rest must be,
	 * or out of memory. with is borrowed during the call, what it points to
	 * for as long as the source lives.
	 */
	struct map *(*open)(
	    const struct map_with *with, const char *rest, struct error *err);

	/*
	 * Gives up every question without calling back, and frees the source.
	 */
	void (*close)(struct map *map);

	/*
	 * Asks for the row of a key, which is copied. NULL when out of memory,
	 * or when more questions are under way than the kind takes; done is not
	 * called then.
	 */
	struct map_query *(*ask)(
	    struct map *map, const char *key, map_done done, void *ctx);

	/* Gives a question up; done is not called. */
	void (*cancel)(struct map_query *query);

	/*
	 * Looks at all rows, for msgraphd -t. On MAP_FOUND, text is what a
	 * person should know, or empty. As ask() else. NULL: the kind cannot.
	 */
	struct map_query *(*look)(struct map *map, map_done done, void *ctx);
};

/* One for each kind, in the file that has its name. */
extern const struct map_kind map_socketmap;
extern const struct map_kind map_azure;

/*
 * Returns the kind of an item of identity_maps, with *rest what stands behind
 * the prefix; NULL: the item is no source that is asked.
 */
const struct map_kind *map_kind_of(const char *item, const char **rest);

/* Opens the source of an item. NULL with *err, which names the item. */
struct map *map_open(
    const struct map_with *with, const char *item, struct error *err);

/* Closes *mapp and makes it NULL. Takes NULL. */
void map_close(struct map **mapp);

/* Asks for the row of a key, as the kind's ask() does. */
struct map_query *map_ask(
    struct map *map, const char *key, map_done done, void *ctx);

/* Looks at all rows, as the kind's look() does; NULL where it has none. */
struct map_query *map_look(struct map *map, map_done done, void *ctx);

/* Gives *queryp up and makes it NULL; done is not called. Takes NULL. */
void map_cancel(struct map_query **queryp);

#endif
