/*
 * The table of identities as a file (agent/daemon/identities/table*.c): a row is
 * what the file holds, and what becomes of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/identities/table.h"
#include "agent/daemon/identities/table_entry.h"
#include "table_folder.h"

#define APP "application=T/C"
#define OPEN APP " secret_file=/s from=a@x "

/* --- what is refused, and what is said --- */

/* What is said is behind the file; "F" in it stands for the file. */
static const struct {
	const char *text, *said;
} mistakes[] = {
    /* names */
    {"a.b " APP, ":1: a line begins with the name of an entry"},
    {"\303\244 " APP, ":1: a line begins with the name"},
    {"a" APP "\n", ":1: a line begins with the name"},
    {"{ a } " APP, ":1: a line begins with the name"},
    {"n234567890123456789012345678901234567890123456789012345678901234x " APP,
	":1: a line begins with the name of an entry, of 1 to 64"},
    {"a " APP "\nb application=T/D\na application=U/C\n",
	":3: there is an entry \"a\" already, F:1"},
    {"a " APP "\nA application=T/D\n",
	":2: there is an entry \"a\" already, F:1"},
    /* lines */
    {"  " APP, ":1: the line begins with a blank"},
    {"# a\n\n  a " APP, ":3: the line begins with a blank"},
    {"a " APP "\n  # a comment\n", ":2: neither name=value without blanks"},
    {"a " APP " # a comment\n", ":1: neither name=value without blanks"},
    {"a " APP "\n\n\n# x\n  senders\n", ":5: neither name=value"},
    {"a " APP " senders =@x", ":1: neither name=value"},
    {"a " APP " =@x", ":1: neither name=value"},
    {"a " APP " { senders = @x", ":1: a \"{\" without its \"}\""},
    {"a " APP " { senders = @x }b", ":1: no blank behind a \"}\""},
    {"a " APP " { senders }", ":1: neither name=value"},
    {"a\n  " APP "\n  { senders =\n  x }", ":3: senders: \"x\" is no address"},
    /* attributes */
    {"a", ":1: application=tenant/client is missing"},
    {"a senders=@x", ":1: application=tenant/client is missing"},
    {"a " APP " sender=@x",
	":1: unknown attribute \"sender\"; did you mean \"senders\"?"},
    {"a " APP " Rate-Limit=1/s",
	":1: unknown attribute \"Rate-Limit\"; did you mean \"rate_limit\"?"},
    {"a " APP " frobnicate=1",
	":1: unknown attribute \"frobnicate\"; see identities(5)"},
    {"a " APP " pa55.word=1", ":1: an attribute whose name has other"},
    {"a " APP " " APP, ":1: \"application\" is given twice"},
    {"a " APP "\n senders=@x\n { senders = @y }\n",
	":3: \"senders\" is given twice"},
    {"a " APP " senders=", ":1: senders: nothing stands behind the '='"},
    /* application */
    {"a application=x", ":1: application: \"x\" is no tenant/client"},
    {"a application=" TENANT, ":1: application: \"" TENANT "\" is no tenant"},
    {"a application=" TENANT "/1", "client is neither a UUID"},
    /* credentials */
    {"a " APP " secret_file=s", ":1: secret_file must be a path"},
    {"a " APP " secret_file=/s certificate_file=/c",
	":1: certificate_file: the entry has secret_file already"},
    /* addresses */
    {"a " APP " senders=A@x",
	"\"A@x\" is no address in canonical form: write "
	"it in lower case"},
    {"a " APP " senders=a@X", "write it in lower case"},
    {"a " APP " senders=a@\303\274.de", "as xn--"},
    {"a " APP " senders=\303\274@x.de", "as xn--"},
    {"a " APP " senders=\"a\"@x", "is needed behind double quotes"},
    {"a " APP " { senders = \"any address\" }",
	":1: senders: \"any address\" is no address"},
    {"a " APP " { senders = \"any }", "a double quote without its second"},
    {"a " APP " from=\\a@x", "write it without quotes"},
    {"a " APP " senders=a", "it must be local@domain or @domain"},
    {"a " APP " senders=a@", "it must be local@domain"},
    {"a " APP " senders=@", "it must be local@domain"},
    {"a " APP " senders=a@x,any", "\"any\" is no address"},
    {"a " APP " senders=a@.x", "it must be"},
    {"a " APP " senders=a@x.", "it must be"},
    {"a " APP " senders=a@x..y", "it must be"},
    {"a " APP " senders=a@-x", "it must be"},
    {"a " APP " senders=a@x-.y", "it must be"},
    {"a " APP " senders=a@[192.0.2.1]", "it must be"},
    {"a " APP " senders=.a@x", "it must be"},
    {"a " APP " senders=a.@x", "it must be"},
    {"a " APP " senders=a..b@x", "it must be"},
    {"a " APP " senders=a@b@x", "it must be"},
    {"a " APP " senders=<a@x>", "it must be"},
    {"a " APP " senders=,", "nothing stands in the list"},
    {"a " APP " recipients=B@x", ":1: recipients: \"B@x\""},
    {"a " APP " from=@x",
	":1: from: \"@x\" is no address in canonical form: "
	"it must be local@domain"},
    {"a " APP " from=a@x,b@x", "from: "},
    {"a " APP " from=a@x senders=b@x,@y",
	":1: senders does not cover a@x, which from names"},
    {"a " APP " from=a@sub.x senders=@x", "senders does not cover"},
    /* networks */
    {"a " OPEN "clients=192.0.2.9/24",
	":1: clients: \"192.0.2.9/24\" has bits set behind the network's; "
	"did you mean 192.0.2.0/24?"},
    {"a " OPEN "clients=2001:db8::1/64", "did you mean 2001:db8::/64?"},
    {"a " OPEN "clients=::ffff:192.0.2.9/120", "did you mean 192.0.2.0/24?"},
    {"a " OPEN "clients=::ffff:192.0.2.0/90", "did you mean ::ff"},
    {"a " OPEN "clients=192.0.2.0/33", "is no network such as"},
    {"a " OPEN "clients=192.0.2.0/-1", "is no network such as"},
    {"a " OPEN "clients=192.0.2.0/024", "is no network such as"},
    {"a " OPEN "clients=192.0.2.0/", "is no network such as"},
    {"a " OPEN "clients=192.0.2.0/24x", "is no network such as"},
    {"a " OPEN "clients=192.0.2.0/255.255.255.0", "is no network such as"},
    {"a " OPEN "clients=192.0.2", "is no network such as"},
    {"a " OPEN "clients=192.0.2.256", "is no network such as"},
    {"a " OPEN "clients=192.0.2.01", "is no network such as"},
    {"a " OPEN "clients=2001:db8::/129", "is no network such as"},
    {"a " OPEN "clients=[2001:db8::]/64", "is no network such as"},
    {"a " OPEN "clients=fe80::1%eth0", "is no network such as"},
    {"a " OPEN "clients=scanner.example.com", "is no network such as"},
    {"a " OPEN "clients=192.0.2.9,192.0.2.9",
	":1: clients: 192.0.2.9 is given twice"},
    {"a " OPEN "clients=192.0.2.0/24,::ffff:192.0.2.0/120",
	":1: clients: 192.0.2.0/24 is given twice"},
    /* who need not sign in */
    {"a " APP " from=a@x clients=::1", ":1: who does not sign in brings no"},
    {"a " APP " from=a@x client_certificate=ca,cn", "brings no secret"},
    {"a " APP " secret_file=/s clients=::1",
	":1: clients and client_certificate need from or senders"},
    {"a " APP " secret_file=/s client_certificate=ca,cn",
	":1: clients and client_certificate need from or senders"},
    {"a " OPEN "daemon_name=x", ":1: daemon_name needs clients or"},
    {"a " OPEN "clients=::1 daemon_name=x,y", ":1: daemon_name: one name"},
    {"a " OPEN "client_certificate=ca", "two names are needed"},
    {"a " OPEN "client_certificate=ca,cn,x", "two names are needed"},
    {"a " OPEN "{ client_certificate = \"\", cn }", "two names are needed"},
    {"a " APP " sign_in=no", ":1: sign_in=no leaves nobody"},
    {"a " APP " sign_in=maybe", "\"maybe\" is not one of: no, yes"},
    {"a " APP " disabled=1", ":1: disabled: \"1\" is not one of: no, yes"},
    {"a " APP " logins=bob", ":1: logins need a credential of the relay's"},
    {"a " APP " secret_file=/s logins=bob,bob",
	":1: logins: \"bob\" is given twice"},
    {"a " APP " secret_file=/s logins=" TENANT "@" CLIENT,
	":1: logins: \"" TENANT "@" CLIENT "\" is the name of an application"},
    {"a " APP " secret_file=/s { logins = \"\" }", ":1: logins: an empty name"},
    {"a " APP " secret_file=/s logins=bob,eve\nb " APP
     " secret_file=/s\n logins=joe,eve\n",
	":2: entry \"b\" is for \"eve\" (logins), and so is \"a\", F:1"},
    /* two for the same clients */
    {"a " OPEN "clients=::1\nb " OPEN "clients=::2,::1\n",
	":2: entry \"b\" is for the same clients as \"a\", F:1 (::1)"},
    {"a " OPEN "clients=::1 daemon_name=x\nb " OPEN
     "clients=::1 daemon_name=x\n",
	":2: entry \"b\" is for the same clients as \"a\", F:1"},
    {"a " OPEN "client_certificate=ca,cn\nb " OPEN
     "\n client_certificate=ca,cn",
	":2: entry \"b\" is for the same clients as \"a\", F:1 (the same "
	"certificate)"},
    {"a " OPEN "client_certificate=ca,cn clients=::1\nb " OPEN
     "client_certificate=ca,cn clients=::1",
	":2: entry \"b\" is for the same clients as \"a\", F:1 (::1)"},
    {"a " OPEN "clients=::1 disabled=yes\nb " OPEN "clients=::1\n",
	":2: entry \"b\" is for the same clients as \"a\", F:1"},
    /* the others */
    {"a " APP " rate_limit=30", ":1: rate_limit: \"30\" is not a number"},
    {"a " APP " rate_limit=0/m", "is not a number of messages"},
    {"a " APP " rate_limit=-1/m", "is not a number of messages"},
    {"a " APP " rate_limit=1000001/m", "is not a number of messages"},
    {"a " APP " rate_limit=99999999999999999999/m", "is not a number"},
    {"a " APP " rate_limit=30/w", "is not a number of messages"},
    {"a " APP " rate_limit=30m", "is not a number of messages"},
    {"a " APP " rate_limit=/m", "is not a number of messages"},
    {"a " APP " transport=smtp", ":1: transport: \"smtp\" is neither msgraph"},
    {"a " APP " transport=msgraph-", "is neither msgraph"},
    {"a " APP " transport=msgraph-a-b", "is neither msgraph"},
    {"a " APP " transport=msgraph-Slow", "is neither msgraph"},
    {"a " APP " transport=msgraphx", "is neither msgraph"},
    {"a " APP " transport=msgraph:x", "is neither msgraph"},
};

