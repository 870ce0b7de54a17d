/*
 * accounts.c - how long msgraphd's loop stands for the table of applications:
 * 10,000 of them, half known and half made up. Prints the longest step of each
 * kind, and fails where one takes more than 50 ms.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/entra/account_table.h"
#include "agent/daemon/store/state_sql.h"

#define HALF 5000
#define LIMIT_MS 50.0

static char folder[] = "/tmp/bench_accountsXXXXXX";
static struct account_table *table;
static int failed;

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1000 + (double)ts.tv_nsec / 1e6;
}

static void
report(const char *what, double longest)
{
	printf("%-44s %8.3f ms\n", what, longest);
	if (longest > LIMIT_MS)
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
	struct credential c = {.secret = secret_new("secret", 6)};
	struct identity id;
	int i;

	state_run(state, "BEGIN", NULL);
	for (i = 0; i < HALF; i++) {
		id = name("known", i);
		c.verified = clock_wall();
		if (state_put(state, &id, &c, NULL) == -1)
			exit(1);
	}
	state_run(state, "COMMIT", NULL);
	credential_clear(&c);
}

/* Somebody asks about each application, and Entra slows the made-up ones. */
static double
visit(const char *kind)
{
	double began, longest = 0;
	struct account *account;
	struct identity id;
	int i;

	for (i = 0; i < HALF; i++) {
		began = now();
		id = name(kind, i);
		if ((account = account_table_get(table, &id)) == NULL)
			exit(1);
		if (!account->known) {
			account_table_tenant_throttled(table, &id);
			account_known_be_quiet(account, ACCOUNT_TYPED,
			    3600 * 1000, ACCOUNT_THROTTLED, "slow down");
		}
		account_table_rest(table, account);
		if (now() - began > longest)
			longest = now() - began;
	}
	return longest;
}

static double
sweep(void)
{
	double began = now();

	account_table_sweep(table);
	return now() - began;
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
	fill(state);
	measure(state);
	state_close(&state);
	vault_free(&vault);
	unlink(key);
	unlink(file);
	rmdir(folder);
	return failed;
}
