/*
 * The reader of address lists (lib/mail/address.c). A row is a value and what
 * is read from it, one address after the other, each ended by '|':
 *
 *	spec, "name" before it as {name}, a comment as (...) behind it, and a
 *			'?' in front of all where it is ambiguous
 *	g:{name}	a group, its members marked with a '.' in front
 *	g;		its end
 *	!text~reason	what cannot be read
 *
 * A ';' before the '|' is the separator that should have been a comma.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/mail/address.h"

static const struct {
	const char *value, *want;
} rows[] = {
    {"", ""},
    {" ", ""},
    {" a@b", "a@b|"},
    {"a@b,c@d", "a@b|c@d|"},
    {"a@b,\r\n\tc@d", "a@b|c@d|"},
    {"a@b,\n c@d\n ", "a@b|c@d|"},
    {" A <a@b>", "{A}a@b|"},
    {"A B <a@b>, <c@d>", "{A B}a@b|c@d|"},
    {"\"B, A\" <a@b>", "{\"B, A\"}a@b|"},
    {"\"a \\\" <x@y>\" <a@b>", "{\"a \\\" <x@y>\"}a@b|"},
    {"=?utf-8?Q?M=C3=BCller?= <a@b>", "{=?utf-8?Q?M=C3=BCller?=}a@b|"},
    {"J. Q. Public <a@b>", "{J. Q. Public}a@b|"},
    {"M\374ller <a@b>", "{M\374ller}a@b|"},
    {"A\r\n B\r\n <a@b>", "{A\r\n B}a@b|"},
    {"A<a@b>", "{A}a@b|"},
    /* RFC 5322 appendix A.1 to A.6 */
    {"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	"{Mary Smith}mary@x.test|jdoe@example.org|{Who?}one@y.test|"},
    {"<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
	"boss@nil.test|{\"Giant; \\\"Big\\\" Box\"}sysservices@example.net|"},
    {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
	"g:{A Group}|.{Ed Jones}c@a.test|.joe@where.test|"
	".{John}jdoe@one.test|g;|"},
    {"Undisclosed recipients:;", "g:{Undisclosed recipients}|g;|"},
    {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
	"{Pete}pete(his account)@silly.test(A nice \\) chap)|"},
    {"A Group(Some people)\r\n  :Chris Jones <c@(Chris's host.)public.example>"
     ",\r\n joe@example.org,\r\n John <jdoe@one.test> (my dear friend); "
     "(the end of the group)",
	"g:{A Group}(Some people)|.{Chris Jones}c@(Chris's host.)public."
	"example|.joe@example.org|.{John}jdoe@one.test(my dear friend)|g;|"},
    {"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
	"g:{Hidden recipients}(start)|g;|"},
    {"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
	"{Mary Smith}mary@example.net|jdoe@test  . example|"},
    {"John Doe <jdoe@machine(comment).  example>",
	"{John Doe}jdoe@machine(comment).  example|"},
    /* comments */
    {"a@b (A)", "a@b(A)|"},
    {"(x) a@b (y)", "a@b(y)|"},
    {"(a@b)", ""},
    {"(a@b), c@d", "c@d|"},
    {"(a (b) c) a@b", "a@b(a (b) c)|"},
    {"(a\\)b) a@b", "a@b(a\\)b)|"},
    {"<(c) a@b (d)>", "a@b|"},
    {"<a@b> (A, B)", "a@b(A, B)|"},
    /* quoted local parts, dots */
    {"\"a b\"@c", "\"a b\"@c|"},
    {"\"a,b\"@c, d@e", "\"a,b\"@c|d@e|"},
    {"\"a\".b@c", "\"a\".b@c|"},
    {"a . b @ c . d", "a . b @ c . d|"},
    {"a..b@c, .a@c, a.@c", "?a..b@c|?.a@c|?a.@c|"},
    {"a@b.", "?a@b.|"},
    {"\303\266@\303\274.test", "\303\266@\303\274.test|"},
    {"a@[192.0.2.1], a@[IPv6:2001:db8::1]",
	"a@[192.0.2.1]|a@[IPv6:2001:db8::1]|"},
    /* routes */
    {"<@a,@b:c@d>", "c@d|"},
    {"X <@a, @b : c@d>, e@f", "{X}c@d|e@f|"},
    {"<@a,@b:>", "!<@a,@b:>~empty address|"},
    {"<@a,b:c@d>, <@a,.b:c@d>", "?c@d|?c@d|"},
    {"<@a b,@c:d@e>, <@a.:d@e>", "?d@e|?d@e|"},
    {"<@a\\b:c@d>, <@a(x) , @b:c@d>", "?c@d|c@d|"},
    /* what printers send */
    {"scan@x.test <scan@x.test>", "?{scan@x.test}scan@x.test|"},
    {"'a@x.test'", "?'a@x.test'|"},
    {"Scan [3] <a@b>", "?{Scan [3]}a@b|"},
    {"Scan [3 <a@b>", "?{Scan [3}a@b|"},
    {"a\\b <a@b>", "?{a\\b}a@b|"},
    {"a@b <c@d>", "?{a@b}c@d|"},
    {"a@b <A@B>", "?{a@b}A@B|"},
    {"a @b <a@b>", "?{a @b}a@b|"},
    {"\"a@b\" <c@d>", "{\"a@b\"}c@d|"},
    {"\"\" <a@b>", "{\"\"}a@b|"},
    /* empty members, wrong separators */
    {",,a@b,,c@d,", "a@b|c@d|"},
    {"a@b; c@d", "a@b;|?c@d|"},
    {"a@b;", "a@b;|"},
    {";;a@b", "?a@b|"},
    /* odd literals, odd names of groups */
    {"a@[192.0.2 .1], b@[x@y], c@[]", "?a@[192.0.2 .1]|?b@[x@y]|c@[]|"},
    {"g[1]: a@b;, c@d", "g:{g[1]}|.?a@b|g;|?c@d|"},
    {". A <a@b>, A. B <c@d>", "?{. A}a@b|{A. B}c@d|"},
    /* encoded words that hide what is special here, or have no end */
    {"=?u?q?\"?= <a@b>, =?u?q?\"?= <c@d>",
	"?{=?u?q?\"?= <a@b>, =?u?q?\"?=}c@d|"},
    {"=?u?q?\"?= <a@b>, x\" <c@d>", "?{=?u?q?\"?= <a@b>, x\"}c@d|"},
    {"\"=?u?q?\"?=\" <a@b>, \" <c@d>", "?{\"=?u?q?\"?=\" <a@b>, \"}c@d|"},
    {"=?u?q?<c@d>(?= <a@b>, (x))", "?{=?u?q?}c@d(?= <a@b>, (x))|"},
    {"c@d (=?u?q?(?=), a@b, (x))", "?c@d(=?u?q?(?=), a@b, (x))|"},
    {"(=?u?q?(?=), a@b, (x)), c@d", "?c@d|"},
    {"=?u?q?x <a@b>, y?= <c@d>", "?{=?u?q?x}a@b|{y?=}c@d|"},
    {"=?u?q?x y?= <a@b>, \"=?u?q?y, z?=\" <c@d>",
	"{=?u?q?x y?=}a@b|{\"=?u?q?y, z?=\"}c@d|"},
    {"=?u?q?x <a@b>, =?u?q? <c@d>", "{=?u?q?x}a@b|{=?u?q?}c@d|"},
    {"=?u?q?=20 <a@b>, c@d", "?{=?u?q?=20}a@b|c@d|"},
    {"=?u?q?x?= \"(\" (y) =?u?q?x?= <a@b>",
	"{=?u?q?x?= \"(\" (y) =?u?q?x?=}a@b(y)|"},
    {"=?u?q?x?==?u?q?\"?=\" <a@b>", "?{=?u?q?x?==?u?q?\"?=\"}a@b|"},
    {"=?u?B?eA=?= =?u?q?x=?= <a@b>", "{=?u?B?eA=?= =?u?q?x=?=}a@b|"},
    {"=?=?Q?Q?= \"x?=\" <a@b>", "?{=?=?Q?Q?= \"x?=\"}a@b|"},
    {"=?u?q?a?=?u?q?\"?= \"<a@b>", "{=?u?q?a?=?u?q?\"?= \"}a@b|"},
    {"=?@b, ?=a@b, =?u?q?x?=@b, \"=?x\"@b",
	"=?@b|?=a@b|?=?u?q?x?=@b|"
	"\"=?x\"@b|"},
    {"a?=?u?@b, a=?u?q?@b, a@=?b", "a?=?u?@b|?a=?u?q?@b|?a@=?b|"},
    {"=?u?q?\"?= \": a@b;, c@d", "g:{=?u?q?\"?= \"}|.?a@b|g;|?c@d|"},
    {"g: a@b(=?u;, c@d", "g:{g}|.!a@b(=?u;, c@d~quote or comment without end|"},
    /* groups at their edges */
    {"g:a@b;,c@d", "g:{g}|.a@b|g;|c@d|"},
    {"g:a@b; c@d", "g:{g}|.a@b|g;|?c@d|"},
    {"g:a@b", "g:{g}|.a@b|"},
    {"g:", "g:{g}|"},
    {"g:,a@b,;", "g:{g}|.a@b|g;|"},
    {"x@y,g:;,h:a@b;", "x@y|g:{g}|g;|g:{h}|.a@b|g;|"},
    {"\"g,\":a@b;", "g:{\"g,\"}|.a@b|g;|"},
    {"Scan: <a@b>", "g:{Scan}|.a@b|"},
    {"g:h:a@b;;", "g:{g}|.!h:a@b~':' out of place|g;|"},
    {":a@b", "!:a@b~':' out of place|"},
    {"a@b:c@d;", "!a@b:c@d~':' out of place;|"},
    {"<a@b>:c", "!<a@b>:c~':' out of place|"},
    /* what cannot be read never becomes an address */
    {"root", "!root~no domain|"},
    {"a@", "!a@~no domain|"},
    {"@b", "!@b~no local part|"},
    {"<>", "!<>~empty address|"},
    {"A <>", "!A <>~empty address|"},
    {"a b@c", "!a b@c~blank or quote in the local part|"},
    {"a\"b\"@c", "!a\"b\"@c~blank or quote in the local part|"},
    {"a@b@c", "!a@b@c~character out of place|"},
    {"a@b c", "!a@b c~character out of place|"},
    {"a@b..c", "!a@b..c~character out of place|"},
    {"a@.b", "!a@.b~character out of place|"},
    {"a@\"b\"", "!a@\"b\"~character out of place|"},
    {"a@[b", "!a@[b~character out of place|"},
    {"a\\@b@c", "!a\\@b@c~character out of place|"},
    {"a\001@b", "!a\001@b~character out of place|"},
    {"<a@b> x", "?{x}a@b|"},
    {"y <a@b> x.", "?{y}a@b|"},
    {"<a@b> x@y", "!<a@b> x@y~text after '>'|"},
    {"<a@b> x, c@d", "?{x}a@b|c@d|"},
    {"=?u?q?x?= a@b, c@d", "?{=?u?q?x?=}a@b|c@d|"},
    {"=?u?q?x?=a@b", "?=?u?q?x?=a@b|"},
    {"=?u?q?x?= y a@b", "!=?u?q?x?= y a@b~blank or quote in the local part|"},
    {"g: =?u?q?x?= a@b;", "g:{g}|.?{=?u?q?x?=}a@b|g;|"},
    {"=?u?q?x?=", "!=?u?q?x?=~no domain|"},
    {"<a@b><c@d>", "!<a@b><c@d>~text after '>'|"},
    {"<a@b, c@d", "!<a@b~'<' without '>'|c@d|"},
    {"<a@b <c@d>", "!<a@b <c@d>~'<' without '>'|"},
    {"<a@b; c@d>", "!<a@b~'<' without '>';|!c@d>~'>' without '<'|"},
    {"<@a, @b", "!<@a, @b~'<' without '>'|"},
    {"a@b>", "!a@b>~'>' without '<'|"},
    {"\"a <b@c>, d@e", "!\"a <b@c>, d@e~quote or comment without end|"},
    {"a@b (x, d@e", "!a@b (x, d@e~quote or comment without end|"},
    {"\"a\\", "!\"a\\~quote or comment without end|"},
    {"<a:b@c>", "!<a:b@c>~character out of place|"},
    {"mailto:a@b", "g:{mailto}|.a@b|"},
    {"M\303\274ller, Hans <h@x>", "!M\303\274ller~no domain|{Hans}h@x|"},
    {"=?utf-8?Q?a,_b?= <h@x>", "?{=?utf-8?Q?a,_b?=}h@x|"},
    {"=?utf-8?Q?a;b,.c?=<h@x>, d@e", "?{=?utf-8?Q?a;b,.c?=}h@x|d@e|"},
    {"M =?x?q?a,?= =?x?q?b?= <h@x>", "?{M =?x?q?a,?= =?x?q?b?=}h@x|"},
    {"=?utf-8?Q?a,b?= h@x", "?{=?utf-8?Q?a,b?=}h@x|"},
    {"=?utf-8?Q?a,_b?=, h@x", "!=?utf-8?Q?a~no domain|!_b?=~no domain|h@x|"},
    {"=?utf-8?Q?a,_b?=", "!=?utf-8?Q?a,_b?=~character out of place|"},
    /* no word of a phrase: a blank in it, what may be an address, no end */
    {"=?utf-8?Q?a, b?= <h@x>", "!=?utf-8?Q?a~no domain|{b?=}h@x|"},
    {"=?utf-8?Q?a@b,c?= <h@x>", "?=?utf-8?Q?a@b|{c?=}h@x|"},
    {"=?utf-8?Q?a,b?c <h@x>", "!=?utf-8?Q?a~no domain|{b?c}h@x|"},
    {"=?utf-8?Q?a,b?=@c, h@x", "!=?utf-8?Q?a~no domain|b?=@c|h@x|"},
};

