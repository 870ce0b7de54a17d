/*
 * The daemon's parts with memory short: each allocation in turn fails, in our
 * code, in OpenSSL and libcurl (whose allocator is ours, wipemem.c), and in
 * SQLite. What is left is a failure that waiting heals: no answer is taken for
 * another one, and nothing is lost. And what went through the libraries leaves
 * no secret in freed memory.
 *
 * Jansson is left out: up to 2.14 it goes on without a character that it has no
 * memory for and then reads and writes past its buffers (akheron/jansson, issue
 * 362).
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <sqlite3.h>

#include "failmalloc.h"
#include "pem_file.h"

#include "agent/daemon/base/wipemem.h"
#include "agent/daemon/entra/auth_cache.h"
#include "agent/daemon/entra/credential.h"
#include "agent/daemon/entra/entra.h"
#include "agent/daemon/message/source.h"
#include "agent/daemon/store/state.h"
#include "agent/daemon/store/vault.h"

#define SECRET "Abc8Q~-a-secret-that-must-be-wiped"

static const struct identity id = {"11111111-2222-3333-4444-555555555555",
    "66666666-7777-8888-9999-000000000000"};
static struct entra_request request = {
    .id = &id, .resource = "https://graph.example", .proof = CREDENTIAL_SECRET};

static char folder[] = "/tmp/daemon_allocXXXXXX";
static char key_file[64];
static sqlite3_mem_methods sqlite_real;

static void *
sqlite_malloc(int size)
{
	return fails() ? NULL : sqlite_real.xMalloc(size);
}

static void *
sqlite_realloc(void *p, int size)
{
	return fails() ? NULL : sqlite_real.xRealloc(p, size);
}

static int
set_up(void **state)
{
	sqlite3_mem_methods failing;

	(void)state;
	if (wipemem_install() == -1 || mkdtemp(folder) == NULL ||
	    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_real) != SQLITE_OK)
		return -1;
	failing = sqlite_real;
	failing.xMalloc = sqlite_malloc;
	failing.xRealloc = sqlite_realloc;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) != SQLITE_OK)
		return -1;
	snprintf(key_file, sizeof(key_file), "%s/key", folder);
	return auth_cache_init();
}

static void
remove_files(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[512];

	while ((entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		unlink(path);
	}
	closedir(dir);
}

static int
tear_down(void **state)
{
	(void)state;
	remove_files();
	return rmdir(folder);
}

/* --- answers --- */

static void
set_answer(struct http_answer *answer, long status, const char *body)
{
	memset(answer, 0, sizeof(*answer));
	answer->status = status;
	answer->body = body;
	answer->body_len = strlen(body);
}

/* --- what is freed --- */

/* Through JSON, a form and the vault, and no copy stays behind. */
static void
test_wiped(void **state)
{
	struct vault *vault = vault_load(key_file, 1, NULL);
	struct secret *secret = secret_new(SECRET, strlen(SECRET));
	struct http_answer answer;
	struct entra_answer out;
	struct buf form, sealed;

	(void)state;
	set_answer(&answer, 200,
	    "{\"expires_in\":3599,\"access_token\":\"" SECRET "\"}");
	buf_init(&form, ENTRA_FORM_MAX);
	buf_init(&sealed, 1000);
	fail_state.seen = 0;
	fail_state.secret = SECRET;
	entra_read(&answer, secret, &out);
	assert_string_equal(out.token->bytes, SECRET);
	secret_free(&out.token);
	request.secret = secret;
	assert_int_equal(entra_form(&request, &form), 0);
	assert_non_null(memmem(form.bytes, form.len, SECRET, strlen(SECRET)));
	buf_wipe(&form);
	assert_int_equal(
	    vault_seal(vault, "c", secret->bytes, secret->len, &sealed, NULL),
	    0);
	secret_free(&secret);
	secret = vault_open(vault, "c", sealed.bytes, sealed.len, NULL);
	assert_string_equal(secret->bytes, SECRET);
	secret_free(&secret);
	assert_int_equal(fail_state.seen, 0);
	fail_state.secret = NULL;
	buf_free(&sealed);
	vault_free(&vault);
}

