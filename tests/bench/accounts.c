/*
 * accounts.c - how long msgraphd's loop stands for 10,000 known applications:
 * for the table of them with as many that are made up, for their throttles, and
 * for their rows in the state when those are old or the clock is set. Prints
 * the longest step of each kind, and fails where one takes more than 50 ms. On
 * a machine that does other things the time of the CPU tells what is ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/entra/account_table.h"
#include "agent/daemon/store/state_sql.h"
#include "agent/daemon/throttle/throttle.h"

#define COUNT 10000
#define PROCESSES 100 /* of pipe(8), that may look at once */
#define LIMIT_MS 50.0

static char folder[] = "/tmp/bench_accountsXXXXXX";
static struct account_table *table;
static int failed;

/*
 * Of one step, or of the longest: what it takes, and what of that is our own.
 */
struct span {
	double ms, cpu_ms;
};

static double
read_clock(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1000 + (double)ts.tv_nsec / 1e6;
}

static struct span
now(void)
{
	return (struct span){.ms = read_clock(CLOCK_MONOTONIC),
	    .cpu_ms = read_clock(CLOCK_PROCESS_CPUTIME_ID)};
}

/* Makes the step that began then the longest one, if it is. */
static void
note(struct span *longest, struct span began)
{
	struct span end = now();

	if (end.ms - began.ms > longest->ms)
		longest->ms = end.ms - began.ms;
	if (end.cpu_ms - began.cpu_ms > longest->cpu_ms)
		longest->cpu_ms = end.cpu_ms - began.cpu_ms;
}

static struct span
since(struct span began)
{
	struct span longest = {0};

	note(&longest, began);
	return longest;
}

static void
report(const char *what, struct span longest)
{
	printf("%-46s %8.3f ms %8.3f ms\n", what, longest.ms, longest.cpu_ms);
	if (longest.ms > LIMIT_MS)
		failed = 1;
}

static struct identity
name(const char *kind, int n)
{
	struct identity id = {.client = "66666666-7777-8888-9999-000000000000"};

	snprintf(id.tenant, sizeof(id.tenant), "%s-%d", kind, n);
	return id;
}

static void
fill(struct state *state)
{
	struct state_credential c = {
	    .secret = secret_new("secret", 6), .token = secret_new(NULL, 1500)};
	struct identity id;
	int i;

	state_run(state, "BEGIN", NULL);
	for (i = 0; i < COUNT; i++) {
		id = name("known", i);
		c.verified = clock_wall();
		c.token_expires = clock_wall() + 3600;
		if (state_put(state, &id, &c, NULL) == -1)
			exit(1);
	}
	state_run(state, "COMMIT", NULL);
	state_credential_clear(&c);
}

/* Somebody asks about each application, and Entra slows the made-up ones. */
static struct span
visit(const char *kind)
{
	struct span began, longest = {0};
	struct account *account;
	struct identity id;
	int i;

	for (i = 0; i < COUNT; i++) {
		began = now();
		id = name(kind, i);
		if ((account = account_table_get(table, &id, "")) == NULL)
			exit(1);
		if (!account->known) {
			account_table_tenant_throttled(table, &id);
			account_known_be_quiet(account, ACCOUNT_TYPED,
			    3600 * 1000, ACCOUNT_THROTTLED, "slow down");
		}
		account_table_rest(table, account);
		note(&longest, began);
	}
	return longest;
}

static struct span
sweep(void)
{
	struct span began = now();

	account_table_sweep(table);
	return since(began);
}

static void
measure(struct state *state)
{
	struct conf conf = {.auth_cache_ttl = 600};

	if ((table = account_table_new(&conf, state)) == NULL)
		exit(1);
	report("a known application is looked up", visit("known"));
	report("a made-up application is looked up", visit("made-up"));
	printf("%zu applications in memory\n", account_table_count(table));
	clock_advance(7200 * 1000);
	report("a sweep forgets all of them", sweep());
	printf("%zu applications in memory\n", account_table_count(table));
	account_table_free(&table);
}

/* --- throttles --- */

static struct span
look(struct throttles *throttles)
{
	struct span began, longest = {0};
	struct identity id;
	int i;

	for (i = 0; i < COUNT; i += 50) {
		id = name("known", i);
		began = now();
		throttle_left_graph(throttles, &id, "scan@example.com");
		throttle_left_entra(throttles, &id);
		note(&longest, began);
	}
	return longest;
}

