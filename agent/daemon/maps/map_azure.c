/*
 * map_azure.c - entries in a table of Azure Table storage.
 *
 * A question is one request for one entity, whose RowKey is the key. For
 * tenant@client, where there is no such entity, a second one asks for all
 * entities of that application, page by page: the container relay finds them
 * so. That makes the service look at every row of the partition, so only few of
 * these are under way at once.
 *
 * The token comes from accounts of their own (account.h), which ask for another
 * resource than Graph: so it is renewed, shared and waited for as all others,
 * and its throttles and its cache never meet those of mail. Each request asks
 * for it, which costs nothing while it is valid; one that the service does not
 * take is asked for anew, once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/wake.h"
#include "backoff.h"
#include "map.h"
#include "map_azure_answer.h"
#include "map_azure_url.h"

/* Under way at once. */
#define QUERIES_MAX 64
#define SCANS_MAX 4

/* So long may it take to look at all rows. */
#define LOOK_TIMEOUT_MS (20 * 1000)

/* A scan of more pages, of up to 1,000 rows each, is given up. */
#define PAGES_MAX 100

/* Seconds: what a busy service may ask for, and what counts if it does not. */
#define BUSY_MAX 300
#define BUSY_DEFAULT 2

/* An entity has some hundred bytes, a page of them more. */
#define ANSWER_MAX (256 * 1024)

/* The first that takes bearer tokens, JSON and our operations for sure. */
#define VERSION_LINE "x-ms-version: 2019-02-02"

struct map_azure {
	struct map map; /* first: map.h */
	struct map_with with;
	struct map_azure_place place;
	struct backoff backoff;
	long long busy_until; /* clock_ms() */
	char text[MAP_AZURE_TEXT_SIZE]; /* why it is out of reach */
	LIST_HEAD(map_azure_queries, map_azure_query) queries;
	unsigned int count, scans;
};

struct map_azure_query {
	struct map_query query; /* first: map.h */
	LIST_ENTRY(map_azure_query) entry;
	struct map_azure *azure;
	char key[MAP_KEY_SIZE];
	struct wake wake; /* begins the question, and ends it in time */
	int begun;
	int is_scan;
	int is_look; /* at the names of all rows */
	struct map_azure_names names;
	unsigned int pages;
	size_t first_len; /* of the URL without the place of a page */
	struct buf url; /* of the request */
	struct waiter *waiter; /* for a token */
	struct http_call *call;
	struct secret *token; /* owned: the last request's */
	int is_refused; /* the service did not take it */
	struct map_azure_found found;
	map_done done;
	void *ctx;
};

/* --- the end of a question --- */

static void
map_azure_query_free(struct map_azure_query *query)
{
	LIST_REMOVE(query, entry);
	query->azure->count--;
	query->azure->scans -= (unsigned int)query->is_scan;
	account_cancel(&query->waiter);
	http_cancel(&query->call);
	wake_free(&query->wake);
	secret_free(&query->token);
	buf_free(&query->url);
	buf_free(&query->found.row);
	free(query);
}

static void
map_azure_finish(
    struct map_azure_query *query, enum map_result result, const char *text)
{
	struct buf row = query->found.row;
	map_done done = query->done;
	void *ctx = query->ctx;

	buf_init(&query->found.row, 0);
	map_azure_query_free(query);
	done(ctx, result, row.bytes == NULL ? "" : row.bytes, text);
	buf_free(&row);
}

/* Ends a question to which there is no answer, and notes why. */
static void
map_azure_fail(struct map_azure_query *query, const char *text)
{
	struct map_azure *azure = query->azure;

	snprintf(azure->text, sizeof(azure->text), "%s", text);
	backoff_bad(&azure->backoff);
	map_azure_finish(query, MAP_UNAVAILABLE, text);
}

static void
map_azure_be_busy(
    struct map_azure_query *query, long retry_after, const char *text)
{
	struct map_azure *azure = query->azure;
	long seconds = retry_after <= 0 ? BUSY_DEFAULT : retry_after;

	if (seconds > BUSY_MAX)
		seconds = BUSY_MAX;
	azure->busy_until = clock_ms() + seconds * 1000LL;
	snprintf(azure->text, sizeof(azure->text),
	    "%.200s; it is asked again in %ld s", text, seconds);
	backoff_good(&azure->backoff);
	map_azure_finish(query, MAP_UNAVAILABLE, azure->text);
}

/* --- requests --- */

static void map_azure_ask_token(struct map_azure_query *query);

