/*
 * Which entry a client may use that has not signed in
 * (agent/daemon/identities/table_clients.c), a row a sentence of the
 * precedence; and what a table of 10,000 entries costs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "agent/daemon/identities/table.h"
#include "table_folder.h"

#define OPEN " application=T/C secret_file=/s from=a@x "

/* a name says what an entry asks for, from the most to the least */
static const char table_text[] =
    "any4" OPEN "clients=0.0.0.0/0\n"
    "any6" OPEN "clients=::/0\n"
    "net8" OPEN "clients=10.0.0.0/8,192.0.0.0/8\n"
    "net24-port25" OPEN "clients=192.0.2.0/24 daemon_name=port25\n"
    "net24" OPEN "clients=192.0.2.0/24\n"
    "host" OPEN "clients=192.0.2.9\n"
    "net25-port26" OPEN "clients=192.0.2.128/25 daemon_name=port26\n"
    "net64" OPEN "clients=2001:db8::/64\n"
    "mapped" OPEN "clients=::ffff:203.0.113.0/120\n"
    "cert" OPEN "{ client_certificate = \"Example CA\", scanner }\n"
    "cert-port25" OPEN "{ client_certificate = \"Example CA\", scanner }"
    " daemon_name=port25\n"
    "cert-net24" OPEN "{ client_certificate = \"Example CA\", scanner }"
    " clients=192.0.2.0/24\n"
    "cert-net8" OPEN "{ client_certificate = \"Example CA\", copier }"
    " clients=10.0.0.0/8\n"
    "off" OPEN "clients=198.51.100.7 disabled=yes\n"
    "no-clients application=T/C\n";

static const struct {
	const char *name; /* NULL: nobody */
	const char *address, *daemon_name, *issuer, *subject;
} clients[] = {
    /* the longest network */
    {"any4", "198.51.100.1", NULL, NULL, NULL},
    {"net8", "192.1.2.3", NULL, NULL, NULL},
    {"net8", "10.255.255.255", "", NULL, NULL},
    {"any4", "11.0.0.0", "", NULL, NULL},
    {"net24", "192.0.2.1", "x", NULL, NULL},
    {"host", "192.0.2.9", NULL, NULL, NULL},
    {"any6", "2001:db9::1", NULL, NULL, NULL},
    {"net64", "2001:db8::ffff:1", NULL, NULL, NULL},
    {"net64", "2001:0DB8:0:0:1::", NULL, NULL, NULL},
    {"any6", "2001:db8:0:1::", NULL, NULL, NULL},
    /* longer comes before a daemon's name */
    {"host", "192.0.2.9", "port25", NULL, NULL},
    /* of networks that are equally long, the daemon's name */
    {"net24-port25", "192.0.2.1", "port25", NULL, NULL},
    {"net24", "192.0.2.1", "port26", NULL, NULL},
    /* a daemon's name that is asked for must be there */
    {"net25-port26", "192.0.2.129", "port26", NULL, NULL},
    {"net24", "192.0.2.129", "", NULL, NULL},
    {"net24", "192.0.2.129", "PORT26", NULL, NULL},
    {"net24-port25", "192.0.2.129", "port25", NULL, NULL},
    /* IPv4 in IPv6 */
    {"mapped", "203.0.113.4", NULL, NULL, NULL},
    {"mapped", "::ffff:203.0.113.4", NULL, NULL, NULL},
    {"host", "::ffff:192.0.2.9", NULL, NULL, NULL},
    {"any4", "::ffff:198.51.100.1", NULL, NULL, NULL},
    /* a certificate before networks */
    {"cert", "192.1.2.3", NULL, "Example CA", "scanner"},
    {"cert", "2001:db8::1", "", "Example CA", "scanner"},
    {"cert", NULL, NULL, "Example CA", "scanner"},
    {"cert-port25", "198.51.100.1", "port25", "Example CA", "scanner"},
    {"cert-net24", "192.0.2.9", NULL, "Example CA", "scanner"},
    {"cert-net24", "192.0.2.9", "port25", "Example CA", "scanner"},
    {"cert-net8", "10.1.2.3", NULL, "Example CA", "copier"},
    /* one that is not named, or whose other conditions are not met */
    {"net24", "192.0.2.1", NULL, "Example CA", "copier"},
    {"net24", "192.0.2.1", NULL, "Other CA", "scanner"},
    {"net24", "192.0.2.1", NULL, "Example CA", NULL},
    {"net24", "192.0.2.1", NULL, "", "scanner"},
    {"net24", "192.0.2.1", NULL, "example ca", "scanner"},
    /* found, so that it can be refused */
    {"off", "198.51.100.7", NULL, NULL, NULL},
    /* no address */
    {NULL, NULL, "port25", NULL, NULL},
    {NULL, "", "port25", NULL, NULL},
    {NULL, "unknown", "port25", NULL, NULL},
};

static struct table *
read_table(void)
{
	struct table *table;
	struct error err;

	if ((table = read_files(table_path, 0, &err)) == NULL)
		fail_msg("%s", err.text);
	return table;
}

static void
test_precedence(void **state)
{
	const struct entry *e;
	struct table *table;
	size_t i;

	(void)state;
	table_write(table_text);
	table = read_table();
	for (i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		const struct table_client client = {clients[i].address,
		    clients[i].daemon_name, clients[i].issuer,
		    clients[i].subject};

		e = table_find_client(table, &client);
		if ((e == NULL) != (clients[i].name == NULL) ||
		    (e != NULL && strcmp(e->name, clients[i].name) != 0))
			fail_msg("row %zu, %s: %s", i,
			    clients[i].name == NULL ? "nobody"
						    : clients[i].name,
			    e == NULL ? "nobody" : e->name);
	}
	table_free(&table);
}

