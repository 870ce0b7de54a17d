/*
 * postmap.h - reads a whole map of Postfix with "postmap -s", which knows its
 * types of files: lmdb, hash, texthash.
 */
#ifndef MSGRAPHD_POSTMAP_H
#define MSGRAPHD_POSTMAP_H

#include <event2/event.h>
#include <stddef.h>

#include "lib/base/error.h"

struct postmap;

/* Some 100,000 rows, as for files. */
#define POSTMAP_BYTES_MAX (16UL * 1024 * 1024)

/* How long postmap may take; it waits for whoever is just writing the map. */
#define POSTMAP_TIMEOUT_MS (20 * 1000)

/*
 * Takes the rows, "KEY<tab>ROW" a line, in no order: called once, from the
 * event loop. bytes are the callee's, with a NUL behind them; NULL with err,
 * whose text names the map.
 */
typedef void (*postmap_done)(
    void *ctx, char *bytes, size_t len, const struct error *err);

/*
 * Starts postmap for a map such as "hash:/etc/postfix/names". base is borrowed.
 * NULL with *err where it cannot be started; done is not called then.
 */
struct postmap *postmap_start(struct event_base *base, const char *map,
    postmap_done done, void *ctx, struct error *err);

/* Ends postmap and frees; done is not called. Takes NULL. */
void postmap_cancel(struct postmap **postmapp);

/*
 * Reads a map and waits for that, in an event loop of its own: for a program
 * that has nothing else to do. 0 with *bytes, the caller's; or -1 with *err.
 */
int postmap_read(const char *map, char **bytes, size_t *len, struct error *err);

#endif
