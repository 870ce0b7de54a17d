/*
 * listeners.c - see listeners.h.
 *
 * A service of master.cf is ours where its line names msgraph, whatever became
 * of it. Which of the fragments it is, its milter_macro_daemon_name says.
 */
#include <stdio.h>
#include <string.h>

#include "listeners.h"
#include "ports.h"

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
	struct listener *l;

	snprintf(name, sizeof(name), "%.*s", (int)len, word);
	if (fragments_place(fragments, name, place, err) == -1)
		return -1;
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

struct listeners_search {
	const struct fragments *fragments;
	const char *place; /* of a service of master.cf */
	const char
	    *word; /* that tells its fragment; NULL: the first has none */
	char name[LISTENER_SIZE]; /* of the fragment, once found */
};

static int
listeners_match(void *arg, const char *name)
{
	struct listeners_search *search = arg;
	char place[LISTENER_SIZE];
	int is_first = strcmp(name, FRAGMENTS_FIRST) == 0;

	if (fragments_place(search->fragments, name, place, NULL) == -1)
		return 0;
	if (strcmp(place, search->place) == 0 ||
	    (search->name[0] == '\0' &&
		(search->word == NULL ? is_first
				      : fragments_says(search->fragments, name,
					    search->word))))
		snprintf(search->name, sizeof(search->name), "%s", name);
	return 0;
}

/*
 * Stores which fragment a service of ours is of; "" where it is one that the
 * admin has made, with a name of its own for the milter.
 */
static void
listeners_recognise(const struct fragments *fragments,
    const struct postconf_service *service, char name[LISTENER_SIZE])
{
	struct listeners_search search = {
	    .fragments = fragments, .place = service->fields[POSTCONF_NAME]};
	const char *daemon =
	    postconf_option(service, "milter_macro_daemon_name");
	const char *wrapper = postconf_option(service, "smtpd_tls_wrappermode");
	const char *path = postconf_option(service, "smtpd_sasl_path");
	char word[2 * LISTENER_SIZE] = "";

	if (daemon != NULL && strcmp(daemon, "msgraph") != 0)
		snprintf(
		    word, sizeof(word), "milter_macro_daemon_name=%s", daemon);
	else if (wrapper != NULL && strcmp(wrapper, "yes") == 0)
		strcpy(word, "smtpd_tls_wrappermode=yes");
	else if (daemon == NULL && (path == NULL || strcmp(path, "msgraph")))
		strcpy(word, "-");
	search.word = word[0] != '\0' ? word : NULL;
	fragments_each(fragments, listeners_match, &search);
	strcpy(name, search.name);
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
	char name[LISTENER_SIZE];
	size_t i;

	for (i = 0; i < present->service_count; i++) {
		s = &present->services[i];
		if (strcmp(s->fields[POSTCONF_TYPE], "inet") != 0 ||
		    strstr(s->line, "msgraph") == NULL ||
		    strlen(s->fields[POSTCONF_NAME]) >= LISTENER_SIZE)
			continue;
		listeners_recognise(fragments, s, name);
		if (name[0] != '\0' &&
		    listeners_found(
			listeners, name, s->fields[POSTCONF_NAME], err) == -1)
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
		    "postconf -M# %s/inet && postfix reload",
		    by->fields[POSTCONF_NAME], l->place, l->fragment,
		    by->fields[POSTCONF_NAME]);
	return error_set(err, ERROR_OURS, "4.3.5",
	    "another program listens on port %s; name a free port, --service "
	    "%s=PORT, or end that program (ss -ltnp shows which)",
	    l->place, l->fragment);
}

int
listeners_check(const struct listeners *listeners,
    const struct postconf *present, struct error *err)
{
	const struct postconf_service *by;
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
		if (l->is_there)
			continue;
		by = ports_service(present, l->place);
		if (by != NULL || ports_is_listened_to(l->place))
			return listeners_taken(l, by, err);
	}
	return 0;
}
