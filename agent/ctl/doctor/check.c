/*
 * check.c - see check.h.
 */
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/ctl/base/run.h"
#include "lib/base/printable.h"
#include "check.h"

#define CHECK_OUTPUT_MAX (1024 * 1024)

void
check_say(struct report *report, enum check_status status, const char *fmt, ...)
{
	struct finding *finding;
	va_list ap;

	if (report->count == CHECK_FINDINGS_MAX) {
		finding = &report->findings[CHECK_FINDINGS_MAX - 1];
		finding->status =
		    status > finding->status ? status : finding->status;
		snprintf(finding->text, sizeof(finding->text),
		    "more was found than is shown");
		finding->remedy[0] = '\0';
		return;
	}
	finding = &report->findings[report->count++];
	finding->status = status;
	finding->remedy[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(finding->text, sizeof(finding->text), fmt, ap);
	va_end(ap);
	finding->text[strcspn(finding->text, "\r\n")] = '\0';
	printable_make(finding->text, '?');
}

void
check_remedy(struct report *report, const char *fmt, ...)
{
	struct finding *finding;
	va_list ap;

	if (report->count == 0)
		return;
	finding = &report->findings[report->count - 1];
	va_start(ap, fmt);
	vsnprintf(finding->remedy, sizeof(finding->remedy), fmt, ap);
	va_end(ap);
	printable_make(finding->remedy, '?');
}

int
check_become(
    struct report *report, const char *user, const char *root_directory)
{
	const struct passwd *found = getpwnam(user);

	if (found == NULL) {
		check_say(report, CHECK_UNKNOWN, "there is no user %s", user);
		return -1;
	}
	if (run_become(found, root_directory) == 0)
		return 0;
	check_say(report, CHECK_UNKNOWN, "cannot become user %s: %s", user,
	    strerror(errno));
	return -1;
}

int
check_run(struct report *report, const char *const *argv, struct buf *out)
{
	struct error err;
	int status;

	buf_init(out, CHECK_OUTPUT_MAX);
	status = run(argv, out, out, &err);
	if (status == -1)
		check_say(report, CHECK_UNKNOWN, "%s", err.text);
	return status;
}

char *
check_line(struct buf *text, size_t *at)
{
	char *line, *end;

	if (text->bytes == NULL || *at >= text->len)
		return NULL;
	line = text->bytes + *at;
	end = memchr(line, '\n', text->len - *at);
	if (end == NULL)
		end = text->bytes + text->len;
	*at = (size_t)(end - text->bytes) + 1;
	*end = '\0';
	return line;
}
