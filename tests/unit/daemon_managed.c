/*
 * Managed identities (agent/daemon/entra/managed_answer.c, arc_key.c): what an
 * answer of IMDS or of Arc's agent means, and which files of keys are read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/daemon/entra/arc_key.h"
#include "agent/daemon/entra/managed.h"

#define T "11111111-2222-3333-4444-555555555555"
#define C "66666666-7777-8888-9999-aaaaaaaaaaaa"
#define OTHER "00000000-7777-8888-9999-aaaaaaaaaaaa"

static const struct identity id = {T, C};

/* --- answers --- */

#define YES ENTRA_ACCEPTED
#define LATER ENTRA_UNAVAILABLE
#define WRONG ENTRA_MISCONFIGURED

#define ERROR(code, text) \
	"{\"error\":\"" code "\",\"error_description\":\"" text "\"}"
#define TOKEN "\"access_token\":\"a.b.c\","

/* Each row: what is asked for, the answer, its meaning, and the text or, of a
 * token, for how long it serves. The clock says 1700000000. */
static const struct {
	const char *identity;
	long status;
	const char *body;
	enum entra_result result;
	const char *text;
	long expires_in;
} answers[] = {
    /* numbers are texts, as documented, or numbers, or half an answer */
    {"system", 200,
	"{" TOKEN "\"expires_in\":\"3599\",\"expires_on\":\"1700003599\"}", YES,
	"", 3599},
    {"system", 200, "{" TOKEN "\"expires_in\":3599}", YES, "", 3599},
    {"arc", 200, "{" TOKEN "\"expires_on\":\"1700000100\"}", YES, "", 100},
    /* from the cache: it lasts for less than it did */
    {"system", 200,
	"{" TOKEN "\"expires_in\":\"86399\",\"expires_on\":\"1700000600\"}",
	YES, "", 600},
    /* this host's clock is ahead */
    {"system", 200,
	"{" TOKEN "\"expires_in\":\"3599\",\"expires_on\":\"1600000000\"}", YES,
	"", 3599},
    /* not what was asked for */
    {"system", 200, "{" TOKEN "\"expires_in\":\"0\"}", LATER,
	"IMDS answered HTTP 200 without a usable token", 0},
    {"system", 200, "{" TOKEN "\"expires_in\":\"-1\"}", LATER,
	"without a usable token", 0},
    {"system", 200, "{" TOKEN "\"expires_in\":\"1e3\"}", LATER,
	"without a usable token", 0},
    {"system", 200, "{" TOKEN "\"expires_in\":\"99999999999999999999\"}", LATER,
	"without a usable token", 0},
    {"system", 200, "{" TOKEN "\"expires_in\":[3599]}", LATER,
	"without a usable token", 0},
    {"system", 200, "{\"access_token\":5,\"expires_in\":\"3599\"}", LATER,
	"without a usable token", 0},
    {"system", 200, "{\"access_token\":\"a b\",\"expires_in\":\"3599\"}", LATER,
	"without a usable token", 0},
    {"system", 200, "{\"access_token\":\"\",\"expires_in\":\"3599\"}", LATER,
	"without a usable token", 0},
    {"arc", 200, "[]", LATER,
	"Azure Arc's agent answered HTTP 200 without a usable token", 0},
    {"system", 200, "<html>", LATER, "without a usable token", 0},
    {"system", 200, "", LATER, "without a usable token", 0},
    {"system", 302, "", LATER, "IMDS answered HTTP 302 (no error code)", 0},
    {"system", 204, "", LATER, "IMDS answered HTTP 204 (no error code)", 0},
    /* what passes */
    {"system", 404, ERROR("not_found", "IMDS endpoint is updating"), LATER,
	"IMDS answered HTTP 404 (not_found: IMDS endpoint is updating)", 0},
    {"system", 410, "", LATER, "IMDS answered HTTP 410 (no error code)", 0},
    {"system", 429, "", LATER, "IMDS answered HTTP 429 (no error code)", 0},
    {"system", 408, "", LATER, "HTTP 408", 0},
    {"system", 500, ERROR("unknown", "Failed to retrieve token"), LATER,
	"IMDS answered HTTP 500 (unknown: Failed to retrieve token)", 0},
    {"system", 504, "<html>", LATER, "HTTP 504 (no error code)", 0},
    {"arc", 401, "", LATER, "Azure Arc's agent answered HTTP 401", 0},
    /* what an admin must mend */
    {"system", 400, ERROR("invalid_request", "Identity not found"), WRONG,
	"IMDS answered HTTP 400 (invalid_request: Identity not found); turn "
	"the system-assigned identity on (portal: the virtual machine, "
	"Identity)",
	0},
    {C, 400, ERROR("invalid_request", "Identity not found"), WRONG,
	"(invalid_request: Identity not found); assign the identity to this "
	"machine (portal: the virtual machine, Identity, User assigned)",
	0},
    {"arc", 403, ERROR("access_denied", "x\\r\\ny"), WRONG,
	"Azure Arc's agent answered HTTP 403 (access_denied: x); see "
	"\"azcmagent show\"",
	0},
    {"system", 400, "{\"error\":7,\"error_description\":[]}", WRONG,
	"IMDS answered HTTP 400 (no error code); turn", 0},
    /* its words may be anything, and end */
    {"system", 400,
	ERROR("\\u001b[1m",
	    "0123456789012345678901234567890123456789"
	    "0123456789012345678901234567890123456789-too-long"),
	WRONG, "(?[1m: 0123456789", 0},
};

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	(void)clock;
	ts->tv_sec = 1700000000;
	ts->tv_nsec = 0;
	return 0;
}

