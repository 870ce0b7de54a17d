/*
 * try.c - see try.h. The protocol is saslauthd's, as on every connection to the
 * auth socket: lib/local/wire.h.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/local/sock.h"
#include "peer.h"
#include "try.h"

static int
try_write(int fd, const char *name, const struct secret *secret,
    long long deadline, struct error *err)
{
	const char *service =
	    secret == NULL ? WIRE_AUTH_TRY_ENTRY : WIRE_AUTH_TRY;
	struct buf out;
	int result;

	buf_init(&out, WIRE_AUTH_REQUEST_MAX);
	if (wire_auth_string(&out, name, strlen(name)) == -1 ||
	    wire_auth_string(&out, secret == NULL ? "" : secret->bytes,
		secret == NULL ? 0 : secret->len) == -1 ||
	    wire_auth_string(&out, service, strlen(service)) == -1 ||
	    wire_auth_string(&out, "", 0) == -1)
		result = error_set(err, ERROR_OURS, "4.3.5",
		    "the name or the secret is too long");
	else
		result =
		    sock_write_all(fd, out.bytes, out.len, -1, deadline, err);
	buf_wipe(&out);
	return result;
}

/* Splits "OK lines" behind its count. 0, or -1 when there is none. */
static int
try_read(struct try_answer *answer, size_t len)
{
	char *end;

	if (len < 4 || len >= sizeof(answer->bytes))
		return -1;
	answer->bytes[len] = '\0';
	answer->word = answer->bytes + 2;
	end = answer->bytes + 2 + strcspn(answer->word, " ");
	answer->lines = *end == '\0' ? end : end + 1;
	*end = '\0';
	return 0;
}

int
try_sign_in(const char *socket_path, const char *name,
    const struct secret *secret, struct try_answer *answer, struct error *err)
{
	long long deadline = sock_now() + TRY_SECONDS * 1000LL;
	int fd = peer_connect(socket_path, deadline,
	    "msgraphd does not answer at auth_socket (does it run? "
	    "\"systemctl status msgraphd\" tells; are you root?)",
	    err);
	ssize_t len = -1;

	if (fd == -1)
		return -1;
	if (try_write(fd, name, secret, deadline, err) == 0) {
		len = sock_read_all(fd, answer->bytes,
		    sizeof(answer->bytes) - 1, deadline, err);
		if (len == -1)
			error_prefix(err, PEER_SILENT);
	}
	close(fd);
	if (len == -1)
		return -1;
	if (try_read(answer, (size_t)len) == -1)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "msgraphd hung up: it takes questions at auth_socket from "
		    "root alone, and stands by while msgraph.conf has a "
		    "mistake");
	return 0;
}

const char *
try_value(const struct try_answer *answer, const char *name, char value[512])
{
	size_t len = strlen(name);
	const char *line = answer->lines, *end;

	for (; *line != '\0'; line = *end == '\0' ? end : end + 1) {
		end = strchrnul(line, '\n');
		if (strncmp(line, name, len) == 0 && line[len] == '=') {
			snprintf(value, 512, "%.*s",
			    (int)(end - line - (long)len - 1), line + len + 1);
			return value;
		}
	}
	value[0] = '\0';
	return value;
}
