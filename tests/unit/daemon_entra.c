/*
 * What is said to Entra and what its answers mean (agent/daemon/entra/entra.c):
 * a row is a secret and its form, or an answer and what is learnt from it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/daemon/entra/entra.h"

#define T "11111111-2222-3333-4444-555555555555"
#define C "66666666-7777-8888-9999-000000000000"
#define START                                        \
	"grant_type=client_credentials&client_id=" C \
	"&scope=https%3A%2F%2Fgraph.example%3A8443%2F.default&client_secret="

static const struct identity id = {T, C};
static struct entra_request request = {.id = &id,
    .resource = "https://graph.example:8443",
    .proof = CREDENTIAL_SECRET};

#define BYTES(s) s, sizeof(s) - 1

/* --- the form --- */

static const struct {
	const char *secret;
	size_t len;
	const char *form; /* behind START */
} forms[] = {
    {BYTES("Abc8Q~-_."), "Abc8Q~-_."},
    {BYTES("a+b/c=d&e"), "a%2Bb%2Fc%3Dd%26e"},
    {BYTES("a b%20"), "a%20b%2520"},
    {BYTES("\303\274\377"), "%C3%BC%FF"},
    {BYTES("a\0b"), "a%00b"},
    {BYTES("\r\n\"'<>"), "%0D%0A%22%27%3C%3E"},
    {BYTES("&client_id=x"), "%26client_id%3Dx"},
    /* an empty secret is asked about too: Entra says what is wrong */
    {BYTES(""), ""},
};

static void
test_forms(void **state)
{
	struct secret *secret;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		secret = secret_new(forms[i].secret, forms[i].len);
		request.secret = secret;
		buf_init(&out, ENTRA_FORM_MAX);
		assert_int_equal(entra_form(&request, &out), 0);
		assert_memory_equal(out.bytes, START, strlen(START));
		assert_string_equal(out.bytes + strlen(START), forms[i].form);
		buf_wipe(&out);
		secret_free(&secret);
	}
}

/* The longest secret the auth socket takes fits, in its longest spelling. */
static void
test_longest_form(void **state)
{
	struct secret *secret = secret_new(NULL, SECRET_MAX);
	struct buf out;

	(void)state;
	request.secret = secret;
	buf_init(&out, ENTRA_FORM_MAX);
	assert_int_equal(entra_form(&request, &out), 0);
	assert_int_equal(out.len, strlen(START) + 3 * SECRET_MAX);
	buf_wipe(&out);
	buf_init(&out, 1000);
	assert_int_equal(entra_form(&request, &out), -1);
	buf_wipe(&out);
	secret_free(&secret);
}

/* --- answers --- */

#define ERROR(code, text) \
	"{\"error\":\"" code "\",\"error_description\":\"" text "\"}"
#define LINES "\\r\\nTrace ID: 1\\r\\nTimestamp: 2026-01-01"

#define OK ENTRA_ACCEPTED
#define NO ENTRA_REFUSED
#define ODD ENTRA_REFUSED_REQUEST
#define LATER ENTRA_UNAVAILABLE

struct answer_case {
	long status;
	const char *body;
	enum entra_result result;
	const char *text; /* or the token, if accepted */
};

static const struct answer_case refusals[] = {
    {401, ERROR("invalid_client", "AADSTS7000215: Invalid secret." LINES), NO,
	"AADSTS7000215: Invalid secret."},
    {401, ERROR("invalid_client", "AADSTS7000222: Expired." LINES), NO,
	"AADSTS7000222: Expired."},
    {400, ERROR("unauthorized_client", "AADSTS700016: Not found."), NO,
	"AADSTS700016: Not found."},
    {400, ERROR("invalid_request", "AADSTS90002: No tenant."), ODD,
	"AADSTS90002: No tenant."},
    {400,
	"{\"error\":\"invalid_request\",\"error_codes\":[90002],"
	"\"error_description\":\"AADSTS90002: No tenant.\"}",
	ODD, "AADSTS90002: No tenant. (are tenant and client swapped?)"},
    {400, ERROR("invalid_tenant", "x"), ODD, "x"},
    {400, ERROR("invalid_grant", "AADSTS53003: Blocked."), NO,
	"AADSTS53003: Blocked."},
    {400, ERROR("interaction_required", "y"), ODD, "y"},
    {403, ERROR("invalid_client", "z"), NO, "z"},
    /* the error alone; a description that says nothing */
    {401, "{\"error\":\"invalid_client\"}", NO, "invalid_client"},
    {401, ERROR("invalid_client", ""), NO, "invalid_client"},
    {401, ERROR("invalid_client", "\\r\\nx"), NO, "invalid_client"},
    {401, "{\"error\":\"invalid_client\",\"error_description\":7}", NO,
	"invalid_client"},
    /* one line without control characters, whatever Entra says */
    {401, ERROR("invalid_client", "a\\u001b[2J\\tb\\u007f"), NO, "a?[2J?b?"},
    {401, ERROR("invalid_client", "M\303\274ller"), NO, "M\303\274ller"},
};