static void
test_daemons(void **state)
{
	struct table *table;

	(void)state;
	table_write(table_text);
	table = read_table();
	assert_int_equal(table_names_daemon(table, "port25"), 1);
	assert_int_equal(table_names_daemon(table, "port26"), 1);
	assert_int_equal(table_names_daemon(table, "port27"), 0);
	assert_int_equal(table_names_daemon(table, ""), 0);
	assert_int_equal(table_names_daemon(table, NULL), 0);
	table_free(&table);
}

/* Without networks that hold all, a client may be nobody. */
static void
test_nobody(void **state)
{
	static const struct {
		const char *address, *daemon_name;
	} rows[] = {
	    {"192.0.3.1", "port25"},
	    {"192.0.2.1", "port26"},
	    {"192.0.2.1", NULL},
	    {"2001:db8::1", "port25"},
	    {"::192.0.2.1", "port25"},
	};
	struct table *table;
	size_t i;

	(void)state;
	table_write("a" OPEN "clients=192.0.2.0/24 daemon_name=port25\n");
	table = read_table();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct table_client client = {.address = rows[i].address,
		    .daemon_name = rows[i].daemon_name};

		assert_null(table_find_client(table, &client));
	}
	table_free(&table);
	/* ::/0 is all of IPv6, and no IPv4 */
	table_write("a" OPEN "clients=::/0\n");
	table = read_table();
	assert_null(table_find_client(
	    table, &(struct table_client){.address = "192.0.2.1"}));
	assert_non_null(table_find_client(
	    table, &(struct table_client){.address = "2001:db8::1"}));
	table_free(&table);
}

/* --- how long it takes --- */

#define ENTRIES 10000
#define FEW 100
#define LOOKS 20000

/* Of the processor, since others use it too. */
static double
milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void
write_entries(int count)
{
	FILE *out = fopen(table_path, "w");
	int i;

	assert_non_null(out);
	for (i = 0; i < count; i++)
		fprintf(out,
		    "printer%d application=" TENANT
		    "/%08x-bbbb-cccc-dddd-eeeeeeeeeeee\n"
		    "    secret_file=/etc/msgraph/printer%d.secret "
		    "clients=10.%d.%d.0/24,2001:db8:%x::/48\n"
		    "    daemon_name=port%d senders=scan%d@example.com,"
		    "@printers%d.example.com\n"
		    "    recipients=@example.com rate_limit=30/m\n",
		    i, i, i, i / 256, i % 256, i, i % 7, i, i);
	fclose(out);
}

/* Milliseconds of the processor that each look-up was asked for LOOKS times. */
static double
look(const struct table *table, int count)
{
	double began = milliseconds();
	char name[32], address[32], daemon_name[16];
	struct identity application = app;
	const struct entry *e;
	int i, n;

	for (n = 0; n < LOOKS; n++) {
		i = (int)((long long)n * 7919 % count);
		snprintf(name, sizeof(name), "printer%d", i);
		e = table_find(table, name);
		assert_non_null(e);
		snprintf(
		    address, sizeof(address), "10.%d.%d.7", i / 256, i % 256);
		snprintf(daemon_name, sizeof(daemon_name), "port%d", i % 7);
		assert_ptr_equal(table_find_client(table,
				     &(struct table_client){.address = address,
					 .daemon_name = daemon_name}),
		    e);
		snprintf(application.client, sizeof(application.client),
		    "%08x-bbbb-cccc-dddd-eeeeeeeeeeee", i);
		assert_ptr_equal(
		    table_first_of(table, ENTRY_ALL, &application), e);
		assert_null(table_next_of(table, ENTRY_ALL, e));
		assert_true(table_has_tenant(table, TENANT));
		assert_true(table_names_daemon(table, daemon_name));
	}
	return milliseconds() - began;
}

/* The limit is ten times the aim; a walk takes a hundred times as long. */
static void
test_ten_thousand(void **state)
{
	double began, load, many, few, best = 1e9;
	struct table *table;
	int i;

	(void)state;
	write_entries(ENTRIES);
	for (i = 0; i < 3; i++) {
		began = milliseconds();
		table = read_table();
		load = milliseconds() - began;
		best = load < best ? load : best;
		assert_int_equal(table_count(table), ENTRIES);
		if (i < 2)
			table_free(&table);
	}
	look(table, ENTRIES);
	many = look(table, ENTRIES);
	table_free(&table);
	write_entries(FEW);
	table = read_table();
	look(table, FEW);
	few = look(table, FEW);
	table_free(&table);
	print_message("%d entries: read in %.1f ms, looked at in %.2f us "
		      "(%d entries: %.2f us)\n",
	    ENTRIES, best, many * 1000 / LOOKS, FEW, few * 1000 / LOOKS);
	assert_true(best < 500);
	assert_true(many < 20 * few);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_precedence),
	    cmocka_unit_test(test_daemons),
	    cmocka_unit_test(test_nobody),
	    cmocka_unit_test(test_ten_thousand),
	};

	return cmocka_run_group_tests(
	    tests, table_folder_begin, table_folder_end);
}
