/*
 * The vault (agent/daemon/store/vault.c): which key files are taken, how one is
 * made, and that what is sealed opens with the right key and context, whole
 * and unchanged, and no other way.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/daemon/store/vault.h"

static char folder[] = "/tmp/daemon_vaultXXXXXX";
static char file[64], new_file[64], other[64];

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/key", folder);
	snprintf(new_file, sizeof(new_file), "%s/key.new", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	return 0;
}

static void
remove_all(void)
{
	const char *const names[] = {file, new_file, other};
	size_t i;

	for (i = 0; i < 3; i++)
		if (unlink(names[i]) == -1 && errno != ENOENT)
			rmdir(names[i]);
}

static int
clean_up(void **state)
{
	(void)state;
	remove_all();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	return rmdir(folder);
}

static struct vault *
load(int create)
{
	struct error err;
	struct vault *vault = vault_load(file, create, &err);

	if (vault == NULL)
		fail_msg("%s", err.text);
	return vault;
}

/* 1 when what one seals the other opens. */
static int
same_key(const struct vault *a, const struct vault *b)
{
	struct secret *opened;
	struct buf sealed;
	int same;

	buf_init(&sealed, 1000);
	assert_int_equal(vault_seal(a, "c", "x", 1, &sealed, NULL), 0);
	opened = vault_open(b, "c", sealed.bytes, sealed.len, NULL);
	same = opened != NULL;
	secret_free(&opened);
	buf_free(&sealed);
	return same;
}

/* --- the key file --- */

