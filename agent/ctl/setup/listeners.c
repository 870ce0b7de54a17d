/*
 * listeners.c - see listeners.h.
 *
 * A service of master.cf is ours where its line names msgraph, whatever became
 * of it. Which of the fragments it is, its milter_macro_daemon_name says.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/ctl/base/ports.h"
#include "listeners.h"

static struct listener *
listeners_add(struct listeners *listeners, struct error *err)
{
	if (listeners->count == LISTENERS_MAX) {
		error_set(err, ERROR_OURS, "4.3.5",
		    "more than %d services are too many", LISTENERS_MAX);
		return NULL;
	}
	return &listeners->list[listeners->count++];
}

/* The listener of the fragment, and at the place unless it is NULL. */
static struct listener *
listeners_at(
    struct listeners *listeners, const char *fragment, const char *place)
{
	size_t i;

	for (i = 0; i < listeners->count; i++)
		if (strcmp(listeners->list[i].fragment, fragment) == 0 &&
		    (place == NULL ||
			strcmp(listeners->list[i].place, place) == 0))
			return &listeners->list[i];
	return NULL;
}

int
listeners_name(struct listeners *listeners, const struct fragments *fragments,
    const char *word, struct error *err)
{
	char name[LISTENER_SIZE], place[LISTENER_SIZE];
	char address[INET6_ADDRSTRLEN];
	size_t len = strcspn(word, "=");
	const struct fragment *f;
	struct listener *l;

	snprintf(name, sizeof(name), "%.*s", (int)len, word);
	if ((f = fragments_find(fragments, name, err)) == NULL)
		return -1;
	strcpy(place, f->place);
	if (word[len] == '=' &&
	    (strlen(word + len + 1) >= sizeof(place) ||
		strpbrk(word, " \t\n#") != NULL ||
		ports_parse(word + len + 1, address) == -1))
		return error_set(err, ERROR_OURS, "4.3.5",
		    "\"%s\" is no port: %s=[address:]port", word + len + 1,
		    name);
	if (word[len] == '=')
		strcpy(place, word + len + 1);
	if (listeners_at(listeners, name, place) != NULL)
		return 0;
	if ((l = listeners_add(listeners, err)) == NULL)
		return -1;
	*l = (struct listener){.is_anywhere = word[len] != '='};
	strcpy(l->fragment, name);
	strcpy(l->place, place);
	return 0;
}

/* --- those that are there --- */

/*
 * Returns of which fragment a service of ours is: what listens at the same
 * place, or has the same name for the milter. NULL where it is one that the
 * admin has made, with a name of its own.
 */
static const struct fragment *
listeners_recognise(
    const struct fragments *fragments, const struct postconf_service *service)
{
	const char *daemon =
	    postconf_option(service, "milter_macro_daemon_name");
	const char *wrapper = postconf_option(service, "smtpd_tls_wrappermode");
	const char *path = postconf_option(service, "smtpd_sasl_path");
	int is_wrapped = wrapper != NULL && strcmp(wrapper, "yes") == 0;
	const struct fragment *f, *first = fragments->list, *found = NULL;

	/* one without a name is that of release 0.1.0 */
	if (daemon == NULL)
		daemon = path != NULL && strcmp(path, "msgraph") == 0
		    ? "msgraph"
		    : "";
	for (f = first; f < first + fragments->count; f++) {
		if (strcmp(f->place, service->fields[POSTCONF_NAME]) == 0)
			return f;
		if (found == NULL && strcmp(f->daemon_name, daemon) == 0 &&
		    (f->is_wrapped == is_wrapped ||
			strcmp(daemon, first->daemon_name) != 0))
			found = f;
	}
	return found;
}

static int
listeners_found(struct listeners *listeners, const char *fragment,
    const char *place, struct error *err)
{
	struct listener *l = listeners_at(listeners, fragment, place);

	if (l == NULL) {
		l = listeners_at(listeners, fragment, NULL);
		if (l != NULL && !l->is_anywhere)
			l = NULL;
	}
	if (l == NULL && (l = listeners_add(listeners, err)) == NULL)
		return -1;
	strcpy(l->fragment, fragment);
	strcpy(l->place, place);
	l->is_there = 1;
	l->is_anywhere = 0;
	return 0;
}

int
listeners_find(struct listeners *listeners, const struct fragments *fragments,
    const struct postconf *present, struct error *err)
{
	const struct postconf_service *s;
	const struct fragment *f;
	size_t i;

	for (i = 0; i < present->service_count; i++) {
		s = &present->services[i];
		if (strcmp(s->fields[POSTCONF_TYPE], "inet") != 0 ||
		    strstr(s->line, "msgraph") == NULL ||
		    strlen(s->fields[POSTCONF_NAME]) >= LISTENER_SIZE)
			continue;
		f = listeners_recognise(fragments, s);
		if (f != NULL &&
		    listeners_found(listeners, f->name,
			s->fields[POSTCONF_NAME], err) == -1)
			return -1;
	}
	return listeners->count > 0
	    ? 0
	    : listeners_name(listeners, fragments, FRAGMENTS_FIRST, err);
}

/* --- ports in use --- */

static int
listeners_taken(const struct listener *l, const struct postconf_service *by,
    struct error *err)
{
	if (by != NULL)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "master.cf has a service \"%s\" for port %s already; name "
		    "a free port, --service %s=PORT, or take that service out: "
		    "postconf -M# %s && postfix reload",
		    by->fields[POSTCONF_NAME], l->place, l->fragment, by->id);
	return error_set(err, ERROR_OURS, "4.3.5",
	    "another program listens on port %s; name a free port, --service "
	    "%s=PORT, or end that program (ss -ltnp shows which)",
	    l->place, l->fragment);
}

static int
listeners_check_place(
    const struct listener *l, const struct postconf *present, struct error *err)
{
	const struct postconf_service *by = ports_service(present, l->place);
	const char *why;

	if (by != NULL || ports_owner(getpid(), l->place) != PORTS_NOBODY)
		return listeners_taken(l, by, err);
	if ((why = ports_unfit(present, l->place)) == NULL)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5", "--service %s=%s: %s",
	    l->fragment, l->place, why);
}

int
listeners_check(const struct listeners *listeners,
    const struct postconf *present, struct error *err)
{
	const struct listener *l;
	size_t i, other;

	for (i = 0; i < listeners->count; i++) {
		l = &listeners->list[i];
		for (other = 0; other < i; other++)
			if (strcmp(listeners->list[other].place, l->place) == 0)
				return error_set(err, ERROR_OURS, "4.3.5",
				    "port %s is for one service, %s or %s",
				    l->place, listeners->list[other].fragment,
				    l->fragment);
		if (!l->is_there &&
		    listeners_check_place(l, present, err) == -1)
			return -1;
	}
	return 0;
}