/* --- failures --- */

/* A token that cannot be kept is "not now". */
static void
test_entra_read(void **state)
{
	struct http_answer answer;
	struct entra_answer out;

	(void)state;
	json_set_alloc_funcs(__real_malloc, __real_free);
	set_answer(&answer, 200,
	    "{\"expires_in\":3599,\"access_token\":\"" SECRET "\"}");
	fail_at(1);
	entra_read(&answer, NULL, &out);
	assert_true(fail_end());
	assert_int_equal(out.result, ENTRA_UNAVAILABLE);
	assert_null(out.token);
	assert_string_equal(out.text, "out of memory");
}

static void
test_entra_form(void **state)
{
	struct secret *secret = secret_new(SECRET, strlen(SECRET));
	struct buf out;
	size_t n;
	int result;

	(void)state;
	request.secret = secret;
	for (n = 1;; n++) {
		buf_init(&out, ENTRA_FORM_MAX);
		fail_at(n);
		result = entra_form(&request, &out);
		if (!fail_end())
			break;
		assert_int_equal(result, -1);
		buf_wipe(&out);
	}
	assert_true(n > 3);
	assert_int_equal(result, 0);
	buf_wipe(&out);
	secret_free(&secret);
}

/* --- own credentials --- */

/* A key and its certificate give an assertion, or none. */
static void
test_credential(void **state)
{
	struct credential *credential;
	struct secret *secret;
	char file[80];
	struct error err;
	FILE *out;
	size_t n;

	(void)state;
	snprintf(file, sizeof(file), "%s/pem", folder);
	pem_begin();
	out = fopen(file, "wx");
	pem_write(out, "kc");
	fclose(out);
	chmod(file, 0400);
	credential = credential_new("certificate_file", file, &err);
	for (n = 1;; n += n < 100 ? 1 : 13) { /* there are thousands */
		fail_at(n);
		secret = credential_prove(
		    credential, &id, "https://login.test", &err);
		if (!fail_end())
			break;
		/* OpenSSL gets by without some of what it asks for */
		if (secret == NULL)
			assert_int_not_equal(err.class, ERROR_PERMANENT);
		else
			assert_in_range(secret->len, 700, 1000);
		secret_free(&secret);
	}
	assert_true(n > 100);
	assert_non_null(secret);
	secret_free(&secret);
	credential_free(&credential);
	assert_null(credential_new("secret_file", "x", &err));
	pem_end();
	unlink(file);
}

/* --- digests --- */

/* No secret passes for another because neither could be digested. */
static void
test_auth_cache(void **state)
{
	unsigned char first[AUTH_CACHE_DIGEST_SIZE],
	    second[AUTH_CACHE_DIGEST_SIZE];
	struct secret *right = secret_new("right", 5);
	struct secret *wrong = secret_new("wrong", 5);
	struct auth_cache auth_cache = {0};
	size_t n;
	int failed;

	(void)state;
	for (n = 1;; n++) {
		memset(first, 'x', sizeof(first));
		memset(second, 'x', sizeof(second));
		fail_from(n);
		auth_cache_digest(right, first);
		auth_cache_remember(&auth_cache, first);
		failed = fail_end();
		fail_from(n);
		auth_cache_digest(wrong, second);
		fail_end();
		assert_memory_not_equal(first, second, sizeof(first));
		assert_int_equal(
		    auth_cache_find(&auth_cache, second, 1000000), 0);
		if (!failed)
			break;
	}
	assert_true(n > 1);
	assert_int_equal(auth_cache_find(&auth_cache, first, 1000000), 1);
	secret_free(&right);
	secret_free(&wrong);
}

/* --- vault and state --- */

