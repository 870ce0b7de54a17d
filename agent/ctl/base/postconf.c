/*
 * postconf.c - see postconf.h.
 *
 * Two runs of postconf give all: one prints every setting, the other (-M) every
 * service in a line of its own. What they print is kept, and cut up in place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "postconf.h"
#include "run.h"

#define POSTCONF_BLANKS " \t"

int
postconf_run(const char *folder, const char *const *args, struct buf *out,
    struct error *err)
{
	const char *argv[POSTCONF_ARGS_MAX + 4] = {"postconf"};
	struct buf errors, ignored;
	size_t n = 1;
	int status;

	if (folder != NULL) {
		argv[n++] = "-c";
		argv[n++] = folder;
	}
	for (; *args != NULL; args++) {
		if (n == POSTCONF_ARGS_MAX + 3)
			return error_set(err, ERROR_OURS, "4.3.5",
			    "too many arguments for postconf");
		argv[n++] = *args;
	}
	buf_init(&errors, RUN_OUTPUT_MAX);
	buf_init(&ignored, RUN_OUTPUT_MAX);
	status = run(argv, out != NULL ? out : &ignored, &errors, err);
	if (status > 0)
		status = run_failed("postconf", status, &errors, err);
	buf_free(&errors);
	buf_free(&ignored);
	return status;
}

/* --- main.cf --- */

static char *
postconf_trim(char *s)
{
	size_t len;

	s += strspn(s, POSTCONF_BLANKS);
	len = strlen(s);
	while (len > 0 && strchr(POSTCONF_BLANKS, s[len - 1]) != NULL)
		s[--len] = '\0';
	return s;
}

/* Adds "name = value", which is cut in two. -1 without memory. */
static int
postconf_add(struct postconf_setting **settings, size_t *count, char *text)
{
	struct postconf_setting *more;
	char *equals = strchr(text, '=');

	if (equals == NULL)
		return 0;
	if ((*count & (*count - 1)) == 0) { /* none, or as many as fit */
		more = reallocarray(*settings, *count == 0 ? 1 : *count * 2,
		    sizeof(**settings));
		if (more == NULL)
			return -1;
		*settings = more;
	}
	*equals = '\0';
	(*settings)[*count].name = postconf_trim(text);
	(*settings)[(*count)++].value = postconf_trim(equals + 1);
	return 0;
}

