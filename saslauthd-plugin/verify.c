/*
 * verify.c - asks msgraphd whether Entra takes a secret.
 *
 * One connection a question, one deadline for all of it, nothing kept between
 * questions. Every outcome but a clear "OK" or "NO" is "not now": a mistake
 * here costs the client a retry, never a wrong yes, and never a wrong no, after
 * which a printer gives up. Runs in smtpd, perhaps inside its chroot
 * and always in the queue directory.
 *
 * The request holds the secret. It is built on the stack, so that there is no
 * allocation that can fail, and wiped before return.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/error.h"
#include "lib/base/secret.h"
#include "lib/local/identity.h"
#include "lib/local/sock.h"
#include "lib/local/wire.h"
#include "plugin.h"

#define DEFAULT_SOCKET "msgraph/auth"
#define DEFAULT_LOOKUP "lookup"
#define DEFAULT_TIMEOUT 60 /* seconds */
#define MAX_TIMEOUT 3600

struct options {
	const char *socket; /* libsasl2's, valid as long as its configuration */
	long timeout; /* seconds */
};

/* --- options --- */

/* NULL when the SASL configuration does not set it. */
static const char *
verify_option(const sasl_utils_t *utils, const char *name)
{
	const char *value = NULL;

	if (utils->getopt(utils->getopt_context, ENTRA_NAME, name, &value,
		NULL) != SASL_OK)
		return NULL;
	return value;
}

static int
verify_bad_option(
    struct error *err, const char *name, const char *value, const char *wanted)
{
	return error_set(err, ERROR_OURS, "4.3.5",
	    "%s: bad value \"%.100s\" in the SASL configuration, it must be "
	    "%s; until then nobody can sign in with Entra",
	    name, value, wanted);
}

static int
verify_read_options(
    const sasl_utils_t *utils, struct options *options, struct error *err)
{
	const char *value;
	char *end;

	options->socket = DEFAULT_SOCKET;
	options->timeout = DEFAULT_TIMEOUT;
	if ((value = verify_option(utils, "entra_socket")) != NULL) {
		if (*value == '\0')
			return verify_bad_option(err, "entra_socket", value,
			    "the path of msgraphd's auth socket");
		options->socket = value;
	}
	if ((value = verify_option(utils, "entra_timeout")) != NULL) {
		options->timeout = strtol(value, &end, 10);
		if (end == value || *end != '\0' || options->timeout < 1 ||
		    options->timeout > MAX_TIMEOUT)
			return verify_bad_option(err, "entra_timeout", value,
			    "a number of seconds, 1 to 3600");
	}
	return 0;
}

/* --- the exchange --- */

static int
verify_send_request(int fd, const sasl_server_params_t *sparams,
    const struct credentials *c, long long deadline, struct error *err)
{
	char space[WIRE_AUTH_REQUEST_MAX + 1];
	/* Lent memory: the limit keeps the buffer from ever growing. */
	struct buf request = {
	    .bytes = space, .size = sizeof(space), .limit = sizeof(space) - 1};
	const char *service = sparams->service == NULL ? "" : sparams->service;
	int r;

	/* The name goes whole as login; so there is no realm. */
	if (wire_auth_string(&request, c->name, c->name_len) == -1 ||
	    wire_auth_string(&request, c->secret, c->secret_len) == -1 ||
	    wire_auth_string(&request, service, strlen(service)) == -1 ||
	    wire_auth_string(&request, "", 0) == -1)
		r = error_set(err, ERROR_OURS, "4.3.0", "request too long");
	else
		r = sock_write_all(
		    fd, request.bytes, request.len, -1, deadline, err);
	secret_wipe(space, sizeof(space));
	return r;
}

/*
 * Reads the counted answer into reply and terminates it. Does not wait for
 * msgraphd to close: what counts is the count.
 */
static int
verify_read_reply(int fd, char reply[WIRE_AUTH_REPLY_MAX + 1],
    long long deadline, struct error *err)
{
	unsigned char count[2];
	ssize_t n;
	size_t len;

	n = sock_read_all(fd, count, sizeof(count), deadline, err);
	if (n == -1)
		return -1;
	if (n == 0)
		return error_set(err, ERROR_TEMPORARY, "4.4.2",
		    "closed without an answer: Entra is out of reach, "
		    "msgraphd cannot start, or this user may not ask");
	len = (size_t)count[0] << 8 | count[1];
	if (n != sizeof(count) || len > WIRE_AUTH_REPLY_MAX)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "this is no answer of msgraphd (is entra_socket its auth "
		    "socket?)");
	n = sock_read_all(fd, reply, len, deadline, err);
	if (n == -1)
		return -1;
	if ((size_t)n != len)
		return error_set(err, ERROR_TEMPORARY, "4.4.2",
		    "the answer ends after %zd of %zu bytes", n, len);
	reply[len] = '\0';
	if (strlen(reply) != len)
		return error_set(
		    err, ERROR_TEMPORARY, "4.3.0", "NUL in the answer");
	return 0;
}

