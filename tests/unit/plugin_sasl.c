/*
 * plugin_sasl.c - the plugin inside the real libsasl2, against an auth socket
 * that answers as told: every answer, every way to sign in, the auxprop
 * contract, and each allocation failing once.
 *
 * No plugin is loaded from the system: ours is linked in and added by hand,
 * and "local users" are what the callback check_local_user() knows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "saslauthd-plugin/plugin.h"
#include "plugin_host.h"
#include "plugin_socket.h"

#define T "11111111-2222-3333-4444-555555555555"
#define C "66666666-7777-8888-9999-000000000000"
#define NAME T "@" C

/* --- one sign-in --- */

struct dialogue {
	const char *mech;
	const char *initial; /* NULL: none */
	size_t initial_len;
	const char *replies[2]; /* to the challenges, NULL: none */
	size_t reply_lens[2];
};

#define BYTES(s) s, sizeof(s) - 1

static const struct dialogue plain = {
    "PLAIN", BYTES("\0" NAME "\0" SECRET), {NULL, NULL}, {0, 0}};
static const struct dialogue plain_later = {"PLAIN", NULL, 0,
    {"\0" NAME "\0" SECRET, NULL}, {sizeof("\0" NAME "\0" SECRET) - 1, 0}};
static const struct dialogue login = {
    "LOGIN", NULL, 0, {NAME, SECRET}, {sizeof(NAME) - 1, sizeof(SECRET) - 1}};
static const struct dialogue login_initial = {
    "login", BYTES(NAME), {SECRET, NULL}, {sizeof(SECRET) - 1, 0}};
static const struct dialogue local = {
    "PLAIN", BYTES("\0local@example.com\0" SECRET), {NULL, NULL}, {0, 0}};

static const struct dialogue *const dialogues[] = {
    &plain, &plain_later, &login, &login_initial};

static sasl_conn_t *
connection(void)
{
	sasl_conn_t *conn;

	assert_int_equal(sasl_server_new("smtp", "mx.example.com", NULL, NULL,
			     NULL, NULL, 0, &conn),
	    SASL_OK);
	return conn;
}

static int
speak(sasl_conn_t *conn, const struct dialogue *d)
{
	const char *out;
	const void *user;
	unsigned outlen;
	int result, i;

	result = sasl_server_start(
	    conn, d->mech, d->initial, (unsigned)d->initial_len, &out, &outlen);
	for (i = 0; i < 2 && result == SASL_CONTINUE && d->replies[i] != NULL;
	     i++)
		result = sasl_server_step(conn, d->replies[i],
		    (unsigned)d->reply_lens[i], &out, &outlen);
	seen_name[0] = '\0';
	if (result == SASL_OK &&
	    sasl_getprop(conn, SASL_USERNAME, &user) == SASL_OK)
		snprintf(
		    seen_name, sizeof(seen_name), "%s", (const char *)user);
	return result;
}

static int
sign_in(const struct dialogue *d)
{
	sasl_conn_t *conn = connection();
	int result;

	log_text[0] = '\0';
	result = speak(conn, d);
	sasl_dispose(&conn);
	assert_false(secret_left);
	return result;
}

/* --- tests --- */

struct answer_case {
	const char *bytes; /* NULL: say nothing and close */
	size_t len;
	int result;
	const char *logged;
};

#define COUNTED(n, s) "\0" n s, sizeof("\0" n s) - 1

static const struct answer_case answer_cases[] = {
    {COUNTED("\2", "OK"), SASL_OK, ""},
    {COUNTED("\7", "OK fine"), SASL_OK, ""},
    {COUNTED("\2", "NO"), SASL_BADAUTH, "2 entra: " T "/" C " refused: no"},
    {COUNTED("\7", "NO why\n"), SASL_BADAUTH, "refused: why?"},
    {NULL, 0, SASL_UNAVAIL, "closed without an answer"},
    {BYTES("\0"), SASL_UNAVAIL, "this is no answer of msgraphd"},
    {BYTES("OK"), SASL_UNAVAIL, "this is no answer of msgraphd"},
    {BYTES("HTTP/1.1 200 OK\r\n"), SASL_UNAVAIL,
	"this is no answer of msgraphd"},
    {BYTES("\4\1OK"), SASL_UNAVAIL, "this is no answer of msgraphd"},
    {COUNTED("\3", "OK"), SASL_UNAVAIL, "ends after 2 of 3 bytes"},
    {COUNTED("\0", ""), SASL_UNAVAIL, "neither OK nor NO"},
    {COUNTED("\1", "O"), SASL_UNAVAIL, "neither OK nor NO"},
    {COUNTED("\2", "ok"), SASL_UNAVAIL, "neither OK nor NO"},
    {COUNTED("\4", "OKAY"), SASL_UNAVAIL, "neither OK nor NO"},
    {COUNTED("\4", "NOPE"), SASL_UNAVAIL, "neither OK nor NO"},
    {COUNTED("\3", "OK\0"), SASL_UNAVAIL, "NUL in the answer"},
};

