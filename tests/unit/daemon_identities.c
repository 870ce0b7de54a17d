/*
 * Who may sign in (agent/daemon/identities/identities_who.c): a row is a name,
 * and the entry that it gets or what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/store/state_sql.h"
#include "identities_fake.h"

static void
check_sign_ins(const struct sign_in_row *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		check_sign_in(&rows[i]);
}

#define CHECK_SIGN_INS(rows) \
	check_sign_ins(rows, sizeof(rows) / sizeof(*(rows)))

/* Every sentence of "Who is it?" about those who sign in. */
static void
test_which_entry(void **state)
{
	static const char table[] =
	    "one application=T/C from=a@x\n"
	    "first application=T/D\n"
	    "second application=T/D\n"
	    "lends application=T/D" OPEN "clients=::1 senders=@x\n"
	    "off application=U/C disabled=yes\n";
	static const struct sign_in_row rows[] = {
	    /* a raw name is of the one entry of its application */
	    {T "@" C, "one", NULL},
	    {T ":" C, "one", NULL},
	    {T "|" C, "one", NULL},
	    /* a suffix counts only if an entry of that name has it */
	    {T "@" C ".one", "one", NULL},
	    {T "@" C ".ONE", "one", NULL},
	    {T "@" C ".nobody", "one", NULL},
	    {T "@" C ".first", "one", NULL},
	    {T "@" C ".printer.example.com", "one", NULL},
	    /* several: refused, unless one is named */
	    {T "@" D, "5.7.8", "several entries"},
	    {T "@" D ".one", "5.7.8", "several entries"},
	    {T "@" D ".first", "first", NULL},
	    {T ":" D ".second", "second", NULL},
	    {T "@" D ".lends", "5.7.8", "\"lends\" is for clients that bring"},
	    /* looked up */
	    {"one@lookup", "one", NULL},
	    {"ONE@LookUp", "one", NULL},
	    {"second|lookup", "second", NULL},
	    {"first:lookup", "first", NULL},
	    {"lends@lookup", "5.7.8", "\"lends\" is for clients"},
	    {"nobody@lookup", "5.7.8", "no entry of that name"},
	    {"@lookup", "5.7.8", "no entry of that name"},
	    {"a.b@lookup", "5.7.8", "no entry of that name"},
	    /* disabled */
	    {U "@" C, "5.7.13", "entry \"off\" is disabled"},
	    {U "@" C ".off", "5.7.13", "entry \"off\" is disabled"},
	    {"off@lookup", "5.7.13", "entry \"off\" is disabled"},
	    /* no name of ours */
	    {"bob", "5.7.8", "no delimiter"},
	    {"bob@example.com", "5.7.8", "tenant is neither"},
	    {"", "5.7.8", NULL},
	};

	(void)state;
	start(table, NULL);
	CHECK_SIGN_INS(rows);
}

/* The canonical name is understood whatever username_delimiter says. */
static void
test_delimiter(void **state)
{
	static const struct sign_in_row rows[] = {
	    {T ":" C, "one", NULL},
	    {T "@" C, "one", NULL},
	    {T "@" C ".one", "one", NULL},
	    {T "|" C, "5.7.8", "no delimiter"},
	    {"one:lookup", "one", NULL},
	    {"one@lookup", "5.7.8", NULL},
	};

	(void)state;
	start("one application=T/C\n", NULL);
	conf.username_delimiter = 2;
	CHECK_SIGN_INS(rows);
	conf.username_delimiter = 0;
	conf.identity_lookup_suffix = (char *)(uintptr_t) "relay";
	check_sign_in(&(struct sign_in_row){"one@relay", "one", NULL});
	check_sign_in(&(struct sign_in_row){"one@lookup", "5.7.8", NULL});
	conf.identity_lookup_suffix = (char *)(uintptr_t) "lookup";
}

static void
test_disabled(void **state)
{
	static const struct sign_in_row rows[] = {
	    /* one that is left does not take the other's users */
	    {T "@" C, "5.7.8", "several entries"},
	    {T "@" C ".b", "b", NULL},
	    {T "@" C ".a", "5.7.13", NULL},
	    /* the only one that may be signed into */
	    {T "@" D, "5.7.13", "\"c\" is disabled"},
	};

	(void)state;
	start("a application=T/C disabled=yes\nb application=T/C\n"
	      "c application=T/D disabled=yes\n"
	      "d application=T/D" OPEN "clients=::1 senders=@x\n"
	      "e application=U/C" OPEN "clients=::2 senders=@x disabled=yes\n",
	    "any");
	CHECK_SIGN_INS(rows);
	check_sign_in(&(struct sign_in_row){U "@" C, "5.7.13", "\"e\" is"});
}

