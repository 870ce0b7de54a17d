/*
 * The relay's own credentials (agent/daemon/entra/credential*.c): a row is a
 * file, and what becomes of it. No error shows a part of what it holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "credential_file.h"

#define READER_GROUP 4321
#define OTHER_GROUP 4322
#define SOMEBODY 12345

#define SECRET "secret_file"
#define TOKEN "federated_token_file"
#define JWT "eyJhbGciOi.eyJhdWQi-_.pa55"
#define URL "https://login.test/t/oauth2/v2.0/token"

static const struct identity application = {"tenant-id", "client-id"};

/*
 * --- in the place of the C library's: user msgraph has a group of its own ---
 */

struct passwd *
getpwnam(const char *name)
{
	static struct passwd reader = {.pw_uid = 4321, .pw_gid = READER_GROUP};

	return strcmp(name, "msgraph") == 0 ? &reader : NULL;
}

struct group *
getgrnam(const char *name)
{
	(void)name;
	return NULL;
}

int
getgrouplist(const char *user, gid_t group, gid_t *groups, int *count)
{
	(void)user;
	groups[0] = group;
	return *count = 1;
}

/* --- files --- */

static struct credential *
credential_of(const char *attribute)
{
	struct error err;
	struct credential *credential = credential_new(attribute, file, &err);

	assert_non_null(credential);
	assert_string_equal(credential_attribute(credential), attribute);
	assert_string_equal(credential_value(credential), file);
	return credential;
}

static struct secret *
prove(const char *attribute, enum credential_proof *proof, struct error *err)
{
	struct credential *credential = credential_of(attribute);
	struct secret *secret =
	    credential_prove(credential, &application, URL, err);

	*proof = credential_proof(credential);
	credential_free(&credential);
	assert_null(credential);
	return secret;
}

/*
 * Both what a request does and what a check does: said is NULL where it serves.
 */
static void
expect(const char *attribute, const char *said)
{
	struct credential *credential = credential_of(attribute);
	struct error err = {0}, checked = {0};
	enum credential_proof proof;
	struct secret *secret = prove(attribute, &proof, &err);
	long long ends;
	int result = credential_check(credential, &ends, &checked);

	credential_free(&credential);
	if (said == NULL && (secret == NULL || result == -1))
		fail_msg("%s%s", err.text, checked.text);
	if (said == NULL) {
		secret_free(&secret);
		return;
	}
	assert_null(secret);
	assert_int_equal(result, -1);
	assert_int_equal(err.class, ERROR_OURS);
	assert_string_equal(err.dsn, "4.3.5");
	assert_string_equal(err.text, checked.text);
	if (strstr(err.text, said) == NULL || strstr(err.text, "pa55") != NULL)
		fail_msg("%s, and not: %s", err.text, said);
	assert_non_null(strstr(err.text, attribute));
	assert_non_null(strstr(err.text, file));
}

/* --- values --- */

static void
test_values(void **state)
{
	struct error err;

	(void)state;
	assert_true(credential_is_attribute(SECRET));
	assert_true(credential_is_attribute(PAIR));
	assert_true(credential_is_attribute(TOKEN));
	assert_false(credential_is_attribute("secret"));
	assert_null(credential_new("secret", "/x", &err));
	assert_null(credential_new(SECRET, "x", &err));
	assert_string_equal(
	    err.text, SECRET " must be a path that begins with /");
	assert_null(credential_new(PAIR, "", &err));
	assert_null(credential_new(TOKEN, "tokens/x", &err));
}

/* --- what a file holds --- */

