/*
 * fragments.c - see fragments.h.
 *
 * A further service is a file of services/ that has only what differs from
 * FRAGMENTS_FIRST. Of two options of one name Postfix takes the last, so the
 * text of one behind that of the other is a whole service.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/ctl/base/file.h"
#include "lib/base/span.h"
#include "fragments.h"

#define FRAGMENTS_FOLDER "/etc/postfix/" /* as the fragments have it */
#define FRAGMENTS_SIZE_MAX (1024 * 1024)

/* Appends a text with Postfix's folder in place of the usual one. */
static void
fragments_add(
    const struct fragments *fragments, struct span text, struct buf *out)
{
	const char *at, *from = text.p, *end = span_end(text);
	size_t len = strlen(FRAGMENTS_FOLDER);

	if (text.len == 0)
		return;
	while ((at = memmem(from, (size_t)(end - from), FRAGMENTS_FOLDER,
		    len)) != NULL) {
		buf_add(out, from, (size_t)(at - from));
		buf_printf(out, "%s/", fragments->folder);
		from = at + len;
	}
	buf_add(out, from, (size_t)(end - from));
}

static int
fragments_read(const struct fragments *fragments, const char *name,
    struct buf *out, struct error *err)
{
	struct buf path;
	int status = -1;

	buf_init(&path, 4096);
	buf_init(out, FRAGMENTS_SIZE_MAX);
	if (buf_printf(&path, "%s/%s", fragments->share, name) == -1)
		error_no_memory(err);
	else
		status = file_read(path.bytes, out, err);
	buf_free(&path);
	return status;
}

int
fragments_load(struct fragments *fragments, const char *share,
    const char *folder, struct error *err)
{
	memset(fragments, 0, sizeof(*fragments));
	fragments->share = share;
	fragments->folder = folder;
	if (fragments_read(fragments, "postfix/master.cf.msgraph",
		&fragments->master, err) == 0 &&
	    fragments_read(fragments, "postfix/main.cf.msgraph",
		&fragments->main, err) == 0 &&
	    fragments_read(fragments, "postfix/msgraph_route",
		&fragments->route, err) == 0 &&
	    fragments_read(
		fragments, "sasl/msgraph.conf", &fragments->sasl, err) == 0)
		return 0;
	fragments_free(fragments);
	return -1;
}

void
fragments_free(struct fragments *fragments)
{
	buf_free(&fragments->master);
	buf_free(&fragments->main);
	buf_free(&fragments->route);
	buf_free(&fragments->sasl);
}

/* --- services --- */

/*
 * Finds the service in a text: its line, and what continues it, comments
 * included. 0, or -1 where there is none.
 */
static int
fragments_service(const char *text, struct span *line, struct span *rest)
{
	const char *at = text, *end;

	while (*at == '#' || *at == '\n') {
		at = strchrnul(at, '\n');
		at += *at == '\n';
	}
	if (*at == '\0')
		return -1;
	end = strchrnul(at, '\n');
	end += *end == '\n';
	*line = span_between(at, end);
	at = end;
	while (*at == ' ' || *at == '\t') {
		at = strchrnul(at, '\n');
		at += *at == '\n';
	}
	*rest = span_between(end, at);
	return 0;
}

static int
fragments_is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strlen(entry->d_name) < LISTENER_SIZE;
}

