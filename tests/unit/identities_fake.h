/*
 * identities_fake.h - the decisions over a table that a test writes: what they
 * say, and what they log.
 */
#ifndef TESTS_UNIT_IDENTITIES_FAKE_H
#define TESTS_UNIT_IDENTITIES_FAKE_H

#include <fcntl.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/identities/identities.h"
#include "lib/base/log.h"
#include "state_folder.h"
#include "table_folder.h"

#define OPEN " secret_file=/s "
#define T TENANT
#define U TENANT_2
#define C CLIENT
#define D CLIENT_2
#define LATER_ "later"

static struct conf conf;
static struct map_with with = {.conf = &conf};
static struct identities *ids;
static char log_file[64];
static int saved_stderr;

static inline int
begin(void **state)
{
	if (table_folder_begin(state) == -1 || state_begin(state) == -1)
		return -1;
	snprintf(log_file, sizeof(log_file), "%s/log", folder);
	saved_stderr = dup(STDERR_FILENO);
	log_open("test", LOG_TO_STDERR, LOG_LEVEL_INFO);
	memset(&conf, 0, sizeof(conf));
	conf.identity_maps = table_path;
	conf.identity_lookup_suffix = (char *)(uintptr_t) "lookup";
	return 0;
}

static inline int
end(void **state)
{
	identities_free(&ids);
	unlink(log_file);
	close(saved_stderr);
	return state_end(state) == -1 ? -1 : table_folder_end(state);
}

/* What is logged from here on is in said(). */
static inline void
listen_to_log(void)
{
	assert_non_null(freopen(log_file, "w", stderr));
}

static inline const char *
said(void)
{
	static char text[16384];
	FILE *in;
	size_t len;

	fflush(stderr);
	in = fopen(log_file, "r");
	len = fread(text, 1, sizeof(text) - 1, in);
	text[len] = '\0';
	fclose(in);
	dup2(saved_stderr, STDERR_FILENO);
	return text;
}

static inline int
count_lines(const char *text, const char *part)
{
	int count = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		count++;
	return count;
}

static inline void
assert_said(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("log: %s\nlacks: %s", text, part);
}

/* Starts anew with this table; NULL: there is no file. */
static inline void
start(const char *text, const char *allowed)
{
	identities_free(&ids);
	unlink(table_path);
	if (text != NULL)
		table_write(text);
	conf.allowed_tenants = (char *)(uintptr_t)allowed;
	ids = identities_new(&with, st, NULL);
	assert_non_null(ids);
}

/* Makes the file look as if it had been written a minute ago. */
static inline void
age(long seconds)
{
	struct timespec times[2];

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= seconds;
	times[1] = times[0];
	assert_int_equal(utimensat(AT_FDCWD, table_path, times, 0), 0);
}

static inline void
change(const char *text)
{
	static long seconds = 100;

	table_write(text);
	age(seconds++);
	identities_refresh(ids, 0);
}

static inline void
know(const struct identity *application)
{
	struct state_credential c = {0};

	c.secret = secret_new("s", 1);
	assert_int_equal(state_put(st, application, &c, NULL), 0);
	state_credential_clear(&c);
}

/* --- questions --- */

struct sign_in_row {
	const char *name;
	const char *want; /* entry, "" for none, or a dsn, or LATER_ */
	const char *text; /* part of what is said */
};

/* Returns the entry that a name gets, or how it fares. */
static inline const char *
who(const char *name)
{
	static struct identities_user user;

	switch (identities_sign_in(ids, name, strlen(name), &user)) {
	case IDENTITIES_OK:
		return user.entry;
	case IDENTITIES_LATER:
		return LATER_;
	default:
		return user.dsn;
	}
}

static inline void
check_sign_in(const struct sign_in_row *row)
{
	struct identities_user user;
	enum identities_result result =
	    identities_sign_in(ids, row->name, strlen(row->name), &user);
	const char *got = result == IDENTITIES_OK ? user.entry
	    : result == IDENTITIES_LATER	  ? LATER_
						  : user.dsn;

	if (strcmp(got, row->want) != 0 ||
	    (row->text != NULL && strstr(user.text, row->text) == NULL))
		fail_msg("%s: \"%s\" %s", row->name, got, user.text);
	if (result != IDENTITIES_OK)
		assert_true(user.text[0] != '\0' && user.entry[0] == '\0');
}

struct ask_row {
	const char *want; /* entry, "" for none, or dsn */
	const char *text;
	struct policy_question question;
};

static inline void
ask(const struct ask_row *row, struct policy_answer *answer)
{
	const char *got;

	identities_ask(ids, &row->question, answer);
	got = answer->status == POLICY_OK ? answer->entry : answer->dsn;
	if (strcmp(got, row->want) != 0 ||
	    (row->text != NULL && strstr(answer->text, row->text) == NULL))
		fail_msg("\"%s\" %s, not \"%s\" %s", got, answer->text,
		    row->want, row->text == NULL ? "" : row->text);
	if (answer->status == POLICY_OK)
		assert_true(answer->application.tenant[0] != '\0');
	else
		assert_true(answer->text[0] != '\0');
}

#endif
