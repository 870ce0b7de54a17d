/*
 * draft_store.c - see draft_store.h.
 *
 * A row is written a few times for each large message, so statements are
 * prepared where they are needed. The digest is NULL in a row that was
 * discarded; a copy is sealed in, so that a row opens in its own place alone.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "lib/base/codec.h"
#include "draft_store.h"
#include "state_sql.h"

#define CONTEXT "draft"
#define SEALED_MAX (64 * 1024)
#define TEXT_MAX (16 * 1024)
#define HEX_SIZE (2 * JOURNAL_DIGEST_SIZE + 1)

void
draft_clear(struct draft *draft)
{
	secret_free(&draft->upload);
	memset(draft, 0, sizeof(*draft));
}

/* --- as JSON, and back --- */

static json_t *
draft_store_to_json(const struct draft *d)
{
	char digest[HEX_SIZE], shape[HEX_SIZE], identity[IDENTITY_TEXT_SIZE];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:b, s:s?}",
	    "digest", codec_hex_encode(d->digest, sizeof(d->digest), digest),
	    "shape", codec_hex_encode(d->shape, sizeof(d->shape), shape),
	    "identity", identity_text(&d->identity, identity), "mailbox",
	    d->mailbox, "id", d->id, "attached", (json_int_t)d->attached,
	    "attaching", d->attaching, "sending", d->sending, "upload",
	    d->upload == NULL ? NULL : d->upload->bytes);
}

static int
draft_store_copy(char *to, size_t size, const char *value)
{
	if (strlen(value) >= size)
		return -1;
	strcpy(to, value);
	return 0;
}

static int
draft_store_from_json(json_t *json, struct draft *d)
{
	const char *digest, *shape, *identity, *mailbox, *id, *upload;
	json_int_t attached;

	if (json_unpack(json, "{s:s, s:s, s:s, s:s, s:s, s:I, s:b}", "digest",
		&digest, "shape", &shape, "identity", &identity, "mailbox",
		&mailbox, "id", &id, "attached", &attached, "attaching",
		&d->attaching) == -1 ||
	    codec_hex_decode(digest, d->digest, sizeof(d->digest)) == -1 ||
	    codec_hex_decode(shape, d->shape, sizeof(d->shape)) == -1 ||
	    identity_parse(
		identity, strlen(identity), "/", &d->identity, NULL) == -1 ||
	    draft_store_copy(d->mailbox, sizeof(d->mailbox), mailbox) == -1 ||
	    draft_store_copy(d->id, sizeof(d->id), id) == -1 || attached < 0)
		return -1;
	d->attached = (size_t)attached;
	/* a version that did not say it may have sent any */
	d->sending = !json_is_false(json_object_get(json, "sending"));
	upload = json_string_value(json_object_get(json, "upload"));
	if (upload != NULL &&
	    (d->upload = secret_new(upload, strlen(upload))) == NULL)
		return -1;
	return 0;
}

static int
draft_store_add(const char *bytes, size_t len, void *text)
{
	return buf_add(text, bytes, len);
}

static int
draft_store_seal(const struct draft_store *store, const struct draft *draft,
    struct buf *sealed, struct error *err)
{
	json_t *json = draft_store_to_json(draft);
	struct buf text;
	int result;

	buf_init(&text, SEALED_MAX);
	/* at once: what it grew out of would not be wiped */
	if (json == NULL || buf_reserve(&text, TEXT_MAX) == NULL ||
	    json_dump_callback(json, draft_store_add, &text, JSON_COMPACT) ==
		-1)
		result = error_no_memory(err);
	else
		result = vault_seal(
		    store->vault, CONTEXT, text.bytes, text.len, sealed, err);
	json_decref(json);
	buf_wipe(&text);
	return result;
}

static int
draft_store_unseal(const struct draft_store *store, const void *bytes, int len,
    struct draft *draft, struct error *err)
{
	struct secret *text;
	json_t *json;
	int result = -1;

	memset(draft, 0, sizeof(*draft));
	text = vault_open(store->vault, CONTEXT, bytes, (size_t)len, err);
	if (text == NULL)
		return error_prefix(err, "a draft in the state");
	json = json_loadb(text->bytes, text->len, 0, NULL);
	if (json != NULL)
		result = draft_store_from_json(json, draft);
	if (result == -1) {
		draft_clear(draft);
		error_set(err, ERROR_OURS, "4.3.5",
		    "a draft in the state cannot be read");
	}
	json_decref(json);
	secret_free(&text);
	return result;
}

/* --- rows --- */

static void
draft_store_bind_digest(sqlite3_stmt *stmt, int column,
    const unsigned char digest[JOURNAL_DIGEST_SIZE])
{
	sqlite3_bind_blob(
	    stmt, column, digest, JOURNAL_DIGEST_SIZE, SQLITE_STATIC);
}

