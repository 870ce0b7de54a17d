/*
 * smtp.c - see smtp.h.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/secret.h"
#include "smtp.h"

struct smtp {
	int fd;
	SSL_CTX *context;
	SSL *tls; /* NULL: in the clear */
	char reply[SMTP_REPLY_MAX];
	size_t len;
};

static int
smtp_fail(struct error *err, const char *what)
{
	return error_set(err, ERROR_TEMPORARY, "4.4.2", "%s: %s", what,
	    errno == EAGAIN  ? "no answer in time"
		: errno == 0 ? "the connection was closed"
			     : strerror(errno));
}

static int
smtp_write(struct smtp *smtp, const char *bytes, size_t len, struct error *err)
{
	ssize_t n;

	errno = 0;
	n = smtp->tls != NULL ? SSL_write(smtp->tls, bytes, (int)len)
			      : send(smtp->fd, bytes, len, MSG_NOSIGNAL);
	return n == (ssize_t)len ? 0 : smtp_fail(err, "write");
}

/* Returns 1 when the reply's last line is complete: a code and no '-'. */
static int
smtp_is_whole(const struct smtp *smtp)
{
	const char *line = smtp->reply, *end;

	for (; (end = strchr(line, '\n')) != NULL; line = end + 1)
		if (end - line >= 3 && isdigit((unsigned char)line[0]) &&
		    line[3] != '-')
			return end[1] == '\0';
	return 0;
}

static int
smtp_read(struct smtp *smtp, struct error *err)
{
	ssize_t n;

	smtp->len = 0;
	smtp->reply[0] = '\0';
	do {
		if (smtp->len == SMTP_REPLY_MAX - 1)
			return error_set(err, ERROR_TEMPORARY, "4.3.0",
			    "the reply is too long");
		errno = 0;
		n = smtp->tls != NULL
		    ? SSL_read(smtp->tls, smtp->reply + smtp->len,
			  (int)(SMTP_REPLY_MAX - 1 - smtp->len))
		    : recv(smtp->fd, smtp->reply + smtp->len,
			  SMTP_REPLY_MAX - 1 - smtp->len, 0);
		if (n <= 0)
			return smtp_fail(err, "read");
		smtp->len += (size_t)n;
		smtp->reply[smtp->len] = '\0';
	} while (!smtp_is_whole(smtp));
	return atoi(smtp->reply);
}

int
smtp_start_tls(struct smtp *smtp, struct error *err)
{
	unsigned long reason;

	smtp->context = SSL_CTX_new(TLS_client_method());
	if (smtp->context == NULL ||
	    (smtp->tls = SSL_new(smtp->context)) == NULL ||
	    SSL_set_fd(smtp->tls, smtp->fd) != 1)
		return error_no_memory(err);
	errno = 0;
	if (SSL_connect(smtp->tls) == 1)
		return 0;
	reason = ERR_get_error();
	if (reason == 0)
		smtp_fail(err, "TLS handshake");
	else
		error_set(err, ERROR_TEMPORARY, "4.7.0", "TLS handshake: %s",
		    ERR_reason_error_string(reason) != NULL
			? ERR_reason_error_string(reason)
			: "failed");
	SSL_free(smtp->tls);
	smtp->tls = NULL;
	return -1;
}

static int
smtp_connect(const char *address, long port, int wait_ms, struct error *err)
{
	const struct timeval wait = {
	    .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
	struct sockaddr_in in4 = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	int is_v6 = inet_pton(AF_INET6, address, &in6.sin6_addr) == 1, fd;

	in4.sin_port = in6.sin6_port = htons((uint16_t)port);
	if (!is_v6 && inet_pton(AF_INET, address, &in4.sin_addr) != 1)
		return error_set(
		    err, ERROR_OURS, "4.3.5", "%s is no address", address);
	fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* the time to send is that to connect as well (socket(7)) */
	if (fd != -1 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
	    (is_v6 ? connect(fd, (struct sockaddr *)&in6, sizeof(in6))
		   : connect(fd, (struct sockaddr *)&in4, sizeof(in4))) == 0)
		return fd;
	error_set(err, ERROR_TEMPORARY, "4.4.1", "connect to %s port %ld: %s",
	    address, port, strerror(errno));
	if (fd != -1)
		close(fd);
	return -1;
}

struct smtp *
smtp_open(const char *address, long port, int is_wrapped, int wait_ms,
    struct error *err)
{
	struct smtp *smtp = calloc(1, sizeof(*smtp));
	int code;

	if (smtp == NULL) {
		error_no_memory(err);
		return NULL;
	}
	smtp->fd = smtp_connect(address, port, wait_ms, err);
	if (smtp->fd != -1 && (!is_wrapped || smtp_start_tls(smtp, err) == 0) &&
	    (code = smtp_read(smtp, err)) != -1) {
		if (code == 220)
			return smtp;
		error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "it greets with: %.100s", smtp->reply);
	}
	smtp_close(&smtp);
	return NULL;
}

void
smtp_close(struct smtp **smtpp)
{
	static const char quit[] = "QUIT\r\n";
	struct smtp *smtp = *smtpp;
	struct error ignored;

	*smtpp = NULL;
	if (smtp == NULL)
		return;
	if (smtp->fd != -1) {
		smtp_write(smtp, quit, sizeof(quit) - 1, &ignored);
		close(smtp->fd);
	}
	SSL_free(smtp->tls);
	SSL_CTX_free(smtp->context);
	free(smtp);
}

int
smtp_ask(struct smtp *smtp, const char *line, struct error *err)
{
	char text[2048];
	int len = snprintf(text, sizeof(text), "%s\r\n", line);
	int result = len < 0 || (size_t)len >= sizeof(text)
	    ? error_set(err, ERROR_OURS, "4.3.0", "the line is too long")
	    : smtp_write(smtp, text, (size_t)len, err);

	secret_wipe(text, sizeof(text));
	return result == -1 ? -1 : smtp_read(smtp, err);
}

int
smtp_send(struct smtp *smtp, const char *bytes, size_t len, struct error *err)
{
	return smtp_write(smtp, bytes, len, err);
}

const char *
smtp_reply(const struct smtp *smtp)
{
	return smtp->reply;
}

const char *
smtp_offered(const struct smtp *smtp, const char *keyword)
{
	const char *line = smtp->reply, *end;
	size_t len = strlen(keyword);

	for (; (end = strchr(line, '\n')) != NULL; line = end + 1)
		if (end - line > (long)(4 + len) &&
		    strncasecmp(line + 4, keyword, len) == 0 &&
		    strchr(" \r\n", line[4 + len]) != NULL)
			return line + 4 + len;
	return NULL;
}
