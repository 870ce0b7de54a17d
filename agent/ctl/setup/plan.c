/*
 * plan.c - see plan.h.
 *
 * What an admin has changed stays, so a value that differs is replaced in two
 * cases only: it is one that an older release's fragments had (plan_old), or
 * the admin names the new one now (the certificate).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/base/file.h"
#include "plan.h"
#include "tenants.h"

#define PLAN_BOUNCES "#postconf -P " /* lines of the fragment, for --bounces */
#define PLAN_CHAIN "smtpd_tls_chain_files"

struct plan {
	const struct fragments *fragments;
	const struct wish *wish;
	const struct postconf *wanted;
	const struct present *present;
	struct changes *changes;
};

/*
 * Options that release 0.1.0 had otherwise. A size limit of its is not among
 * them: small ones are a choice (large_messages).
 */
static const struct {
	const char *option, *old; /* old: its end, for places in a folder */
} plan_old[] = {
    {"smtpd_discard_ehlo_keywords", "etrn,vrfy"},
    {"milter_header_checks", "/msgraph_route.pcre"},
    {"nested_header_checks", ""},
    {"body_checks", ""},
};

static int
plan_is_old(const char *option, const char *value)
{
	size_t i, len = strlen(value), end;

	for (i = 0; i < sizeof(plan_old) / sizeof(plan_old[0]); i++) {
		end = strlen(plan_old[i].old);
		if (strcmp(plan_old[i].option, option) == 0 &&
		    (plan_old[i].old[0] == '/'
			    ? len > end &&
				strcmp(value + len - end, plan_old[i].old) == 0
			    : strcmp(value, plan_old[i].old) == 0))
			return 1;
	}
	return 0;
}

/*
 * Adds a change where the present value is another. Files and settings stay
 * where there is one.
 */
static int
plan_value(struct plan *plan, enum change_kind kind, const char *name,
    const char *wanted, struct error *err)
{
	char *value;

	if (present_value(plan->present, kind, name, &value, err) == -1)
		return -1;
	if (value == NULL || strcmp(value, wanted) != 0)
		changes_add(
		    plan->changes, kind, value != NULL, name, value, wanted);
	free(value);
	return 0;
}

static int
plan_files(struct plan *plan, struct error *err)
{
	const struct fragments *f = plan->fragments;
	const struct {
		enum change_kind kind;
		const char *name, *wanted;
	} files[] = {
	    {CHANGE_FOLDER, "sasl", ""},
	    {CHANGE_FILE, "sasl/msgraph.conf", f->sasl.bytes},
	    {CHANGE_FILE, "msgraph_route", f->route.bytes},
	};
	char path[4096];
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->folder, files[i].name);
		if (plan_value(
			plan, files[i].kind, path, files[i].wanted, err) == -1)
			return -1;
	}
	return 0;
}

/* Every line "name = value" of the fragment of main.cf. */
static int
plan_main(struct plan *plan, struct error *err)
{
	char *copy = strdup(plan->fragments->main.bytes);
	char *rest = NULL, *line, *equals;
	int status = copy != NULL ? 0 : error_no_memory(err);

	for (line = status == 0 ? strtok_r(copy, "\n", &rest) : NULL;
	     line != NULL && status == 0; line = strtok_r(NULL, "\n", &rest)) {
		equals = strstr(line, " = ");
		if (line[0] == '#' || equals == NULL)
			continue;
		*equals = '\0';
		status =
		    plan_value(plan, CHANGE_SETTING, line, equals + 3, err);
	}
	free(copy);
	return status;
}

/* --- master.cf --- */

static void
plan_option(struct plan *plan, const struct postconf_service *present,
    const char *service, const char *name, const char *wanted)
{
	const char *old =
	    present != NULL ? postconf_option(present, name) : NULL;
	struct buf option;
	int is_kept;

	if (old != NULL && strcmp(old, wanted) == 0)
		return;
	is_kept = old != NULL && !plan_is_old(name, old) &&
	    strcmp(name, PLAN_CHAIN) != 0;
	buf_init(&option, 4096);
	if (buf_printf(&option, "%s/%s", service, name) == -1)
		plan->changes->failed = 1;
	else
		changes_add(plan->changes, CHANGE_OPTION, is_kept, option.bytes,
		    old, wanted);
	buf_free(&option);
}

static int
plan_is_head(const struct postconf_service *a, const struct postconf_service *b)
{
	size_t i;

	for (i = 0; i < POSTCONF_FIELDS; i++)
		if (strcmp(a->fields[i], b->fields[i]) != 0)
			return 0;
	return strcmp(a->arguments, b->arguments) == 0;
}