static int
postconf_main(struct postconf *p)
{
	char *line, *rest = NULL;

	for (line = strtok_r(p->main.bytes, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		if (postconf_add(&p->settings, &p->setting_count, line) == -1)
			return -1;
	return 0;
}

/* --- master.cf --- */

size_t
postconf_next(const char **word)
{
	const char *end;
	int depth = 0;

	*word += strspn(*word, POSTCONF_BLANKS);
	for (end = *word; *end != '\0'; end++) {
		if (depth == 0 && strchr(POSTCONF_BLANKS, *end) != NULL)
			break;
		if (*end == '{')
			depth++;
		else if (*end == '}' && depth > 0)
			depth--;
	}
	return (size_t)(end - *word);
}

/* Cuts the next word off. NULL at the end. */
static char *
postconf_word(char **rest)
{
	const char *at = *rest;
	size_t len = postconf_next(&at);
	char *word = *rest + (at - *rest), *end = word + len;

	if (len == 0)
		return NULL;
	*rest = *end == '\0' ? end : end + 1;
	*end = '\0';
	return word;
}

/* Adds the option that a word names, "name=value" or "{name = value}". */
static int
postconf_add_option(struct postconf_service *s, char *word)
{
	size_t len = strlen(word);

	if (len > 1 && word[0] == '{' && word[len - 1] == '}') {
		word[len - 1] = '\0';
		word++;
	}
	return postconf_add(&s->options, &s->count, word);
}

/* Cuts a line into fields, arguments and options. -1 without memory. */
static int
postconf_cut(struct postconf_service *s, char *text)
{
	char *word, *end;
	int are_options = 1; /* until the first other word, as for getopt(3) */
	size_t i;

	for (i = 0; i < POSTCONF_FIELDS; i++) {
		word = postconf_word(&text);
		s->fields[i] = word != NULL ? word : "";
	}
	if (asprintf(&s->id, "%s/%s", s->fields[POSTCONF_NAME],
		s->fields[POSTCONF_TYPE]) == -1)
		s->id = NULL;
	s->arguments = end = malloc(strlen(text) + 1);
	if (s->id == NULL || end == NULL)
		return -1;
	while ((word = postconf_word(&text)) != NULL) {
		are_options = are_options && word[0] == '-';
		if (are_options && strncmp(word, "-o", 2) == 0) {
			word =
			    word[2] != '\0' ? word + 2 : postconf_word(&text);
			if (word != NULL && postconf_add_option(s, word) == -1)
				return -1;
			continue;
		}
		if (end != s->arguments)
			*end++ = ' ';
		end = stpcpy(end, word);
	}
	*end = '\0';
	return 0;
}

static int
postconf_master(struct postconf *p)
{
	struct postconf_service *more;
	size_t room = 0;
	char *line, *rest = NULL, *words = p->words.bytes;

	for (line = strtok_r(p->lines.bytes, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		more = array_room(
		    p->services, p->service_count, &room, sizeof(*more));
		if (more == NULL)
			return -1;
		p->services = more;
		more = &p->services[p->service_count++];
		*more = (struct postconf_service){.line = line};
		if (postconf_cut(more, words + (line - p->lines.bytes)) == -1)
			return -1;
	}
	return 0;
}

/* Copies the lines for their words, as a line each. */
static int
postconf_copy(struct postconf *p)
{
	size_t i;

	if (buf_add(&p->words, p->lines.bytes, p->lines.len) == -1)
		return -1;
	for (i = 0; i < p->words.len; i++)
		if (p->words.bytes[i] == '\n')
			p->words.bytes[i] = '\0';
	return 0;
}

int
postconf_read(struct postconf *postconf, const char *folder,
    enum postconf_values values, struct error *err)
{
	const char *is_expanded = values == POSTCONF_EXPANDED ? "-x" : NULL;
	const char *const all[] = {is_expanded, NULL};
	const char *const services[] = {"-M", is_expanded, NULL};

	memset(postconf, 0, sizeof(*postconf));
	buf_init(&postconf->main, RUN_OUTPUT_MAX);
	buf_init(&postconf->lines, RUN_OUTPUT_MAX);
	buf_init(&postconf->words, RUN_OUTPUT_MAX);
	if (postconf_run(folder, all, &postconf->main, err) == -1 ||
	    postconf_run(folder, services, &postconf->lines, err) == -1)
		goto fail;
	/* an empty master.cf gives no line, and an empty buffer no bytes */
	if (buf_add(&postconf->main, "", 0) == -1 ||
	    buf_add(&postconf->lines, "", 0) == -1 ||
	    postconf_copy(postconf) == -1 || postconf_main(postconf) == -1 ||
	    postconf_master(postconf) == -1) {
		error_no_memory(err);
		goto fail;
	}
	return 0;
fail:
	postconf_free(postconf);
	return -1;
}

void
postconf_free(struct postconf *postconf)
{
	size_t i;

	for (i = 0; i < postconf->service_count; i++) {
		free(postconf->services[i].id);
		free(postconf->services[i].options);
		free(postconf->services[i].arguments);
	}
	free(postconf->services);
	free(postconf->settings);
	buf_free(&postconf->main);
	buf_free(&postconf->lines);
	buf_free(&postconf->words);
	memset(postconf, 0, sizeof(*postconf));
}

/* --- look-ups --- */

const char *
postconf_value(const struct postconf *postconf, const char *name)
{
	size_t i;

	for (i = 0; i < postconf->setting_count; i++)
		if (strcmp(postconf->settings[i].name, name) == 0)
			return postconf->settings[i].value;
	return NULL;
}

const struct postconf_service *
postconf_service(const struct postconf *postconf, const char *name)
{
	size_t i;

	for (i = postconf->service_count; i > 0; i--)
		if (strcmp(postconf->services[i - 1].id, name) == 0)
			return &postconf->services[i - 1];
	return NULL;
}

size_t
postconf_times(const struct postconf *postconf, const char *name)
{
	size_t i, times = 0;

	for (i = 0; i < postconf->service_count; i++)
		if (strcmp(postconf->services[i].id, name) == 0)
			times++;
	return times;
}

const char *
postconf_option(const struct postconf_service *service, const char *name)
{
	size_t i;

	for (i = service->count; i > 0; i--)
		if (strcmp(service->options[i - 1].name, name) == 0)
			return service->options[i - 1].value;
	return NULL;
}

static void
postconf_define_option(const char *name, const char *value, struct buf *out)
{
	int is_word = value[strcspn(value, " \t{}")] == '\0';

	buf_printf(out, is_word ? " -o %s=%s" : " -o {%s=%s}", name, value);
}

void
postconf_define(const struct postconf_service *service, struct buf *out)
{
	const struct postconf_setting *o;
	size_t i;

	for (i = 0; i < POSTCONF_FIELDS; i++)
		buf_printf(out, "%s%s", i > 0 ? " " : "", service->fields[i]);
	for (i = 0; i < service->count; i++) {
		o = &service->options[i];
		if (postconf_option(service, o->name) == o->value)
			postconf_define_option(o->name, o->value, out);
	}
	if (service->arguments[0] != '\0')
		buf_printf(out, " %s", service->arguments);
}

/*
 * Returns 1 when the word, "name=value" or "{ name = value }", has this name.
 */
static int
postconf_has_name(const char *word, const char *name)
{
	size_t len = strlen(name);

	if (*word == '{')
		word += 1 + strspn(word + 1, POSTCONF_BLANKS);
	if (strncmp(word, name, len) != 0)
		return 0;
	return word[len + strspn(word + len, POSTCONF_BLANKS)] == '=';
}

void
postconf_define_with(const struct postconf_service *service, const char *name,
    const char *value, struct buf *out)
{
	const char *line = service->line, *at = line, *word, *option;
	const char *from, *to;
	size_t len, i;

	for (i = 0; i < POSTCONF_FIELDS && (len = postconf_next(&at)) > 0; i++)
		at += len;
	from = to = at; /* for one that the service does not have */
	while ((len = postconf_next(&at)) > 0 && *at == '-') {
		word = at;
		at += len;
		if (strncmp(word, "-o", 2) != 0)
			continue;
		option = word + 2;
		if (len == 2) {
			option = at;
			len = postconf_next(&option);
			at = option + len;
		}
		if (postconf_has_name(option, name)) {
			from = word;
			to = at;
		}
	}
	buf_add(out, line, (size_t)(from - line));
	postconf_define_option(name, value, out);
	buf_add_string(out, to);
}

const char *
postconf_effective(const struct postconf *postconf,
    const struct postconf_service *service, const char *name)
{
	const char *value = postconf_option(service, name);

	return value != NULL ? value : postconf_value(postconf, name);
}