static const struct {
	const char *attribute, *text, *said;
} contents[] = {
    {SECRET, "pa55~word", NULL},
    {SECRET, "pa55~word\n", NULL},
    {SECRET, "", "must hold one line of 1 to 1024 bytes"},
    {SECRET, "pa55\nword\n", "must hold one line"},
    {TOKEN, JWT, NULL},
    {TOKEN, JWT " \r\n", NULL},
    {TOKEN, "", "must hold 1 to 8192 bytes"},
    {TOKEN, "pa55", "holds no JSON Web Token"},
    {TOKEN, "pa55.pa55", "holds no JSON Web Token"},
    {TOKEN, "pa55..pa55", "holds no JSON Web Token"},
    {TOKEN, "pa55.pa55.pa55.pa55", "holds no JSON Web Token"},
    {TOKEN, "pa55.pa55.pa55 x", "holds no JSON Web Token"},
    {TOKEN, "pa55.pa55&client_id=x.pa55", "holds no JSON Web Token"},
    {TOKEN, " " JWT, "holds no JSON Web Token"},
    {PAIR, "kc", NULL},
    {PAIR, "ck", NULL},
    {PAIR, "koc", NULL}, /* with those that have signed it */
    {PAIR, "jkjcj", NULL},
    {PAIR, "ks", NULL},
    {PAIR, "", "must hold 1 to 65536 bytes"},
    {PAIR, "j", "holds no private key in PEM form"},
    {PAIR, "c", "holds no private key in PEM form"},
    {PAIR, "k", "holds no certificate in PEM form"},
    {PAIR, "ko", "do not fit each other"},
    {PAIR, "koo", "do not fit each other"},
    {PAIR, "ec", "is not RSA"},
    {PAIR, "pc", "decrypt it: openssl pkey"},
    {PAIR, "hc", "holds an RSA key of 1024 bits; it must have 2048 to 8192"},
    {PAIR, "kd", "holds a certificate that ended on "},
};

static void
test_contents(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(contents) / sizeof(*contents); i++) {
		write_at(file, contents[i].attribute, contents[i].text);
		expect(contents[i].attribute, contents[i].said);
	}
}

/* Each row: the longest file that serves, and one byte more. */
static const struct {
	const char *attribute, *start;
	size_t max;
} sizes[] = {
    {SECRET, "", SECRET_MAX},
    {TOKEN, "a.b.", ASSERTION_MAX},
    {PAIR, "kc", 65536},
};

static void
test_sizes(void **state)
{
	struct stat st;
	FILE *out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		write_at(file, sizes[i].attribute, sizes[i].start);
		assert_int_equal(stat(file, &st), 0);
		out = fopen(file, "a");
		for (; (size_t)st.st_size < sizes[i].max; st.st_size++)
			fputc('x', out);
		fflush(out);
		expect(sizes[i].attribute, NULL);
		fputc('x', out);
		fclose(out);
		expect(sizes[i].attribute, "must hold");
	}
}

/* --- who owns it, who may read it --- */

static const struct {
	const char *attribute;
	mode_t mode;
	gid_t group;
	const char *said;
} modes[] = {
    {SECRET, 0400, OTHER_GROUP, NULL},
    {SECRET, 0600, OTHER_GROUP, NULL},
    {SECRET, 0440, OTHER_GROUP, "others may read it; run: chmod 0400 /tmp/"},
    {SECRET, 0604, OTHER_GROUP, "others may read it; run: chmod 0400 /tmp/"},
    {SECRET, 0620, OTHER_GROUP, "others may change it; run: chmod 0400 /tmp/"},
    {PAIR, 0400, OTHER_GROUP, NULL},
    {PAIR, 0600, OTHER_GROUP, NULL},
    {PAIR, 0640, OTHER_GROUP, "others may read it; run: chmod 0400 /tmp/"},
    {PAIR, 0644, OTHER_GROUP, "others may read it; run: chmod 0400 /tmp/"},
    {TOKEN, 0400, READER_GROUP, NULL},
    {TOKEN, 0600, READER_GROUP, NULL},
    {TOKEN, 0640, OTHER_GROUP, NULL},
    {TOKEN, 0640, READER_GROUP, "others may read it; run: chmod 0600 /tmp/"},
    {TOKEN, 0644, OTHER_GROUP, "others may read it; run: chmod 0640 /tmp/"},
    {TOKEN, 0660, OTHER_GROUP, "others may change it; run: chmod 0640 /tmp/"},
    {TOKEN, 0602, OTHER_GROUP, "others may change it; run: chmod 0600 /tmp/"},
};