static const struct answer_case laters[] = {
    {503, ERROR("temporarily_unavailable", "AADSTS90033: Later."), LATER,
	"AADSTS90033: Later."},
    {400, ERROR("temporarily_unavailable", "x"), LATER, "x"},
    {500, ERROR("server_error", "AADSTS90036: Oops."), LATER,
	"AADSTS90036: Oops."},
    {429, "Too Many Requests", LATER,
	"Entra answered HTTP 429 without an error code"},
    /* a refusal under a status that says something else is none */
    {429, ERROR("invalid_client", "x"), LATER, "x"},
    {500, ERROR("invalid_client", "x"), LATER, "x"},
    {503, ERROR("invalid_request", "x"), LATER, "x"},
    {200, ERROR("invalid_client", "x"), LATER,
	"Entra answered HTTP 200 without a usable token"},
    {302, ERROR("invalid_client", "x"), LATER, "x"},
    /* nor is anything that is not known here, or not quite that */
    {400, ERROR("something_new", "x"), LATER, "x"},
    {400, ERROR("Invalid_Client", "x"), LATER, "x"},
    {400, ERROR("invalid_client ", "x"), LATER, "x"},
    {401, "{\"error\":{\"code\":\"invalid_client\"}}", LATER,
	"Entra answered HTTP 401 without an error code"},
    {401, "[\"invalid_client\"]", LATER,
	"Entra answered HTTP 401 without an error code"},
    {401, "", LATER, "Entra answered HTTP 401 without an error code"},
    {401, "<html>invalid_client</html>", LATER,
	"Entra answered HTTP 401 without an error code"},
    {401, "{\"error\":\"invalid_client\"", LATER,
	"Entra answered HTTP 401 without an error code"},
    {401, "{\"error\":\"invalid_client\"} trailing", LATER,
	"Entra answered HTTP 401 without an error code"},
    {401, "{\"error\":\"invalid_client\\u0000\"}", LATER,
	"Entra answered HTTP 401 without an error code"},
    {401, "{\"error\":\"invalid_client\",\"a\":\"\377\"}", LATER,
	"Entra answered HTTP 401 without an error code"},
    {404, "null", LATER, "Entra answered HTTP 404 without an error code"},
    {204, "", LATER, "Entra answered HTTP 204 without an error code"},
};

#define TOKEN(token, seconds)                                \
	"{\"token_type\":\"Bearer\",\"expires_in\":" seconds \
	",\"access_token\":\"" token "\"}"
#define UNUSABLE "Entra answered HTTP 200 without a usable token"