/* Options of ours would be another's to a program that is not the one meant. */
static int
plan_check_program(const struct postconf_service *wanted,
    const struct postconf_service *present, struct error *err)
{
	const char *ours = wanted->fields[POSTCONF_COMMAND];
	const char *theirs = present->fields[POSTCONF_COMMAND];

	if (strcmp(ours, theirs) == 0)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "master.cf has %s of another program: %s, not %s; rename that "
	    "service, or take it out: postconf -M# %s",
	    wanted->id, theirs, ours, wanted->id);
}

static int
plan_service(
    struct plan *plan, const struct postconf_service *wanted, struct error *err)
{
	const struct postconf_setting *o;
	const struct postconf_service *present;
	struct buf line;
	int status = -1;
	size_t i;

	buf_init(&line, FILE_SIZE_MAX);
	postconf_define(wanted, &line);
	if (line.failed) {
		error_no_memory(err);
		goto out;
	}
	if (postconf_times(&plan->present->postconf, wanted->id) > 1) {
		error_set(err, ERROR_OURS, "4.3.5",
		    "master.cf has %s more than once, and Postfix takes the "
		    "last; remove all but one",
		    wanted->id);
		goto out;
	}
	status = 0;
	present = postconf_service(&plan->present->postconf, wanted->id);
	if (present == NULL) {
		changes_add(plan->changes, CHANGE_SERVICE, 0, wanted->id, NULL,
		    line.bytes);
		goto out;
	}
	if ((status = plan_check_program(wanted, present, err)) == -1)
		goto out;
	if (!plan_is_head(wanted, present))
		changes_add(plan->changes, CHANGE_SERVICE, 1, wanted->id,
		    present->line, line.bytes);
	for (i = 0; i < wanted->count; i++) {
		o = &wanted->options[i];
		if (postconf_option(wanted, o->name) == o->value)
			plan_option(
			    plan, present, wanted->id, o->name, o->value);
	}
out:
	buf_free(&line);
	return status;
}

/* --- bounces --- */

/*
 * Returns 1 where the notices of a service go to a cleanup of the admin's own.
 */
static int
plan_has_own_cleanup(const struct plan *plan, const char *service)
{
	char option[512];
	const struct change *c;

	snprintf(option, sizeof(option), "%s/cleanup_service_name", service);
	c = changes_find(plan->changes, CHANGE_OPTION, option);
	return c != NULL && c->is_kept;
}

/*
 * Reads one "service/type/name=value" of the fragment. What is for our cleanup
 * is not for another, whose checks and milters would see the notices then.
 */
static void
plan_bounce(struct plan *plan, char *text)
{
	char *equals = strchr(text, '='), *name;
	const struct postconf_service *present;

	if (equals == NULL)
		return;
	*equals = '\0';
	name = strrchr(text, '/');
	if (name == NULL)
		return;
	*name++ = '\0';
	present = postconf_service(&plan->present->postconf, text);
	if (present != NULL && !plan_has_own_cleanup(plan, text))
		plan_option(plan, present, text, name, equals + 1);
}

static int
plan_bounces(struct plan *plan, struct error *err)
{
	char *copy = strdup(plan->fragments->master.bytes), *line, *rest = NULL;
	size_t len = strlen(PLAN_BOUNCES);

	if (copy == NULL)
		return error_no_memory(err);
	for (line = strtok_r(copy, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		if (strncmp(line, PLAN_BOUNCES, len) == 0)
			plan_bounce(plan, line + len);
	free(copy);
	return 0;
}

static int
plan_tenants(struct plan *plan, struct error *err)
{
	const struct wish *wish = plan->wish;
	char *old, *new;

	if (wish->tenant_count == 0)
		return 0;
	if (tenants_want(wish->conf_file, wish->tenants, wish->tenant_count,
		&old, &new, err) == -1)
		return -1;
	if (new != NULL)
		changes_add(plan->changes, CHANGE_TENANTS, 0, wish->conf_file,
		    old, new);
	free(old);
	free(new);
	return 0;
}

int
plan_make(const struct fragments *fragments, const struct wish *wish,
    const struct postconf *wanted, const struct present *present,
    struct changes *changes, struct error *err)
{
	struct plan plan = {fragments, wish, wanted, present, changes};
	size_t i;

	if (plan_files(&plan, err) == -1 || plan_main(&plan, err) == -1)
		return -1;
	for (i = 0; i < wanted->service_count; i++)
		if (plan_service(&plan, &wanted->services[i], err) == -1)
			return -1;
	if ((wish->bounces && plan_bounces(&plan, err) == -1) ||
	    plan_tenants(&plan, err) == -1)
		return -1;
	return changes->failed ? error_no_memory(err) : 0;
}
