/*
 * dumps.c - see dumps.h. agent/daemon/maps/postmap.c reads one map.
 *
 * Before that the file is looked at as one of root's files is: whoever may
 * write it decides who sends as whom.
 */
#include <stdlib.h>

#include "agent/daemon/maps/postmap.h"
#include "dumps.h"
#include "table_file.h"

struct dumps {
	struct event_base *base;
	const struct table_sources *sources;
	struct table_dump *list;
	size_t at; /* the source that is read */
	struct postmap *postmap;
	dumps_done done;
	void *ctx;
};

void
dumps_free_list(struct table_dump *list, const struct table_sources *sources)
{
	size_t i;

	for (i = 0; list != NULL && i < sources->count; i++)
		free(list[i].bytes);
	free(list);
}

static struct table_dump *
dumps_new_list(const struct table_sources *sources, struct error *err)
{
	struct table_dump *list = calloc(sources->count + 1, sizeof(*list));

	if (list == NULL)
		error_no_memory(err);
	return list;
}

/* --- one after the other --- */

static void
dumps_free(struct dumps *dumps)
{
	postmap_cancel(&dumps->postmap);
	dumps_free_list(dumps->list, dumps->sources);
	free(dumps);
}

/* Answers, and is no more. */
static void
dumps_end(struct dumps *dumps, const struct error *err)
{
	struct table_dump *list = dumps->list;
	dumps_done done = dumps->done;
	void *ctx = dumps->ctx;

	if (err == NULL)
		dumps->list = NULL;
	dumps_free(dumps);
	done(ctx, err == NULL ? list : NULL, err);
}

static void dumps_on_rows(
    void *ctx, char *bytes, size_t len, const struct error *err);

/* Starts with the next map. Returns 1; 0 when there is none; -1 with *err. */
static int
dumps_next(struct dumps *dumps, struct error *err)
{
	const struct table_sources *sources = dumps->sources;
	const struct table_source *source;

	while (dumps->at < sources->count &&
	    sources->all[dumps->at].kind != TABLE_WHOLE)
		dumps->at++;
	if (dumps->at == sources->count)
		return 0;
	source = &sources->all[dumps->at];
	if (table_file_check_map(source->file, source->item, err) == -1)
		return -1;
	dumps->postmap =
	    postmap_start(dumps->base, source->item, dumps_on_rows, dumps, err);
	return dumps->postmap == NULL ? -1 : 1;
}

static void
dumps_on_rows(void *ctx, char *bytes, size_t len, const struct error *err)
{
	struct dumps *dumps = ctx;
	struct error next;
	int result;

	dumps->postmap = NULL;
	if (err != NULL) {
		dumps_end(dumps, err);
		return;
	}
	dumps->list[dumps->at++] = (struct table_dump){bytes, len};
	if ((result = dumps_next(dumps, &next)) != 1)
		dumps_end(dumps, result == 0 ? NULL : &next);
}

struct dumps *
dumps_start(struct event_base *base, const struct table_sources *sources,
    dumps_done done, void *ctx, struct error *err)
{
	struct dumps *dumps = calloc(1, sizeof(*dumps));

	if (dumps == NULL) {
		error_no_memory(err);
		return NULL;
	}
	dumps->base = base;
	dumps->sources = sources;
	dumps->done = done;
	dumps->ctx = ctx;
	dumps->list = dumps_new_list(sources, err);
	if (dumps->list == NULL || dumps_next(dumps, err) != 1) {
		dumps_free(dumps);
		return NULL;
	}
	return dumps;
}

void
dumps_cancel(struct dumps **dumpsp)
{
	if (*dumpsp != NULL)
		dumps_free(*dumpsp);
	*dumpsp = NULL;
}

/* --- waiting --- */

struct table_dump *
dumps_read(const struct table_sources *sources, struct error *err)
{
	struct table_dump *list = dumps_new_list(sources, err);
	const struct table_source *source;
	size_t i;

	for (i = 0; list != NULL && i < sources->count; i++) {
		source = &sources->all[i];
		if (source->kind == TABLE_WHOLE &&
		    (table_file_check_map(source->file, source->item, err) ==
			    -1 ||
			postmap_read(source->item, &list[i].bytes, &list[i].len,
			    err) == -1)) {
			dumps_free_list(list, sources);
			return NULL;
		}
	}
	return list;
}
