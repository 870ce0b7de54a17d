/*
 * map_azure_answer.h - the meaning of an answer of Azure Table storage.
 *
 * Microsoft: "Query Entities", "Table Storage error codes", "Common REST API
 * error codes".
 */
#ifndef MSGRAPHD_MAP_AZURE_ANSWER_H
#define MSGRAPHD_MAP_AZURE_ANSWER_H

#include "agent/daemon/net/http.h"
#include "lib/base/buf.h"
#include "map_azure_url.h"

#define MAP_AZURE_TEXT_SIZE 384

enum map_azure_meaning {
	MAP_AZURE_OK, /* found says whether there is a row */
	MAP_AZURE_NONE, /* there is certainly no row of this key */
	MAP_AZURE_MISTAKE, /* the row has one; other rows may be good */
	MAP_AZURE_TOKEN, /* the token is not taken; another one may be */
	MAP_AZURE_BUSY, /* ask nothing for some seconds */
	MAP_AZURE_BAD /* there is no answer: out of reach, refused, nonsense */
};

/* What the answers to one question have given so far. Starts as all zeros. */
struct map_azure_found {
	struct buf row; /* owned; buf_init() first */
	char name[64]; /* its RowKey, cut */
	int is_there;
};

/*
 * Reads an answer. key is that of the one entity that was asked for, or NULL
 * where several were: all of them must give the same row. text says in one line
 * why not, and what to do, unless the meaning is MAP_AZURE_OK or
 * MAP_AZURE_NONE. Pure.
 */
enum map_azure_meaning map_azure_answer_read(const struct http_answer *answer,
    const struct map_azure_place *place, const char *key,
    struct map_azure_found *found, char text[MAP_AZURE_TEXT_SIZE]);

/* What all rows are called. Starts as all zeros. */
struct map_azure_names {
	size_t count;
	size_t unfit; /* have a RowKey that is no key */
	char first[64]; /* of these, cut */
};

/*
 * Reads a page of RowKeys (map_azure_url_names()) and counts. The rest is as in
 * map_azure_answer_read().
 */
enum map_azure_meaning map_azure_answer_names(const struct http_answer *answer,
    struct map_azure_names *names, char text[MAP_AZURE_TEXT_SIZE]);

/* Writes what a person should know of the names into text, or nothing. */
void map_azure_answer_describe(
    const struct map_azure_names *names, char text[MAP_AZURE_TEXT_SIZE]);

#endif
