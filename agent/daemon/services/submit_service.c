/*
 * submit_service.c - see submit_service.h.
 *
 * The agent is ours, but it has read hostile mail. So its request is checked
 * here as if anybody had sent it.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "agent/daemon/base/reason.h"
#include "agent/daemon/delivery/delivery.h"
#include "agent/daemon/graph/graph_sent.h"
#include "agent/daemon/message/fingerprint.h"
#include "agent/daemon/store/sender.h"
#include "lib/base/array.h"
#include "lib/base/log.h"
#include "submit_policy.h"
#include "submit_service.h"

static void
submit_service_send_reply(struct conn *conn, const struct wire_reply *reply)
{
	struct buf out;

	buf_init(&out, WIRE_REPLY_MAX);
	if (wire_reply_format(&out, reply) == -1)
		out.len = 0;
	conn_answer(conn, out.bytes, out.len);
	buf_free(&out);
}

static void
submit_service_on_done(void *ctx, const struct wire_reply *reply)
{
	submit_service_send_reply(ctx, reply);
}

static void
submit_service_refuse(struct conn *conn, const struct error *err)
{
	struct wire_reply reply = {.status = WIRE_DEFERRED};

	snprintf(reply.dsn, sizeof(reply.dsn), "%s", err->dsn);
	snprintf(reply.text, sizeof(reply.text), "%s", err->text);
	submit_service_send_reply(conn, &reply);
}

/* Copies a value that may not be cut. */
static int
submit_service_copy(char *to, size_t size, const char *value, const char *name,
    struct error *err)
{
	if (value[0] == '\0' || strlen(value) >= size)
		return error_set(err, ERROR_OURS, "4.3.0",
		    "%s is empty or longer than %zu bytes", name, size - 1);
	strcpy(to, value);
	return 0;
}

/* The part of a record that does not go straight into the request. */
struct recipients {
	const char **list; /* point into conn->in */
	size_t count, room;
};

static int
submit_service_add_recipient(
    struct recipients *recipients, const char *value, struct error *err)
{
	const char **list;

	/* an operator's matter: what waits goes once that is set right */
	if (recipients->count == WIRE_RECIPIENTS_MAX)
		return error_set(err, ERROR_OURS, "4.5.3",
		    "more than %d recipients in one delivery, which Exchange "
		    "does not take; set msgraph_destination_recipient_limit "
		    "in main.cf to 500, and run \"postfix reload\"",
		    WIRE_RECIPIENTS_MAX);
	list = array_room(recipients->list, recipients->count,
	    &recipients->room, sizeof(*list));
	if (list == NULL)
		return error_no_memory(err);
	recipients->list = list;
	recipients->list[recipients->count++] = value;
	return 0;
}

/* Reads a value that is copied as it is. 1; 0 when it is another's; -1. */
static int
submit_service_read_text(struct delivery_request *request, const char *name,
    const char *value, struct error *err)
{
	int result;

	if (strcmp(name, "queue-id") == 0)
		result = submit_service_copy(request->queue_id,
		    sizeof(request->queue_id), value, name, err);
	else if (strcmp(name, "mailbox") == 0)
		result = submit_service_copy(request->mailbox,
		    sizeof(request->mailbox), value, name, err);
	else if (strcmp(name, "again-as") == 0) /* see the end of the record */
		result = submit_service_copy(request->instead_of,
		    sizeof(request->instead_of), value, name, err);
	else
		return 0;
	return result == 0 ? 1 : -1;
}

static int
submit_service_read_field(struct delivery_request *request,
    struct recipients *recipients, const char *name, const char *value,
    struct error *err)
{
	const char *reason;
	char *end;
	int found;

	found = attachments_read(&request->attachments, name, value, err);
	if (found == 0)
		found = submit_service_read_text(request, name, value, err);
	if (found != 0)
		return found == 1 ? 0 : -1;
	if (strcmp(name, "recipient") == 0)
		return submit_service_add_recipient(recipients, value, err);
	if (strcmp(name, "message-id") == 0) {
		/* only for a question that can be left out */
		if (strlen(value) < sizeof(request->message_id))
			strcpy(request->message_id, value);
		return 0;
	}
	if (strcmp(name, "raw") == 0) {
		request->source.raw = strtoll(value, &end, 10);
		if (value[0] == '\0' || *end != '\0')
			return error_set(
			    err, ERROR_OURS, "4.3.0", "raw is not a number");
		return 0;
	}
	if (strcmp(name, "segment") == 0) {
		if (source_add_segment(&request->source, value) == -1)
			return error_set(err, ERROR_OURS, "4.3.0",
			    "segment is malformed or one too many");
		return 0;
	}
	if (strcmp(name, "notice") == 0) {
		request->notice = strcmp(value, "yes") == 0;
		return 0;
	}
	if (strcmp(name, "sender") == 0) {
		request->null_sender = value[0] == '\0';
		return 0;
	}
	if (strcmp(name, "entry") == 0 && value[0] != '\0' &&
	    identity_parse_entry_name(value, strlen(value), request->entry) ==
		-1)
		return error_set(err, ERROR_OURS, "4.3.0",
		    "entry is no name that an entry can have");
	/* whatever delimiter was right when the message was queued */
	if (strcmp(name, "identity") == 0 && value[0] != '\0' &&
	    identity_parse(value, strlen(value), IDENTITY_DELIMITERS_ANY,
		&request->identity, &reason) == -1)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "the message was queued for user \"%s\", which names no "
		    "Entra application: %s",
		    value, reason);
	return 0;
}