/* Writes what is to be said, with the file's path. */
static void
expand(const char *said, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (; *said != '\0'; said++) {
		if (said[0] == 'F' && said[1] == ':')
			snprintf(out + used, size - used, "%s", table_path);
		else
			snprintf(out + used, size - used, "%c", *said);
		used = strlen(out);
	}
}

static void
test_mistakes(void **state)
{
	char said[600];
	struct table *table;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		table_write(mistakes[i].text);
		memset(&err, 0, sizeof(err));
		if ((table = table_read(table_path, 0, &err)) != NULL)
			fail_msg("taken: %s", mistakes[i].text);
		assert_int_equal(err.class, ERROR_OURS);
		assert_string_equal(err.dsn, "4.3.5");
		expand(mistakes[i].said, said, sizeof(said));
		if (strncmp(err.text, table_path, strlen(table_path)) != 0 ||
		    strstr(err.text, said) == NULL ||
		    strstr(err.text, "pa55") != NULL)
			fail_msg("%s\nsays: %s\nnot:  %s", mistakes[i].text,
			    err.text, said);
	}
}

/* --- what is taken --- */

static struct table *
read_table(const char *text)
{
	struct table *table;
	struct error err;

	table_write(text);
	if ((table = table_read(table_path, 0, &err)) == NULL)
		fail_msg("%s: %s", text, err.text);
	return table;
}