/* A secret goes to a socket of this user's, or root's (systemd), alone. */
static uid_t daemon_uid;

void
entra_find_daemon(void)
{
	struct passwd pw, *found = NULL;
	char space[4096];

	if (getpwnam_r("msgraphd", &pw, space, sizeof(space), &found) == 0 &&
	    found != NULL)
		daemon_uid = found->pw_uid;
}

/*
 * Programs that read hostile mail may write into the socket's folder. One that
 * was taken over could put a socket of its own there and wait for secrets.
 */
static int
verify_check_peer(int fd, const char *path, struct error *err)
{
	uid_t uid;

	if (sock_peer_uid(fd, &uid) == -1)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "%s: cannot tell who serves it; no secret was sent", path);
	if (uid == 0 || uid == daemon_uid || uid == geteuid())
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "%s is served by uid %u; no secret was sent (run msgraphd as user "
	    "msgraphd or root; if it does, find out who made the socket)",
	    path, (unsigned int)uid);
}

/* As sock_connect(), and names the likely cause of a failure. */
static int
verify_reach(const char *path, long long deadline, struct error *err)
{
	struct error e;
	int fd;

	fd = sock_connect(path, deadline, &e);
	if (fd == -1)
		return error_set(err, e.class, e.dsn,
		    "%s (is msgraphd running, and is this user in group "
		    "msgraph?)",
		    e.text);
	if (verify_check_peer(fd, path, err) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
verify_converse(const sasl_server_params_t *sparams,
    const struct options *options, const struct credentials *c,
    char reply[WIRE_AUTH_REPLY_MAX + 1], struct error *err)
{
	long long deadline = sock_now() + options->timeout * 1000;
	int fd, r;

	fd = verify_reach(options->socket, deadline, err);
	if (fd == -1)
		return -1;
	r = verify_send_request(fd, sparams, c, deadline, err);
	if (r == 0)
		r = verify_read_reply(fd, reply, deadline, err);
	close(fd);
	if (r == 0)
		return 0;
	if (sock_now() >= deadline)
		error_set(err, ERROR_TEMPORARY, "4.4.2",
		    "no answer within %ld seconds (entra_timeout)",
		    options->timeout);
	return error_prefix(
	    err, "msgraphd on %s (see its log)", options->socket);
}

/* "OK" or "NO", alone or before a blank and a text for the log. */
static int
verify_is_word(const char *reply, const char *word)
{
	size_t len = strlen(word);

	return strncmp(reply, word, len) == 0 &&
	    (reply[len] == '\0' || reply[len] == ' ');
}

/*
 * Reads the name in "OK user=...", up to a blank or the end. Another form than
 * the canonical one would be a name that nobody has checked.
 */
static int
verify_read_name(const char *reply, char canonical[IDENTITY_CANONICAL_SIZE],
    struct error *err)
{
	static const char first[] = "OK user=";
	const char *name = reply + sizeof(first) - 1;
	char entry[ENTRY_NAME_SIZE];
	struct identity id;
	size_t len;

	canonical[0] = '\0';
	if (strncmp(reply, first, sizeof(first) - 1) != 0)
		return 0;
	len = strcspn(name, " ");
	if (identity_parse_entry(name, len, "@", &id, entry, NULL) == 0 &&
	    strlen(identity_canonical(&id, entry, canonical)) == len &&
	    memcmp(canonical, name, len) == 0)
		return 0;
	return error_set(err, ERROR_TEMPORARY, "4.3.0",
	    "the user in the answer is no canonical name (are libentra.so and "
	    "msgraphd of one version?)");
}

static int
verify_judge(const char *reply, char canonical[IDENTITY_CANONICAL_SIZE],
    struct error *err)
{
	if (verify_is_word(reply, "OK"))
		return verify_read_name(reply, canonical, err);
	if (verify_is_word(reply, "NO"))
		return error_set(err, ERROR_REFUSED, "5.7.8", "%s",
		    reply[2] == '\0' ? "no reason given" : reply + 3);
	return error_set(err, ERROR_TEMPORARY, "4.3.0",
	    "the answer is neither OK nor NO (is entra_socket the auth socket "
	    "of msgraphd?)");
}

static int
verify_ask(const sasl_server_params_t *sparams, const struct credentials *c,
    char canonical[IDENTITY_CANONICAL_SIZE], struct error *err)
{
	char reply[WIRE_AUTH_REPLY_MAX + 1];
	struct options options;

	if (c->secret_len == 0 || c->secret_len > SECRET_MAX)
		return error_set(err, ERROR_REFUSED, "5.7.8",
		    c->secret_len == 0 ? "empty secret" : "secret too long");
	if (verify_read_options(sparams->utils, &options, err) == -1 ||
	    verify_converse(sparams, &options, c, reply, err) == -1)
		return -1;
	return verify_judge(reply, canonical, err);
}

/*
 * Logs the reason and returns the result for libsasl2. A mistake on our side is
 * logged as an error of the server, which hosts log at any level; a refusal as
 * a failed sign-in, which is what seterror() does. A struct error's text is
 * bounded and printable. (It is shorter than 600 bytes: at exactly that length
 * libsasl2 2.1.28 writes one byte past its buffer.)
 */
static int
verify_conclude(const sasl_utils_t *utils, const char *who, struct error *err)
{
	if (err->class == ERROR_REFUSED) {
		error_prefix(err, ENTRA_NAME ": %s refused", who);
		utils->seterror(utils->conn, 0, "%s", err->text);
		return SASL_BADAUTH;
	}
	error_prefix(err, ENTRA_NAME ": cannot verify %s now", who);
	utils->log(utils->conn, SASL_LOG_ERR, "%s", err->text);
	utils->seterror(utils->conn, SASL_NOLOG, "%s", err->text);
	return err->class == ERROR_OURS ? SASL_FAIL : SASL_UNAVAIL;
}

/* --- names --- */

/* A name that is looked up, for the log: the entry is no secret. */
#define WHO_SIZE (IDENTITY_CANONICAL_SIZE + 64)

/*
 * Writes into who as whom the name signs in. Returns 1, or 0 with *why when it
 * is not of our form.
 */
static int
verify_read_user(const sasl_utils_t *utils, const char *name, size_t name_len,
    char who[WHO_SIZE], const char **why)
{
	const char *suffix = verify_option(utils, "entra_lookup");
	char entry[ENTRY_NAME_SIZE];
	struct identity id;

	if (suffix == NULL)
		suffix = DEFAULT_LOOKUP;
	if (identity_parse(name, name_len, IDENTITY_DELIMITERS_ANY, &id, why) ==
	    0) {
		identity_text(&id, who);
		return 1;
	}
	if (!identity_parse_lookup(
		name, name_len, IDENTITY_DELIMITERS_ANY, suffix, entry))
		return 0;
	snprintf(who, WHO_SIZE, "%s@%.60s", entry, suffix);
	return 1;
}

int
entra_is_ours(const sasl_server_params_t *sparams, const char *name,
    size_t name_len, const char **why)
{
	char who[WHO_SIZE];

	return verify_read_user(sparams->utils, name, name_len, who, why);
}

int
entra_verify(const sasl_server_params_t *sparams, const char *name,
    size_t name_len, const char *secret, size_t secret_len,
    char canonical[IDENTITY_CANONICAL_SIZE])
{
	const struct credentials c = {name, secret, name_len, secret_len};
	const sasl_utils_t *utils = sparams->utils;
	char who[WHO_SIZE];
	const char *why;
	struct error err;

	canonical[0] = '\0';
	if (!verify_read_user(utils, name, name_len, who, &why)) {
		utils->seterror(utils->conn, SASL_NOLOG, "%s", why);
		return SASL_NOUSER;
	}
	if (verify_ask(sparams, &c, canonical, &err) == 0)
		return SASL_OK;
	return verify_conclude(utils, who, &err);
}

size_t
entra_name_len(
    const sasl_server_params_t *sparams, const char *name, size_t name_len)
{
	const char *realm = sparams->user_realm;
	size_t bare;

	if (realm == NULL || name_len < strlen(realm) + 1)
		return name_len;
	bare = name_len - strlen(realm) - 1;
	if (name[bare] != '@' ||
	    memcmp(name + bare + 1, realm, strlen(realm)) != 0 ||
	    memchr(name, '@', bare) != NULL)
		return name_len;
	return bare;
}