/* --- whose applications may sign in --- */

static const struct {
	const char *table, *allowed, *name, *want;
} gate[] = {
    /* neither is configured: those that the state knows */
    {NULL, NULL, T "@" C, ""},
    {NULL, NULL, U "@" C, LATER_},
    {"# nothing\n", NULL, T "@" C, ""},
    {"# nothing\n", NULL, U "@" C, LATER_},
    /* either is: whoever is not named is refused, known or not */
    {"a application=T/D\n", NULL, T "@" C, "5.7.8"},
    {"a application=T/D\n", NULL, T "@" D, "a"},
    {"a application=T/D\n", NULL, U "@" C, "5.7.8"},
    {NULL, U, T "@" C, "5.7.8"},
    {NULL, U, U "@" C, ""},
    {NULL, T ", " U, U "@" C, ""},
    {NULL, "AAAAAAAAAAAAAAAAAAAAAA " U, U "@" C, ""},
    {NULL, "any", U "@" C, ""},
    {"a application=T/D\n", U, U "@" D, ""},
    {"a application=T/D\n", U, T "@" D, "a"},
    {"a application=T/D\n", U, T "@" C, "5.7.8"},
    {"a application=T/D\n", "any", U "@" C, ""},
    /* an entry that may not be signed into lets nobody in */
    {"a application=U/C secret_file=/s clients=::1 from=a@x\n", NULL, U "@" C,
	"5.7.8"},
    {"a application=U/C secret_file=/s clients=::1 from=a@x\n", U, U "@" C, ""},
};

static void
test_gate(void **state)
{
	size_t i;

	(void)state;
	know(&app);
	for (i = 0; i < sizeof(gate) / sizeof(gate[0]); i++) {
		const struct sign_in_row row = {
		    gate[i].name, gate[i].want, NULL};

		/* the default file alone need not be there */
		conf.identity_maps = gate[i].table == NULL ? NULL : table_path;
		start(gate[i].table, gate[i].allowed);
		check_sign_in(&row);
	}
	conf.identity_maps = table_path;
}

static void
test_gate_log(void **state)
{
	const char *text;
	char name[128];
	int i;

	(void)state;
	start("a application=T/D\n", U);
	listen_to_log();
	for (i = 0; i < 1000; i++)
		check_sign_in(
		    &(struct sign_in_row){T "@" C, "5.7.8", "tenant " T});
	text = said();
	assert_int_equal(count_lines(text, "\n"), 1);
	assert_said(text,
	    "warning: NOQUEUE: application=" T "/" C
	    ", reason=identity, status=refused (");
	assert_said(text, "to let it in: allowed_tenants = " U ", " T ")");
	/* each of another tenant */
	listen_to_log();
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "%08x%s@%s", i, T + 8, C);
		check_sign_in(&(struct sign_in_row){name, "5.7.8", NULL});
	}
	text = said();
	assert_in_range(count_lines(text, "\n"), 5, 12);
	clock_advance(61000);
	listen_to_log();
	check_sign_in(&(struct sign_in_row){
	    "00000000-2222-3333-4444-555555555556@" C, "5.7.8", NULL});
	text = said();
	assert_int_equal(count_lines(text, "\n"), 1);
	assert_said(text, " such lines were left out before)");
	conf.identity_maps = NULL;
	start(NULL, NULL);
	listen_to_log();
	check_sign_in(&(struct sign_in_row){
	    U "@" C, LATER_, "admin must allow tenant " U " first"});
	assert_said(said(), "status=unavailable (the application is new here");
	conf.identity_maps = table_path;
	start("first application=T/C\nsecond application=T/C\n", NULL);
	listen_to_log();
	check_sign_in(&(struct sign_in_row){T "@" C, "5.7.8", NULL});
	assert_said(said(),
	    "several entries have this application: first, "
	    "second; the user name must end with one");
	listen_to_log();
	check_sign_in(&(struct sign_in_row){"bob@pa55word", "5.7.8", NULL});
	text = said();
	assert_said(text,
	    "reason=credential, status=refused (a user name of "
	    "12 bytes: ");
	assert_null(strstr(text, "pa55"));
}

