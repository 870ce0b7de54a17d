/*
 * What an admin is told of an entry in time (agent/daemon/identities/
 * identities_remind.c): a row is a time that passes, what happens then, and
 * what the log says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "agent/daemon/store/entry_times.h"
#include "identities_fake.h"

#define MINUTE 60L
#define HOUR 3600L
#define DAY 86400L

/* Names a day that is so many days from now. */
static const char *
date(long days)
{
	static char text[16];
	time_t day = (time_t)clock_wall() + days * DAY;
	struct tm tm;

	strftime(text, sizeof(text), "%Y-%m-%d", gmtime_r(&day, &tm));
	return text;
}

/* Moves to the first minute of a day, so that rows may count days. */
static void
begin_a_day(void)
{
	clock_advance((DAY - clock_wall() % DAY + MINUTE) * 1000);
}

/* Looks at all entries as housekeeping does, and returns what is logged. */
static const char *
remind(void)
{
	struct error err;
	int more;

	listen_to_log();
	while ((more = identities_remind(ids, &err)) == 1)
		;
	if (more == -1)
		fail_msg("%s", err.text);
	return said();
}

/* The daemon ends and starts; the table is as it was. */
static void
restart(void)
{
	identities_free(&ids);
	state_close(&st);
	st = state_open(folder, vault, NULL);
	assert_non_null(st);
	ids = identities_new(&with, st, NULL);
}

/* A message of an entry is accepted. Returns what is logged. */
static const char *
send_as(const char *name)
{
	char login[100];
	struct policy_question question = {
	    .stage = POLICY_END, .user = login, .mailbox = "a@x"};
	struct policy_answer answer;

	snprintf(login, sizeof(login), "%s@lookup", name);
	listen_to_log();
	identities_ask(ids, &question, &answer);
	assert_int_equal(answer.status, POLICY_OK);
	return said();
}

/*
 * Each row: hours later, and how often the log speaks then; 'r' is a restart.
 */
static const struct {
	long hours;
	int restart;
	const char *said; /* NULL: nothing */
} ends[] = {
    {0, 0, NULL}, /* 40 days ahead */
    {9 * 24, 0, NULL},
    {1 * 24, 0, ", in 30 days (expires)"},
    {1, 0, NULL},
    {0, 1, NULL},
    {22 * 24, 0, NULL},
    {24, 0, "in 7 days"},
    {5 * 24, 1, NULL},
    {24, 0, ", tomorrow"},
    {1, 1, NULL},
    {23, 0, NULL}, /* the day itself */
    {24, 0, " unless it was replaced"},
    {1, 0, NULL},
    {1, 1, NULL},
    {22, 0, "secret of entry a ended on "},
    {24, 1, "secret of entry a ended on "},
};

static void
test_end(void **state)
{
	const char *text;
	char table[200];
	size_t i;

	(void)state;
	begin_a_day();
	snprintf(table, sizeof(table),
	    "a application=T/C expires=%s\n"
	    "b application=T/D disabled=yes expires=%s\n",
	    date(40), date(40));
	start(table, NULL);
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		clock_advance(ends[i].hours * HOUR * 1000);
		if (ends[i].restart)
			restart();
		text = remind();
		if (count_lines(text, "warning:") != (ends[i].said != NULL) ||
		    (ends[i].said != NULL &&
			strstr(text, ends[i].said) == NULL))
			fail_msg("row %zu: %s", i, text);
		assert_null(strstr(text, "entry b"));
	}
	/* a new secret has another date */
	snprintf(
	    table, sizeof(table), "a application=T/C expires=%s\n", date(365));
	change(table);
	assert_string_equal(remind(), "");
	clock_advance(340 * DAY * 1000);
	assert_said(remind(), "in 25 days");
}

/* Each row: the entry, and the remedy that the warning names. */
static const struct {
	const char *entry, *said;
} remedies[] = {
    {"a application=T/C expires=%s",
	"(expires); make a new one (portal: the application, Certificates & "
	"secrets), give it to the clients, and write its date into the entry"},
    {"a application=T/C secret_file=/s expires=%s",
	"secrets), put it into secret_file /s, and write"},
};

static void
test_remedies(void **state)
{
	char table[200], want[100];
	size_t i;

	(void)state;
	begin_a_day();
	for (i = 0; i < sizeof(remedies) / sizeof(*remedies); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(table, sizeof(table), remedies[i].entry, date(5));
#pragma GCC diagnostic pop
		start(table, NULL);
		clock_advance(2 * DAY * 1000 * (long)i);
		snprintf(want, sizeof(want), "the secret of entry a ends on %s",
		    strstr(table, "expires=") + 8);
		assert_int_equal(
		    entry_times_put(st, "a", &(struct entry_times){0}, NULL),
		    0);
		assert_said(remind(), remedies[i].said);
	}
}

