/*
 * search_message.h - a message that is brought again, and what is said of it
 * when its mailbox is searched.
 */
#ifndef TESTS_UNIT_SEARCH_MESSAGE_H
#define TESTS_UNIT_SEARCH_MESSAGE_H

#include "agent/daemon/graph/graph_sent.h"
#include "agent/daemon/message/fingerprint.h"
#include "delivery_message.h"

#define OWN "a@x"
#define F "f@x" /* fallback mailboxes */
#define G "g@x"
#define RECIPIENTS 3

#define POST "/sendMail"
#define DRAFTS "/mailFolders/drafts/"
#define SENT "/mailFolders/sentitems/"

static int with_file; /* 1: the message has one that is taken out */
static const char *file_name;

static int
begin(void **state)
{
	with_file = 0;
	file_name = "n";
	return delivery_begin(state);
}

/* Brings the message from this mailbox, for these recipients, a letter each. */
static void
bring(const char *mailbox, const char *letters)
{
	struct delivery_request request = {
	    .queue_id = "4TEST", .nrcpt = 1, .message_id = "<id@x>"};
	char addresses[RECIPIENTS][8];
	const char *list[RECIPIENTS];
	size_t i;

	strcpy(request.mailbox, mailbox);
	strcpy(request.instead_of, strcmp(mailbox, OWN) == 0 ? "" : OWN);
	give_message(&request);
	for (i = 0; letters[i] != '\0'; i++) {
		snprintf(
		    addresses[i], sizeof(addresses[i]), "%c@Y", letters[i]);
		list[i] = addresses[i];
	}
	attachments_read(
	    &request.attachments, with_file ? "attachment" : "", "0,4", NULL);
	attachments_read(&request.attachments,
	    with_file ? "attachment-name" : "", file_name, NULL);
	attachments_read(&request.attachments,
	    with_file ? "attachment-type" : "", "t/t", NULL);
	assert_int_equal(fingerprint(&request, list, i), 0);
	request.recipients = graph_recipients(list, i);
	assert_non_null(delivery_start(&d, &request, on_done, NULL));
	run();
}

/* Says that a folder has it, as sent to these recipients. */
static void
say_found(const char *letters)
{
	char body[512] = "{\"value\":[";
	size_t len = strlen(body), i;

	if (letters[0] != '\0')
		len += (size_t)snprintf(
		    body + len, sizeof(body) - len, "{\"toRecipients\":[");
	for (i = 0; letters[i] != '\0'; i++)
		len += (size_t)snprintf(body + len, sizeof(body) - len,
		    "%s{\"emailAddress\":{\"address\":\"%c@y\"}}",
		    i == 0 ? "" : ",", letters[i]);
	snprintf(body + len, sizeof(body) - len, "%s]}",
	    letters[0] == '\0' ? "" : "]}");
	answer_body(200, body, 0);
}

#endif