static void
test_answers(void **state)
{
	struct http_answer answer = {0};
	struct entra_answer out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		answer.status = answers[i].status;
		answer.body = answers[i].body;
		answer.body_len = strlen(answer.body);
		managed_read(&answer, answers[i].identity, &id, NULL, &out);
		if (out.result != answers[i].result ||
		    out.expires_in != answers[i].expires_in ||
		    out.throttled != 0 ||
		    strstr(out.text, answers[i].text) == NULL)
			fail_msg("row %zu: %d, %ld, \"%s\"", i, (int)out.result,
			    out.expires_in, out.text);
		assert_true((out.token != NULL) == (out.result == YES));
		assert_null(strstr(out.text, "too-long"));
		secret_free(&out.token);
	}
}

static void
test_no_answer(void **state)
{
	struct http_answer answer = {.status = 200,
	    .transport = "the answer is too long",
	    .body = "{" TOKEN "\"expires_in\":\"3599\"}"};
	struct entra_answer out;

	(void)state;
	answer.body_len = strlen(answer.body);
	managed_read(&answer, "system", &id, NULL, &out);
	assert_int_equal(out.result, LATER);
	assert_string_equal(
	    out.text, "cannot ask IMDS: the answer is too long");
}

static void
test_words_are_left_out(void **state)
{
	struct secret *key = secret_new("c2VjcmV0LWtleQ==", 16);
	struct http_answer answer = {.status = 400,
	    .body = ERROR("c2VjcmV0LWtleQ==", "bad c2VjcmV0LWtleQ==")};
	struct entra_answer out;

	(void)state;
	answer.body_len = strlen(answer.body);
	managed_read(&answer, "arc", &id, key, &out);
	assert_null(strstr(out.text, "c2Vj"));
	assert_int_equal(out.result, WRONG);
	secret_free(&key);
}

/* --- whose token it is --- */

/* Each row: what a token says, and whether it is used. */
static const struct {
	const char *claims;
	enum entra_result result;
} tokens[] = {
    {"{\"tid\":\"" T "\",\"appid\":\"" C "\"}", YES},
    {"{\"tid\":\"" T "\",\"azp\":\"" C "\"}", YES},
    {"{\"x\":\"\?\?\?~~~\",\"tid\":\"" T "\",\"appid\":\"" C "\"}", YES},
    {"{\"tid\":\"" T "\",\"appid\":\"" OTHER "\"}", WRONG},
    {"{\"tid\":\"" T "\",\"azp\":\"" OTHER "\"}", WRONG},
    {"{\"tid\":\"" OTHER "\",\"appid\":\"" C "\"}", WRONG},
    /* it need not say anything */
    {"{\"tid\":\"" OTHER "\"}", YES},
    {"{\"appid\":\"" OTHER "\"}", YES},
    {"{\"tid\":5,\"appid\":\"" OTHER "\"}", YES},
    {"[]", YES},
    {"{", YES},
};