/*
 * Nobody signed in for a bounce. It may go to the mailbox whose message it is
 * about, as that mailbox itself, and nowhere else.
 */
static int
submit_service_find_bounce_identity(struct msgraphd *daemon,
    struct delivery_request *request, const struct recipients *recipients,
    struct error *err)
{
	int found;

	if (!request->null_sender || recipients->count != 1 ||
	    strcasecmp(recipients->list[0], request->mailbox) != 0)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "the message was queued without a signed-in client and is "
		    "no bounce to its own mailbox");
	found = sender_find(
	    daemon->state, request->mailbox, &request->identity, err);
	if (found == 0)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "the message was queued without a signed-in client, and "
		    "no application has sent as this mailbox");
	return found == 1 ? 0 : -1;
}

/* Makes "again-as" the mailbox that sends, and "mailbox" the message's own. */
static void
submit_service_take_fallback(struct delivery_request *request)
{
	char mailbox[sizeof(request->mailbox)];

	if (request->instead_of[0] == '\0')
		return;
	memcpy(mailbox, request->mailbox, sizeof(mailbox));
	memcpy(request->mailbox, request->instead_of, sizeof(mailbox));
	memcpy(request->instead_of, mailbox, sizeof(mailbox));
}

static int
submit_service_read_all(struct conn *conn, struct delivery_request *request,
    struct recipients *recipients, struct error *err)
{
	char *cursor = conn->in.bytes, *value;
	const char *name;

	while ((name = wire_next(&cursor, &value)) != NULL)
		if (submit_service_read_field(
			request, recipients, name, value, err) == -1)
			return -1;
	if (request->queue_id[0] == '\0' || request->mailbox[0] == '\0' ||
	    recipients->count == 0)
		return error_set(err, ERROR_OURS, "4.3.0",
		    "the agent's request lacks queue-id, mailbox or "
		    "recipient");
	submit_service_take_fallback(request);
	if (request->identity.tenant[0] == '\0' &&
	    submit_service_find_bounce_identity(
		conn->daemon, request, recipients, err) == -1)
		return -1;
	request->nrcpt = request->notice ? 1 : (unsigned int)recipients->count;
	if (source_check(&request->source, err) == -1)
		return -1;
	return attachments_check(&request->attachments, &request->source, err);
}

static int
submit_service_read_request(
    struct conn *conn, struct delivery_request *request, struct error *err)
{
	struct recipients recipients = {0};
	int result = submit_service_read_all(conn, request, &recipients, err);
	const char *mailbox = request->mailbox;

	if (result == 0 &&
	    fingerprint(request, recipients.list, recipients.count) == -1)
		result = error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "cannot read the agent's spool file");
	if (result == 0 && request->notice)
		request->recipients = graph_recipients(&mailbox, 1);
	else if (result == 0)
		request->recipients =
		    graph_recipients(recipients.list, recipients.count);
	if (result == 0 && request->recipients == NULL)
		result = error_no_memory(err);
	free(recipients.list);
	return result;
}

static enum wire_result
submit_service_request(struct conn *conn)
{
	struct delivery_request request = {0};
	enum wire_result result = conn_record(conn);
	struct error err;

	if (result != WIRE_DONE)
		return result;
	if (submit_policy_take(conn))
		return WIRE_DONE;
	source_init(&request.source, conn->passed);
	conn->passed = -1;
	if (submit_service_read_request(conn, &request, &err) == -1) {
		log_warning("%s: reason=" REASON_CONFIGURATION
			    ", dsn=%s, status=deferred (%s)",
		    request.queue_id[0] == '\0' ? "NOQUEUE" : request.queue_id,
		    err.dsn, err.text);
		delivery_request_free(&request);
		submit_service_refuse(conn, &err);
		return WIRE_DONE;
	}
	buf_free(&conn->in);
	conn->work = delivery_start(
	    conn->daemon, &request, submit_service_on_done, conn);
	if (conn->work == NULL) {
		error_no_memory(&err);
		submit_service_refuse(conn, &err);
	}
	return WIRE_DONE;
}

static void
submit_service_gone(struct conn *conn)
{
	struct delivery *delivery = conn->work;

	conn->work = NULL;
	delivery_abandon(&delivery);
}

const struct service_kind submit_service = {
    .name = "submit",
    .user = "msgraph",
    .request_max = WIRE_RECORD_MAX,
    .request = submit_service_request,
    .gone = submit_service_gone,
};
