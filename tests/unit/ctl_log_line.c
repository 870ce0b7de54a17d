/*
 * Lines of the mail log: which of them say that a client was refused or has
 * sent, whatever a client has put into them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/ctl/doctor/log_line.h"

#define AT "Nov 29 15:50:16 relay "
#define NEW "2026-11-29T15:50:16.123456+00:00 relay "
#define SASL "warning: SASL authentication failure: entra: "
#define ID "11111111-2222-3333-4444-555555555555/a"
#define GATE "neither allowed_tenants nor the table"
#define PAST "warning: it came past msgraph-milter; mend it"

static const struct {
	const char *line, *reason; /* NULL: it says nothing */
} reasons[] = {
    {AT "postfix/smtpd[7]: " SASL ID " refused: AADSTS7: x", "AADSTS7: x"},
    {NEW "postfix/smtpd[7]: " SASL ID " refused: AADSTS7: x", "AADSTS7: x"},
    {"Nov  9 15:50:16 relay postfix/smtpd[7]: " SASL "refused: y", "y"},
    {AT "postfix-out/msgraph/smtpd[7]: " SASL "refused: y", "y"},
    {AT "smtpd[7]: " SASL "refused: y", "y"},
    {AT "msgraphd[7]: warning: NOQUEUE: application=" ID
	", reason=identity, status=refused (" GATE ")",
	GATE ")"},
    {AT "postfix/pipe[7]: 4F: to=<a@x>, relay=msgraph, delay=1, dsn=2.0.0, "
	"status=sent (delivered via msgraph service (" PAST "))",
	PAST "))"},
    /* others, and other lines */
    {"", NULL},
    {"smtpd", NULL},
    {AT "postfix/smtpd: " SASL "refused: y", NULL},
    {AT "postfix/smtpd[7] " SASL "refused: y", NULL},
    {AT "postfix/xsmtpd[7]: " SASL "refused: y", NULL},
    {AT "sshd[7]: " SASL "refused: y", NULL},
    {AT "postfix/smtpd[7]: " SASL "cannot verify " ID " now: AADSTS7", NULL},
    {AT "postfix/pipe[7]: 4F: to=<a@x>, status=sent (delivered via x)", NULL},
    /* a user's name, HELO, subject, address, another host's log */
    {AT "postfix/smtpd[7]: warning: unknown[192.0.2.1]: SASL PLAIN "
	"authentication failed: no, sasl_username=" SASL "refused: AADSTS7",
	NULL},
    {AT "postfix/smtpd[7]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 554 "
	"no; helo=<" AT "postfix/smtpd[7]: " SASL "refused: AADSTS7>",
	NULL},
    {AT "postfix/cleanup[7]: 4F: info: header Subject: " AT
	"postfix/smtpd[7]: " SASL "refused: AADSTS7 from unknown",
	NULL},
    {AT "postfix/smtpd[7]: " SASL "a b refused: AADSTS7", NULL},
    {AT "postfix/pipe[7]: 4F: to=<\"x, status=sent (delivered via msgraph "
	"service (" PAST "))\"@x>, relay=msgraph, status=sent (delivered via "
	"msgraph service (Graph accepted))",
	NULL},
    {AT "postfix/pipe[7]: 4F: to=<a@x>, status=deferred (\"x, status=sent "
	"(delivered via msgraph service (" PAST "))\")",
	NULL},
    {AT "postfix/smtp[7]: 4F: to=<a@x>, status=sent (delivered via msgraph "
	"service (" PAST "))",
	NULL},
};

#define CLIENT "4F: client=name[192.0.2.7], from=<a@x>, user="
#define ENTRY ", application=" ID ", entry=printers, mailbox=<a@x>, "
#define REST "message-id=<1>, nrcpt=1, action="

static const struct {
	const char *line;
	int is_one;
} clients[] = {
    {AT "msgraph-milter[7]: " CLIENT ENTRY REST "accept", 1},
    {NEW "msgraph-milter[7]: " CLIENT ENTRY REST "accept, added=Date", 1},
    {AT "msgraph-milter[7]: " CLIENT "me" ENTRY REST "accept", 0},
    {AT "msgraph-milter[7]: " CLIENT ENTRY REST "reject (5.7.1 no)", 0},
    {AT "msgraph-milter[7]: " CLIENT ENTRY
	"message-id=<>, nrcpt=0, action=reject (5.7.1 x, action=accept)",
	0},
    {AT "msgraph-milter[7]: warning: x " CLIENT ENTRY REST "accept", 0},
    {AT "postfix/smtpd[7]: " CLIENT ENTRY REST "accept", 0},
    {AT "postfix/smtpd[7]: NOQUEUE: reject: helo=<msgraph-milter[7]: " CLIENT
	    ENTRY REST "accept>",
	0},
    {AT "postfix/cleanup[7]: 4F: info: header Subject: " AT
	"msgraph-milter[7]: " CLIENT ENTRY REST "accept",
	0},
    {AT "msgraph-milter[7]: " CLIENT ", application=" ID
	", entry=, mailbox=<a@x>, " REST "accept",
	0},
    {AT "msgraph-milter[7]: stopped", 0},
};

static void
test_reasons(void **state)
{
	const char *found;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		found = log_line_reason(reasons[i].line);
		if (reasons[i].reason == NULL)
			assert_null(found);
		else
			assert_string_equal(found, reasons[i].reason);
	}
}

static void
test_clients(void **state)
{
	char address[LOG_LINE_ADDRESS_SIZE], entry[ENTRY_NAME_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		assert_int_equal(
		    log_line_client(clients[i].line, address, entry),
		    clients[i].is_one);
		if (!clients[i].is_one)
			continue;
		assert_string_equal(address, "192.0.2.7");
		assert_string_equal(entry, "printers");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reasons),
	    cmocka_unit_test(test_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
