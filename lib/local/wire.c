/*
 * wire.c - see wire.h. Pure functions: no descriptors, no allocation but what
 * the caller's buffer does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/printable.h"
#include "wire.h"

/* --- auth socket --- */

/* One counted string at *pos. */
static enum wire_result
wire_read_counted(const unsigned char *bytes, size_t len, size_t *pos,
    const char **string, size_t *string_len)
{
	size_t count;

	if (len - *pos < 2)
		return WIRE_INCOMPLETE;
	count = (size_t)bytes[*pos] << 8 | bytes[*pos + 1];
	if (count > WIRE_AUTH_STRING_MAX)
		return WIRE_BAD;
	if (len - *pos - 2 < count)
		return WIRE_INCOMPLETE;
	*string = (const char *)bytes + *pos + 2;
	*string_len = count;
	*pos += 2 + count;
	return WIRE_DONE;
}

enum wire_result
wire_auth_parse(struct wire_auth *auth, const char *bytes, size_t len)
{
	const unsigned char *b = (const unsigned char *)bytes;
	enum wire_result r;
	size_t pos = 0;

	if ((r = wire_read_counted(
		 b, len, &pos, &auth->login, &auth->login_len)) != WIRE_DONE)
		return r;
	if ((r = wire_read_counted(b, len, &pos, &auth->password,
		 &auth->password_len)) != WIRE_DONE)
		return r;
	if ((r = wire_read_counted(b, len, &pos, &auth->service,
		 &auth->service_len)) != WIRE_DONE)
		return r;
	if ((r = wire_read_counted(
		 b, len, &pos, &auth->realm, &auth->realm_len)) != WIRE_DONE)
		return r;
	return pos == len ? WIRE_DONE : WIRE_BAD;
}

int
wire_auth_string(struct buf *out, const char *bytes, size_t len)
{
	unsigned char count[2];

	/* room for both, or neither is appended */
	if (len > WIRE_AUTH_STRING_MAX ||
	    buf_reserve(out, sizeof(count) + len) == NULL)
		return -1;
	count[0] = (unsigned char)(len >> 8);
	count[1] = (unsigned char)(len & 0xff);
	buf_add(out, count, sizeof(count));
	return buf_add(out, bytes, len);
}

/* --- submit socket --- */

int
wire_field(struct buf *out, const char *name, const char *value)
{
	const char *p;

	for (p = value; *p != '\0'; p++)
		if (printable_is_control(*p))
			return -1;
	return buf_printf(out, "%s=%s\n", name, value);
}

int
wire_end(struct buf *out)
{
	return buf_add(out, "\n", 1);
}

enum wire_result
wire_record_more(
    struct wire_scan *scan, const char *bytes, size_t len, size_t *record_len)
{
	char c;

	for (; scan->at < len; scan->at++) {
		c = bytes[scan->at];
		if (c == '=') {
			scan->has_equals = 1;
		} else if (c == '\n') {
			if (scan->at == scan->line) {
				*record_len = scan->at + 1;
				return WIRE_DONE;
			}
			if (!scan->has_equals)
				return WIRE_BAD;
			scan->line = scan->at + 1;
			scan->has_equals = 0;
		} else if (printable_is_control(c)) {
			return WIRE_BAD;
		}
	}
	return WIRE_INCOMPLETE;
}

enum wire_result
wire_record(const char *bytes, size_t len, size_t *record_len)
{
	struct wire_scan scan = {0};

	return wire_record_more(&scan, bytes, len, record_len);
}

const char *
wire_next(char **cursor, char **value)
{
	char *name = *cursor, *end, *equals;

	if (*name == '\n' || (end = strchr(name, '\n')) == NULL)
		return NULL;
	*end = '\0';
	*cursor = end + 1;
	equals = strchr(name, '=');
	if (equals == NULL)
		return NULL;
	*equals = '\0';
	*value = equals + 1;
	return name;
}

