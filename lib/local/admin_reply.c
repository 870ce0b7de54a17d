/*
 * admin_reply.c - see admin_reply.h. The records lie in the bytes of the
 * answer, each with a terminator behind every name and value.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "admin.h"
#include "admin_reply.h"
#include "wire.h"

struct admin_record {
	char *first; /* of its bytes */
	size_t lines;
};

struct admin_reply {
	struct buf bytes;
	struct admin_record *records;
	size_t count, room;
};

void
admin_reply_free(struct admin_reply **replyp)
{
	struct admin_reply *reply = *replyp;

	*replyp = NULL;
	if (reply == NULL)
		return;
	buf_free(&reply->bytes);
	free(reply->records);
	free(reply);
}

const struct admin_record *
admin_next(const struct admin_reply *reply, const struct admin_record *after)
{
	size_t place = after == NULL ? 0 : (size_t)(after - reply->records) + 1;

	return place < reply->count ? &reply->records[place] : NULL;
}

const char *
admin_value(const struct admin_record *record, const char *name)
{
	const char *at = record->first, *value;
	size_t i;

	for (i = 0; i < record->lines; i++) {
		value = at + strlen(at) + 1;
		if (strcmp(at, name) == 0)
			return value;
		at = value + strlen(value) + 1;
	}
	return "";
}

long long
admin_value_number(const struct admin_record *record, const char *name)
{
	return strtoll(admin_value(record, name), NULL, 10);
}

/* Takes the answer apart. 0; or -1 where it is not records, or not whole. */
static int
admin_reply_split(struct admin_reply *reply, struct admin_record *end)
{
	char *at = reply->bytes.bytes, *value;
	size_t left = reply->bytes.len, len;
	struct admin_record *records;

	while (left > 0 && wire_record(at, left, &len) == WIRE_DONE) {
		end->first = at;
		end->lines = 0;
		while (wire_next(&at, &value) != NULL)
			end->lines++;
		at = end->first + len;
		left -= len;
		if (strcmp(admin_value(end, "record"), "end") == 0)
			return left == 0 ? 0 : -1;
		records = array_room(reply->records, reply->count, &reply->room,
		    sizeof(*records));
		if (records == NULL)
			return -1;
		reply->records = records;
		records[reply->count++] = *end;
	}
	return -1;
}

/* Judges what came. 0, or -1 with *err. */
static int
admin_reply_judge(struct admin_reply *reply, struct error *err)
{
	struct admin_record end;

	if (reply->bytes.len == 0)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "msgraphd hung up: only root and members of group "
		    "%s may ask, %d of them at a time, and a new member has "
		    "to log in again",
		    ADMIN_GROUP, ADMIN_MEMBERS_MAX);
	if (admin_reply_split(reply, &end) == -1)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "msgraphd's answer was cut; ask again");
	if (strcmp(admin_value(&end, "status"), "ok") == 0)
		return 0;
	return error_set(
	    err, ERROR_OURS, "4.3.5", "%s", admin_value(&end, "text"));
}

struct admin_reply *
admin_reply_parse(struct buf *bytes, struct error *err)
{
	struct admin_reply *reply = calloc(1, sizeof(*reply));

	if (reply == NULL) {
		buf_free(bytes);
		error_no_memory(err);
		return NULL;
	}
	reply->bytes = *bytes;
	buf_init(bytes, bytes->limit);
	if (admin_reply_judge(reply, err) == -1)
		admin_reply_free(&reply);
	return reply;
}
