/*
 * smtp.h - a client of SMTP (RFC 5321), with TLS. It asks this host's own
 * services, so it looks at no certificate.
 */
#ifndef MSGRAPHCTL_SMTP_H
#define MSGRAPHCTL_SMTP_H

#include <stddef.h>

#include "lib/base/error.h"

#define SMTP_REPLY_MAX 4096

struct smtp;

/*
 * Connects and reads the greeting, after a TLS handshake if is_wrapped. Each
 * wait, here and later, is at most wait_ms long. NULL with *err.
 */
struct smtp *smtp_open(const char *address, long port, int is_wrapped,
    int wait_ms, struct error *err);

/* Says QUIT and ends the connection, without waiting for an answer. */
void smtp_close(struct smtp **smtp);

/*
 * Sends a line and reads the reply, whose lines stay in smtp_reply(). Returns
 * its code, or -1 with *err.
 */
int smtp_ask(struct smtp *smtp, const char *line, struct error *err);

/* Sends bytes that get no reply, such as a message. 0, or -1 with *err. */
int smtp_send(
    struct smtp *smtp, const char *bytes, size_t len, struct error *err);

/* Returns the last reply: its lines, each with LF at its end. */
const char *smtp_reply(const struct smtp *smtp);

/*
 * Does the handshake after STARTTLS was answered with 220. 0, or -1 with *err.
 */
int smtp_start_tls(struct smtp *smtp, struct error *err);

/*
 * Returns what follows a keyword in the reply to EHLO, up to LF, such as
 * " PLAIN LOGIN" for AUTH; NULL where it is not offered.
 */
const char *smtp_offered(const struct smtp *smtp, const char *keyword);

#endif