static const struct answer_case tokens[] = {
    {200, TOKEN("eyJ0.a-b_c.d", "3599"), OK, "eyJ0.a-b_c.d"},
    {200, TOKEN("t", "1"), OK, "t"},
    {200, TOKEN("t", "2592000"), OK, "t"},
    {200, "{\"access_token\":\"t\",\"expires_in\":60,\"x\":[{}]}", OK, "t"},
    /* nothing to work with */
    {200, TOKEN("", "3599"), LATER, UNUSABLE},
    {200, TOKEN("t", "0"), LATER, UNUSABLE},
    {200, TOKEN("t", "-1"), LATER, UNUSABLE},
    {200, TOKEN("t", "2592001"), LATER, UNUSABLE},
    {200, TOKEN("t", "9223372036854775807"), LATER, UNUSABLE},
    {200, TOKEN("t", "99999999999999999999"), LATER, UNUSABLE},
    {200, TOKEN("t", "3599.5"), LATER, UNUSABLE},
    {200, TOKEN("t", "\"3599\""), LATER, UNUSABLE},
    {200, TOKEN("t", "null"), LATER, UNUSABLE},
    {200, "{\"access_token\":\"t\"}", LATER, UNUSABLE},
    {200, "{\"expires_in\":3599}", LATER, UNUSABLE},
    {200, "{\"access_token\":7,\"expires_in\":3599}", LATER, UNUSABLE},
    {200, "", LATER, UNUSABLE},
    {200, "<html>", LATER, UNUSABLE},
    {200, "{\"access_token\":\"t\",\"expires_in\":3599", LATER, UNUSABLE},
    /* what would break out of the header that it goes into */
    {200, TOKEN("t\\r\\nX: y", "3599"), LATER, UNUSABLE},
    {200, TOKEN("t\\n", "3599"), LATER, UNUSABLE},
    {200, TOKEN("a b", "3599"), LATER, UNUSABLE},
    {200, TOKEN("a\\tb", "3599"), LATER, UNUSABLE},
    {200, TOKEN("a\\u0001", "3599"), LATER, UNUSABLE},
    {200, TOKEN("a\\u007f", "3599"), LATER, UNUSABLE},
    {200, TOKEN("a\\u0000b", "3599"), LATER, UNUSABLE},
    {200, TOKEN("\303\274", "3599"), LATER, UNUSABLE},
    /* a token is one under 200 alone */
    {201, TOKEN("t", "3599"), LATER,
	"Entra answered HTTP 201 without an error code"},
    {202, TOKEN("t", "3599"), LATER,
	"Entra answered HTTP 202 without an error code"},
};

#define TRIED "Xy8Q~k3+Vb/0pL=tR7.wZ_2mN"
#define LEFT_OUT "Entra's words are left out, they hold a part of the secret"
#define NUMBER(text)                                               \
	"{\"error\":\"invalid_client\",\"error_codes\":[7000215]," \
	"\"error_description\":\"" text "\"}"

/* Words that repeat the secret are not passed on; numbers are. */
static const struct answer_case repeated[] = {
    {401, NUMBER("Not right: " TRIED), NO, "AADSTS7000215: " LEFT_OUT},
    {401, NUMBER("AADSTS7: Xy8Q~k3..."), NO, "AADSTS7000215: " LEFT_OUT},
    {401, NUMBER("%58%79%38%51%7Ek3%2BVb"), NO, "AADSTS7000215: " LEFT_OUT},
    {401, NUMBER("WHk4UX5rMytWYi8wcEw9"), NO, "AADSTS7000215: " LEFT_OUT},
    {400, ERROR("invalid_client", TRIED), NO, LEFT_OUT},
    {400, ERROR(TRIED, "AADSTS1: Why."), LATER, "AADSTS1: Why."},
    {400, ERROR(TRIED, ""), LATER, LEFT_OUT},
    {429, ERROR("x", TRIED), LATER, LEFT_OUT},
    {503, "{\"error\":\"" TRIED "\",\"error_codes\":[\"" TRIED "\"]}", LATER,
	LEFT_OUT},
    /* what is not logged may say what it likes */
    {401, NUMBER("AADSTS7: No.\\r\\n" TRIED), NO, "AADSTS7: No."},
};

static struct secret *tried;

static int
set_tried(void **state)
{
	(void)state;
	tried = secret_new(TRIED, strlen(TRIED));
	return tried == NULL ? -1 : 0;
}

static int
free_tried(void **state)
{
	(void)state;
	secret_free(&tried);
	return 0;
}

static void
check_answers(const struct answer_case *cases, size_t count)
{
	const struct answer_case *t;
	struct http_answer answer;
	struct entra_answer out;
	size_t i;

	for (i = 0; i < count; i++) {
		t = &cases[i];
		memset(&answer, 0, sizeof(answer));
		memset(&out, 'x', sizeof(out));
		answer.status = t->status;
		answer.body = t->body;
		answer.body_len = strlen(t->body);
		entra_read(&answer, tried, &out);
		if (out.result != t->result)
			fail_msg("%ld %s: %d %s", t->status, t->body,
			    (int)out.result, out.text);
		assert_int_equal(out.throttled, t->status == 429);
		if (t->result == ENTRA_ACCEPTED) {
			assert_string_equal(out.token->bytes, t->text);
			assert_int_equal(out.token->len, strlen(t->text));
			assert_true(out.expires_in > 0);
		} else {
			assert_null(out.token);
			if (strcmp(out.text, t->text) != 0)
				fail_msg(
				    "%ld %s: %s", t->status, t->body, out.text);
		}
		secret_free(&out.token);
	}
}

