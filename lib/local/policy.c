/*
 * policy.c - writes, reads and asks questions of policy; see policy.h.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy.h"
#include "sock.h"
#include "wire.h"

static const char *const stages[] = {
    [POLICY_MAIL] = "mail",
    [POLICY_RECIPIENT] = "recipient",
    [POLICY_END] = "end",
};

static const char *const statuses[] = {
    [POLICY_OK] = "ok",
    [POLICY_LATER] = "later",
    [POLICY_REFUSED] = "refused",
};

#define COUNT(names) (sizeof(names) / sizeof(*(names)))

/* Returns the place of a name, or -1. */
static int
policy_find(const char *const *names, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

/* --- question --- */

/* The strings of a question, for both directions. */
static const struct {
	const char *name;
	size_t offset;
} fields[] = {
#define FIELD(name, member)                                    \
	{                                                      \
		name, offsetof(struct policy_question, member) \
	}
    FIELD("user", user),
    FIELD("client-address", client_address),
    FIELD("daemon-name", daemon_name),
    FIELD("certificate-issuer", certificate_issuer),
    FIELD("certificate-subject", certificate_subject),
    FIELD("sender", sender),
    FIELD("mailbox", mailbox),
    FIELD("from", from),
    FIELD("recipient", recipient),
#undef FIELD
};

static const char **
policy_member(struct policy_question *question, size_t i)
{
	return (const char **)((char *)question + fields[i].offset);
}

int
policy_question_format(struct buf *out, const struct policy_question *question)
{
	struct policy_question copy = *question;
	const char *value;
	size_t i;
	int bad = 0;

	bad |= wire_field(out, "request", "policy");
	bad |= wire_field(out, "stage", stages[question->stage]);
	for (i = 0; i < COUNT(fields); i++) {
		value = *policy_member(&copy, i);
		if (value != NULL && value[0] != '\0')
			bad |= wire_field(out, fields[i].name, value);
	}
	return bad | wire_end(out);
}

int
policy_question_parse(struct policy_question *question, char *bytes)
{
	static const char first[] = "request=policy\n";
	char *cursor = bytes + sizeof(first) - 1, *value;
	const char *name;
	size_t i;
	int stage = -1;

	memset(question, 0, sizeof(*question));
	if (strncmp(bytes, first, sizeof(first) - 1) != 0)
		return 0;
	for (i = 0; i < COUNT(fields); i++)
		*policy_member(question, i) = "";
	while ((name = wire_next(&cursor, &value)) != NULL) {
		if (strcmp(name, "stage") == 0)
			stage = policy_find(stages, COUNT(stages), value);
		for (i = 0; i < COUNT(fields); i++)
			if (strcmp(name, fields[i].name) == 0)
				*policy_member(question, i) = value;
	}
	if (stage == -1 ||
	    (stage == POLICY_RECIPIENT && question->recipient[0] == '\0') ||
	    (stage == POLICY_END && question->mailbox[0] == '\0'))
		return -1;
	question->stage = (enum policy_stage)stage;
	return 1;
}

/* --- answer --- */

static int
policy_add(struct buf *out, const char *name, const char *value)
{
	return value[0] == '\0' ? 0 : wire_field(out, name, value);
}

int
policy_answer_format(struct buf *out, const struct policy_answer *answer)
{
	char name[IDENTITY_CANONICAL_SIZE];
	int bad = wire_field(out, "status", statuses[answer->status]);

	if (answer->status != POLICY_OK) {
		bad |= wire_field(out, "dsn", answer->dsn);
		bad |= wire_field(out, "text", answer->text);
		return bad | wire_end(out);
	}
	bad |= wire_field(out, "application",
	    identity_canonical(&answer->application, "", name));
	bad |= policy_add(out, "entry", answer->entry);
	bad |= policy_add(out, "from", answer->from);
	bad |= policy_add(out, "transport", answer->transport);
	bad |= policy_add(out, "recipients", answer->recipients ? "yes" : "");
	return bad | wire_end(out);
}

/* Copies a value that may not be cut, nor be empty. */
static int
policy_copy(char *to, size_t size, const char *value)
{
	if (value[0] == '\0' || strlen(value) >= size)
		return -1;
	strcpy(to, value);
	return 0;
}

static int
policy_read_line(
    struct policy_answer *answer, const char *name, const char *value)
{
	if (strcmp(name, "dsn") == 0)
		return policy_copy(answer->dsn, sizeof(answer->dsn), value);
	if (strcmp(name, "text") == 0)
		snprintf(answer->text, sizeof(answer->text), "%s", value);
	if (strcmp(name, "application") == 0)
		return identity_parse(
		    value, strlen(value), "@", &answer->application, NULL);
	if (strcmp(name, "entry") == 0)
		return identity_parse_entry_name(
		    value, strlen(value), answer->entry);
	if (strcmp(name, "from") == 0)
		return policy_copy(answer->from, sizeof(answer->from), value);
	if (strcmp(name, "transport") == 0)
		return policy_copy(
		    answer->transport, sizeof(answer->transport), value);
	if (strcmp(name, "recipients") == 0)
		answer->recipients = strcmp(value, "yes") == 0;
	return 0;
}

/*
 * "deferred" is the word of one that stands by, or is of a version before 0.2.
 */
static int
policy_find_status(const char *value)
{
	if (strcmp(value, "deferred") == 0)
		return POLICY_LATER;
	return policy_find(statuses, COUNT(statuses), value);
}

int
policy_answer_parse(struct policy_answer *answer, char *bytes, size_t len)
{
	char *cursor = bytes, *value;
	const char *name;
	size_t record_len;
	int status = -1;

	memset(answer, 0, sizeof(*answer));
	if (wire_record(bytes, len, &record_len) != WIRE_DONE)
		return -1;
	while ((name = wire_next(&cursor, &value)) != NULL) {
		if (strcmp(name, "status") == 0)
			status = policy_find_status(value);
		if (policy_read_line(answer, name, value) == -1)
			return -1;
	}
	if (status == -1)
		return -1;
	answer->status = (enum policy_status)status;
	if (answer->status == POLICY_OK)
		return answer->application.tenant[0] == '\0' ? -1 : 0;
	return answer->dsn[0] == (status == POLICY_LATER ? '4' : '5') ? 0 : -1;
}

int
policy_answer_same(const struct policy_answer *a, const struct policy_answer *b)
{
	return identity_equal(&a->application, &b->application) &&
	    strcmp(a->entry, b->entry) == 0 && strcmp(a->from, b->from) == 0 &&
	    a->recipients == b->recipients;
}

/* --- asking --- */

static int
policy_read_answer(
    int fd, long long deadline, struct policy_answer *answer, struct error *err)
{
	char bytes[POLICY_ANSWER_MAX + 1];
	ssize_t n = sock_read_all(fd, bytes, POLICY_ANSWER_MAX, deadline, err);

	if (n == -1)
		return -1;
	bytes[n] = '\0';
	if (policy_answer_parse(answer, bytes, (size_t)n) == 0)
		return 0;
	return error_set(err, ERROR_TEMPORARY, "4.3.0",
	    n == 0 ? "msgraphd hung up without an answer"
		   : "msgraphd's answer cannot be read");
}

int
policy_ask(const char *socket_path, const struct policy_question *question,
    long long deadline, struct policy_answer *answer, struct error *err)
{
	struct buf record;
	int fd, result = -1;

	buf_init(&record, POLICY_QUESTION_MAX);
	if (policy_question_format(&record, question) == -1) {
		error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "the question for msgraphd does not fit or holds a control "
		    "character");
	} else if ((fd = sock_connect(socket_path, deadline, err)) != -1) {
		if (sock_write_all(
			fd, record.bytes, record.len, -1, deadline, err) == 0)
			result = policy_read_answer(fd, deadline, answer, err);
		close(fd);
	}
	buf_free(&record);
	return result == 0 ? 0 : error_prefix(err, "ask msgraphd");
}