static void
put(struct buf *out, const char *before, struct span s, const char *after)
{
	buf_add_string(out, before);
	buf_add(out, s.p, s.len);
	buf_add_string(out, after);
}

static void
dump_one(struct buf *out, const struct address *a)
{
	if (a->in_group && a->kind != ADDRESS_GROUP_END)
		buf_add_string(out, ".");
	if (a->ambiguous)
		buf_add_string(out, "?");
	if (a->kind == ADDRESS_GROUP)
		buf_add_string(out, "g:");
	if (a->name.len > 0)
		put(out, "{", a->name, "}");
	if (a->kind == ADDRESS_MAILBOX)
		put(out, "", a->spec, "");
	if (a->kind == ADDRESS_MAILBOX || a->kind == ADDRESS_GROUP)
		put(out, "", a->comment, "");
	if (a->kind == ADDRESS_GROUP_END)
		buf_add_string(out, "g;");
	if (a->kind == ADDRESS_BAD) {
		put(out, "!", a->text, "~");
		buf_add_string(out, a->reason);
	}
	if (a->separator == ';')
		buf_add_string(out, ";");
	buf_add_string(out, "|");
}

static void
dump(struct buf *out, const char *value, size_t len)
{
	struct address_reader r;
	struct address a;
	const char *next = value;

	buf_add_string(out, "");
	address_init(&r, value, len);
	while (address_next(&r, &a)) {
		assert_ptr_equal(a.slot.p, next);
		next = span_end(a.slot);
		dump_one(out, &a);
	}
}

