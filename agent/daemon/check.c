/*
 * check.c - see check.h.
 *
 * Access is tried, not computed from modes and owners: a folder above may be
 * closed as well, and a file system may have rules of its own. Nothing is made
 * or changed. A file that does not exist yet, because the first start will make
 * it, is no complaint.
 */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/daemon/base/secret_file.h"
#include "agent/daemon/store/state.h"
#include "agent/daemon/store/vault.h"
#include "lib/base/hidden.h"
#include "check.h"
#include "check_identities.h"

/* The accesses that a user needs, and the file with the settings. */
struct check_reader {
	const char *user;
	int (*check)(
	    const struct conf *conf, const char *file, struct error *err);
	/* prints its complaints itself, and returns their number; or NULL */
	int (*check_more)(const struct conf *conf, const char *user);
};

/* --- for msgraphd --- */

static int
check_has_certificate(FILE *in)
{
	char line[256];

	while (fgets(line, sizeof(line), in) != NULL)
		if (strncmp(line, "-----BEGIN ", 11) == 0 &&
		    strstr(line, "CERTIFICATE-----") != NULL)
			return 1;
	return 0;
}

int
check_ca_file(const struct conf *conf, struct error *err)
{
	const char *remedy;
	FILE *in;
	int found;

	if (conf->ca_file == NULL)
		return 0;
	if ((in = fopen(conf->ca_file, "re")) == NULL) {
		remedy = hidden_remedy(conf->ca_file, errno);
		if (remedy[0] == '\0' && errno == EACCES)
			remedy = "; it holds no secret: chmod it to 0644";
		return error_set(err, ERROR_OURS, "4.3.5",
		    "open ca_file %s: %s%s", conf->ca_file, strerror(errno),
		    remedy);
	}
	found = check_has_certificate(in);
	fclose(in);
	return found
	    ? 0
	    : error_set(err, ERROR_OURS, "4.3.5",
		  "ca_file %s holds no certificate in PEM form", conf->ca_file);
}

/* A file that is elsewhere may be a draft of root's. */
static int
check_settings_file(const char *file, struct error *err)
{
	if (strcmp(file, CONF_DEFAULT_FILE) != 0 || access(file, R_OK) == 0)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5", "open %s: %s%s", file,
	    strerror(errno), conf_open_remedy(errno));
}

static int
check_proxy_password(const struct conf *conf, struct error *err)
{
	struct secret *secret;

	if (conf->proxy_password_file == NULL)
		return 0;
	secret =
	    secret_file_line("proxy password", conf->proxy_password_file, err);
	if (secret == NULL)
		return -1;
	secret_free(&secret);
	return 0;
}

/* The first start makes both, so neither need be there. */
static int
check_key_and_state(const struct conf *conf, struct error *err)
{
	struct vault *vault;

	if (access(conf->state_directory, F_OK) == 0 &&
	    access(conf->state_directory, R_OK | W_OK | X_OK) == -1)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "state_directory %s: %s; run: chown -R msgraphd %s",
		    conf->state_directory, strerror(errno),
		    conf->state_directory);
	if (access(conf->vault_key_file, F_OK) == -1 && errno == ENOENT &&
	    !state_exists(conf->state_directory))
		return 0;
	if ((vault = vault_load(conf->vault_key_file, 0, err)) == NULL)
		return -1;
	vault_free(&vault);
	return 0;
}

static int
check_for_daemon(const struct conf *conf, const char *file, struct error *err)
{
	return check_settings_file(file, err) == -1 ||
		check_ca_file(conf, err) == -1 ||
		check_proxy_password(conf, err) == -1 ||
		check_key_and_state(conf, err) == -1
	    ? -1
	    : 0;
}

/* --- for the others --- */

static int
check_for_agent(const struct conf *conf, const char *file, struct error *err)
{
	(void)conf;
	return check_settings_file(file, err);
}

static int
check_for_postfix(const struct conf *conf, const char *file, struct error *err)
{
	char folder[PATH_MAX];

	(void)file;
	snprintf(folder, sizeof(folder), "%s", conf->auth_socket);
	*strrchr(folder, '/') = '\0';
	if (access(folder, F_OK) == -1 && errno == ENOENT)
		return 0;
	if (access(folder, X_OK) == 0)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "%s: %s, so no sign-in and no message gets in; run: gpasswd -a "
	    "postfix msgraph; systemctl restart postfix",
	    folder, strerror(errno));
}

static const struct check_reader readers[] = {
    {"msgraphd", check_for_daemon, check_identities},
    {"msgraph", check_for_agent, NULL},
    {"postfix", check_for_postfix, NULL},
};

/* --- running --- */

/* Returns the number of complaints. */
static int
check_run(const struct check_reader *reader, const struct conf *conf,
    const char *file)
{
	struct error err;
	int complaints = 0;

	if (reader->check(conf, file, &err) == -1) {
		fprintf(stderr, "msgraphd: as user %s: %s\n", reader->user,
		    err.text);
		complaints++;
	}
	if (reader->check_more != NULL)
		complaints += reader->check_more(conf, reader->user);
	return complaints;
}

static int
check_become(const struct passwd *pw)
{
	return initgroups(pw->pw_name, pw->pw_gid) == 0 &&
		setgid(pw->pw_gid) == 0 && setuid(pw->pw_uid) == 0
	    ? 0
	    : -1;
}

/* As check_run(), in a process that is the user's. */
static int
check_run_as(const struct check_reader *reader, const struct passwd *pw,
    const struct conf *conf, const char *file)
{
	pid_t child;
	int status;

	fflush(NULL);
	if ((child = fork()) == 0)
		_exit(check_become(pw) == -1 ||
		    check_run(reader, conf, file) != 0);
	if (child == -1 || waitpid(child, &status, 0) == -1)
		return 1;
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

int
check_access(const struct conf *conf, const char *file)
{
	const struct passwd *pw;
	size_t i;
	int complaints = 0;

	if (geteuid() != 0) {
		struct check_reader self = readers[0];

		pw = getpwuid(geteuid());
		self.user = pw == NULL ? "?" : pw->pw_name;
		return check_run(&self, conf, file);
	}
	for (i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if ((pw = getpwnam(readers[i].user)) != NULL)
			complaints += check_run_as(&readers[i], pw, conf, file);
	return complaints;
}
