/*
 * undo.c - see undo.h.
 *
 * The record is walked from its end, so that a value that was changed twice
 * comes back to the first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/base/ports.h"
#include "undo.h"
#include "waiting.h"

/* Whether setup has added the service that has the option. */
static int
undo_goes_with_service(const struct record *record, const struct change *c)
{
	const struct change *s;
	char service[512];

	if (c->kind != CHANGE_OPTION)
		return 0;
	change_option(c->name, service);
	s = changes_find(&record->changes, CHANGE_SERVICE, service);
	return s != NULL && s->old == NULL;
}

/* Takes a change back that an earlier step of the way back has led to. */
static void
undo_further(
    struct change *planned, const struct change *c, struct changes *changes)
{
	char *copy = NULL;

	if (planned->is_kept || !change_is_same(planned->new, c->new))
		return;
	if (c->old != NULL && (copy = strdup(c->old)) == NULL)
		changes->failed = 1;
	free(planned->new);
	planned->new = copy;
}

/* Whether setup has given the option this value. */
static int
undo_is_ours(const struct record *record, const char *line, const char *option,
    const struct postconf_setting *o)
{
	const struct change *c =
	    changes_find(&record->changes, CHANGE_OPTION, option);
	struct buf text;
	const char *at;
	int found = 0;

	if (c != NULL)
		return change_is_same(c->new, o->value);
	buf_init(&text, 1024 * 1024);
	buf_printf(&text, "%s=%s", o->name, o->value);
	if (!text.failed && (at = strstr(line, text.bytes)) != NULL)
		found = strchr(" }", at[text.len]) != NULL;
	buf_free(&text);
	return found;
}

/* Shows what an admin has made of a service's options, which goes with it. */
static void
undo_own_options(const struct record *record, const struct change *c,
    const struct present *present, struct changes *changes)
{
	const struct postconf_service *s =
	    postconf_service(&present->postconf, c->name);
	char option[1024];
	size_t i;

	for (i = 0; s != NULL && i < s->count; i++) {
		snprintf(option, sizeof(option), "%s/%s", c->name,
		    s->options[i].name);
		if (!undo_is_ours(record, c->new, option, &s->options[i]))
			changes_add(changes, CHANGE_OPTION, 0, option,
			    s->options[i].value, NULL);
	}
}

static int
undo_change(const struct change *c, const struct present *present,
    struct changes *changes, struct error *err)
{
	struct change *planned = changes_find(changes, c->kind, c->name);
	int is_added = c->kind == CHANGE_SERVICE && c->old == NULL;
	char *now;

	if (planned != NULL) {
		undo_further(planned, c, changes);
		return 0;
	}
	if (present_value(present, c->kind, c->name, &now, err) == -1)
		return -1;
	if (!change_is_same(now, c->old))
		changes_add(changes, c->kind,
		    !is_added && !change_is_same(now, c->new), c->name, now,
		    c->old);
	free(now);
	return 0;
}

int
undo_plan(const struct record *record, const struct present *present,
    struct changes *changes, struct error *err)
{
	const struct change *c;
	size_t i;

	for (i = record->changes.count; i > 0; i--) {
		c = &record->changes.list[i - 1];
		if (undo_goes_with_service(record, c))
			continue;
		if (undo_change(c, present, changes, err) == -1)
			return -1;
		if (c->kind == CHANGE_SERVICE && c->old == NULL)
			undo_own_options(record, c, present, changes);
	}
	return changes->failed ? error_no_memory(err) : 0;
}

/* --- what still needs ours --- */

static int
undo_check_service(const struct postconf_service *s,
    const struct changes *changes, struct error *err)
{
	static const char *const options[] = {
	    "cleanup_service_name", "content_filter"};
	char option[1024];
	const struct change *c;
	const char *value;
	size_t i;

	if (changes_find(changes, CHANGE_SERVICE, s->id) != NULL)
		return 0;
	for (i = 0; i < 2; i++) {
		snprintf(option, sizeof(option), "%s/%s", s->id, options[i]);
		value = postconf_option(s, options[i]);
		c = changes_find(changes, CHANGE_OPTION, option);
		if (value != NULL && (c == NULL || c->is_kept) &&
		    changes_remove(changes, value))
			return error_set(err, ERROR_OURS, "4.3.5",
			    "%s of master.cf needs \"%s\", which would be "
			    "removed; first: postconf -PX %s, or, where the "
			    "service is to go as well, postconf -MX %s",
			    s->id, value, option, s->id);
	}
	return 0;
}

/* Returns 1 for a host and port of this host's that a removed service has. */
static int
undo_is_removed_port(const struct changes *changes, const char *place)
{
	char address[INET6_ADDRSTRLEN], other[INET6_ADDRSTRLEN], name[512];
	int port = ports_parse(place, address);
	const struct change *c;
	size_t i;

	if (port == -1 ||
	    (strcmp(address, "127.0.0.1") != 0 && strcmp(address, "::1") != 0 &&
		strcmp(address, "localhost") != 0))
		return 0;
	for (i = 0; i < changes->count; i++) {
		c = &changes->list[i];
		if (c->kind != CHANGE_SERVICE || c->new != NULL)
			continue;
		if (strcmp(change_option(c->name, name), "inet") == 0 &&
		    ports_parse(name, other) == port)
			return 1;
	}
	return 0;
}

/* What main.cf leads to our services, for all mail of the host. */
static int
undo_check_main(const struct postconf *postconf, const struct changes *changes,
    struct error *err)
{
	static const char *const names[] = {"cleanup_service_name",
	    "content_filter", "default_transport", "relay_transport",
	    "local_transport", "virtual_transport", "relayhost"};
	const char *value;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		value = postconf_value(postconf, names[i]);
		if (value == NULL ||
		    !(strcmp(names[i], "relayhost") == 0
			    ? undo_is_removed_port(changes, value)
			    : changes_remove(changes, value)))
			continue;
		return error_set(err, ERROR_OURS, "4.3.5",
		    "main.cf has %s = %s, which would be removed; first set it "
		    "otherwise, as by: postconf -X %s",
		    names[i], value, names[i]);
	}
	return 0;
}

int
undo_check(const struct present *present, const struct changes *changes,
    struct error *err)
{
	const struct postconf *p = &present->postconf;
	size_t i;

	if (undo_check_main(p, changes, err) == -1)
		return -1;
	for (i = 0; i < p->service_count; i++)
		if (undo_check_service(&p->services[i], changes, err) == -1)
			return -1;
	return waiting_check(present, changes, err);
}
