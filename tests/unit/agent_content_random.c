/*
 * Messages thrown together from pieces that matter to
 * agent/pipe/content/content.c: what leaves means the same (content_check.h),
 * and a second pass changes nothing. The seed is fixed, or the first argument.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "content_check.h"

#define ROUNDS 20000

static const char *const fields[] = {
    "Content-Type: text/plain; charset=utf-8\r\n",
    "Content-Type: text/html\r\n",
    "Content-Type: text/plain; charset=iso-8859-1; name=\"\xFC\"\r\n",
    "Content-Type: multipart/mixed; boundary=b\r\n",
    "Content-Type: multipart/alternative; boundary=\"bb\"\r\n",
    "Content-Type: multipart/digest; boundary=b\r\n",
    "Content-Type: multipart/signed; boundary=s\r\n",
    "Content-Type: multipart/encrypted;\r\n boundary=\"b b\"\r\n",
    "Content-Type: message/rfc822\r\n",
    "Content-Type: message/partial\r\n",
    "Content-Type: image/png; name=\xC3\xBC\r\n",
    "Content-Type: application/pkcs7-mime\r\n",
    "Content-Transfer-Encoding: 8bit\r\n",
    "Content-Transfer-Encoding: binary\n",
    "Content-Transfer-Encoding: base64\r\n",
    "Content-Transfer-Encoding: quoted-printable\r\n",
    "Content-Transfer-Encoding: x-other\r\n",
    "Content-Disposition: attachment; filename=\"\xFC b\"\r\n",
    "MIME-Version: 1.0\r\n",
    "DKIM-Signature: v=1\r\n",
    "Subject: plain\r\n",
    "Subject: \xC3\xBC b =?utf-8?Q?c?= \xFC\r\n \xFC\r\n",
    "X-A: a\rb \xFC\r\n",
    "From: J\xFCrgen <a@b>, \"\xC3\xBC, b\" <c@\xC3\xBC"
    "d> (\xFC)\r\n",
    "To: a\xFC <b, g: \"\xFC\" a@b; [(\xFC)\r\n",
    "no field\r\n",
};

static const char *const texts[] = {
    "\r\n", "\r\n", "\n", "\r", "plain text\r\n", "x", " ", "=", "=C3=BC=\r\n",
    "QUJD\r\n", "--", "--b\r\n", "--b\r\n", "--b--\r\n", "\r\n--bb\r\n",
    "\r\n--bb--\n", "\r\n--s\r\n", "\r\n--s--\r\n", "\r--b b\r\n", "\xC3\xBC",
    "\xFC\x80", "a: b\r\n", NULL, /* a long line */
};

#define COUNT(list) (sizeof(list) / sizeof(list[0]))

static uint64_t seed = 20261123;

/* xorshift: the same everywhere. */
static size_t
random_below(size_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (size_t)(seed >> 11) % limit;
}

static void
add_header(struct buf *out)
{
	size_t n = random_below(6);

	while (n-- > 0)
		buf_add_string(out, fields[random_below(COUNT(fields))]);
	if (random_below(10) > 0)
		buf_add_string(out, "\r\n");
}

static void
add_text(struct buf *out)
{
	const char *text = texts[random_below(COUNT(texts))];
	size_t n = 900 + random_below(200);

	if (text != NULL)
		buf_add_string(out, text);
	else if (random_below(4) == 0)
		while (n-- > 0)
			buf_add(out, "-x =\xFC" + random_below(5), 1);
}

static void
make_message(struct buf *out)
{
	size_t parts = random_below(8), n;

	add_header(out);
	while (parts-- > 0) {
		for (n = random_below(6); n > 0; n--)
			add_text(out);
		if (random_below(2) == 0)
			buf_add_string(out, "\r\n--b\r\n");
		if (random_below(2) == 0)
			add_header(out);
	}
	buf_add_string(out, "end\r\n");
}

static void
check(const struct buf *in, const struct content_rules *rules)
{
	struct buf once, again;
	struct error err;

	buf_init(&once, 1u << 24);
	buf_init(&again, 1u << 24);
	assert_int_not_equal(
	    content_pass(in->bytes, in->len, rules, &once, &err), -1);
	content_check(span_between(in->bytes, in->bytes + in->len),
	    span_between(once.bytes, once.bytes + once.len), rules);
	assert_int_equal(
	    content_pass(once.bytes, once.len, rules, &again, &err), 0);
	assert_int_equal(once.len, again.len);
	assert_memory_equal(once.bytes, again.bytes, once.len);
	buf_free(&once);
	buf_free(&again);
}

static void
test_random(void **state)
{
	struct content_rules rules = {.queue_id = "4ZbQ2k1xYz"};
	struct buf in;
	int i;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		buf_init(&in, 1u << 24);
		make_message(&in);
		rules.encode_8bit = random_below(4) > 0;
		check(&in, &rules);
		buf_free(&in);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random),
	};

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 10) | 1;
	return cmocka_run_group_tests_name(
	    "agent_content_random", tests, NULL, NULL);
}
