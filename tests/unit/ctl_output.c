/*
 * The two forms of what a command prints: the table and JSON, with what fits
 * neither as it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/ctl/base/output.h"
#include "agent/ctl/command.h"
#include "agent/ctl/doctor/check.h"

static const struct output_column columns[] = {
    {"name", OUTPUT_TEXT},
    {"count", OUTPUT_NUMBER},
    {"status", OUTPUT_STATUS},
    {NULL, OUTPUT_TEXT},
};

static const struct {
	const char *rows[3][3];
	const char *table, *json;
} cases[] = {
    {{{NULL}}, "", "{\"t\": []}"},
    {{{"a", "1", "ok"}}, "NAME  COUNT  STATUS\na     1      ok\n",
	"{\"t\": [{\"name\": \"a\", \"count\": 1, \"status\": \"ok\"}]}"},
    {{{"longer", NULL, "warning"}, {"", "12345678", ""}},
	"NAME    COUNT     STATUS\n"
	"longer            warning\n"
	"        12345678  \n",
	"{\"t\": [{\"name\": \"longer\", \"count\": null, "
	"\"status\": \"warning\"}, "
	"{\"name\": \"\", \"count\": 12345678, \"status\": \"\"}]}"},
    /* a character takes one place, however many bytes it has */
    {{{"K\u00f6ln", "1", "a"}, {"abcdef", "2", "b"}},
	"NAME    COUNT  STATUS\n"
	"K\u00f6ln    1      a\n"
	"abcdef  2      b\n",
	"{\"t\": [{\"name\": \"K\u00f6ln\", \"count\": 1, \"status\": \"a\"}, "
	"{\"name\": \"abcdef\", \"count\": 2, \"status\": \"b\"}]}"},
    /* no terminal is told what to do, and no line is more than one */
    {{{"a\nb\033[2J\x9b\xff", "1", "x"}},
	"NAME       COUNT  STATUS\n"
	"a?b?[2J??  1      x\n",
	"{\"t\": [{\"name\": \"a?b?[2J??\", \"count\": 1, "
	"\"status\": \"x\"}]}"},
    {{{"\xc2\x9b"
       "2Ja",
	 "1", "x"}}, /* C1, as UTF-8 has it */
	"NAME   COUNT  STATUS\n"
	"??2Ja  1      x\n",
	"{\"t\": [{\"name\": \"??2Ja\", \"count\": 1, "
	"\"status\": \"x\"}]}"},
};

static char *
print(size_t i, int is_json)
{
	struct output *output;
	char *text = NULL;
	size_t size = 0, row;
	FILE *out = open_memstream(&text, &size);

	output = output_new(out, is_json);
	assert_non_null(output);
	output_table(output, "t", columns);
	for (row = 0; row < 3 && cases[i].rows[row][2] != NULL; row++)
		output_row(output, cases[i].rows[row]);
	assert_int_equal(output_end(&output), 0);
	assert_null(output);
	fclose(out);
	return text;
}

static void
test_table(void **state)
{
	size_t i;
	char *text;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = print(i, 0);
		assert_string_equal(text, cases[i].table);
		free(text);
	}
}

static void
test_below(void **state)
{
	static const struct output_column below[] = {
	    {"name", OUTPUT_TEXT},
	    {"text", OUTPUT_TEXT},
	    {"remedy", OUTPUT_BELOW},
	    {NULL, OUTPUT_TEXT},
	};
	struct output *output;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	output = output_new(out, 0);
	assert_non_null(output);
	output_table(output, "t", below);
	output_row(output, (const char *[]){"a", "wrong", "type this"});
	output_row(output, (const char *[]){"other", "right", ""});
	assert_int_equal(output_end(&output), 0);
	fclose(out);
	assert_string_equal(text,
	    "NAME   TEXT\n"
	    "a      wrong\n"
	    "       remedy: type this\n"
	    "other  right\n");
	free(text);
}

/* Blanks and line ends between the parts of JSON do not matter. */
static void
squeeze(char *text)
{
	char *to = text;
	int quoted = 0;

	for (; *text != '\0'; text++) {
		quoted ^= *text == '"';
		if (quoted || (*text != ' ' && *text != '\n'))
			*to++ = *text;
	}
	*to = '\0';
}

static void
test_json(void **state)
{
	char wanted[1024], *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = print(i, 1);
		snprintf(wanted, sizeof(wanted), "%s", cases[i].json);
		squeeze(text);
		squeeze(wanted);
		assert_string_equal(text, wanted);
		free(text);
	}
}

static void
test_times(void **state)
{
	static const struct output_column time_columns[] = {
	    {"a", OUTPUT_TIME}, {"b", OUTPUT_TIME}, {NULL, OUTPUT_TEXT}};
	const char *row[] = {"1764428645", NULL};
	static const char *const wanted[] = {
	    "A                    B\n2025-11-29 16:04:05  \n",
	    "{\"t\":[{\"a\":\"2025-11-29T15:04:05Z\",\"b\":null}]}"};
	struct output *output;
	char *text;
	size_t size;
	FILE *out;
	int is_json;

	(void)state;
	setenv("TZ", "CET-1", 1);
	for (is_json = 0; is_json < 2; is_json++) {
		out = open_memstream(&text, &size);
		output = output_new(out, is_json);
		output_table(output, "t", time_columns);
		output_row(output, row);
		assert_int_equal(output_end(&output), 0);
		fclose(out);
		if (is_json)
			squeeze(text);
		assert_string_equal(text, wanted[is_json]);
		free(text);
	}
}

static void
test_full_disk(void **state)
{
	FILE *out = fopen("/dev/full", "w");
	struct output *output = output_new(out, 1);

	(void)state;
	assert_non_null(output);
	output_table(output, "t", columns);
	assert_int_equal(output_end(&output), -1);
	fclose(out);
}

/* What a client typed comes by way of the log to who reads these. */
static void
test_nothing_reaches_a_terminal(void **state)
{
	static const struct command command = {.name = "c"};
	static struct report report;
	FILE *saved = stderr;
	char *text = NULL;
	size_t size = 0;

	(void)state;
	stderr = open_memstream(&text, &size);
	command_say(&command, "%s", "a\033[2J\xc2\x9b");
	fclose(stderr);
	stderr = saved;
	assert_string_equal(text, "msgraphctl c: a?[2J??\n");
	free(text);
	check_say(&report, CHECK_WARNING, "%s", "a\033[2J\xc2\x9b");
	check_remedy(&report, "%s", "b\r\033c");
	assert_string_equal(report.findings[0].text, "a?[2J??");
	assert_string_equal(report.findings[0].remedy, "b??c");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_below),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_full_disk),
	    cmocka_unit_test(test_nothing_reaches_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