/* Each says the same as the first. */
static const char *const spellings[] = {
    "a application=T/C senders=a@x,@y rate_limit=30/m\n",
    "A application=T/C senders=a@x,@y rate_limit=30/m",
    "\n# one\n\na application=T/C\n\tsenders=a@x,@y\n rate_limit=30/m\n",
    "a application=T/C\n# between\n\n \n senders=@y,a@x\n#\n rate_limit=30/m",
    "a { application = T/C } { senders = a@x, @y } {rate_limit=30/m}",
    "a {application=T/C}\n {\n senders\n =\n a@x\n @y\n }\n rate_limit=30/m",
    "a\r\n application=T/C\r\n senders=a@x,@y\r\n rate_limit=30/m\r\n",
    "a { senders = \"a@x\" , \"@y\" } application=T/C rate_limit=30/m",
    "a application=" TENANT "@" CLIENT " senders=a@x,@y rate_limit=30/m",
    "a application=" TENANT ":AAAAAAAAAAAAAAAAAAAAAA senders=a@x,@y "
    "rate_limit=30/m",
};

static void
test_spellings(void **state)
{
	const struct entry *entry;
	struct table *table;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		table = read_table(spellings[i]);
		assert_int_equal(table_count(table), 1);
		assert_non_null(entry = table_find(table, "a"));
		assert_ptr_equal(entry, table_at(table, 0));
		assert_string_equal(entry->application.tenant, TENANT);
		assert_string_equal(entry->senders[0], "@y");
		assert_string_equal(entry->senders[1], "a@x");
		assert_null(entry->senders[2]);
		assert_int_equal(entry->rate_count, 30);
		assert_int_equal(entry->rate_seconds, 60);
		assert_int_equal(entry->sign_in, 1);
		table_free(&table);
	}
}

