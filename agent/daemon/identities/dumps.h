/*
 * dumps.h - the rows of all maps of a table that are read whole.
 */
#ifndef MSGRAPHD_DUMPS_H
#define MSGRAPHD_DUMPS_H

#include <event2/event.h>

#include "table.h"

struct dumps;

/*
 * Takes the rows: list has the rows of each map at its source's place, and is
 * the callee's. NULL with err.
 */
typedef void (*dumps_done)(
    void *ctx, struct table_dump *list, const struct error *err);

/*
 * Starts to read, one map after the other. sources are borrowed until done is
 * called, once, from the event loop. NULL with *err; done is not called then.
 */
struct dumps *dumps_start(struct event_base *base,
    const struct table_sources *sources, dumps_done done, void *ctx,
    struct error *err);

/* Gives up; done is not called. Takes NULL. */
void dumps_cancel(struct dumps **dumpsp);

/*
 * Reads and waits for that. Returns the list, the caller's, also where there is
 * nothing to read; NULL with *err.
 */
struct table_dump *dumps_read(
    const struct table_sources *sources, struct error *err);

/* Frees a list and what it still holds. Takes NULL. */
void dumps_free_list(
    struct table_dump *list, const struct table_sources *sources);

#endif
