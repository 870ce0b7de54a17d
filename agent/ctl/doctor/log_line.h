/*
 * log_line.h - lines of the mail log that say what became of a client. Words of
 * clients stand in most lines, and in any of them: so a line counts for what
 * programs of Postfix's or ours print in just this form, and each value where
 * that program prints it.
 */
#ifndef MSGRAPHCTL_LOG_LINE_H
#define MSGRAPHCTL_LOG_LINE_H

#include "lib/local/identity.h"

#define LOG_LINE_ADDRESS_SIZE 64

/*
 * Returns why libentra.so or msgraphd refused a sign-in, or that a message came
 * past the milter: the rest of a line of smtpd, msgraphd or pipe. NULL for any
 * other line.
 */
const char *log_line_reason(const char *line);

/*
 * Returns 1 for msgraph-milter's line of a message that it accepted from a
 * client that has not signed in, with the client's address and the entry.
 */
int log_line_client(const char *line, char address[LOG_LINE_ADDRESS_SIZE],
    char entry[ENTRY_NAME_SIZE]);

#endif