static void
test_every_attribute(void **state)
{
	const struct entry *e;
	struct table *table;

	(void)state;
	table = read_table(
	    "# first\nall application=T/C secret_file=/etc/s\n"
	    " clients=192.0.2.0/24,2001:db8::/64,::1 daemon_name=port25\n"
	    " { client_certificate = \"Example, Inc. CA\", \"scanner 1\" }\n"
	    " { logins = bob, \"joe and eve\" alice@x }\n"
	    " sign_in=yes from=a@x senders=@x recipients=b@y,@z\n"
	    " rate_limit=5/d transport=msgraph-slow disabled=yes\n");
	e = table_at(table, 0);
	assert_string_equal(e->file, table_path);
	assert_int_equal(e->line, 2);
	assert_string_equal(credential_attribute(e->credential), "secret_file");
	assert_string_equal(credential_value(e->credential), "/etc/s");
	assert_int_equal(e->network_count, 3);
	assert_int_equal(e->networks[0].bits, 120);
	assert_int_equal(e->networks[1].bits, 64);
	assert_int_equal(e->networks[2].bits, 128);
	assert_string_equal(e->daemon_name, "port25");
	assert_string_equal(e->certificate_issuer, "Example, Inc. CA");
	assert_string_equal(e->certificate_subject, "scanner 1");
	assert_string_equal(e->logins[1], "joe and eve");
	assert_ptr_equal(table_find_login(table, "bob"), e);
	assert_ptr_equal(table_find_login(table, "joe and eve"), e);
	assert_ptr_equal(table_find_login(table, "alice@x"), e);
	assert_null(table_find_login(table, "Bob"));
	assert_null(table_find_login(table, ""));
	assert_string_equal(e->from, "a@x");
	assert_string_equal(e->transport, "msgraph-slow");
	assert_int_equal(e->rate_seconds, 86400);
	assert_int_equal(e->sign_in, 1);
	assert_int_equal(e->disabled, 1);
	assert_int_equal(table_covers(e->recipients, "b@y"), 1);
	assert_int_equal(table_covers(e->recipients, "c@y"), 0);
	assert_int_equal(table_covers(e->recipients, "c@z"), 1);
	assert_int_equal(table_covers(e->recipients, "c@sub.z"), 0);
	assert_int_equal(table_covers(e->recipients, "z"), 0);
	table_free(&table);
}