static const char *const status_names[] = {
    [WIRE_SENT] = "sent",
    [WIRE_DEFERRED] = "deferred",
    [WIRE_BOUNCED] = "bounced",
};

static const char *const recipient_statuses[] = {
    [WIRE_RECIPIENT_ACCEPTED] = "accepted",
    [WIRE_RECIPIENT_TOLD] = "told",
    [WIRE_RECIPIENT_REFUSED] = "refused",
};

#define RECIPIENT_STATUSES \
	(sizeof(recipient_statuses) / sizeof(*recipient_statuses))

static int
wire_add_recipients(struct buf *out, const struct wire_reply *reply)
{
	size_t i;

	for (i = 0; i < WIRE_RECIPIENTS_MAX; i++)
		if (reply->recipients[i] > WIRE_RECIPIENT_NONE &&
		    reply->recipients[i] < RECIPIENT_STATUSES &&
		    buf_printf(out, "%s=%zu\n",
			recipient_statuses[reply->recipients[i]], i) == -1)
			return -1;
	return 0;
}

int
wire_reply_format(struct buf *out, const struct wire_reply *reply)
{
	if (wire_field(out, "status", status_names[reply->status]) == -1 ||
	    wire_field(out, "dsn", reply->dsn) == -1 ||
	    wire_field(out, "text", reply->text) == -1 ||
	    (reply->by_recipient &&
		wire_field(out, "reason", "recipient") == -1) ||
	    (reply->again_as[0] != '\0' &&
		wire_field(out, "again-as", reply->again_as) == -1) ||
	    wire_add_recipients(out, reply) == -1)
		return -1;
	return wire_end(out);
}

static int
wire_read_status(const char *value, enum wire_status *status)
{
	size_t i;

	for (i = 0; i < sizeof(status_names) / sizeof(*status_names); i++) {
		if (strcmp(value, status_names[i]) == 0) {
			*status = (enum wire_status)i;
			return 0;
		}
	}
	return -1;
}

/* 0 for a line about something else as well; -1 for a place that is none. */
static int
wire_read_recipient(
    const char *name, const char *value, struct wire_reply *reply)
{
	size_t status, place;
	char *end;

	for (status = 1; status < RECIPIENT_STATUSES; status++)
		if (strcmp(name, recipient_statuses[status]) == 0)
			break;
	if (status == RECIPIENT_STATUSES)
		return 0;
	if (*value < '0' || *value > '9')
		return -1;
	place = strtoul(value, &end, 10);
	if (*end != '\0' || place >= WIRE_RECIPIENTS_MAX)
		return -1;
	reply->recipients[place] = (unsigned char)status;
	return 0;
}

int
wire_reply_parse(struct wire_reply *reply, char *bytes, size_t len)
{
	char *cursor = bytes, *value;
	const char *name;
	size_t record_len;
	int have_status = 0;

	memset(reply, 0, sizeof(*reply));
	if (wire_record(bytes, len, &record_len) != WIRE_DONE)
		return -1;
	while ((name = wire_next(&cursor, &value)) != NULL) {
		if (strcmp(name, "status") == 0) {
			if (wire_read_status(value, &reply->status) == -1)
				return -1;
			have_status = 1;
		} else if (strcmp(name, "dsn") == 0) {
			snprintf(reply->dsn, sizeof(reply->dsn), "%s", value);
		} else if (strcmp(name, "text") == 0) {
			snprintf(reply->text, sizeof(reply->text), "%s", value);
		} else if (strcmp(name, "reason") == 0) {
			reply->by_recipient = strcmp(value, "recipient") == 0;
		} else if (strcmp(name, "again-as") == 0) {
			/* another mailbox than was meant is none */
			if (strlen(value) >= sizeof(reply->again_as))
				return -1;
			strcpy(reply->again_as, value);
		} else if (wire_read_recipient(name, value, reply) == -1) {
			return -1;
		}
	}
	return have_status && reply->dsn[0] != '\0' ? 0 : -1;
}
