/*
 * postfix.c - see postfix.h.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "postfix.h"

const char *
postfix_name(const struct postconf_service *service)
{
	return service->fields[POSTCONF_NAME];
}

const char *
postfix_program(const struct postconf_service *service)
{
	return service->fields[POSTCONF_COMMAND];
}

const char *
postfix_get(const struct postconf *postfix,
    const struct postconf_service *service, const char *name)
{
	const char *value = service == NULL
	    ? postconf_value(postfix, name)
	    : postconf_effective(postfix, service, name);

	return value == NULL ? "" : value;
}

int
postfix_is_yes(const struct postconf *postfix,
    const struct postconf_service *service, const char *name)
{
	return strcasecmp(postfix_get(postfix, service, name), "yes") == 0;
}

long
postfix_number(const struct postconf *postfix,
    const struct postconf_service *service, const char *name)
{
	static const struct {
		char unit;
		long seconds;
	} units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char *end;
	long value = strtol(postfix_get(postfix, service, name), &end, 10);
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (*end == units[i].unit)
			return value * units[i].seconds;
	return value;
}

long
postfix_limit(
    const struct postconf *postfix, const struct postconf_service *service)
{
	const char *limit = service->fields[POSTCONF_PROCESSES];

	return strcmp(limit, "-") == 0
	    ? postfix_number(postfix, NULL, "default_process_limit")
	    : atol(limit);
}

int
postfix_is_listener(
    const struct postconf *postfix, const struct postconf_service *service)
{
	static const char *const marks[] = {"smtpd_sasl_path", "smtpd_milters",
	    "cleanup_service_name", "content_filter"};
	size_t i;

	if (strcmp(postfix_program(service), "smtpd") != 0)
		return 0;
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strstr(postfix_get(postfix, service, marks[i]),
			"msgraph") != NULL)
			return 1;
	return 0;
}

int
postfix_is_inet(const struct postconf_service *service)
{
	return strcmp(service->fields[POSTCONF_TYPE], "inet") == 0;
}

int
postfix_has_tls(
    const struct postconf *p, const struct postconf_service *service)
{
	const char *level = postfix_get(p, service, "smtpd_tls_security_level");

	return postfix_is_yes(p, service, "smtpd_tls_wrappermode") ||
	    (level[0] != '\0' && strcmp(level, "none") != 0) ||
	    /* what came before the level, and counts without one */
	    (level[0] == '\0' &&
		(postfix_is_yes(p, service, "smtpd_use_tls") ||
		    postfix_is_yes(p, service, "smtpd_enforce_tls")));
}

int
postfix_is_transport(const struct postconf_service *service)
{
	const char *name = postfix_name(service);

	return strcmp(postfix_program(service), "pipe") == 0 &&
	    (strcmp(name, "msgraph") == 0 ||
		strncmp(name, "msgraph-", 8) == 0 ||
		strstr(service->arguments, "msgraph-agent") != NULL);
}

const char *
postfix_queue(const struct postconf *postfix)
{
	return postfix_get(postfix, NULL, "queue_directory");
}

const char *
postfix_root(
    const struct postconf *postfix, const struct postconf_service *service)
{
	const char *chroot = service->fields[POSTCONF_CHROOT];
	const char *level = postfix_get(postfix, NULL, "compatibility_level");

	if (strcmp(chroot, "-") == 0) /* the default of Postfix before 3.0 */
		chroot = atoi(level) < 1 ? "y" : "n";
	return strcmp(chroot, "y") == 0 ? postfix_queue(postfix) : NULL;
}

size_t
postfix_word(const char **at, const char **word)
{
	size_t len;

	int depth = 0;

	*word = *at + strspn(*at, ", \t\n");
	for (len = 0; (*word)[len] != '\0'; len++) {
		if (depth == 0 && strchr(", \t\n", (*word)[len]) != NULL)
			break;
		depth += (*word)[len] == '{' ? 1 : (*word)[len] == '}' ? -1 : 0;
	}
	*at = *word + len;
	return len;
}

int
postfix_has_word(const char *list, const char *word)
{
	const char *at = list, *found;
	size_t len;

	while ((len = postfix_word(&at, &found)) > 0)
		if (strlen(word) == len && strncmp(found, word, len) == 0)
			return 1;
	return 0;
}