/* sign_in: 1 where clients may sign in as the entry. */
static const struct {
	const char *text;
	int sign_in, senders_any;
} openness[] = {
    {"a " APP, 1, 0},
    {"a " APP " sign_in=yes", 1, 0},
    {"a " APP " secret_file=/s", 1, 0},
    {"a " APP " senders=any", 1, 1},
    {"a " OPEN "clients=::1", 0, 0},
    {"a " OPEN "clients=::1 sign_in=no", 0, 0},
    {"a " OPEN "clients=::1 sign_in=yes", 1, 0},
    {"a " OPEN "client_certificate=ca,cn", 0, 0},
    {"a " APP " secret_file=/s clients=::1 senders=any", 0, 1},
    {"a " APP " secret_file=/s clients=::1 senders=@x", 0, 0},
    {"a " APP " secret_file=/s logins=bob", 0, 0},
    {"a " APP " secret_file=/s logins=bob sign_in=yes", 1, 0},
};

static void
test_who_may_sign_in(void **state)
{
	struct table *table;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(openness) / sizeof(openness[0]); i++) {
		table = read_table(openness[i].text);
		if (table_at(table, 0)->sign_in != openness[i].sign_in)
			fail_msg("%s", openness[i].text);
		assert_int_equal(
		    table_at(table, 0)->senders_any, openness[i].senders_any);
		table_free(&table);
	}
}

/* --- look-ups --- */

static void
test_applications(void **state)
{
	const struct entry *e;
	struct table *table;

	(void)state;
	table = read_table("c application=T/D\nz application=T/C\n"
			   "b application=U/C\na application=T/C\n"
			   "m application=T/C\n");
	e = table_first_of(table, ENTRY_ALL, &app);
	assert_string_equal(e->name, "z");
	e = table_next_of(table, ENTRY_ALL, e);
	assert_string_equal(e->name, "a");
	e = table_next_of(table, ENTRY_ALL, e);
	assert_string_equal(e->name, "m");
	assert_null(table_next_of(table, ENTRY_ALL, e));
	e = table_first_of(table, ENTRY_ALL, &app_2);
	assert_string_equal(e->name, "c");
	assert_null(table_next_of(table, ENTRY_ALL, e));
	assert_string_equal(
	    table_first_of(table, ENTRY_ALL, &app_3)->name, "b");
	assert_int_equal(table_has_tenant(table, TENANT), 1);
	assert_int_equal(table_has_tenant(table, TENANT_2), 1);
	assert_int_equal(table_has_tenant(table, CLIENT), 0);
	assert_int_equal(table_has_tenant(table, ""), 0);
	assert_null(table_find(table, "d"));
	assert_null(table_find(table, ""));
	assert_string_equal(table_find(table, "m")->name, "m");
	assert_int_equal(table_place(table, table_find(table, "m")), 4);
	table_free(&table);
}

static void
test_no_entries(void **state)
{
	static const char *const texts[] = {"", "\n", "# nothing\n", " \n\t\n"};
	static const struct table_client client = {.address = "192.0.2.1"};
	struct table *table;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		table = read_table(texts[i]);
		assert_int_equal(table_count(table), 0);
		assert_null(table_find(table, "a"));
		assert_null(table_first_of(table, ENTRY_ALL, &app));
		assert_null(table_find_client(table, &client));
		assert_int_equal(table_names_daemon(table, "x"), 0);
		assert_int_equal(table_has_tenant(table, TENANT), 0);
		table_free(&table);
	}
	table = table_read(NULL, 0, NULL);
	assert_int_equal(table_count(table), 0);
	table_free(&table);
}