/* Each row: minutes later, 's' sends, 'r' restarts; what the log says. */
static const struct {
	long minutes;
	char what; /* 0: nothing */
	const char *said; /* NULL: nothing */
} silences[] = {
    {0, 0, NULL},
    {26 * 60, 0, NULL}, /* counted since it was first expected */
    {2, 0, "nothing from entry backup for 26 h (expect); see whether its"},
    {1, 0, NULL},
    {1, 'r', NULL},
    {25 * 60, 0, NULL},
    {60, 0, "nothing from entry backup for 52 h"},
    {60, 's', "mail from entry backup again, after 53 h"},
    {1, 's', NULL},
    {26 * 60, 'r', NULL},
    {2, 'r', "nothing from entry backup for 26 h"},
    {3, 'r', NULL},
    {5, 's', "mail from entry backup again, after 26 h"},
    {25 * 60, 's', NULL},
    {25 * 60, 's', NULL},
    {25 * 60, 'r', NULL},
};

static void
test_silence(void **state)
{
	const char *text;
	size_t i;

	(void)state;
	start("backup application=T/C expect=26h\n"
	      "other application=T/D\n"
	      "off application=U/C expect=10m disabled=yes\n",
	    NULL);
	for (i = 0; i < sizeof(silences) / sizeof(*silences); i++) {
		clock_advance(silences[i].minutes * MINUTE * 1000);
		if (silences[i].what == 'r')
			restart();
		/* others do not count */
		assert_string_equal(send_as("other"), "");
		text = silences[i].what == 's' ? send_as("backup") : remind();
		if (silences[i].said == NULL
			? text[0] != '\0'
			: count_lines(text, "NOQUEUE") != 1 ||
			    strstr(text, silences[i].said) == NULL)
			fail_msg("row %zu: %s", i, text);
	}
}

static void
test_short_period(void **state)
{
	(void)state;
	start("a application=T/C expect=10m\n", NULL);
	remind();
	clock_advance(12 * MINUTE * 1000);
	assert_said(remind(), "nothing from entry a for 11 min");
}

/* One message a minute is written down, and a storm costs nothing. */
static void
test_storm(void **state)
{
	struct entry_times times;
	long long first;
	int i;

	(void)state;
	start("a application=T/C expect=1h\n", NULL);
	send_as("a");
	entry_times_get(st, "a", &times, NULL);
	first = times.seen;
	for (i = 0; i < 100; i++)
		send_as("a");
	clock_advance(59 * 1000);
	send_as("a");
	entry_times_get(st, "a", &times, NULL);
	assert_int_equal(times.seen, first);
	clock_advance(2000);
	send_as("a");
	entry_times_get(st, "a", &times, NULL);
	assert_in_range(times.seen, first + 60, first + 62);
}

/* Some entries in a step, and each once. */
static void
test_many(void **state)
{
	struct error err;
	const char *text;
	char line[100], *table = calloc(70, sizeof(line));
	int i, steps = 1;

	(void)state;
	for (i = 0; i < 60; i++) {
		snprintf(line, sizeof(line), "e%d application=T/C expires=%s\n",
		    i, date(3));
		strcat(table, line);
	}
	start(table, NULL);
	free(table);
	listen_to_log();
	while (identities_remind(ids, &err) == 1)
		steps++;
	text = said();
	assert_int_equal(steps, 2);
	for (i = 0; i < 60; i++) {
		snprintf(line, sizeof(line), "entry e%d ends", i);
		assert_int_equal(count_lines(text, line), 1);
	}
	/* one that a reload made shorter in between */
	assert_int_equal(identities_remind(ids, &err), 1);
	change("e0 application=T/C\n");
	assert_int_equal(identities_remind(ids, &err), 0);
	start("e0 application=\n", NULL); /* a mistake: there is no table */
	assert_int_equal(identities_remind(ids, &err), 0);
}

static void
test_forgotten(void **state)
{
	struct entry_times times = {.seen = 100, .end_said = 300};

	(void)state;
	assert_int_equal(entry_times_put(st, "a", &times, NULL), 0);
	assert_int_equal(entry_times_expire(st, 300, NULL), 0);
	assert_int_equal(entry_times_get(st, "a", &times, NULL), 1);
	assert_int_equal(times.end_said, 300);
	assert_int_equal(entry_times_expire(st, 301, NULL), 0);
	assert_int_equal(entry_times_get(st, "a", &times, NULL), 0);
	assert_int_equal(times.seen, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_end),
	    TEST(test_remedies),
	    TEST(test_silence),
	    TEST(test_short_period),
	    TEST(test_storm),
	    TEST(test_many),
	    TEST(test_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
