/*
 * by_socket.c - see by_socket.h. The protocol is in lib/local/wire.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "agent/ctl/base/peer.h"
#include "lib/local/identity.h"
#include "lib/local/sock.h"
#include "lib/local/wire.h"
#include "by_socket.h"

#define BY_SOCKET_EXTRA_SECONDS 30

/* Makes the file that the agent would hand over. -1 with *err. */
static int
by_socket_spool(const struct letter *letter, struct error *err)
{
	int fd = memfd_create("letter", MFD_CLOEXEC);

	if (fd != -1 &&
	    write(fd, letter->text.bytes, letter->text.len) ==
		(ssize_t)letter->text.len)
		return fd;
	error_set(err, ERROR_TEMPORARY, "4.3.0", "cannot make a file: %s",
	    strerror(errno));
	if (fd != -1)
		close(fd);
	return -1;
}

static int
by_socket_record(struct buf *out, const char *application, const char *entry,
    const struct letter *letter, struct error *err)
{
	char user[IDENTITY_CANONICAL_SIZE], number[32], segment[40], id[40];
	struct identity identity;

	if (identity_parse(
		application, strlen(application), "/", &identity, NULL) == -1)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "\"%s\" is no application", application);
	identity_canonical(&identity, "", user);
	snprintf(id, sizeof(id), "TEST%lld", (long long)time(NULL));
	snprintf(number, sizeof(number), "%zu", letter->text.len);
	snprintf(segment, sizeof(segment), "0,%zu", letter->text.len);
	if (wire_field(out, "queue-id", id) == -1 ||
	    wire_field(out, "identity", user) == -1 ||
	    wire_field(out, "entry", entry) == -1 ||
	    wire_field(out, "mailbox", letter->from) == -1 ||
	    wire_field(out, "sender", letter->from) == -1 ||
	    wire_field(out, "recipient", letter->to) == -1 ||
	    wire_field(out, "raw", number) == -1 ||
	    wire_field(out, "segment", segment) == -1 || wire_end(out) == -1)
		return error_no_memory(err);
	return 0;
}

/* 0 with the reply, or -1 with *err. */
static int
by_socket_ask(const struct conf *conf, const struct buf *record, int spool,
    struct wire_reply *reply, struct error *err)
{
	long long deadline = sock_now() +
	    (conf->delivery_timeout + BY_SOCKET_EXTRA_SECONDS) * 1000LL;
	int fd = peer_connect(conf->submit_socket, deadline,
	    "msgraphd does not answer at submit_socket", err);
	char bytes[WIRE_REPLY_MAX + 1];
	ssize_t len = -1;

	if (fd == -1)
		return -1;
	if (sock_write_all(
		fd, record->bytes, record->len, spool, deadline, err) == 0)
		len =
		    sock_read_all(fd, bytes, sizeof(bytes) - 1, deadline, err);
	close(fd);
	if (len == -1)
		return error_prefix(err, PEER_SILENT);
	bytes[len] = '\0';
	if (wire_reply_parse(reply, bytes, (size_t)len) == -1)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "msgraphd hung up: run this as root");
	return 0;
}

static void
by_socket_tell(struct steps *steps, const struct wire_reply *reply)
{
	static const struct {
		enum steps_status status;
		const char *word;
	} rows[] = {
	    [WIRE_SENT] = {STEPS_OK, "sent"},
	    [WIRE_DEFERRED] = {STEPS_WARNING,
		"a message of a client would wait"},
	    [WIRE_BOUNCED] = {STEPS_CRITICAL,
		"a message of a client would bounce"},
	};

	steps_say(steps, "graph", rows[reply->status].status, "%s: %s %s",
	    rows[reply->status].word, reply->dsn, reply->text);
}

void
by_socket(struct steps *steps, const struct conf *conf, const char *application,
    const char *entry, const struct letter *letter)
{
	struct wire_reply *reply = calloc(1, sizeof(*reply));
	struct error err;
	struct buf record;
	int spool = -1, result = -1;

	buf_init(&record, WIRE_RECORD_MAX);
	if (reply == NULL)
		error_no_memory(&err);
	else if (by_socket_record(&record, application, entry, letter, &err) ==
		0 &&
	    (spool = by_socket_spool(letter, &err)) != -1)
		result = by_socket_ask(conf, &record, spool, reply, &err);
	if (result == 0)
		by_socket_tell(steps, reply);
	else
		steps_say(steps, "graph", STEPS_UNKNOWN, "%s", err.text);
	if (spool != -1)
		close(spool);
	buf_free(&record);
	free(reply);
}