static void
test_rows(void **state)
{
	struct buf got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_init(&got, 1024);
		dump(&got, rows[i].value, strlen(rows[i].value));
		assert_string_equal(got.bytes, rows[i].want);
		buf_free(&got);
	}
}

/* All that a row starts with, where no byte behind it can be read. */
static void
test_ends(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i, len;
	struct buf got;
	char *end;

	(void)state;
	end = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(end, MAP_FAILED);
	end += page;
	assert_int_equal(mprotect(end, page, PROT_NONE), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (len = strlen(rows[i].value); len > 0; len--) {
			memcpy(end - len, rows[i].value, len);
			buf_init(&got, 1024);
			dump(&got, end - len, len);
			buf_free(&got);
		}
	munmap(end - page, 2 * page);
}

/* What an edit that takes an address out has to name. */
static void
test_slots(void **state)
{
	static const char value[] =
	    " a@b , (x)\r\n <c@d>;, g: e@f ,\r\n h@i ;,j@k";
	static const struct {
		const char *slot, *text;
		char separator;
	} want[] = {
	    {" a@b ,", "a@b", ','},
	    {" (x)\r\n <c@d>;", "(x)\r\n <c@d>", ';'},
	    {", g:", "g:", 0},
	    {" e@f ,", "e@f", ','},
	    {"\r\n h@i ", "h@i", 0},
	    {";,", ";", 0},
	    {"j@k", "j@k", 0},
	};
	struct address_reader r;
	struct address a;
	size_t i;

	(void)state;
	address_init(&r, value, strlen(value));
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(address_next(&r, &a), 1);
		assert_true(span_is(a.slot, want[i].slot));
		assert_true(span_is(a.text, want[i].text));
		assert_int_equal(a.separator, want[i].separator);
	}
	assert_int_equal(address_next(&r, &a), 0);
	assert_int_equal(address_next(&r, &a), 0);
}