static void
test_answers(void **state)
{
	const struct answer_case *t;
	size_t i, j;
	int result;

	(void)state;
	for (i = 0; i < sizeof(answer_cases) / sizeof(*answer_cases); i++) {
		t = &answer_cases[i];
		for (j = 0; j < sizeof(dialogues) / sizeof(*dialogues); j++) {
			socket_answer(t->bytes, t->len);
			result = sign_in(dialogues[j]);
			if (result != t->result ||
			    strstr(log_text, t->logged) == NULL)
				fail_msg("answer %zu, dialogue %zu: %d, %s", i,
				    j, result, log_text);
			assert_null(strstr(log_text, "s3cr"));
			if (t->result == SASL_OK)
				assert_string_equal(seen_name, NAME);
		}
	}
}

/* --- the name that all after us see --- */

#define T_UPPER "AAAAAAAA-2222-3333-4444-555555555555"
#define T_LOWER "aaaaaaaa-2222-3333-4444-555555555555"

struct name_case {
	const char *typed, *answer;
	int result;
	const char *seen; /* SASL_OK */
	const char *logged; /* else */
};

static const struct name_case name_cases[] = {
    /* every spelling of one application */
    {T "@" C, "OK user=" T "@" C, SASL_OK, NAME, NULL},
    {T ":" C ".printer", "OK user=" T "@" C, SASL_OK, NAME, NULL},
    {T "|" C, "OK user=" T "@" C ".erp", SASL_OK, NAME ".erp", NULL},
    {T_UPPER ":" C, "OK user=" T_LOWER "@" C " and more", SASL_OK,
	T_LOWER "@" C, NULL},
    {"ERP@lookup", "OK user=" T "@" C ".erp", SASL_OK, NAME ".erp", NULL},
    {"erp:LOOKUP", "OK user=" T "@" C ".erp", SASL_OK, NAME ".erp", NULL},
    /* msgraphd before 0.2 */
    {T ":" C, "OK", SASL_OK, T ":" C, NULL},
    {T ":" C, "OK users=x", SASL_OK, T ":" C, NULL},
    /* what nobody has checked */
    {T ":" C, "OK user=", SASL_UNAVAIL, NULL, "no canonical name"},
    {T ":" C, "OK user=root", SASL_UNAVAIL, NULL, "no canonical name"},
    {T ":" C, "OK user=" T ":" C, SASL_UNAVAIL, NULL, "no canonical name"},
    {T ":" C, "OK user=" T_UPPER "@" C, SASL_UNAVAIL, NULL, "no canonical"},
    {T ":" C, "OK user=" T "@" C ".Erp", SASL_UNAVAIL, NULL, "no canonical"},
    {T ":" C, "OK user=" T "@" C ".a.b", SASL_UNAVAIL, NULL, "no canonical"},
    /* ours, and nobody else is asked */
    {"nobody@lookup", "NO no such entry", SASL_BADAUTH, NULL,
	"2 entra: nobody@lookup refused: no such entry"},
    {"no body|lookup", "NO no such entry", SASL_BADAUTH, NULL,
	"2 entra: @lookup refused: no such entry"},
};

static int
sign_in_as(const char *name)
{
	char message[512];
	struct dialogue d = {"PLAIN", message, 0, {NULL, NULL}, {0, 0}};

	d.initial_len = (size_t)snprintf(
	    message, sizeof(message), "%c%s%c" SECRET, '\0', name, '\0');
	return sign_in(&d);
}