static struct secret *
token_of(const char *claims)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char text[1000] = "e30.";
	size_t at = strlen(text), i, len = strlen(claims);
	unsigned int bits = 0, count = 0;

	for (i = 0; i < len; i++) {
		bits = bits << 8 | (unsigned char)claims[i];
		for (count += 8; count >= 6; count -= 6)
			text[at++] = digits[bits >> (count - 6) & 63];
	}
	if (count > 0)
		text[at++] = digits[bits << (6 - count) & 63];
	strcpy(text + at, ".c2ln");
	return secret_new(text, strlen(text));
}

static struct entra_answer
read_token(const char *token)
{
	struct http_answer answer = {.status = 200};
	struct entra_answer out;
	char body[1200];

	snprintf(body, sizeof(body),
	    "{\"access_token\":\"%s\",\"expires_in\":\"3599\"}", token);
	answer.body = body;
	answer.body_len = strlen(body);
	managed_read(&answer, "system", &id, NULL, &out);
	return out;
}

static void
test_whose(void **state)
{
	struct entra_answer out;
	struct secret *token;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
		token = token_of(tokens[i].claims);
		out = read_token(token->bytes);
		if (out.result != tokens[i].result)
			fail_msg("row %zu: %s", i, out.text);
		assert_true((out.token != NULL) == (out.result == YES));
		if (i == 3)
			assert_string_equal(out.text,
			    "the token is of application " T "/" OTHER
			    "; name that in the entry, or another "
			    "managed_identity");
		secret_free(&token);
		secret_free(&out.token);
	}
	out = read_token("opaque");
	assert_int_equal(out.result, YES);
	secret_free(&out.token);
}

/* --- the entry's words --- */

static void
test_unfit(void **state)
{
	(void)state;
	assert_null(managed_unfit("system"));
	assert_null(managed_unfit("arc"));
	assert_null(managed_unfit(C));
	assert_null(managed_unfit("ZmZmZnd3iIiZmaqqqqqqqg"));
	assert_non_null(managed_unfit("System"));
	assert_non_null(managed_unfit("user"));
	assert_non_null(managed_unfit(C "x"));
	assert_non_null(managed_unfit("&resource=x"));
}

/* --- Arc's files --- */

static char folder[] = "/tmp/daemon_managedXXXXXX";

#define GOOD "%s/a.key"
#define LIMIT "1 to 4096 visible characters"
#define OUTSIDE "names a file outside of "
#define SUFFIX "does not end in .key"

/* Each row: the challenge with the folder in the place of %s; what a.key holds;
 * what is said, or NULL where it is read. */
