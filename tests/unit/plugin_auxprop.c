/*
 * plugin_auxprop.c - the auxprop lookup as other callers of libsasl2 use it:
 * the typed secret stands in userPassword, stays there if it was verified and
 * is gone otherwise. Real property contexts of libsasl2, the rest is set here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sasl/prop.h>

#include "saslauthd-plugin/plugin.h"
#include "plugin_socket.h"

#define NAME                                    \
	"11111111-2222-3333-4444-555555555555:" \
	"66666666-7777-8888-9999-000000000000"
#define OK "\0\2OK", 4
#define NO "\0\2NO", 4
#define VERIFY SASL_AUXPROP_VERIFY_AGAINST_HASH

static int
no_option(void *context, const char *plugin, const char *option,
    const char **result, unsigned *len)
{
	(void)context, (void)plugin, (void)len;
	if (strcmp(option, "entra_socket") != 0)
		return SASL_FAIL;
	*result = SOCKET_PATH;
	return SASL_OK;
}

static void
ignore(sasl_conn_t *conn, int level, const char *fmt, ...)
{
	(void)conn, (void)level, (void)fmt;
}

static void
ignore_error(sasl_conn_t *conn, unsigned flags, const char *fmt, ...)
{
	(void)conn, (void)flags, (void)fmt;
}

static sasl_utils_t utils = {
    .getopt = no_option,
    .log = ignore,
    .seterror = ignore_error,
    .prop_getnames = prop_getnames,
    .prop_erase = prop_erase,
};

/* The result; *left says whether the property still has a value. */
static int
look_up(const char *user, unsigned flags, const char *secret, int *left)
{
	const char *names[] = {SASL_AUX_PASSWORD_PROP, NULL};
	sasl_server_params_t sparams = {
	    .service = "smtp", .utils = &utils, .user_realm = "example.com"};
	struct propval value[2];
	int result;

	sparams.propctx = prop_new(0);
	assert_non_null(sparams.propctx);
	if (secret != NULL) {
		assert_int_equal(prop_request(sparams.propctx, names), SASL_OK);
		assert_int_equal(
		    prop_set(sparams.propctx, names[0], secret, -1), SASL_OK);
	}
	result =
	    entra_lookup(NULL, &sparams, flags, user, (unsigned)strlen(user));
	memset(value, 0, sizeof(value));
	prop_getnames(sparams.propctx, names, value);
	*left = value[0].values != NULL;
	prop_dispose(&sparams.propctx);
	return result;
}

struct lookup_case {
	const char *user;
	unsigned flags;
	const char *secret;
	const char *answer;
	size_t answer_len;
	int result, left;
	size_t asked; /* bytes of the name that msgraphd was asked for */
};

static const struct lookup_case cases[] = {
    {NAME, VERIFY, "x", OK, SASL_OK, 1, 73},
    {NAME, VERIFY | SASL_AUXPROP_OVERRIDE, "x", OK, SASL_OK, 1, 73},
    {NAME "@example.com", VERIFY, "x", OK, SASL_OK, 1, 73},
    {NAME, VERIFY, "x", NO, SASL_BADAUTH, 0, 73},
    {NAME, VERIFY, "x", NULL, 0, SASL_UNAVAIL, 0, 73},
    {NAME, VERIFY, "", OK, SASL_BADAUTH, 0, 0},
    {NAME, VERIFY, NULL, OK, SASL_FAIL, 0, 0},
    /* another plugin may know the name and wants the secret */
    {"local@example.com", VERIFY, "x", OK, SASL_NOUSER, 1, 0},
    {"", VERIFY, "x", OK, SASL_NOUSER, 1, 0},
    /* not asked to verify, or not for who signs in */
    {NAME, 0, "x", OK, SASL_NOUSER, 1, 0},
    {NAME, SASL_AUXPROP_OVERRIDE, "x", OK, SASL_NOUSER, 1, 0},
    {NAME, VERIFY | SASL_AUXPROP_AUTHZID, "x", OK, SASL_NOUSER, 1, 0},
};

static void
test_lookups(void **state)
{
	const struct lookup_case *t;
	char request[256];
	size_t i, len;
	int result, left;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		t = &cases[i];
		socket_answer(t->answer, t->answer_len);
		result = look_up(t->user, t->flags, t->secret, &left);
		len = socket_request(request, sizeof(request));
		if (result != t->result || left != t->left ||
		    (len == 0 ? 0 : (size_t)request[1]) != t->asked)
			fail_msg("case %zu: %d, left %d", i, result, left);
	}
}

static void
test_long_secret(void **state)
{
	char secret[1026];
	int left;

	(void)state;
	memset(secret, 'a', sizeof(secret));
	secret[1025] = '\0';
	socket_answer(OK);
	assert_int_equal(look_up(NAME, VERIFY, secret, &left), SASL_BADAUTH);
	assert_int_equal(left, 0);
	secret[1024] = '\0';
	assert_int_equal(look_up(NAME, VERIFY, secret, &left), SASL_OK);
}

static void
test_bad_parameters(void **state)
{
	sasl_server_params_t sparams = {.utils = &utils};

	(void)state;
	assert_int_equal(
	    entra_lookup(NULL, NULL, VERIFY, NAME, 73), SASL_BADPARAM);
	assert_int_equal(
	    entra_lookup(NULL, &sparams, VERIFY, NULL, 0), SASL_BADPARAM);
	/* no property context at all */
	assert_int_equal(
	    entra_lookup(NULL, &sparams, VERIFY, NAME, 73), SASL_FAIL);
}

static void
test_versions(void **state)
{
	sasl_auxprop_plug_t *plug;
	sasl_server_plug_t *plugs;
	int version = 0, count;

	(void)state;
	assert_int_equal(
	    sasl_auxprop_plug_init(&utils, SASL_AUXPROP_PLUG_VERSION - 1,
		&version, &plug, "entra"),
	    SASL_BADVERS);
	assert_int_equal(
	    sasl_auxprop_plug_init(&utils, SASL_AUXPROP_PLUG_VERSION + 1,
		&version, &plug, "entra"),
	    SASL_OK);
	assert_int_equal(version, SASL_AUXPROP_PLUG_VERSION);
	assert_string_equal(plug->name, "entra");
	assert_int_equal(
	    sasl_server_plug_init(
		&utils, SASL_SERVER_PLUG_VERSION - 1, &version, &plugs, &count),
	    SASL_BADVERS);
}

static int
set_up(void **state)
{
	(void)state;
	socket_start();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	socket_stop();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lookups),
	    cmocka_unit_test(test_long_secret),
	    cmocka_unit_test(test_bad_parameters),
	    cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests_name(
	    "plugin_auxprop", tests, set_up, tear_down);
}