static void
test_names(void **state)
{
	char answer[256];
	size_t i, len;
	int result;

	(void)state;
	for (i = 0; i < sizeof(name_cases) / sizeof(*name_cases); i++) {
		len = strlen(name_cases[i].answer);
		snprintf(answer, sizeof(answer), "%c%c%s", '\0', (char)len,
		    name_cases[i].answer);
		socket_answer(answer, len + 2);
		local_asked = 0;
		result = sign_in_as(name_cases[i].typed);
		if (result != name_cases[i].result)
			fail_msg("%zu: %d, %s", i, result, log_text);
		assert_false(local_asked);
		if (result == SASL_OK)
			assert_string_equal(seen_name, name_cases[i].seen);
		else
			assert_non_null(strstr(log_text, name_cases[i].logged));
	}
}

/* Another suffix, and none. */
static void
test_lookup_suffix(void **state)
{
	(void)state;
	socket_answer(COUNTED("\2", "NO"));
	entra_lookup_suffix = "table";
	assert_int_equal(sign_in_as("erp@table"), SASL_BADAUTH);
	local_asked = 0;
	assert_int_equal(sign_in_as("erp@lookup"), SASL_NOUSER);
	assert_true(local_asked);
	entra_lookup_suffix = "";
	assert_int_equal(sign_in_as("erp@"), SASL_NOUSER);
	entra_lookup_suffix = NULL;
}

static void
test_request(void **state)
{
	static const char want[] = "\0\x49" NAME "\0\x0a" SECRET "\0\4smtp\0\0";
	char got[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(dialogues) / sizeof(*dialogues); i++) {
		socket_answer(COUNTED("\2", "OK"));
		secrets_wiped = 0;
		assert_int_equal(sign_in(dialogues[i]), SASL_OK);
		assert_int_equal(secrets_wiped, 1);
		assert_int_equal(
		    socket_request(got, sizeof(got)), sizeof(want) - 1);
		assert_memory_equal(got, want, sizeof(want) - 1);
	}
}

/* Typed as the name, and then the client has gone. */
static void
test_secret_as_name(void **state)
{
	static const struct dialogue d = {
	    "LOGIN", SECRET, sizeof(SECRET) - 1, {NULL, NULL}, {0, 0}};

	(void)state;
	secrets_wiped = 0;
	assert_int_equal(sign_in(&d), SASL_CONTINUE);
	assert_int_equal(secrets_wiped, 1);
}

static void
test_no_answer_in_time(void **state)
{
	(void)state;
	entra_timeout = "1";
	socket_stall();
	assert_int_equal(sign_in(&plain), SASL_UNAVAIL);
	assert_non_null(strstr(log_text, "no answer within 1 seconds"));
	entra_timeout = NULL;
}

static void
test_no_socket(void **state)
{
	(void)state;
	entra_socket = "nowhere/auth";
	assert_int_equal(sign_in(&plain), SASL_UNAVAIL);
	assert_non_null(strstr(log_text,
	    "connect to nowhere/auth: No such file or directory (is msgraphd "
	    "running"));
	entra_socket = SOCKET_PATH;
}