/* Writes what the service compares with its own clock. */
static void
map_azure_date(char *line, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(line, size, "x-ms-date: %a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* Looks for the entities of an application. 0, or -1 when there is no room. */
static int
map_azure_begin_scan(struct map_azure_query *query)
{
	struct map_azure *azure = query->azure;
	struct identity application;

	if (identity_parse(
		query->key, strlen(query->key), "@", &application, NULL) == -1)
		return -1;
	query->is_scan = 1;
	azure->scans++;
	buf_free(&query->url);
	buf_init(&query->url, MAP_AZURE_URL_SIZE);
	return map_azure_url_application(
	    &azure->place, &application, &query->url);
}

/* There is no entity of this key: what may be found by other columns still? */
static void
map_azure_none(struct map_azure_query *query)
{
	struct map_azure *azure = query->azure;

	if (query->is_scan || strchr(query->key, '@') == NULL) {
		backoff_good(&azure->backoff);
		map_azure_finish(query, MAP_NONE, "there is no such row");
	} else if (azure->scans == SCANS_MAX) {
		backoff_good(&azure->backoff);
		map_azure_finish(query, MAP_UNAVAILABLE,
		    "too many applications are looked for at once");
	} else if (map_azure_begin_scan(query) == -1) {
		map_azure_fail(query, "out of memory");
	} else {
		map_azure_ask_token(query);
	}
}

/*
 * Returns 1 when there is another page, whose URL is made, 0 when there is
 * none; -1 when its URL is too long.
 */
static int
map_azure_has_next(
    struct map_azure_query *query, const struct http_answer *answer)
{
	const char *partition = http_answer_header(
		       answer, "x-ms-continuation-NextPartitionKey"),
		   *row = http_answer_header(
		       answer, "x-ms-continuation-NextRowKey");

	if (partition == NULL)
		return 0;
	if (query->pages == 0)
		query->first_len = query->url.len;
	query->url.len = query->first_len;
	return map_azure_url_next(partition, row, &query->url) == 0 ? 1 : -1;
}

/* Ends the look at all names. */
static void
map_azure_looked(struct map_azure_query *query)
{
	char text[MAP_AZURE_TEXT_SIZE];

	map_azure_answer_describe(&query->names, text);
	map_azure_finish(query, MAP_FOUND, text);
}

static void
map_azure_found(struct map_azure_query *query, const struct http_answer *answer)
{
	int next = query->is_scan || query->is_look
	    ? map_azure_has_next(query, answer)
	    : 0;

	if (next == -1) {
		map_azure_fail(query, "the place of the next page is too long");
	} else if (next == 1) {
		if (++query->pages == PAGES_MAX)
			map_azure_fail(query, "the table has too many rows");
		else
			map_azure_ask_token(query);
	} else if (query->is_look) {
		map_azure_looked(query);
	} else if (!query->found.is_there) {
		map_azure_none(query);
	} else {
		backoff_good(&query->azure->backoff);
		map_azure_finish(query, MAP_FOUND, "");
	}
}

static enum map_azure_meaning
map_azure_read(struct map_azure_query *query, const struct http_answer *answer,
    char text[MAP_AZURE_TEXT_SIZE])
{
	return query->is_look
	    ? map_azure_answer_names(answer, &query->names, text)
	    : map_azure_answer_read(answer, &query->azure->place,
		  query->is_scan ? NULL : query->key, &query->found, text);
}

static void
map_azure_on_answer(void *ctx, const struct http_answer *answer)
{
	struct map_azure_query *query = ctx;
	char text[MAP_AZURE_TEXT_SIZE];

	query->call = NULL;
	switch (map_azure_read(query, answer, text)) {
	case MAP_AZURE_OK:
		map_azure_found(query, answer);
		return;
	case MAP_AZURE_NONE:
		map_azure_none(query);
		return;
	case MAP_AZURE_MISTAKE:
		backoff_good(&query->azure->backoff);
		map_azure_finish(query, MAP_MISTAKE, text);
		return;
	case MAP_AZURE_BUSY:
		map_azure_be_busy(query, answer->retry_after, text);
		return;
	case MAP_AZURE_TOKEN:
		if (!query->is_refused) {
			query->is_refused = 1;
			map_azure_ask_token(query);
			return;
		}
		break;
	case MAP_AZURE_BAD:
		break;
	}
	map_azure_fail(query, text);
}

static void
map_azure_request(struct map_azure_query *query)
{
	struct map_azure *azure = query->azure;
	char date[64];
	const char *const headers[] = {VERSION_LINE, date,
	    "Accept: application/json;odata=nometadata", NULL};
	struct http_request request = {.method = "GET",
	    .url = query->url.bytes,
	    .bearer = query->token,
	    .headers = headers,
	    .timeout = MAP_TIMEOUT_MS / 1000 + 1,
	    .answer_max = ANSWER_MAX,
	    .answer_kept = ANSWER_MAX,
	    .repeatable = 1};
	struct error err;

	map_azure_date(date, sizeof(date));
	query->call = http_start(
	    azure->with.http, &request, map_azure_on_answer, query, &err);
	if (query->call == NULL)
		map_azure_fail(query, err.text);
}

static void
map_azure_on_token(void *ctx, enum account_result result,
    const struct secret *token, const char *text)
{
	struct map_azure_query *query = ctx;
	char words[MAP_AZURE_TEXT_SIZE];

	query->waiter = NULL;
	secret_free(&query->token);
	if (result != ACCOUNT_OK) {
		snprintf(words, sizeof(words), "no token: %s", text);
		map_azure_fail(query, words);
	} else if ((query->token = secret_new(token->bytes, token->len)) ==
	    NULL) {
		map_azure_fail(query, "out of memory");
	} else {
		map_azure_request(query);
	}
}

/* Waits for the token, and goes on with the request. */
static void
map_azure_ask_token(struct map_azure_query *query)
{
	struct map_azure *azure = query->azure;
	const char *entry = azure->place.entry;
	struct identity application;
	char text[MAP_AZURE_TEXT_SIZE];

	if (azure->with.find_entry(azure->with.ctx, entry, &application) ==
	    -1) {
		snprintf(text, sizeof(text),
		    "credential=%s names no entry of the files", entry);
		map_azure_fail(query, text);
		return;
	}
	query->waiter = account_token(azure->with.accounts, &application, entry,
	    query->is_refused ? query->token : NULL, map_azure_on_token, query);
	if (query->waiter == NULL)
		map_azure_fail(query, "no token: too many wait for one");
}

/* --- the kind --- */

static int
map_azure_make_url(struct map_azure_query *query)
{
	const struct map_azure_place *place = &query->azure->place;

	return query->is_look
	    ? map_azure_url_names(place, &query->url)
	    : map_azure_url_entity(place, query->key, &query->url);
}

static void
map_azure_begin(struct map_azure_query *query)
{
	struct map_azure *azure = query->azure;

	if (clock_ms() < azure->busy_until || !backoff_may(&azure->backoff)) {
		map_azure_finish(query, MAP_UNAVAILABLE, azure->text);
		return;
	}
	query->begun = 1;
	if (wake_in(&query->wake,
		query->is_look ? LOOK_TIMEOUT_MS : MAP_TIMEOUT_MS) == -1 ||
	    map_azure_make_url(query) == -1)
		map_azure_fail(query, "out of memory");
	else if (!map_azure_url_is_key(query->key))
		map_azure_none(query);
	else
		map_azure_ask_token(query);
}

static void
map_azure_on_wake(void *ctx)
{
	struct map_azure_query *query = ctx;
	char text[64];

	if (!query->begun) {
		map_azure_begin(query);
		return;
	}
	snprintf(text, sizeof(text), "no %s within %d s",
	    query->waiter == NULL ? "answer" : "token",
	    (query->is_look ? LOOK_TIMEOUT_MS : MAP_TIMEOUT_MS) / 1000);
	map_azure_fail(query, text);
}

static struct map *
map_azure_open(const struct map_with *with, const char *rest, struct error *err)
{
	struct map_azure *azure = calloc(1, sizeof(*azure));

	if (azure == NULL) {
		error_no_memory(err);
		return NULL;
	}
	if (map_azure_url_read(rest, &azure->place, err) == -1) {
		free(azure);
		return NULL;
	}
	azure->with = *with;
	LIST_INIT(&azure->queries);
	return &azure->map;
}

static void
map_azure_cancel(struct map_query *map_query)
{
	struct map_azure_query *query = (struct map_azure_query *)map_query;

	if (query->begun)
		backoff_unknown(&query->azure->backoff);
	map_azure_query_free(query);
}

static void
map_azure_close(struct map *map)
{
	struct map_azure *azure = (struct map_azure *)map;

	while (!LIST_EMPTY(&azure->queries))
		map_azure_cancel(&LIST_FIRST(&azure->queries)->query);
	free(azure);
}

static struct map_azure_query *
map_azure_query_new(struct map *map, map_done done, void *ctx)
{
	struct map_azure *azure = (struct map_azure *)map;
	struct map_azure_query *query;

	if (azure->count == QUERIES_MAX ||
	    (query = calloc(1, sizeof(*query))) == NULL)
		return NULL;
	if (wake_init(&query->wake, azure->with.base, map_azure_on_wake,
		query) == -1) {
		free(query);
		return NULL;
	}
	query->azure = azure;
	buf_init(&query->url, MAP_AZURE_URL_SIZE);
	buf_init(&query->found.row, MAP_ROW_SIZE - 1);
	query->done = done;
	query->ctx = ctx;
	LIST_INSERT_HEAD(&azure->queries, query, entry);
	azure->count++;
	wake_up(&query->wake);
	return query;
}

static struct map_query *
map_azure_ask(struct map *map, const char *key, map_done done, void *ctx)
{
	struct map_azure_query *query = map_azure_query_new(map, done, ctx);

	if (query == NULL)
		return NULL;
	snprintf(query->key, sizeof(query->key), "%s", key);
	return &query->query;
}

static struct map_query *
map_azure_look(struct map *map, map_done done, void *ctx)
{
	struct map_azure_query *query = map_azure_query_new(map, done, ctx);

	if (query == NULL)
		return NULL;
	query->is_look = 1;
	return &query->query;
}

const struct map_kind map_azure = {
    .prefix = "azure-tables:",
    .open = map_azure_open,
    .close = map_azure_close,
    .ask = map_azure_ask,
    .cancel = map_azure_cancel,
    .look = map_azure_look,
};