static void
test_vault(void **state)
{
	struct vault *vault = vault_load(key_file, 1, NULL), *again;
	struct secret *opened;
	struct error err;
	struct buf out;
	size_t n;
	int result;

	(void)state;
	for (n = 1;; n++) {
		fail_at(n);
		again = vault_load(key_file, 0, &err);
		if (!fail_end())
			break;
		assert_null(again);
		assert_int_equal(err.dsn[0], '4');
	}
	vault_free(&again);
	for (n = 1;; n++) {
		buf_init(&out, 1000);
		fail_at(n);
		result = vault_seal(vault, "c", SECRET, 20, &out, &err);
		if (!fail_end())
			break;
		/* some of OpenSSL's allocations are for speed alone */
		if (result == -1)
			assert_int_equal(out.len, 0);
		buf_free(&out);
	}
	assert_true(n > 2);
	assert_int_equal(result, 0);
	for (n = 1;; n++) {
		fail_at(n);
		opened = vault_open(vault, "c", out.bytes, out.len, &err);
		if (!fail_end())
			break;
		if (opened != NULL)
			assert_memory_equal(opened->bytes, SECRET, 20);
		secret_free(&opened);
	}
	assert_true(n > 2);
	assert_memory_equal(opened->bytes, SECRET, 20);
	secret_free(&opened);
	buf_free(&out);
	vault_free(&vault);
}

static void
check_get(struct state *st)
{
	struct state_credential c;
	struct error err;
	size_t n;
	int found;

	for (n = 1;; n++) {
		fail_at(n);
		found = state_get(st, &id, &c, &err);
		if (!fail_end())
			break;
		if (found == 1)
			assert_string_equal(c.secret->bytes, SECRET);
		else
			assert_null(c.secret);
		state_credential_clear(&c);
	}
	assert_true(n > 2);
	assert_int_equal(found, 1);
	assert_string_equal(c.secret->bytes, SECRET);
	assert_string_equal(c.token->bytes, "token");
	state_credential_clear(&c);
}

/* Opens the state at the first try that memory allows; how many it took. */
static size_t
open_at_last(const struct vault *vault, struct state **st)
{
	struct error err;
	size_t n;

	for (n = 1;; n++) {
		fail_at(n);
		*st = state_open(folder, vault, &err);
		if (!fail_end())
			break;
		if (*st == NULL)
			assert_int_equal(err.dsn[0], '4');
		state_close(st);
	}
	if (*st == NULL)
		fail_msg("%s", err.text);
	return n;
}

static void
test_state(void **state)
{
	struct state_credential c = {.token_expires = 1, .verified = 2};
	struct vault *vault = vault_load(key_file, 1, NULL);
	struct state *st;
	struct error err;
	size_t n;
	int result;

	(void)state;
	c.secret = secret_new(SECRET, strlen(SECRET));
	c.token = secret_new("token", 5);
	assert_true(open_at_last(vault, &st) > 10);
	for (n = 1;; n++) {
		fail_at(n);
		result = state_put(st, &id, &c, &err);
		if (!fail_end())
			break;
		if (result == -1)
			assert_int_equal(err.dsn[0], '4');
	}
	assert_true(n > 2);
	assert_int_equal(result, 0);
	check_get(st);
	state_close(&st);
	/* failed openings have not damaged what is there */
	assert_true(open_at_last(vault, &st) > 10);
	check_get(st);
	state_close(&st);
	state_credential_clear(&c);
	vault_free(&vault);
}

/* --- source --- */

static void
test_source(void **state)
{
	struct source source;
	size_t i, n;

	(void)state;
	for (n = 1; n <= 3; n++) {
		source_init(&source, -1);
		fail_at(n);
		for (i = 0; i < 48; i++)
			if (source_add_segment(&source, "0,1") == -1)
				break;
		assert_true(fail_end());
		/* it fails where it would have grown: at 0, 16 and 32 */
		assert_int_equal(i, (n - 1) * 16);
		assert_int_equal(source.count, i);
		assert_int_equal(source.size, (long long)i);
		assert_int_equal(source_add_segment(&source, "0,1"), 0);
		source_free(&source);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wiped),
	    cmocka_unit_test(test_entra_read),
	    cmocka_unit_test(test_entra_form),
	    cmocka_unit_test(test_credential),
	    cmocka_unit_test(test_auth_cache),
	    cmocka_unit_test(test_vault),
	    cmocka_unit_test(test_state),
	    cmocka_unit_test(test_source),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