int
draft_keep(const struct draft_store *store, const struct draft *draft,
    struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	struct buf sealed;
	int result = -1;

	buf_init(&sealed, SEALED_MAX);
	if (draft_store_seal(store, draft, &sealed, err) == 0 &&
	    state_prepare(store->state,
		"INSERT OR REPLACE INTO draft (digest, sealed, changed)"
		" VALUES (?, ?, ?)",
		&stmt, err) == 0) {
		draft_store_bind_digest(stmt, 1, draft->digest);
		sqlite3_bind_blob(
		    stmt, 2, sealed.bytes, (int)sealed.len, SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 3, clock_wall());
		result = state_finish(store->state, stmt, err);
	}
	buf_free(&sealed);
	return result;
}

int
draft_find(const struct draft_store *store,
    const unsigned char digest[JOURNAL_DIGEST_SIZE], struct draft *draft,
    struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	int result = 0;

	if (state_prepare(store->state,
		"SELECT sealed FROM draft WHERE digest = ?", &stmt, err) == -1)
		return -1;
	draft_store_bind_digest(stmt, 1, digest);
	result = state_step(store->state, stmt, err);
	if (result == 1 &&
	    draft_store_unseal(store, sqlite3_column_blob(stmt, 0),
		sqlite3_column_bytes(stmt, 0), draft, err) == -1)
		result = -1;
	sqlite3_finalize(stmt);
	/* a row that was pasted from another place */
	if (result == 1 &&
	    memcmp(draft->digest, digest, JOURNAL_DIGEST_SIZE) != 0) {
		draft_clear(draft);
		result = error_set(err, ERROR_OURS, "4.3.5",
		    "a draft in the state is not where it belongs");
	}
	return result;
}

int
draft_ids(const struct draft_store *store, const char *mailbox, struct buf *ids,
    struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	struct error unread;
	struct draft draft;
	int step;

	if (state_prepare(store->state,
		"SELECT sealed FROM draft ORDER BY number DESC LIMIT 1000",
		&stmt, err) == -1)
		return -1;
	while ((step = state_step(store->state, stmt, err)) == 1) {
		if (draft_store_unseal(store, sqlite3_column_blob(stmt, 0),
			sqlite3_column_bytes(stmt, 0), &draft, &unread) == -1)
			continue;
		if (draft.id[0] != '\0' && strcmp(draft.mailbox, mailbox) == 0)
			buf_printf(ids, "%s\n", draft.id);
		draft_clear(&draft);
	}
	sqlite3_finalize(stmt);
	return step;
}

int
draft_forget(const struct draft_store *store,
    const unsigned char digest[JOURNAL_DIGEST_SIZE], struct error *err)
{
	sqlite3_stmt *stmt = NULL;

	if (state_prepare(store->state, "DELETE FROM draft WHERE digest = ?",
		&stmt, err) == -1)
		return -1;
	draft_store_bind_digest(stmt, 1, digest);
	return state_finish(store->state, stmt, err);
}

int
draft_discard(const struct draft_store *store,
    const unsigned char digest[JOURNAL_DIGEST_SIZE], struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db;
	int result;

	if (state_prepare(store->state,
		"UPDATE draft SET digest = NULL, changed = ?"
		" WHERE digest = ?",
		&stmt, err) == -1)
		return -1;
	sqlite3_bind_int64(stmt, 1, clock_wall());
	draft_store_bind_digest(stmt, 2, digest);
	db = sqlite3_db_handle(stmt);
	result = state_finish(store->state, stmt, err);
	return result == 0 ? sqlite3_changes(db) : -1;
}

int
draft_next_discarded(const struct draft_store *store, long long *number,
    struct draft *draft, struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	int result = 0;

	if (state_prepare(store->state,
		"SELECT number, sealed FROM draft"
		" WHERE digest IS NULL AND number > ? ORDER BY number LIMIT 1",
		&stmt, err) == -1)
		return -1;
	sqlite3_bind_int64(stmt, 1, *number);
	result = state_step(store->state, stmt, err);
	if (result == 1) {
		*number = sqlite3_column_int64(stmt, 0);
		if (draft_store_unseal(store, sqlite3_column_blob(stmt, 1),
			sqlite3_column_bytes(stmt, 1), draft, err) == -1)
			result = -1;
	}
	sqlite3_finalize(stmt);
	return result;
}

int
draft_drop(const struct draft_store *store, long long number, struct error *err)
{
	sqlite3_stmt *stmt = NULL;

	if (state_prepare(store->state, "DELETE FROM draft WHERE number = ?",
		&stmt, err) == -1)
		return -1;
	sqlite3_bind_int64(stmt, 1, number);
	return state_finish(store->state, stmt, err);
}

int
draft_expire(const struct draft_store *store, long long wall, struct error *err)
{
	sqlite3_stmt *drop = NULL, *discard = NULL;

	if (state_prepare(store->state,
		"DELETE FROM draft WHERE digest IS NULL AND changed < ?", &drop,
		err) == -1)
		return -1;
	sqlite3_bind_int64(drop, 1, wall);
	if (state_finish(store->state, drop, err) == -1)
		return -1;
	if (state_prepare(store->state,
		"UPDATE draft SET digest = NULL, changed = ? WHERE changed < ?"
		" AND digest IS NOT NULL",
		&discard, err) == -1)
		return -1;
	sqlite3_bind_int64(discard, 1, clock_wall());
	sqlite3_bind_int64(discard, 2, wall);
	return state_finish(store->state, discard, err);
}
