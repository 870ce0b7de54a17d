/*
 * admin_ask.c - see admin_ask.h. The records lie in the bytes of the answer, each
 * with a terminator behind every name and value.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/array.h"
#include "lib/conf/conf.h"
#include "lib/local/sock.h"
#include "lib/local/wire.h"
#include "admin_ask.h"

#define ADMIN_ASK_PIECE 65536

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
	const struct admin_record *next =
	    after == NULL ? reply->records : after + 1;

	return next == reply->records + reply->count ? NULL : next;
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

/* --- reading --- */

/* Takes the answer apart. 0; or -1 where it is not records, or not whole. */
static int
admin_ask_split(struct admin_reply *reply, struct admin_record *end)
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

/* Reads until msgraphd hangs up. 0, or -1 with *err. */
static int
admin_ask_read(int fd, struct buf *bytes, long long deadline, struct error *err)
{
	/* sock_read_all() comes back with less only at the end */
	char *to;
	ssize_t n;

	do {
		if ((to = buf_reserve(bytes, ADMIN_ASK_PIECE)) == NULL)
			return error_no_memory(err);
		errno = 0;
		n = sock_read_all(fd, to, ADMIN_ASK_PIECE, deadline, err);
		if (n == -1)
			/* how a peer hangs up that has not read the question */
			return errno == ECONNRESET ? 0 : -1;
		bytes->len += (size_t)n;
		to[n] = '\0';
	} while (n > 0);
	return 0;
}

/* Judges what came. 0, or -1 with *err. */
static int
admin_ask_judge(struct admin_reply *reply, struct error *err)
{
	struct admin_record end;

	if (reply->bytes.len == 0)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "msgraphd hung up: only root and members of group "
		    "%s may ask, and a new member has to log in again",
		    ADMIN_GROUP);
	if (admin_ask_split(reply, &end) == -1)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "msgraphd's answer was cut; ask again");
	if (strcmp(admin_value(&end, "status"), "ok") == 0)
		return 0;
	return error_set(
	    err, ERROR_OURS, "4.3.5", "%s", admin_value(&end, "text"));
}

static int
admin_ask_talk(const char *path, const struct buf *question,
    struct admin_reply *reply, struct error *err)
{
	long long deadline = sock_now() + ADMIN_ASK_SECONDS * 1000LL;
	int fd = sock_connect(path, deadline, err), result = -1;

	if (fd == -1)
		return error_prefix(err,
		    "msgraphd does not answer (is it running? are you root or "
		    "in group %s?)",
		    ADMIN_GROUP);
	/* one that hangs up at once says so when its answer is read */
	sock_write_all(fd, question->bytes, question->len, -1, deadline, err);
	if (admin_ask_read(fd, &reply->bytes, deadline, err) == 0)
		result = admin_ask_judge(reply, err);
	close(fd);
	return result;
}

struct admin_reply *
admin_ask(const char *conf_file, const struct admin_question *question,
    struct error *err)
{
	struct admin_reply *reply = calloc(1, sizeof(*reply));
	struct conf conf;
	struct buf bytes;

	if (reply == NULL) {
		error_no_memory(err);
		return NULL;
	}
	buf_init(&reply->bytes, ADMIN_ASK_MAX);
	buf_init(&bytes, ADMIN_QUESTION_MAX);
	if (conf_load_tolerant(&conf, conf_file) == -1) {
		error_set(
		    err, ERROR_OURS, "4.3.5", "cannot read %s", conf_file);
		admin_reply_free(&reply);
	} else if (admin_question_format(&bytes, question) == -1) {
		error_set(err, ERROR_OURS, "4.3.5", "the question is too long");
		admin_reply_free(&reply);
	} else if (admin_ask_talk(conf.admin_socket, &bytes, reply, err) == -1)
		admin_reply_free(&reply);
	buf_free(&bytes);
	conf_free(&conf);
	return reply;
}

struct admin_reply *
admin_ask_for(const char *conf_file, const char *request, struct error *err)
{
	const struct admin_question question = {.request = request};

	return admin_ask(conf_file, &question, err);
}