static void
test_create(void **state)
{
	struct vault *first, *second;
	struct stat st;
	mode_t old;

	(void)state;
	/* the leavings of one that was killed, and a trap */
	assert_int_equal(symlink(other, new_file), 0);
	old = umask(0);
	first = load(1);
	umask(old);
	assert_int_equal(lstat(file, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0400);
	assert_int_equal(st.st_size, VAULT_KEY_SIZE);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(lstat(new_file, &st), -1);
	assert_int_equal(lstat(other, &st), -1);
	/* from then on it is that key, whether one may be made or not */
	second = load(0);
	assert_true(same_key(first, second));
	vault_free(&second);
	second = load(1);
	assert_true(same_key(first, second));
	vault_free(&second);
	/* and another file is another key */
	unlink(file);
	second = load(1);
	assert_false(same_key(first, second));
	vault_free(&second);
	vault_free(&first);
	assert_null(first);
	vault_free(&first);
}

static void
assert_refused(int create, const char *said)
{
	struct error err;

	assert_null(vault_load(file, create, &err));
	assert_int_equal(err.class, ERROR_OURS);
	assert_string_equal(err.dsn, "4.3.5");
	if (strstr(err.text, file) == NULL || strstr(err.text, said) == NULL)
		fail_msg("%s", err.text);
}

/* A key that is missing while its state exists is not made anew. */
static void
test_missing(void **state)
{
	struct stat st;

	(void)state;
	assert_refused(0, "restore it from your backup");
	assert_int_equal(lstat(file, &st), -1);
}

static void
make_key(size_t size, mode_t mode)
{
	char bytes[64] = {0};
	int fd;

	remove_all();
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static const struct {
	size_t size;
	mode_t mode;
	const char *said; /* NULL: taken */
} key_files[] = {
    {32, 0400, NULL},
    {32, 0600, NULL},
    {32, 0700, NULL},
    {32, 0440, "has mode 0440, so others may read it; run: chmod 0400"},
    {32, 0404, "has mode 0404"},
    {32, 0420, "has mode 0420"},
    {32, 0401, "has mode 0401"},
    {32, 0644, "has mode 0644"},
    {0, 0400, "has 0 bytes instead of 32"},
    {31, 0400, "has 31 bytes instead of 32"},
    {33, 0400, "has 33 bytes instead of 32"},
    {64, 0400, "has 64 bytes instead of 32"},
};

static void
test_key_files(void **state)
{
	struct vault *vault;
	size_t i;
	int create;

	(void)state;
	for (i = 0; i < sizeof(key_files) / sizeof(*key_files); i++) {
		make_key(key_files[i].size, key_files[i].mode);
		for (create = 0; create <= 1; create++) {
			if (key_files[i].said != NULL) {
				assert_refused(create, key_files[i].said);
				continue;
			}
			vault = load(create);
			vault_free(&vault);
		}
	}
}

/* What is no regular file is neither read nor waited for. */
static void
test_other_files(void **state)
{
	(void)state;
	make_key(32, 0400);
	assert_int_equal(rename(file, other), 0);
	assert_int_equal(symlink(other, file), 0);
	assert_refused(1, "symbolic links");
	unlink(file);
	assert_int_equal(symlink("nowhere", file), 0);
	assert_refused(1, "symbolic links");
	unlink(file);
	assert_int_equal(mkdir(file, 0700), 0);
	assert_refused(1, "not a regular file");
	rmdir(file);
	assert_int_equal(mkfifo(file, 0400), 0);
	assert_refused(1, "not a regular file");
}

static void
test_owner(void **state)
{
	(void)state;
	make_key(32, 0400);
	if (chown(file, 12345, (gid_t)-1) == -1)
		skip(); /* takes root */
	assert_refused(0, "belongs to uid 12345");
}

static void
test_no_folder(void **state)
{
	struct error err;

	(void)state;
	assert_null(vault_load("/nonexistent/x/key", 1, &err));
	assert_int_equal(err.class, ERROR_OURS);
	assert_non_null(strstr(err.text,
	    "cannot make the vault key "
	    "/nonexistent/x/key: No such file"));
	assert_non_null(strstr(err.text, "/dev/urandom"));
}

/* --- sealing --- */

static const size_t sizes[] = {0, 1, 15, 16, 17, 1000, 1024 * 1024 - 1};

static void
test_sizes(void **state)
{
	struct vault *vault = load(1);
	char *bytes = malloc(1024 * 1024);
	struct secret *opened;
	struct buf sealed;
	size_t i;

	(void)state;
	assert_non_null(bytes);
	for (i = 0; i < 1024 * 1024; i++)
		bytes[i] = (char)i;
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		buf_init(&sealed, 2 * 1024 * 1024);
		buf_add_string(&sealed, "before");
		assert_int_equal(vault_seal(vault, "context", bytes, sizes[i],
				     &sealed, NULL),
		    0);
		assert_int_equal(sealed.len, 6 + sizes[i] + VAULT_OVERHEAD);
		assert_memory_equal(sealed.bytes, "before", 6);
		assert_int_equal(sealed.bytes[sealed.len], '\0');
		opened = vault_open(
		    vault, "context", sealed.bytes + 6, sealed.len - 6, NULL);
		assert_non_null(opened);
		assert_int_equal(opened->len, sizes[i]);
		assert_memory_equal(opened->bytes, bytes, sizes[i]);
		assert_int_equal(opened->bytes[opened->len], '\0');
		secret_free(&opened);
		buf_free(&sealed);
	}
	free(bytes);
	vault_free(&vault);
}

/* What does not fit leaves the buffer as it was. */
static void
test_too_big(void **state)
{
	struct vault *vault = load(1);
	char *bytes = calloc(1, 1024 * 1024);
	struct error err;
	struct buf sealed;

	(void)state;
	assert_non_null(bytes);
	buf_init(&sealed, 2 * 1024 * 1024);
	assert_int_equal(
	    vault_seal(vault, "c", bytes, 1024 * 1024, &sealed, &err), -1);
	assert_int_equal(sealed.len, 0);
	buf_init(&sealed, 10 + VAULT_OVERHEAD);
	assert_int_equal(vault_seal(vault, "c", bytes, 11, &sealed, &err), -1);
	assert_string_equal(err.text, "cannot seal");
	assert_int_equal(sealed.len, 0);
	assert_int_equal(vault_seal(vault, "c", bytes, 10, &sealed, &err), 0);
	buf_free(&sealed);
	free(bytes);
	vault_free(&vault);
}

#define ID_A "11111111-2222-3333-4444-555555555555/a"
#define ID_B "11111111-2222-3333-4444-555555555555/b"

static const struct {
	const char *sealed, *opened;
	int opens;
} contexts[] = {
    {ID_A " secret", ID_A " secret", 1},
    {"", "", 1},
    {ID_A " secret", ID_B " secret", 0},
    {ID_A " secret", ID_A " token", 0},
    {ID_A " secret", ID_A " secret ", 0},
    {ID_A " secret", ID_A " secre", 0},
    {ID_A " secret", "", 0},
    {"", "x", 0},
};

static void
test_contexts(void **state)
{
	struct vault *vault = load(1);
	struct secret *opened;
	struct error err;
	struct buf sealed;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(contexts) / sizeof(*contexts); i++) {
		buf_init(&sealed, 1000);
		assert_int_equal(vault_seal(vault, contexts[i].sealed, "text",
				     4, &sealed, NULL),
		    0);
		opened = vault_open(
		    vault, contexts[i].opened, sealed.bytes, sealed.len, &err);
		if ((opened != NULL) != contexts[i].opens)
			fail_msg("case %zu", i);
		if (opened == NULL)
			assert_non_null(strstr(err.text, "do not open"));
		secret_free(&opened);
		buf_free(&sealed);
	}
	vault_free(&vault);
}