static void
test_bad_options(void **state)
{
	static const char *const bad[] = {
	    "", "0", "-1", "1s", "3601", "x", "99999999999999999999"};
	char long_path[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		entra_timeout = bad[i];
		socket_answer(COUNTED("\2", "OK"));
		assert_int_equal(sign_in(&plain), SASL_FAIL);
		assert_non_null(strstr(log_text, "1 entra: "));
		assert_non_null(strstr(log_text, "entra_timeout: bad value"));
	}
	entra_timeout = NULL;
	entra_socket = "";
	assert_int_equal(sign_in(&plain), SASL_FAIL);
	assert_non_null(strstr(log_text, "entra_socket: bad value"));
	memset(long_path, 'a', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	entra_socket = long_path;
	assert_int_equal(sign_in(&plain), SASL_FAIL);
	entra_socket = SOCKET_PATH;
}

static void
test_local_users(void **state)
{
	static const struct dialogue wrong = {
	    "PLAIN", BYTES("\0local@example.com\0wrong"), {NULL, NULL}, {0, 0}};

	(void)state;
	socket_answer(NULL, 0); /* nobody may ask it */
	assert_int_equal(sign_in(&local), SASL_OK);
	assert_string_equal(seen_name, "local@example.com");
	assert_int_equal(sign_in(&wrong), SASL_NOUSER);
	assert_non_null(strstr(log_text, "the name is neither tenant"));
}

/* A failure before there is a name must not carry that of an earlier try. */
static void
test_names_do_not_linger(void **state)
{
	static const struct dialogue malformed = {"PLAIN", "x", 1, {0}, {0}};
	sasl_conn_t *conn = connection();
	const void *user;

	(void)state;
	socket_answer(COUNTED("\2", "NO"));
	assert_int_equal(speak(conn, &plain), SASL_BADAUTH);
	assert_int_equal(sasl_getprop(conn, SASL_USERNAME, &user), SASL_OK);
	assert_string_equal(user, NAME);
	assert_int_equal(speak(conn, &malformed), SASL_BADPROT);
	assert_int_not_equal(sasl_getprop(conn, SASL_USERNAME, &user), SASL_OK);
	socket_answer(COUNTED("\2", "OK"));
	assert_int_equal(speak(conn, &login), SASL_OK);
	sasl_dispose(&conn);
}

/*
 * Each allocation fails once. What could not be done for want of memory is
 * temporary. libsasl2 itself does without some (a second lookup of properties);
 * then the sign-in is good, but only if somebody was asked. It needs memory for
 * a canonical name, too.
 */
static void
fail_each_allocation(const struct dialogue *d)
{
	char request[512];
	sasl_conn_t *conn;
	int result, more = 1;
	long n;

	for (n = 0; more; n++) {
		socket_answer(COUNTED("\x51", "OK user=" NAME));
		local_asked = 0;
		conn = connection();
		fail_at = n;
		result = speak(conn, d);
		more = fail_at == -1; /* it came to that one */
		fail_at = -1;
		sasl_dispose(&conn);
		if (result == SASL_OK)
			assert_true(local_asked ||
			    socket_request(request, sizeof(request)) > 0);
		else
			assert_int_equal(result, SASL_NOMEM);
	}
	assert_int_equal(result, SASL_OK);
	assert_true(n > 3);
}

static void
test_allocations(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(dialogues) / sizeof(*dialogues); i++)
		fail_each_allocation(dialogues[i]);
	fail_each_allocation(&local);
}

static void
test_entry_points(void **state)
{
	static sasl_utils_t utils;
	static const char *const lists[] = {
	    "sasldb", "", "entrap sasldb", "xentra", NULL};
	sasl_server_plug_t *plugs;
	int version, count;
	size_t i;

	(void)state;
	utils.getopt = get_option;
	for (i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		auxprop_plugin = lists[i];
		assert_int_equal(
		    sasl_server_plug_init(&utils, SASL_SERVER_PLUG_VERSION,
			&version, &plugs, &count),
		    SASL_OK);
		assert_int_equal(version, SASL_SERVER_PLUG_VERSION);
		assert_int_equal(count, 0);
	}
	auxprop_plugin = "sasldb\tEntra";
	assert_int_equal(sasl_server_plug_init(&utils, SASL_SERVER_PLUG_VERSION,
			     &version, &plugs, &count),
	    SASL_OK);
	assert_int_equal(count, 2);
	auxprop_plugin = "entra";
}

static int
set_up(void **state)
{
	(void)state;
	sasl_set_alloc(scarce_malloc, scarce_calloc, scarce_realloc, forget);
	socket_start();
	if (sasl_server_init(callbacks, "test") != SASL_OK ||
	    sasl_server_add_plugin("stock", stock_init) != SASL_OK ||
	    sasl_server_add_plugin("entra", sasl_server_plug_init) != SASL_OK ||
	    sasl_server_add_plugin("later", stock_init) != SASL_OK ||
	    sasl_auxprop_add_plugin("entra", sasl_auxprop_plug_init) != SASL_OK)
		return -1;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sasl_done();
	socket_stop();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_lookup_suffix),
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_secret_as_name),
	    cmocka_unit_test(test_no_answer_in_time),
	    cmocka_unit_test(test_no_socket),
	    cmocka_unit_test(test_bad_options),
	    cmocka_unit_test(test_local_users),
	    cmocka_unit_test(test_names_do_not_linger),
	    cmocka_unit_test(test_allocations),
	    cmocka_unit_test(test_entry_points),
	};

	return cmocka_run_group_tests_name(
	    "plugin_sasl", tests, set_up, tear_down);
}