#define CHECK(cases) check_answers(cases, sizeof(cases) / sizeof(*(cases)))

static void
test_refusals(void **state)
{
	(void)state;
	CHECK(refusals);
}

static void
test_laters(void **state)
{
	(void)state;
	CHECK(laters);
}

static void
test_tokens(void **state)
{
	(void)state;
	CHECK(tokens);
}

static void
test_repeated(void **state)
{
	(void)state;
	CHECK(repeated);
}

/* A secret of digits, and an answer that gives them as its number. */
static void
test_repeated_number(void **state)
{
	struct secret *digits = secret_new("70002151", 8);
	const char *body =
	    "{\"error\":\"invalid_client\",\"error_codes\":[70002151],"
	    "\"error_description\":\"70002151\"}";
	struct http_answer answer = {
	    .status = 401, .body = body, .body_len = strlen(body)};
	struct entra_answer out;

	(void)state;
	entra_read(&answer, digits, &out);
	assert_string_equal(out.text, LEFT_OUT);
	secret_free(&digits);
}

static void
test_lifetime(void **state)
{
	const char *body = TOKEN("t", "4711");
	struct http_answer answer = {
	    .status = 200, .body = body, .body_len = strlen(body)};
	struct entra_answer out;

	(void)state;
	entra_read(&answer, tried, &out);
	assert_int_equal(out.expires_in, 4711);
	secret_free(&out.token);
}

static void
test_no_answer(void **state)
{
	struct http_answer answer = {
	    .body = "", .transport = "Could not resolve host: login.example"};
	struct entra_answer out;

	(void)state;
	entra_read(&answer, tried, &out);
	assert_int_equal(out.result, ENTRA_UNAVAILABLE);
	assert_string_equal(out.text,
	    "cannot ask Entra: Could not resolve host: login.example");
}

/* A long description is cut, and its length is no matter. */
static void
test_long_texts(void **state)
{
	struct http_answer answer = {.status = 401};
	struct entra_answer out;
	struct buf body;
	int i;

	(void)state;
	buf_init(&body, HTTP_BODY_KEPT);
	buf_add_string(&body,
	    "{\"error\":\"invalid_client\","
	    "\"error_description\":\"");
	for (i = 0; i < 60000; i++)
		buf_add(&body, "x", 1);
	buf_add_string(&body, "\"}");
	answer.body = body.bytes;
	answer.body_len = body.len;
	entra_read(&answer, tried, &out);
	assert_int_equal(out.result, ENTRA_REFUSED);
	assert_int_equal(strlen(out.text), sizeof(out.text) - 1);
	/* cut off on its way, it is no answer */
	answer.body_len = HTTP_BODY_KEPT / 2;
	entra_read(&answer, tried, &out);
	assert_int_equal(out.result, ENTRA_UNAVAILABLE);
	buf_free(&body);
}

/* Deep nesting costs no stack. */
static void
test_deep(void **state)
{
	static char body[HTTP_BODY_KEPT + 1];
	struct http_answer answer = {
	    .status = 401, .body = body, .body_len = HTTP_BODY_KEPT};
	struct entra_answer out;

	(void)state;
	memset(body, '[', HTTP_BODY_KEPT);
	entra_read(&answer, tried, &out);
	assert_int_equal(out.result, ENTRA_UNAVAILABLE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forms),
	    cmocka_unit_test(test_longest_form),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_laters),
	    cmocka_unit_test(test_tokens),
	    cmocka_unit_test(test_repeated),
	    cmocka_unit_test(test_repeated_number),
	    cmocka_unit_test(test_lifetime),
	    cmocka_unit_test(test_no_answer),
	    cmocka_unit_test(test_long_texts),
	    cmocka_unit_test(test_deep),
	};

	return cmocka_run_group_tests(tests, set_tried, free_tried);
}
