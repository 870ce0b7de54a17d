/*
 * bounce_service.c - see bounce_service.h.
 *
 * The person who pressed "scan" should learn that the message was refused. On a
 * relay whose only way out is Graph, a bounce must go through Graph too.
 * bounce(8) hands its messages to a cleanup(8) of their own, whose
 * header_checks are this table. The key is a header line. For "To:" with the
 * address of a mailbox that has sent through us, the answer is "FILTER
 * msgraph:<mailbox>". So other bounces of the host go where they always went,
 * and a forged stamp in a returned message routes nothing. bounce_count.h tells
 * how a loop ends.
 *
 * Protocol: socketmap_table(5). A netstring "<map name> <key>" is answered by a
 * netstring "OK <value>", "NOTFOUND " or "TEMP <reason>"; a connection carries
 * many requests.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/daemon/base/limits.h"
#include "agent/daemon/store/sender.h"
#include "lib/base/log.h"
#include "bounce_count.h"
#include "bounce_service.h"

#define REQUEST_MAX (100 * 1024) /* Postfix's header_size_limit */

static void
bounce_service_answer(struct conn *conn, const char *word, const char *value)
{
	struct buf out;

	buf_init(&out, WIRE_REPLY_MAX);
	buf_printf(
	    &out, "%zu:%s %s,", strlen(word) + 1 + strlen(value), word, value);
	conn_answer(conn, out.bytes, out.len);
	buf_free(&out);
}

/*
 * The mailbox of a "To: address" line as bounce(8) writes it, in lower case.
 * -1 when the line is another.
 */
static int
bounce_service_read_to(const char *line, char mailbox[ADDRESS_SIZE])
{
	size_t i, len;

	if (strncasecmp(line, "To:", 3) != 0)
		return -1;
	line += 3 + strspn(line + 3, " \t");
	len = strcspn(line, " \t\r\n,;<>()\"");
	if (len == 0 || len >= ADDRESS_SIZE || line[len] != '\0')
		return -1;
	for (i = 0; i < len; i++)
		mailbox[i] = (char)tolower((unsigned char)line[i]);
	mailbox[len] = '\0';
	return 0;
}

/* Returns 1 when so many notices look as if one brought about the next. */
static int
bounce_service_is_loop(struct msgraphd *daemon, const char *mailbox)
{
	int count = bounce_count_add(&daemon->bounce_counts, mailbox);

	if (count == BOUNCE_COUNT_MAX + 1)
		log_warning("NOQUEUE: mailbox=<%s>, more than %d notices to it "
			    "within an hour; for the rest of it they do not go "
			    "through Graph, since a rule of the mailbox may "
			    "bring them about",
		    mailbox, BOUNCE_COUNT_MAX);
	return count > BOUNCE_COUNT_MAX;
}

static void
bounce_service_look_up(struct conn *conn, const char *line)
{
	char mailbox[ADDRESS_SIZE];
	char value[ADDRESS_SIZE + sizeof("FILTER msgraph:")];
	struct identity id;
	struct error err;

	if (!conn->daemon->conf.bounce_via_graph ||
	    bounce_service_read_to(line, mailbox) == -1) {
		bounce_service_answer(conn, "NOTFOUND", "");
		return;
	}
	switch (sender_find(conn->daemon->state, mailbox, &id, &err)) {
	case 1:
		if (bounce_service_is_loop(conn->daemon, mailbox)) {
			bounce_service_answer(conn, "NOTFOUND", "");
			break;
		}
		snprintf(value, sizeof(value), "FILTER msgraph:%s", mailbox);
		bounce_service_answer(conn, "OK", value);
		break;
	case 0:
		bounce_service_answer(conn, "NOTFOUND", "");
		break;
	default:
		log_error("%s", err.text);
		bounce_service_answer(
		    conn, "TEMP", "state trouble; see msgraphd's log");
		break;
	}
}

static enum wire_result
bounce_service_request(struct conn *conn)
{
	char *start = conn->in.bytes, *text, *line;
	unsigned long len;

	len = strtoul(start, &text, 10);
	if (text == start + conn->in.len)
		return conn->in.len < 8 ? WIRE_INCOMPLETE : WIRE_BAD;
	if (!isdigit((unsigned char)*start) || *text != ':' ||
	    len > REQUEST_MAX)
		return WIRE_BAD;
	text++;
	if ((size_t)(start + conn->in.len - text) < len + 1)
		return WIRE_INCOMPLETE;
	if (text[len] != ',' || text + len + 1 != start + conn->in.len)
		return WIRE_BAD;
	text[len] = '\0';
	if ((line = strchr(text, ' ')) == NULL)
		return WIRE_BAD;
	bounce_service_look_up(conn, line + 1);
	return WIRE_DONE;
}

const struct service_kind bounce_service = {
    .name = "bounce",
    .user = "postfix",
    .request_max = REQUEST_MAX + 16,
    .many = 1,
    .request = bounce_service_request,
};
