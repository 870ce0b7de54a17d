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
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/ctl/base/file.h"
#include "agent/ctl/base/stops.h"
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

/* --- services --- */

/* Returns what stands behind "name=" in the options; NULL: they lack it. */
static const char *
fragments_option(const struct fragment *f, const char *name)
{
	const char *at =
	    memmem(f->options.p, f->options.len, name, strlen(name));

	return at == NULL ? NULL : at + strlen(name);
}

/* Cuts the first service of a text. 0, or -1 where there is none. */
static int
fragments_cut(struct fragment *f, const char *text)
{
	const char *line = text, *fields, *end, *at;

	while (*line == '#' || *line == '\n') {
		line = strchrnul(line, '\n');
		line += *line == '\n';
	}
	if (*line == '\0')
		return -1;
	fields = line + strcspn(line, " \t\n");
	end = strchrnul(line, '\n');
	end += *end == '\n';
	f->about = span_between(text, line);
	f->fields = span_between(fields, end);
	snprintf(f->place, LISTENER_SIZE, "%.*s", (int)(fields - line), line);
	for (line = end; *end == ' ' || *end == '\t'; end += *end == '\n')
		end = strchrnul(end, '\n');
	f->options = span_between(line, end);
	if ((at = fragments_option(f, " milter_macro_daemon_name=")) != NULL)
		snprintf(f->daemon_name, LISTENER_SIZE, "%.*s",
		    (int)strcspn(at, "\n"), at);
	f->is_wrapped =
	    fragments_option(f, " smtpd_tls_wrappermode=yes\n") != NULL;
	return 0;
}

static int
fragments_is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strlen(entry->d_name) < LISTENER_SIZE;
}

/* Adds a service of the folder. A file that holds none is passed over. */
static void
fragments_further(struct fragments *fragments, const char *name)
{
	struct fragment *f = &fragments->list[fragments->count];
	char path[LISTENER_SIZE + 32];

	if (fragments->count == LISTENERS_MAX)
		return;
	snprintf(f->name, LISTENER_SIZE, "%s", name);
	strcpy(f->daemon_name, fragments->list[0].daemon_name);
	snprintf(path, sizeof(path), "postfix/services/%s", name);
	if (fragments_read(fragments, path, &f->text, NULL) == 0 &&
	    fragments_cut(f, f->text.bytes) == 0)
		fragments->count++;
	else
		buf_free(&f->text);
}

static void
fragments_services(struct fragments *fragments)
{
	struct dirent **entries = NULL;
	char path[PATH_MAX];
	int count, i;

	snprintf(path, sizeof(path), "%s/postfix/services", fragments->share);
	count = scandir(path, &entries, fragments_is_file, alphasort);
	for (i = 0; i < count; i++) {
		fragments_further(fragments, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

int
fragments_load(struct fragments *fragments, const char *share,
    const char *folder, struct error *err)
{
	memset(fragments, 0, sizeof(*fragments));
	fragments->share = share;
	fragments->folder = folder;
	if (fragments_read(fragments, "postfix/master.cf.msgraph",
		&fragments->master, err) == -1 ||
	    fragments_read(fragments, "postfix/main.cf.msgraph",
		&fragments->main, err) == -1 ||
	    fragments_read(fragments, "postfix/msgraph_route",
		&fragments->route, err) == -1 ||
	    fragments_read(
		fragments, "sasl/msgraph.conf", &fragments->sasl, err) == -1)
		goto fail;
	strcpy(fragments->list[0].name, FRAGMENTS_FIRST);
	if (fragments_cut(&fragments->list[0], fragments->master.bytes) == -1) {
		error_set(err, ERROR_OURS, "4.3.5",
		    "%s/postfix/master.cf.msgraph has no service", share);
		goto fail;
	}
	fragments->count = 1;
	fragments_services(fragments);
	return 0;
fail:
	fragments_free(fragments);
	return -1;
}

void
fragments_free(struct fragments *fragments)
{
	size_t i;

	for (i = 0; i < fragments->count; i++)
		buf_free(&fragments->list[i].text);
	buf_free(&fragments->master);
	buf_free(&fragments->main);
	buf_free(&fragments->route);
	buf_free(&fragments->sasl);
}

const struct fragment *
fragments_find(
    const struct fragments *fragments, const char *name, struct error *err)
{
	struct buf names;
	size_t i;

	for (i = 0; i < fragments->count; i++)
		if (strcmp(fragments->list[i].name, name) == 0)
			return &fragments->list[i];
	buf_init(&names, 400);
	for (i = 0; i < fragments->count; i++)
		buf_printf(
		    &names, "%s%s", i > 0 ? ", " : "", fragments->list[i].name);
	error_set(err, ERROR_OURS, "4.3.5",
	    "there is no service \"%s\"; there are %s", name,
	    names.bytes != NULL ? names.bytes : "none");
	buf_free(&names);
	return NULL;
}

/* --- for master.cf --- */

/* A certificate is for services that know TLS. */
static int
fragments_has_tls(const struct fragment *f)
{
	return fragments_option(f, " smtpd_tls_security_level=none") == NULL;
}

static void
fragments_listener(const struct fragments *fragments,
    const struct listener *listener, const char *certificate, struct buf *out)
{
	const struct fragment *first = &fragments->list[0];
	const struct fragment *own =
	    fragments_find(fragments, listener->fragment, NULL);

	if (own != first)
		fragments_add(fragments, own->about, out);
	buf_add_string(out, listener->place);
	fragments_add(fragments, own->fields, out);
	fragments_add(fragments, first->options, out);
	if (own != first)
		fragments_add(fragments, own->options, out);
	if (certificate != NULL && fragments_has_tls(own))
		buf_printf(
		    out, "    -o smtpd_tls_chain_files=%s\n", certificate);
	buf_add_string(out, "\n");
}

int
fragments_master(const struct fragments *fragments,
    const struct listener *listeners, size_t count, const char *certificate,
    struct buf *out, struct error *err)
{
	const struct fragment *first = &fragments->list[0];
	size_t i;

	fragments_add(fragments, first->about, out);
	for (i = 0; i < count; i++)
		fragments_listener(fragments, &listeners[i], certificate, out);
	fragments_add(fragments,
	    span_between(span_end(first->options),
		fragments->master.bytes + fragments->master.len),
	    out);
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

static int
fragments_parse_in_folder(
    const char *master, struct postconf *wanted, struct error *err)
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

int
fragments_parse(const char *master, struct postconf *wanted, struct error *err)
{
	sigset_t old;
	int status;

	stops_hold(&old);
	status = fragments_parse_in_folder(master, wanted, err);
	stops_release(&old);
	return status;
}