static const struct {
	const char *challenge;
	size_t len; /* of the file; -1: a.key is a link to b.key */
	const char *end; /* of the file */
	const char *said;
} keys[] = {
    {"Basic realm=" GOOD, 100, "x", NULL},
    {"basic realm=" GOOD, 100, "x\n", NULL},
    {"Basic realm=\"" GOOD "\"", 100, "x", NULL},
    {"Basic realm=" GOOD, 4095, "x", NULL},
    {"Basic realm=" GOOD, 4096, "x", LIMIT},
    {"Basic realm=" GOOD, 10000000, "x", LIMIT},
    {"Basic realm=" GOOD, 0, "", LIMIT},
    {"Basic realm=" GOOD, 0, "\n", LIMIT},
    {"Basic realm=" GOOD, 10, "\r\nX-Header: 1", LIMIT},
    {"Basic realm=" GOOD, 10, " x", LIMIT},
    {"Basic realm=" GOOD, (size_t)-1, "", "it is a symbolic link"},
    {"Basic realm=%s/missing.key", 1, "x", "No such file"},
    {"Basic realm=%s/folder.key", 1, "x", LIMIT},
    {"Basic realm=%s/a.txt", 1, "x", SUFFIX},
    {"Basic realm=%s/.key", 1, "x", SUFFIX},
    {"Basic realm=%s/..key", 1, "x", SUFFIX},
    {"Basic realm=%s/a.key.bak", 1, "x", SUFFIX},
    {"Basic realm=%s/", 1, "x", SUFFIX},
    {"Basic realm=%s", 1, "x", OUTSIDE},
    {"Basic realm=%s/../a.key", 1, "x", OUTSIDE},
    {"Basic realm=%s/folder.key/a.key", 1, "x", OUTSIDE},
    {"Basic realm=%s/./a.key", 1, "x", OUTSIDE},
    {"Basic realm=%s//a.key", 1, "x", OUTSIDE},
    {"Basic realm=%s-more/a.key", 1, "x", OUTSIDE},
    {"Basic realm=/etc/msgraph/vault.key", 1, "x", OUTSIDE},
    {"Basic realm=a.key", 1, "x", OUTSIDE},
    {"Basic realm=", 1, "x", OUTSIDE},
    {"Bearer realm=%s/a.key", 1, "x", "names no file"},
    {"", 1, "x", "names no file"},
};

static void
write_key(size_t len, const char *end)
{
	char a[64], b[64];
	FILE *out;

	snprintf(a, sizeof(a), "%s/a.key", folder);
	snprintf(b, sizeof(b), "%s/b.key", folder);
	unlink(a);
	if (len == (size_t)-1) {
		assert_int_equal(symlink(b, a), 0);
		return;
	}
	out = fopen(a, "wx");
	while (len-- > 0)
		putc('k', out);
	fputs(end, out);
	fclose(out);
}

static void
test_keys(void **state)
{
	char challenge[200];
	struct secret *key;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(
		    challenge, sizeof(challenge), keys[i].challenge, folder);
#pragma GCC diagnostic pop
		write_key(keys[i].len, keys[i].end);
		err.text[0] = '\0';
		key = arc_key_read(folder, challenge, &err);
		if ((key == NULL) != (keys[i].said != NULL) ||
		    (key == NULL && strstr(err.text, keys[i].said) == NULL))
			fail_msg("row %zu: %s", i, err.text);
		if (key == NULL)
			assert_int_equal(err.class, ERROR_OURS);
		else
			assert_int_equal(key->len, keys[i].len + 1);
		secret_free(&key);
	}
}

static void
test_key_of_others(void **state)
{
	char challenge[100];
	struct secret *key;
	struct error err;
	int is_root = geteuid() == 0;

	(void)state;
	write_key(10, "");
	snprintf(challenge, sizeof(challenge), "%s/a.key", folder);
	assert_int_equal(chmod(challenge, 0), 0);
	snprintf(challenge, sizeof(challenge), "Basic realm=" GOOD, folder);
	if (is_root) /* who may read all */
		assert_int_equal(seteuid(65534), 0);
	key = arc_key_read(folder, challenge, &err);
	if (is_root)
		assert_int_equal(seteuid(0), 0);
	assert_null(key);
	assert_non_null(strstr(err.text, "usermod -aG himds msgraphd"));
}

static int
begin(void **state)
{
	char path[64];
	FILE *out;

	(void)state;
	if (mkdtemp(folder) == NULL || chmod(folder, 0711) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/b.key", folder);
	out = fopen(path, "wx");
	fputs("b", out);
	fclose(out);
	snprintf(path, sizeof(path), "%s/folder.key", folder);
	return mkdir(path, 0700);
}

static int
end(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/a.key", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/b.key", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/folder.key", folder);
	rmdir(path);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_no_answer),
	    cmocka_unit_test(test_words_are_left_out),
	    cmocka_unit_test(test_whose),
	    cmocka_unit_test(test_unfit),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_key_of_others),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