/* A bit changed anywhere, a byte missing or too many: nothing comes out. */
static void
test_damage(void **state)
{
	struct vault *vault = load(1);
	struct error err;
	struct buf sealed;
	char *copy;
	size_t i;

	(void)state;
	buf_init(&sealed, 1000);
	assert_int_equal(
	    vault_seal(vault, "c", "the text", 8, &sealed, NULL), 0);
	for (i = 0; i < 8 * sealed.len; i++) {
		sealed.bytes[i / 8] ^= (char)(1 << i % 8);
		assert_null(
		    vault_open(vault, "c", sealed.bytes, sealed.len, &err));
		assert_int_equal(err.class, ERROR_OURS);
		sealed.bytes[i / 8] ^= (char)(1 << i % 8);
	}
	for (i = 0; i <= sealed.len + 1; i++) {
		if (i == sealed.len)
			continue;
		copy = calloc(1, i == 0 ? 1 : i);
		assert_non_null(copy);
		memcpy(copy, sealed.bytes, i < sealed.len ? i : sealed.len);
		assert_null(vault_open(vault, "c", copy, i, &err));
		free(copy);
	}
	assert_null(vault_open(vault, "c", NULL, 0, &err));
	buf_free(&sealed);
	vault_free(&vault);
}

/* Never the same nonce, so never the same bytes. */
static void
test_nonce(void **state)
{
	enum { ROUNDS = 200, SIZE = VAULT_OVERHEAD + 4 };
	struct vault *vault = load(1);
	struct buf sealed;
	size_t i, j;

	(void)state;
	buf_init(&sealed, ROUNDS * SIZE);
	for (i = 0; i < ROUNDS; i++)
		assert_int_equal(
		    vault_seal(vault, "c", "same", 4, &sealed, NULL), 0);
	for (i = 0; i < ROUNDS; i++) {
		for (j = 0; j < i; j++)
			assert_memory_not_equal(sealed.bytes + i * SIZE + 1,
			    sealed.bytes + j * SIZE + 1, 12);
		assert_null(memmem(sealed.bytes + i * SIZE, SIZE, "same", 4));
	}
	buf_free(&sealed);
	vault_free(&vault);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_create, clean_up),
	    cmocka_unit_test_teardown(test_missing, clean_up),
	    cmocka_unit_test_teardown(test_key_files, clean_up),
	    cmocka_unit_test_teardown(test_other_files, clean_up),
	    cmocka_unit_test_teardown(test_owner, clean_up),
	    cmocka_unit_test_teardown(test_no_folder, clean_up),
	    cmocka_unit_test_teardown(test_sizes, clean_up),
	    cmocka_unit_test_teardown(test_too_big, clean_up),
	    cmocka_unit_test_teardown(test_contexts, clean_up),
	    cmocka_unit_test_teardown(test_damage, clean_up),
	    cmocka_unit_test_teardown(test_nonce, clean_up),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
