/*
 * postfix.c - see postfix.h.
 *
 * Three texts of postconf(1) are kept as they are, with NULs at the ends of
 * names and values, and what is asked for points into them.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/base/run.h"
#include "lib/base/buf.h"
#include "postfix.h"

#define POSTFIX_NAMES_MAX 8192

struct postfix_setting {
	const char *name, *value; /* of a service: "smtp/inet/name" */
};

struct postfix {
	struct buf main, services_text, overrides; /* own all strings */
	struct postfix_setting *settings; /* overrides, then main.cf's */
	size_t count, override_count;
	struct postfix_service services[POSTFIX_SERVICES_MAX];
	size_t service_count;
};

/* --- reading --- */

static int
postfix_run(struct buf *out, const char *option, struct error *err)
{
	const char *argv[] = {"postconf", option, NULL};
	struct buf errors;
	int status;

	buf_init(out, 1024 * 1024);
	buf_init(&errors, 64 * 1024);
	status = run(argv, out, &errors, err);
	if (status > 0) {
		if (errors.bytes != NULL)
			errors.bytes[strcspn(errors.bytes, "\n")] = '\0';
		error_set(err, ERROR_OURS, "4.3.5", "%.300s",
		    errors.bytes != NULL ? errors.bytes : "postconf failed");
	}
	buf_free(&errors);
	return status == 0 ? 0 : -1;
}

/* Adds each line "name = value" of the text. */
static void
postfix_take_settings(struct postfix *postfix, char *text)
{
	char *line, *next, *equals;

	for (line = text; line != NULL; line = next) {
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		if ((equals = strstr(line, " =")) == NULL ||
		    postfix->count == POSTFIX_NAMES_MAX)
			continue;
		*equals = '\0';
		postfix->settings[postfix->count].name = line;
		postfix->settings[postfix->count++].value =
		    equals + 2 + strspn(equals + 2, " ");
	}
}

static char *
postfix_column(char **at)
{
	char *word = *at + strspn(*at, " \t");

	*at = word + strcspn(word, " \t");
	if (**at != '\0')
		*(*at)++ = '\0';
	return word;
}

/* name type private unpriv chroot wakeup maxproc program arguments */
static void
postfix_take_service(struct postfix *postfix, char *line)
{
	struct postfix_service *s = &postfix->services[postfix->service_count];
	const char *limit;

	if (postfix->service_count == POSTFIX_SERVICES_MAX || line[0] == '\0')
		return;
	s->name = postfix_column(&line);
	s->type = postfix_column(&line);
	postfix_column(&line);
	postfix_column(&line);
	s->is_chrooted = strcmp(postfix_column(&line), "y") == 0;
	postfix_column(&line);
	limit = postfix_column(&line);
	s->limit = strcmp(limit, "-") == 0
	    ? postfix_get_number(postfix, NULL, "default_process_limit")
	    : atol(limit);
	s->program = postfix_column(&line);
	s->arguments = line;
	postfix->service_count++;
}

static void
postfix_take_services(struct postfix *postfix, char *text)
{
	char *line, *next;

	for (line = text; line != NULL; line = next) {
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		postfix_take_service(postfix, line);
	}
}

struct postfix *
postfix_read(struct error *err)
{
	struct postfix *postfix = calloc(1, sizeof(*postfix));

	if (postfix == NULL) {
		error_no_memory(err);
		return NULL;
	}
	postfix->settings =
	    calloc(POSTFIX_NAMES_MAX, sizeof(*postfix->settings));
	if (postfix->settings == NULL)
		error_no_memory(err);
	if (postfix->settings == NULL ||
	    postfix_run(&postfix->main, "-x", err) == -1 ||
	    postfix_run(&postfix->overrides, "-xP", err) == -1 ||
	    postfix_run(&postfix->services_text, "-M", err) == -1) {
		postfix_free(&postfix);
		return NULL;
	}
	postfix_take_settings(postfix, postfix->overrides.bytes);
	postfix->override_count = postfix->count;
	postfix_take_settings(postfix, postfix->main.bytes);
	postfix_take_services(postfix, postfix->services_text.bytes);
	return postfix;
}

void
postfix_free(struct postfix **postfixp)
{
	struct postfix *postfix = *postfixp;

	*postfixp = NULL;
	if (postfix == NULL)
		return;
	buf_free(&postfix->main);
	buf_free(&postfix->overrides);
	buf_free(&postfix->services_text);
	free(postfix->settings);
	free(postfix);
}

/* --- asking --- */

const struct postfix_service *
postfix_services(const struct postfix *postfix, size_t *count)
{
	*count = postfix->service_count;
	return postfix->services;
}

const struct postfix_service *
postfix_find(const struct postfix *postfix, const char *name, const char *type)
{
	size_t i;

	for (i = 0; i < postfix->service_count; i++)
		if (strcmp(postfix->services[i].name, name) == 0 &&
		    strcmp(postfix->services[i].type, type) == 0)
			return &postfix->services[i];
	return NULL;
}

/* Returns 1 for "name/type/parameter". */
static int
postfix_is_override(const char *text, const struct postfix_service *service,
    const char *parameter)
{
	size_t name = strlen(service->name), type = strlen(service->type);

	return strncmp(text, service->name, name) == 0 && text[name] == '/' &&
	    strncmp(text + name + 1, service->type, type) == 0 &&
	    text[name + 1 + type] == '/' &&
	    strcmp(text + name + 1 + type + 1, parameter) == 0;
}

const char *
postfix_get(const struct postfix *postfix,
    const struct postfix_service *service, const char *name)
{
	size_t i;

	for (i = 0; service != NULL && i < postfix->override_count; i++)
		if (postfix_is_override(
			postfix->settings[i].name, service, name))
			return postfix->settings[i].value;
	for (i = postfix->override_count; i < postfix->count; i++)
		if (strcmp(postfix->settings[i].name, name) == 0)
			return postfix->settings[i].value;
	return "";
}

int
postfix_get_yes(const struct postfix *postfix,
    const struct postfix_service *service, const char *name)
{
	return strcasecmp(postfix_get(postfix, service, name), "yes") == 0;
}

long
postfix_get_number(const struct postfix *postfix,
    const struct postfix_service *service, const char *name)
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

int
postfix_is_listener(
    const struct postfix *postfix, const struct postfix_service *service)
{
	static const char *const marks[] = {"smtpd_sasl_path", "smtpd_milters",
	    "cleanup_service_name", "content_filter"};
	size_t i;

	if (strcmp(service->program, "smtpd") != 0)
		return 0;
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strstr(postfix_get(postfix, service, marks[i]),
			"msgraph") != NULL)
			return 1;
	return 0;
}

int
postfix_is_transport(const struct postfix_service *service)
{
	return strcmp(service->program, "pipe") == 0 &&
	    (strcmp(service->name, "msgraph") == 0 ||
		strncmp(service->name, "msgraph-", 8) == 0 ||
		strstr(service->arguments, "msgraph-agent") != NULL);
}

const char *
postfix_queue(const struct postfix *postfix)
{
	return postfix_get(postfix, NULL, "queue_directory");
}

const char *
postfix_root(
    const struct postfix *postfix, const struct postfix_service *service)
{
	return service->is_chrooted ? postfix_queue(postfix) : NULL;
}

size_t
postfix_word(const char **at, const char **word)
{
	size_t len;

	*word = *at + strspn(*at, ", \t\n");
	len = strcspn(*word, ", \t\n");
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