static struct span
look_all(struct throttles *throttles)
{
	struct span began = now();
	struct identity id;
	int i;

	for (i = 0; i < PROCESSES; i++) {
		id = name("known", i);
		throttle_left_graph(throttles, &id, "scan@example.com");
	}
	return since(began);
}

static void
throttle_one(struct throttles *throttles, const char *kind, int n)
{
	struct identity id = name(kind, n);

	if (throttle_by_graph(throttles, &id, "scan@example.com",
		THROTTLE_APPLICATION, 3600, NULL) == -1)
		exit(1);
}

/* Returns the longest step of the loop until there is nothing to do. */
static struct span
loop(struct event_base *base)
{
	struct span began, longest = {0};

	while (event_base_get_num_events(base,
		   EVENT_BASE_COUNT_ADDED | EVENT_BASE_COUNT_ACTIVE) > 0) {
		began = now();
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		note(&longest, began);
		usleep(1000);
	}
	return longest;
}

static void
measure_throttles(struct state *state)
{
	struct event_base *base = event_base_new();
	struct throttles *throttles = throttles_new(base, state, NULL);
	struct span began;
	int i;

	for (i = 0; i < COUNT; i++)
		throttle_one(throttles, "known", i);
	report("all are throttled: written, in steps", loop(base));
	report("a throttle is looked up", look(throttles));
	report("100 deliveries look at once", look_all(throttles));
	began = now();
	throttle_one(throttles, "throttled", 1);
	report("one more application is throttled", since(began));
	report("  and that is written", loop(base));
	clock_advance(7200 * 1000);
	report("all have run out", look(throttles));
	throttle_one(throttles, "throttled", 2);
	report("one is throttled then: written", loop(base));
	began = now();
	throttles_free(&throttles);
	report("the throttles are freed", since(began));
	event_base_free(base);
}

/* --- the state's rows --- */

static void
fill_tables(struct state *state)
{
	char sql[1024];

	snprintf(sql, sizeof(sql),
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < %d)"
	    "INSERT INTO sender SELECT 'box' || i || '@example.com',"
	    " 'tenant/client', %lld FROM n;"
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < %d)"
	    "INSERT INTO delivery SELECT randomblob(32), 2, 0, '', '', 0, %lld"
	    " FROM n;",
	    COUNT, clock_wall(), COUNT, clock_wall());
	if (state_run(state, sql, NULL) == -1)
		exit(1);
}

static int
follow(struct state *state)
{
	return state_follow_more(state, NULL);
}

static int
mend(struct state *state)
{
	return state_mend_future(state, NULL);
}

static int
expire(struct state *state)
{
	return state_expire(state, clock_wall() + 1, NULL);
}

/* Returns the longest of the steps until there is no more to do. */
static struct span
longest(struct state *state, int (*step)(struct state *state))
{
	struct span began, most = {0};
	int more;

	do {
		began = now();
		if ((more = step(state)) == -1)
			exit(1);
		note(&most, began);
	} while (more > 0);
	return most;
}

static void
measure_rows(struct state *state)
{
	long long began_wall = clock_wall() - 10 * 86400, wall = clock_wall();
	struct span began;

	fill_tables(state);
	began = now();
	if (state_follow_clock(state, began_wall, wall, 30 * 86400, NULL) == -1)
		exit(1);
	report("the clock is set: what follows at once", since(began));
	report("  applications follow, in steps", longest(state, follow));
	report("rows of a clock far ahead are mended", longest(state, mend));
	report(
	    "applications are silent for long, and go", longest(state, expire));
}

int
main(void)
{
	char key[64], file[64];
	struct vault *vault;
	struct state *state;
	struct error err;

	umask(077);
	if (mkdtemp(folder) == NULL || auth_cache_init() == -1)
		return 1;
	snprintf(key, sizeof(key), "%s/key", folder);
	snprintf(file, sizeof(file), "%s/state.db", folder);
	if ((vault = vault_load(key, 1, &err)) == NULL ||
	    (state = state_open(folder, vault, &err)) == NULL) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	printf("%-46s %11s %11s\n", "the longest step", "", "of the CPU");
	fill(state);
	measure(state);
	measure_throttles(state);
	measure_rows(state);
	state_close(&state);
	vault_free(&vault);
	unlink(key);
	unlink(file);
	rmdir(folder);
	return failed;
}