static void
test_spans(void **state)
{
	static const char value[] = "A (x) B <@r:\"l\"(c) @ d (e)>";
	struct address_reader r;
	struct address a;

	(void)state;
	address_init(&r, value, strlen(value));
	assert_int_equal(address_next(&r, &a), 1);
	assert_true(span_is(a.name, "A (x) B"));
	assert_true(span_is(a.angle, "<@r:\"l\"(c) @ d (e)>"));
	assert_true(span_is(a.spec, "\"l\"(c) @ d"));
	assert_true(span_is(a.local, "\"l\""));
	assert_true(span_is(a.domain, "d"));
	assert_true(span_is(a.comment, "(x)"));
}

/* Shapes that tempt a reader to look again; see lib_header.c. */
static void
test_large(void **state)
{
	static const char *const shapes[] = {"a@b,", "<", "<@a,", "[", "[a",
	    "(", "\"", "((", "\\\"", "[\\", "g:", "g:;", ":", ";", "a@b;(",
	    "a.", "a@b>", "<a@b", "(a)", "(a),", " ,", "\\[", "a@b (c), "};
	size_t i, n, len, size = 1024 * 1024;
	char *input = malloc(size);
	struct address_reader r;
	struct address a;
	clock_t started = clock();

	(void)state;
	assert_non_null(input);
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		len = strlen(shapes[i]);
		for (n = 0; n < size; n++)
			input[n] = shapes[i][n % len];
		address_init(&r, input, size);
		while (address_next(&r, &a))
			assert_true(a.slot.len > 0);
	}
	assert_true(clock() - started < 20 * CLOCKS_PER_SEC);
	free(input);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_ends),
	    cmocka_unit_test(test_slots),
	    cmocka_unit_test(test_spans),
	    cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests_name("lib_address", tests, NULL, NULL);
}
