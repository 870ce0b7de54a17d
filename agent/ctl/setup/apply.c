/*
 * apply.c - see apply.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/ctl/base/file.h"
#include "agent/ctl/base/postconf.h"
#include "agent/ctl/base/run.h"
#include "apply.h"
#include "tenants.h"

/* The options of postconf that set and remove what a kind names. */
static const struct {
	const char *set, *remove; /* NULL: not by postconf */
} apply_postconf[CHANGE_KINDS] = {
    [CHANGE_SETTING] = {"-e", "-X"},
    [CHANGE_SERVICE] = {"-M", "-MX"},
    [CHANGE_OPTION] = {"-P", "-PX"},
};

/* Ends the last line of a file, to which postconf would add its own text. */
static int
apply_end_line(const char *folder, const char *name, struct error *err)
{
	char path[4096];
	struct buf text;
	int status;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	buf_init(&text, FILE_SIZE_MAX);
	status = file_read(path, &text, err);
	if (status == 0 && text.len > 0 && text.bytes[text.len - 1] != '\n')
		status = buf_add_string(&text, "\n") == -1
		    ? error_no_memory(err)
		    : file_replace(path, text.bytes, 0644, err);
	buf_free(&text);
	return status;
}

/* --- by postconf --- */

struct apply_run {
	const char *folder;
	char *args[POSTCONF_ARGS_MAX]; /* the first is borrowed */
	size_t count;
};

/* Runs what has been gathered, and forgets it. */
static int
apply_flush(struct apply_run *r, struct error *err)
{
	int status = 0;

	if (r->count > 1) {
		r->args[r->count] = NULL;
		status = postconf_run(
		    r->folder, (const char *const *)r->args, NULL, err);
	}
	for (; r->count > 1; r->count--)
		free(r->args[r->count - 1]);
	return status;
}

static int
apply_gather(struct apply_run *r, const struct change *c, struct error *err)
{
	int n;

	if (r->count == POSTCONF_ARGS_MAX - 1 && apply_flush(r, err) == -1)
		return -1;
	n = c->new == NULL
	    ? asprintf(&r->args[r->count], "%s", c->name)
	    : asprintf(&r->args[r->count], "%s=%s", c->name, c->new);
	if (n == -1)
		return error_no_memory(err);
	r->count++;
	return 0;
}

/*
 * Sets an option whose value has blanks, which postconf -P refuses: by a new
 * line for its service.
 */
static int
apply_spaced(const char *folder, const struct change *c, struct error *err)
{
	char name[512];
	const char *option = change_option(c->name, name);
	struct apply_run r = {folder, {(char *)"-M"}, 1};
	const struct postconf_service *service;
	struct change line = {.kind = CHANGE_SERVICE, .name = name};
	struct postconf postconf;
	struct buf new;
	int status = -1;

	if (postconf_read(&postconf, folder, POSTCONF_AS_WRITTEN, err) == -1)
		return -1;
	buf_init(&new, RUN_OUTPUT_MAX);
	service = postconf_service(&postconf, name);
	if (service != NULL)
		postconf_define_with(service, option, c->new, &new);
	line.new = new.bytes;
	if (new.failed)
		error_no_memory(err);
	else if (service == NULL)
		error_set(
		    err, ERROR_OURS, "4.3.5", "there is no service %s", name);
	else if (apply_gather(&r, &line, err) == 0)
		status = apply_flush(&r, err);
	buf_free(&new);
	postconf_free(&postconf);
	return status;
}

static int
apply_is_spaced(const struct change *c)
{
	return c->kind == CHANGE_OPTION && c->new != NULL &&
	    c->new[strcspn(c->new, " \t")] != '\0';
}

/* Sets, or removes, all of the kind. */
static int
apply_kind(const char *folder, const struct changes *changes,
    enum change_kind kind, int remove, struct error *err)
{
	const char *option =
	    remove ? apply_postconf[kind].remove : apply_postconf[kind].set;
	struct apply_run r = {folder, {(char *)option}, 1};
	const struct change *c;
	int status = 0;
	size_t i;

	for (i = 0; i < changes->count && status == 0; i++) {
		c = &changes->list[i];
		if (c->kind != kind || c->is_kept || (c->new == NULL) != remove)
			continue;
		status = apply_is_spaced(c) ? apply_spaced(folder, c, err)
					    : apply_gather(&r, c, err);
	}
	if (status == 0)
		return apply_flush(&r, err);
	for (; r.count > 1; r.count--)
		free(r.args[r.count - 1]);
	return status;
}

/* --- files --- */

static int
apply_failed(const struct change *c, struct error *err)
{
	return error_set(err, ERROR_OURS, "4.3.5", "cannot %s %s: %s",
	    c->new != NULL ? "make" : "remove", c->name, strerror(errno));
}

/* A folder that holds something by now stays, and so does a link to one. */
static int
apply_folder(const struct change *c, struct error *err)
{
	int failed;

	if (c->new != NULL)
		failed = (mkdir(c->name, 0755) == -1 && errno != EEXIST) ||
		    chmod(c->name, 0755) == -1;
	else
		failed = rmdir(c->name) == -1 && errno != ENOENT &&
		    errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR;
	return failed ? apply_failed(c, err) : 0;
}

static int
apply_file(const struct change *c, struct error *err)
{
	switch (c->kind) {
	case CHANGE_FOLDER:
		return apply_folder(c, err);
	case CHANGE_TENANTS:
		return tenants_write(c->name, c->new, err);
	default:
		if (c->new != NULL)
			return file_replace(c->name, c->new, 0644, err);
		return unlink(c->name) == -1 && errno != ENOENT
		    ? apply_failed(c, err)
		    : 0;
	}
}

static int
apply_files(
    const struct changes *changes, enum change_kind kind, struct error *err)
{
	const struct change *c;
	size_t i;

	for (i = 0; i < changes->count; i++) {
		c = &changes->list[i];
		if (c->kind == kind && !c->is_kept && apply_file(c, err) == -1)
			return -1;
	}
	return 0;
}

int
apply_changes(const char *folder, const struct changes *changes,
    enum apply_order order, struct error *err)
{
	enum change_kind kind;
	int i, status = apply_end_line(folder, "main.cf", err);

	if (status == 0)
		status = apply_end_line(folder, "master.cf", err);
	for (i = 0; i < CHANGE_KINDS && status == 0; i++) {
		kind = (enum change_kind)(
		    order == APPLY_FORTH ? i : CHANGE_KINDS - 1 - i);
		if (apply_postconf[kind].set == NULL)
			status = apply_files(changes, kind, err);
		else if (apply_kind(folder, changes, kind, 0, err) == -1 ||
		    apply_kind(folder, changes, kind, 1, err) == -1)
			status = -1;
	}
	return status;
}