/* --- the file --- */

static void
assert_file_refused(const char *said)
{
	struct error err;

	assert_null(table_read(table_path, 1, &err));
	if (strstr(err.text, said) == NULL)
		fail_msg("%s", err.text);
}

static void
test_file(void **state)
{
	char other[80];
	struct table *table;
	struct error err;

	(void)state;
	table_write("a application=T/C\n");
	assert_int_equal(chmod(table_path, 0664), 0);
	assert_file_refused("mode 0664 lets others change who sends as whom; "
			    "run: chmod go-w ");
	assert_int_equal(chmod(table_path, 0602), 0);
	assert_file_refused("chmod go-w ");
	assert_int_equal(chmod(table_path, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(table_path, 12345, (gid_t)-1), 0);
		assert_file_refused("belongs to uid 12345");
		assert_int_equal(chown(table_path, 0, (gid_t)-1), 0);
	}
	/* Kubernetes shows files as symbolic links */
	snprintf(other, sizeof(other), "%s.other", table_path);
	assert_int_equal(rename(table_path, other), 0);
	assert_int_equal(symlink(other, table_path), 0);
	table = table_read(table_path, 0, NULL);
	assert_int_equal(table_count(table), 1);
	table_free(&table);
	assert_int_equal(chmod(other, 0606), 0);
	assert_file_refused("chmod go-w ");
	unlink(other);
	unlink(table_path);
	assert_null(table_read(table_path, 0, &err));
	assert_non_null(strstr(err.text, "identities: there is no such file"));
	table = table_read(table_path, 1, &err);
	assert_int_equal(table_count(table), 0);
	table_free(&table);
	assert_int_equal(mkdir(table_path, 0700), 0);
	assert_file_refused("not a regular file");
	assert_int_equal(rmdir(table_path), 0);
	assert_int_equal(mkfifo(table_path, 0600), 0);
	assert_file_refused("not a regular file");
}

static void
test_nul(void **state)
{
	struct error err;
	FILE *out;

	(void)state;
	table_write("a application=T/C\n");
	out = fopen(table_path, "a");
	fwrite("b application\0=x\n", 1, 17, out);
	fclose(out);
	assert_null(table_read(table_path, 0, &err));
	assert_non_null(strstr(err.text, ":2: the line holds a NUL"));
}

static void
test_two_files(void **state)
{
	char second[80], both[200];
	struct table *table;
	struct error err;

	(void)state;
	snprintf(second, sizeof(second), "%s.2", table_path);
	table_write("a application=T/D\n");
	assert_int_equal(rename(table_path, second), 0);
	table_write("b application=T/C");
	snprintf(both, sizeof(both), "%s, %s", table_path, second);
	table = table_read(both, 0, &err);
	assert_int_equal(table_count(table), 2);
	assert_string_equal(table_find(table, "a")->file, second);
	assert_string_equal(table_at(table, 0)->name, "b");
	table_free(&table);
	table_write("\na application=T/C");
	assert_null(table_read(both, 0, &err));
	snprintf(both, sizeof(both),
	    "%s:1: there is an entry \"a\" already, %s:2", second, table_path);
	assert_string_equal(err.text, both);
	unlink(second);
}

static void
test_attributes_are_named(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; table_entry_attribute(i) != NULL; i++)
		assert_true(strlen(table_entry_attribute(i)) < 40);
	assert_true(i > 10 && i <= TABLE_ATTRIBUTES_MAX);
	assert_true(credential_is_attribute("secret_file"));
	assert_true(credential_is_attribute("certificate_file"));
	assert_true(credential_is_attribute("federated_token_file"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mistakes),
	    cmocka_unit_test(test_spellings),
	    cmocka_unit_test(test_every_attribute),
	    cmocka_unit_test(test_who_may_sign_in),
	    cmocka_unit_test(test_applications),
	    cmocka_unit_test(test_no_entries),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_nul),
	    cmocka_unit_test(test_two_files),
	    cmocka_unit_test(test_attributes_are_named),
	};

	return cmocka_run_group_tests(
	    tests, table_folder_begin, table_folder_end);
}
