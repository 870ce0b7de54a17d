/*
 * submit.c - one record to msgraphd, one back. See submit.h and wire.h.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/printable.h"
#include "lib/local/sock.h"
#include "message_id.h"
#include "submit.h"

static int
submit_add_numbers(struct buf *record, const struct edits *edits)
{
	char raw[32];

	snprintf(raw, sizeof(raw), "%lld", edits->spool->raw);
	wire_field(record, "raw", raw);
	return edits_segments(edits, record);
}

static int
submit_add_message_id(struct buf *record, const struct spool *spool)
{
	struct span head = {spool->head, spool->head_len};
	char id[MESSAGE_ID_SIZE];

	message_id_read(head, id);
	return id[0] == '\0' ? 0 : wire_field(record, "message-id", id);
}

/*
 * Of the sender msgraphd asks only whether there is one, and a recipient that
 * is no address is in a notice alone; so a character that a record cannot hold
 * need not keep the message here.
 */
static int
submit_add_address(struct buf *record, const char *name, const char *address)
{
	char *copy = strdup(address);
	int bad;

	if (copy == NULL) {
		record->failed = BUF_NO_MEMORY;
		return -1;
	}
	printable_make(copy, '?');
	bad = wire_field(record, name, copy);
	free(copy);
	return bad;
}

static int
submit_add_recipients(struct buf *record, const struct options *o,
    const struct recipients *recipients)
{
	size_t i;
	int bad = 0;

	for (i = 0; i < o->recipient_count; i++)
		if (recipient_is_chosen(recipients, &recipients->list[i]))
			bad |= submit_add_address(
			    record, "recipient", o->recipients[i]);
	return bad;
}

/* What a message and a notice about it have in common. */
static int
submit_start_record(struct buf *record, const struct options *o,
    const struct recipients *recipients)
{
	int bad = 0;

	bad |= wire_field(record, "queue-id", o->queue_id);
	bad |= wire_field(record, "identity", o->identity);
	if (o->entry[0] != '\0')
		bad |= wire_field(record, "entry", o->entry);
	bad |= wire_field(record, "mailbox",
	    o->instead_of != NULL ? o->instead_of : o->mailbox);
	if (o->instead_of != NULL)
		bad |= wire_field(record, "again-as", o->mailbox);
	bad |= submit_add_address(record, "sender", o->sender);
	bad |= submit_add_recipients(record, o, recipients);
	return bad;
}

static int
submit_end_record(struct buf *record, int bad, struct error *err)
{
	bad |= wire_end(record);
	if (record->failed == BUF_NO_MEMORY)
		return error_no_memory(err);
	if (record->failed)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "the record for msgraphd is longer than %d bytes",
		    WIRE_RECORD_MAX);
	if (bad)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "control character in the envelope");
	return 0;
}

static int
submit_make_record(struct buf *record, const struct options *o,
    const struct recipients *recipients, const struct edits *edits,
    const struct large *large, struct error *err)
{
	int bad = submit_start_record(record, o, recipients);

	bad |= submit_add_message_id(record, edits->spool);
	bad |= submit_add_numbers(record, edits);
	bad |= large_fields(large, record);
	return submit_end_record(record, bad, err);
}

static int
submit_make_notice_record(struct buf *record, const struct options *o,
    const struct recipients *refused, const struct spool *spool,
    const struct notice *notice, struct error *err)
{
	char numbers[64];
	int bad = submit_start_record(record, o, refused);

	bad |= wire_field(record, "notice", "yes");
	bad |= wire_field(record, "message-id", notice->message_id);
	snprintf(numbers, sizeof(numbers), "%lld", spool->raw);
	bad |= wire_field(record, "raw", numbers);
	snprintf(
	    numbers, sizeof(numbers), "%lld,%lld", notice->at, notice->length);
	bad |= wire_field(record, "segment", numbers);
	return submit_end_record(record, bad, err);
}

/* Waits for more of the answer. 0; -1 when there will be none. */
static int
submit_receive(int fd, struct buf *answer, struct error *err)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	int passed = -1;
	char chunk[512];
	ssize_t n;

	poll(&pfd, 1, -1);
	n = sock_recv(fd, chunk, sizeof(chunk), &passed);
	if (passed != -1)
		close(passed);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == -1)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "no answer from msgraphd, outcome unknown: %s",
		    strerror(errno));
	if (n == 0)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "msgraphd went away without an answer, outcome unknown");
	if (buf_add(answer, chunk, (size_t)n) == -1)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "msgraphd's answer is too long, outcome unknown");
	return 0;
}

/*
 * Reads until the record is whole, not until the peer closes: what counts has
 * been said by then.
 */
static int
submit_read_reply(int fd, struct wire_reply *reply, struct error *err)
{
	enum wire_result result = WIRE_INCOMPLETE;
	struct buf answer;
	size_t len;
	int failed = 0;

	buf_init(&answer, WIRE_REPLY_MAX);
	while (!failed && result == WIRE_INCOMPLETE) {
		failed = submit_receive(fd, &answer, err);
		if (!failed)
			result = wire_record(answer.bytes, answer.len, &len);
	}
	if (!failed && wire_reply_parse(reply, answer.bytes, answer.len) == -1)
		failed = error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "msgraphd's answer cannot be read, outcome unknown");
	buf_free(&answer);
	return failed ? -1 : 0;
}

static int
submit_exchange(const char *socket_path, const struct buf *record,
    const struct spool *spool, struct wire_reply *reply, struct error *err)
{
	int fd, result = -1;

	fd = sock_connect(socket_path, LLONG_MAX, err);
	if (fd == -1)
		return -1;
	if (sock_write_all(fd, record->bytes, record->len, spool->fd, LLONG_MAX,
		err) == -1)
		error_prefix(err, "hand the message to msgraphd");
	else
		result = submit_read_reply(fd, reply, err);
	close(fd);
	return result;
}

int
submit(const char *socket_path, const struct options *o,
    const struct recipients *recipients, const struct edits *edits,
    const struct large *large, struct wire_reply *reply, struct error *err)
{
	struct buf record;
	int result;

	buf_init(&record, WIRE_RECORD_MAX);
	result = submit_make_record(&record, o, recipients, edits, large, err);
	if (result == 0)
		result = submit_exchange(
		    socket_path, &record, edits->spool, reply, err);
	buf_free(&record);
	return result;
}

int
submit_notice(const char *socket_path, const struct options *o,
    const struct recipients *refused, const struct spool *spool,
    const struct notice *notice, struct wire_reply *reply, struct error *err)
{
	struct buf record;
	int result;

	buf_init(&record, WIRE_RECORD_MAX);
	result =
	    submit_make_notice_record(&record, o, refused, spool, notice, err);
	if (result == 0)
		result =
		    submit_exchange(socket_path, &record, spool, reply, err);
	buf_free(&record);
	return result;
}