int
fragments_each(const struct fragments *fragments,
    int (*found)(void *arg, const char *name), void *arg)
{
	struct dirent **entries = NULL;
	char path[4096];
	int count, i, status;

	snprintf(path, sizeof(path), "%s/postfix/services", fragments->share);
	count = scandir(path, &entries, fragments_is_file, alphasort);
	status = found(arg, FRAGMENTS_FIRST);
	for (i = 0; i < count; i++) {
		if (status == 0)
			status = found(arg, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return status;
}

static int
fragments_name(void *arg, const char *name)
{
	struct buf *names = arg;

	buf_printf(names, "%s%s", names->len > 0 ? ", " : "", name);
	return 0;
}

static int
fragments_unknown(
    const struct fragments *fragments, const char *name, struct error *err)
{
	struct buf names;

	buf_init(&names, 400);
	fragments_each(fragments, fragments_name, &names);
	error_set(err, ERROR_OURS, "4.3.5",
	    "there is no service \"%s\"; there are %s", name,
	    names.bytes != NULL ? names.bytes : "none");
	buf_free(&names);
	return -1;
}

/* Reads the text of a further service; *text is empty for the first. */
static int
fragments_differences(const struct fragments *fragments, const char *name,
    struct buf *text, struct error *err)
{
	char path[LISTENER_SIZE + 32];

	buf_init(text, FRAGMENTS_SIZE_MAX);
	if (strcmp(name, FRAGMENTS_FIRST) == 0)
		return 0;
	if (strchr(name, '/') != NULL || name[0] == '.' || name[0] == '\0' ||
	    strlen(name) >= LISTENER_SIZE)
		return fragments_unknown(fragments, name, err);
	snprintf(path, sizeof(path), "postfix/services/%s", name);
	if (fragments_read(fragments, path, text, err) == 0)
		return 0;
	return errno == ENOENT ? fragments_unknown(fragments, name, err) : -1;
}

static int
fragments_wrong(const char *name, struct error *err)
{
	return error_set(err, ERROR_OURS, "4.3.5",
	    "the fragment of \"%s\" has no service", name);
}

int
fragments_place(const struct fragments *fragments, const char *name,
    char place[LISTENER_SIZE], struct error *err)
{
	struct span line, rest;
	struct buf own;
	const char *text;
	int status = -1;

	if (fragments_differences(fragments, name, &own, err) == 0) {
		text = own.len > 0 ? own.bytes : fragments->master.bytes;
		status = fragments_service(text, &line, &rest);
		if (status == -1)
			fragments_wrong(name, err);
		else
			snprintf(place, LISTENER_SIZE, "%.*s",
			    (int)strcspn(line.p, " \t\n"), line.p);
	}
	buf_free(&own);
	return status;
}

int
fragments_says(
    const struct fragments *fragments, const char *name, const char *option)
{
	const char *at = NULL;
	struct buf own;

	if (fragments_differences(fragments, name, &own, NULL) == 0 &&
	    own.len > 0)
		for (at = strstr(own.bytes, option); at != NULL;
		     at = strstr(at + 1, option))
			if (at[strlen(option)] == '\n' && at > own.bytes &&
			    at[-1] == ' ')
				break;
	buf_free(&own);
	return at != NULL;
}

/* --- for master.cf --- */

/* A certificate is for services that know TLS. */
static int
fragments_has_tls(struct span own)
{
	return own.len == 0 ||
	    memmem(own.p, own.len, "smtpd_tls_security_level=none", 29) == NULL;
}

static int
fragments_listener(const struct fragments *fragments,
    const struct listener *listener, const char *certificate, struct buf *out,
    struct error *err)
{
	struct span line, first, first_rest, rest = {NULL, 0};
	const char *fields;
	struct buf own;
	int status = -1;

	if (fragments_service(fragments->master.bytes, &first, &first_rest) ==
	    -1)
		return fragments_wrong(FRAGMENTS_FIRST, err);
	line = first;
	if (fragments_differences(fragments, listener->fragment, &own, err) ==
		-1 ||
	    (own.len > 0 && fragments_service(own.bytes, &line, &rest) == -1 &&
		fragments_wrong(listener->fragment, err) == -1))
		goto out;
	fields = line.p + strcspn(line.p, " \t\n");
	/* the comments before it, which say what the service is for */
	if (own.len > 0)
		fragments_add(fragments, span_between(own.bytes, line.p), out);
	buf_printf(out, "%s", listener->place);
	fragments_add(fragments, span_between(fields, span_end(line)), out);
	fragments_add(fragments, first_rest, out);
	fragments_add(fragments, rest, out);
	if (certificate != NULL && fragments_has_tls(rest))
		buf_printf(
		    out, "    -o smtpd_tls_chain_files=%s\n", certificate);
	buf_add_string(out, "\n");
	status = 0;
out:
	buf_free(&own);
	return status;
}

int
fragments_master(const struct fragments *fragments,
    const struct listener *listeners, size_t count, const char *certificate,
    struct buf *out, struct error *err)
{
	const char *text = fragments->master.bytes;
	struct span line, rest;
	size_t i;

	if (fragments_service(text, &line, &rest) == -1)
		return fragments_wrong(FRAGMENTS_FIRST, err);
	fragments_add(fragments, span_between(text, line.p), out);
	for (i = 0; i < count; i++)
		if (fragments_listener(
			fragments, &listeners[i], certificate, out, err) == -1)
			return -1;
	fragments_add(fragments,
	    span_between(span_end(rest), text + fragments->master.len), out);
	return out->failed ? error_no_memory(err) : 0;
}

/* --- as Postfix reads it --- */

/* Postfix's commands wait for a file that was written within this second. */
static int
fragments_put(
    const char *folder, const char *name, const char *text, struct error *err)
{
	static const struct timespec past[2] = {{1, 0}, {1, 0}};
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (file_replace(path, text, 0600, err) == -1)
		return -1;
	utimensat(AT_FDCWD, path, past, 0);
	return 0;
}

int
fragments_parse(const char *master, struct postconf *wanted, struct error *err)
{
	static const char *const names[] = {"main.cf", "master.cf"};
	char folder[] = "/tmp/msgraphctl.XXXXXX", path[128];
	int status = -1;
	size_t i;

	if (mkdtemp(folder) == NULL)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "cannot make a folder in /tmp: %s", strerror(errno));
	if (fragments_put(folder, names[0], "myhostname = localhost\n", err) ==
		0 &&
	    fragments_put(folder, names[1], master, err) == 0)
		status =
		    postconf_read(wanted, folder, POSTCONF_AS_WRITTEN, err);
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
	return status;
}