static const char *
text_of(const char *attribute)
{
	return strcmp(attribute, PAIR) == 0 ? "kc"
	    : strcmp(attribute, TOKEN) == 0 ? JWT
					    : "pa55";
}

static void
test_modes(void **state)
{
	size_t i;

	(void)state;
	if (geteuid() != 0)
		skip(); /* it gives files to other groups */
	for (i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		write_at(file, modes[i].attribute, text_of(modes[i].attribute));
		assert_int_equal(chown(file, (uid_t)-1, modes[i].group), 0);
		assert_int_equal(chmod(file, modes[i].mode), 0);
		expect(modes[i].attribute, modes[i].said);
	}
}

static const char *const attributes[] = {SECRET, PAIR, TOKEN};

static void
test_owner(void **state)
{
	size_t i;

	(void)state;
	if (geteuid() != 0)
		skip();
	for (i = 0; i < 3; i++) {
		write_at(file, attributes[i], text_of(attributes[i]));
		assert_int_equal(chown(file, SOMEBODY, (gid_t)-1), 0);
		expect(attributes[i], "belongs to uid 12345; run: chown root ");
	}
}

/* As the daemon's user: what is root's must be readable all the same. */
static void
test_files_of_root(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(folder, 0755), 0);
	write_at(file, TOKEN, JWT);
	assert_int_equal(chown(file, 0, OTHER_GROUP), 0);
	assert_int_equal(setegid(OTHER_GROUP), 0);
	assert_int_equal(seteuid(SOMEBODY), 0);
	expect(TOKEN, "Permission denied; run: chown 12345 ");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(file, 0444), 0);
	assert_int_equal(seteuid(SOMEBODY), 0);
	expect(TOKEN, "may read it; run: chown 12345 /tmp/");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(file, 0440), 0);
	assert_int_equal(seteuid(SOMEBODY), 0);
	expect(TOKEN, NULL);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(0), 0);
}

static void
test_links(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		unlink(file);
		write_at(other, attributes[i], text_of(attributes[i]));
		assert_int_equal(symlink(other, file), 0);
		expect(attributes[i],
		    strcmp(attributes[i], TOKEN) == 0
			? NULL
			: "it may be no symbolic link");
		assert_int_equal(chmod(other, 0604), 0);
		expect(attributes[i],
		    strcmp(attributes[i], TOKEN) == 0
			? "run: chmod 0600 /tmp/"
			: "it may be no symbolic link");
		unlink(file);
		expect(attributes[i], "No such file");
		assert_int_equal(mkfifo(file, 0400), 0);
		expect(attributes[i], "is not a regular file");
		unlink(file);
		assert_int_equal(mkdir(file, 0700), 0);
		expect(attributes[i], "is not a regular file");
		assert_int_equal(rmdir(file), 0);
	}
}

/* --- what a request carries --- */

/* A file that is replaced counts at once. */
static void
test_rotated(void **state)
{
	static const char *const texts[] = {"first", "second"};
	enum credential_proof proof;
	struct secret *secret;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		write_at(other, SECRET, texts[i]);
		assert_int_equal(rename(other, file), 0);
		secret = prove(SECRET, &proof, &err);
		assert_string_equal(secret->bytes, texts[i]);
		assert_int_equal(proof, CREDENTIAL_SECRET);
		secret_free(&secret);
	}
	for (i = 0; i < 2; i++) {
		write_at(other, TOKEN, i == 0 ? "a.b.c\n" : "d.e.f");
		assert_int_equal(rename(other, file), 0);
		secret = prove(TOKEN, &proof, &err);
		assert_string_equal(secret->bytes, i == 0 ? "a.b.c" : "d.e.f");
		assert_int_equal(proof, CREDENTIAL_ASSERTION);
		secret_free(&secret);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_contents),
	    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_modes),
	    cmocka_unit_test(test_owner),
	    cmocka_unit_test(test_files_of_root),
	    cmocka_unit_test(test_links),
	    cmocka_unit_test(test_rotated),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
