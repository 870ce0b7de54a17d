/*
 * What is decided by an entry of a map that answers, and by the same one when
 * the map has fallen silent (agent/daemon/identities): then nobody is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/identities/identities_private.h"
#include "identities_fake.h"

/* What the Makefile has called in the place of these. */
int __wrap_outside_is_used(const struct outside *outside);
enum outside_result __wrap_outside_find(struct outside *outside,
    const char *key, int is_asked, struct outside_answer *answer);

static int is_old; /* the map is silent */

int
__wrap_outside_is_used(const struct outside *outside)
{
	(void)outside;
	return 1;
}

/* The map's entries stand in the table, behind "map-". */
enum outside_result
__wrap_outside_find(struct outside *outside, const char *key, int is_asked,
    struct outside_answer *answer)
{
	static struct rate rate;
	char name[64];

	(void)outside;
	(void)is_asked;
	snprintf(name, sizeof(name), "map-%.32s", key);
	memset(answer, 0, sizeof(*answer));
	answer->entry = table_find(ids->table, name);
	answer->rate = &rate;
	answer->is_old = is_old;
	return answer->entry == NULL ? OUTSIDE_NONE : OUTSIDE_FOUND;
}

static const char table[] = "map-open application=T/C\n"
			    "map-own application=T/C senders=scan@x\n"
			    "map-off application=T/C disabled=yes\n";

static const struct {
	const char *user, *mailbox;
	const char *sign_in[2]; /* as who(), of a map that answers, or not */
	const char *may[2]; /* entry, or dsn */
	enum policy_status status[2];
} rows[] = {
    {"open@lookup", "a@x", {"map-open", "map-open"}, {"map-open", "map-open"},
	{POLICY_OK, POLICY_OK}},
    {"own@lookup", "scan@x", {"map-own", "map-own"}, {"map-own", "map-own"},
	{POLICY_OK, POLICY_OK}},
    {"own@lookup", "a@x", {"map-own", "map-own"}, {"5.7.1", "4.7.1"},
	{POLICY_REFUSED, POLICY_LATER}},
    {"off@lookup", "a@x", {"5.7.13", LATER_}, {"5.7.13", "4.4.3"},
	{POLICY_REFUSED, POLICY_LATER}},
    {"gone@lookup", "a@x", {"5.7.8", LATER_}, {"5.7.1", "4.4.3"},
	{POLICY_REFUSED, POLICY_LATER}},
};

static void
test_silent_map(void **state)
{
	struct policy_answer answer;
	struct ask_row row;
	size_t i;

	(void)state;
	start(table, NULL);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		row = (struct ask_row){.question = {.stage = POLICY_END,
					   .user = rows[i].user,
					   .mailbox = rows[i].mailbox}};
		for (is_old = 0; is_old < 2; is_old++) {
			assert_string_equal(
			    who(rows[i].user), rows[i].sign_in[is_old]);
			row.want = rows[i].may[is_old];
			ask(&row, &answer);
			assert_int_equal(answer.status, rows[i].status[is_old]);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_silent_map, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