/* --- who is known already --- */

static const struct notice_row {
	const char *table, *allowed;
	int known; /* tenants */
	const char *want; /* NULL: nothing is said */
} notices[] = {
    {NULL, NULL, 0, NULL},
    {NULL, NULL, 1, "reload: allowed_tenants = " T "\n"},
    {NULL, NULL, 2, "reload: allowed_tenants = " T ", " U "\n"},
    {NULL, "any", 2, NULL},
    {NULL, T, 2, NULL},
    {"a application=T/C\n", NULL, 2, NULL},
    {"# none yet\n", NULL, 2, "reload: allowed_tenants = " T ", " U "\n"},
};

static void
test_notice(void **state)
{
	static const struct identity known[] = {{T, D}, {U, C}, {T, C}};
	const struct notice_row *row;
	const char *text;
	size_t i;
	int k;

	(void)state;
	for (i = 0; i < sizeof(notices) / sizeof(notices[0]); i++) {
		row = &notices[i];
		assert_int_equal(
		    state_run(st, "DELETE FROM credential", NULL), 0);
		/* two of one tenant count once */
		for (k = 0; row->known > 0 && k <= row->known; k++)
			know(&known[row->known == 1 ? 2 * k : k]);
		conf.identity_maps = row->table == NULL ? NULL : table_path;
		listen_to_log();
		start(row->table, row->allowed);
		text = said();
		if (row->want == NULL)
			assert_null(strstr(text, "allowed_tenants"));
		else
			assert_said(text, row->want);
		listen_to_log();
		identities_refresh(ids, 0);
		assert_null(strstr(said(), "allowed_tenants"));
		listen_to_log();
		identities_refresh(ids, 1);
		assert_int_equal(count_lines(said(), "allowed_tenants is"),
		    row->want == NULL ? 0 : 1);
	}
	conf.identity_maps = table_path;
}

static void
test_notice_of_many(void **state)
{
	struct identity one = {"", C};
	const char *text;
	int i;

	(void)state;
	conf.identity_maps = NULL;
	for (i = 0; i < 50; i++) {
		snprintf(one.tenant, sizeof(one.tenant), "%08d%s", i, T + 8);
		know(&one);
	}
	listen_to_log();
	start(NULL, NULL);
	text = said();
	assert_said(text, "known here (the first of them), add ");
	assert_said(text, ", 00000039-2222-3333-4444-555555555555\n");
	conf.identity_maps = table_path;
}

/* libentra's entra_lookup says another word than identity_lookup_suffix. */
static void
test_other_suffix(void **state)
{
	static const struct {
		const char *name;
		int warned;
	} rows[] = {
	    {"erp@look", 1},
	    {"ERP:look", 1},
	    {"erp|", 1},
	    {"erp@lookup2", 1},
	    /* nobody's, and no name that could not be a secret */
	    {"crm@look", 0},
	    {"erp", 0},
	    {"erplook", 0},
	    {"@look", 0},
	    {"", 0},
	    {"pa55word@erp", 0},
	};
	const char *text;
	size_t i;
	int n;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start("erp application=T/C\n", NULL);
		listen_to_log();
		for (n = 0; n < 10; n++)
			check_sign_in(
			    &(struct sign_in_row){rows[i].name, "5.7.8", NULL});
		text = said();
		if (count_lines(text, "entra_lookup") != rows[i].warned)
			fail_msg("%s: %s", rows[i].name, text);
		if (rows[i].warned)
			assert_said(text,
			    "warning: NOQUEUE: reason=identity, status=refused "
			    "(a user name asks for entry \"erp\", but not as "
			    "erp@lookup; ");
	}
	listen_to_log();
	check_sign_in(&(struct sign_in_row){"erp@lookup", "erp", NULL});
	assert_null(strstr(said(), "entra_lookup"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_which_entry),
	    cmocka_unit_test(test_delimiter),
	    cmocka_unit_test(test_disabled),
	    cmocka_unit_test(test_gate),
	    cmocka_unit_test(test_gate_log),
	    cmocka_unit_test(test_notice),
	    cmocka_unit_test(test_notice_of_many),
	    cmocka_unit_test(test_other_suffix),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
