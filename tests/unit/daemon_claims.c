/*
 * What is read from a token's payload, and from what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/daemon/entra/claims.h"
#include "lib/base/codec.h"

/* Makes header.payload.signature of a payload, in base64url. */
static struct secret *
make(const char *payload)
{
	char text[4096] = "e30.";
	size_t i, len = strlen(payload), n = strlen(text);
	struct secret *token;

	for (i = 0; i < len; i += 3, n += 4)
		codec_base64_put(
		    payload + i, len - i < 3 ? len - i : 3, text + n);
	while (n > 4 && text[n - 1] == '=')
		n--;
	for (i = 4; i < n; i++)
		text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
	strcpy(text + n, ".c2ln");
	token = secret_new(text, strlen(text));
	assert_non_null(token);
	return token;
}

static const struct {
	const char *payload, *client, *roles, *name;
	long long expires;
	int result;
} rows[] = {
    {"{\"appid\":\"a\",\"roles\":[\"Mail.Send\",\"Mail.Read\"],\"exp\":5}", "a",
	"Mail.Send Mail.Read", "", 5, 0},
    {"{\"appid\":\"a\",\"app_displayname\":\"\u00fc?>~\"}", "a", "",
	"\u00fc?>~", 0, 0},
    {"{\"roles\":[]}", "", "", "", 0, 0},
    {"{}", "", "", "", 0, 0},
    /* wrong types are as if they were not there */
    {"{\"appid\":1,\"roles\":\"Mail.Send\",\"exp\":\"5\"}", "", "", "", 0, 0},
    {"{\"appid\":\"a\",\"roles\":[1,\"x\"]}", "a", "? x", "", 0, 0},
    {"{\"app_displayname\":\"a\\nb\\u001b[2J\"}", "", "", "a?b?[2J", 0, 0},
    {"[]", "", "", "", 0, -1},
    {"\"text\"", "", "", "", 0, -1},
    {"{", "", "", "", 0, -1},
    {"", "", "", "", 0, -1},
};

static void
test_rows(void **state)
{
	struct claims claims;
	struct secret *token;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		token = make(rows[i].payload);
		assert_int_equal(claims_read(token, &claims), rows[i].result);
		assert_string_equal(claims.client, rows[i].client);
		assert_string_equal(claims.roles, rows[i].roles);
		assert_string_equal(claims.name, rows[i].name);
		assert_int_equal(claims.expires, rows[i].expires);
		secret_free(&token);
	}
}

/* Entra may encrypt a token, or change its form. */
static void
test_no_token(void **state)
{
	static const char *const texts[] = {"", "a", "a.b", "..", "a..c", "."};
	struct claims claims;
	struct secret *token;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		token = secret_new(texts[i], strlen(texts[i]));
		assert_non_null(token);
		assert_int_equal(claims_read(token, &claims), -1);
		assert_string_equal(claims.client, "");
		secret_free(&token);
	}
}

/* More roles than there is room for are cut, but none for mail. */
static void
test_many_roles(void **state)
{
	static const char mail[] = "Mail.Send Mail.Read a Some.Role ";
	char payload[2000] = "{\"roles\":[\"a\"";
	struct claims claims;
	struct secret *token;
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		strcat(payload, ",\"Some.Role\"");
	strcat(payload, ",\"Mail.Send\",\"Mail.Read\"]}");
	token = make(payload);
	assert_int_equal(claims_read(token, &claims), 0);
	assert_memory_equal(claims.roles, mail, strlen(mail));
	assert_int_equal(strlen(claims.roles), sizeof(claims.roles) - 1);
	secret_free(&token);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_no_token),
	    cmocka_unit_test(test_many_roles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
