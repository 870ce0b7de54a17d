/*
 * command_doctor.c - "msgraphctl doctor": looks at everything that has to be
 * right for mail to go out, and says what is not, with the remedy.
 *
 * Output and exit status are those of a monitoring plugin (Monitoring Plugins
 * Development Guidelines): one line that says it all comes first.
 */
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "agent/ctl/base/output.h"
#include "agent/ctl/doctor/doctor.h"
#include "lib/base/error.h"
#include "lib/base/near.h"
#include "commands.h"

static const char *const command_doctor_status[] = {
    [CHECK_OK] = "ok",
    [CHECK_WARNING] = "warning",
    [CHECK_CRITICAL] = "critical",
    [CHECK_UNKNOWN] = "unknown",
    [CHECK_SKIPPED] = "skipped",
};

static const struct output_column command_doctor_columns[] = {
    {"check", OUTPUT_TEXT},
    {"status", OUTPUT_STATUS},
    {"text", OUTPUT_TEXT},
    {"remedy", OUTPUT_BELOW},
    {NULL, OUTPUT_TEXT},
};

static const struct output_column command_doctor_summary_columns[] = {
    {"status", OUTPUT_STATUS},
    {"text", OUTPUT_TEXT},
    {NULL, OUTPUT_TEXT},
};

static const struct output_list command_doctor_tables[] = {
    {"summary", command_doctor_summary_columns},
    {"checks", command_doctor_columns},
    {NULL, NULL},
};

/*
 * Writes "check: text", of the worst finding, and how many there are of each.
 */
static void
command_doctor_summary(const struct doctor *doctor, char *text, size_t size)
{
	enum check_status worst = doctor_worst(doctor);
	const char *name = NULL, *cause = NULL;
	size_t counts[CHECK_SKIPPED + 1] = {0}, i, j, len;
	const struct report *report;
	enum check_status s;

	for (i = 0; checks[i].name != NULL; i++) {
		if ((report = doctor_report(doctor, i)) == NULL)
			continue;
		for (j = 0; j < report->count; j++) {
			s = report->findings[j].status;
			counts[s]++;
			if (name == NULL && s == worst && s != CHECK_OK) {
				name = checks[i].name;
				cause = report->findings[j].text;
			}
		}
	}
	if (name != NULL)
		snprintf(text, size, "%s: %s (", name, cause);
	else
		snprintf(text, size, "nothing is wrong (");
	for (i = CHECK_SKIPPED + 1; i-- > 0;) {
		len = strlen(text);
		if (counts[i] > 0)
			snprintf(text + len, size - len, "%zu %s%s", counts[i],
			    command_doctor_status[i], i == 0 ? "" : ", ");
	}
	len = strlen(text);
	while (len > 0 && strchr(", ", text[len - 1]) != NULL)
		len--;
	snprintf(text + len, size - len, ")");
}

static void
command_doctor_rows(struct output *output, const struct doctor *doctor, int all)
{
	const struct report *report;
	const struct finding *f;
	size_t i, j;

	output_table(output, "checks", command_doctor_columns);
	for (i = 0; checks[i].name != NULL; i++) {
		if ((report = doctor_report(doctor, i)) == NULL)
			continue;
		for (j = 0; j < report->count; j++) {
			f = &report->findings[j];
			if (!all &&
			    (f->status == CHECK_OK ||
				f->status == CHECK_SKIPPED))
				continue;
			output_row(output,
			    (const char *[]){checks[i].name,
				command_doctor_status[f->status], f->text,
				f->remedy});
		}
	}
}

/* Begins with what it all comes to: a plugin's line, or the table of it. */
static void
command_doctor_head(const struct ctl *ctl, struct output *output,
    enum check_status worst, const char *summary)
{
	const char *status = command_doctor_status[worst];
	char text[1024];
	size_t i;

	snprintf(text, sizeof(text), "%s", summary);
	if (ctl->is_json) {
		output_table(output, "summary", command_doctor_summary_columns);
		output_row(output, (const char *[]){status, text});
		return;
	}
	printf("MSGRAPH ");
	for (i = 0; status[i] != '\0'; i++)
		putchar(status[i] - 'a' + 'A');
	/* a plugin's line ends at a bar, where numbers would begin */
	for (i = 0; text[i] != '\0'; i++)
		if (text[i] == '|')
			text[i] = '/';
	printf(" - %s\n", text);
}

static int
command_doctor_print(
    const struct ctl *ctl, const struct doctor *doctor, int all)
{
	struct output *output = output_new(stdout, ctl->is_json);
	char text[1024];

	command_doctor_summary(doctor, text, sizeof(text));
	if (output == NULL)
		return EX_OSERR;
	command_doctor_head(ctl, output, doctor_worst(doctor), text);
	command_doctor_rows(output, doctor, all || ctl->is_json);
	return output_end(&output) == 0 ? (int)doctor_worst(doctor) : EX_IOERR;
}

/* Says why nothing was looked at, where a monitoring system reads it. */
static int
command_doctor_fail(const struct ctl *ctl, const char *text)
{
	struct output *output = output_new(stdout, ctl->is_json);

	if (output != NULL) {
		command_doctor_head(ctl, output, CHECK_UNKNOWN, text);
		if (ctl->is_json)
			output_table(output, "checks", command_doctor_columns);
		output_end(&output);
	}
	return CHECK_UNKNOWN;
}

static const char *
command_doctor_name(size_t place)
{
	return checks[place].name;
}

static int
command_doctor_unknown(const struct ctl *ctl, const char *name)
{
	const char *meant = near_name(name, command_doctor_name);
	struct error err;

	if (meant != NULL)
		error_set(&err, ERROR_OURS, "4.3.5",
		    "there is no check \"%.40s\", did you mean \"%s\"?", name,
		    meant);
	else
		error_set(&err, ERROR_OURS, "4.3.5",
		    "there is no check \"%.40s\"; msgraphctl(8) lists them",
		    name);
	return command_doctor_fail(ctl, err.text);
}

static int
command_doctor_run(
    struct ctl *ctl, const struct command *command, int argc, char **argv)
{
	struct doctor *doctor;
	struct host host;
	const char *value;
	int key, status, all = 0, i;

	while (
	    (key = command_next(ctl, command, argc, argv, &value, &status)) > 0)
		all = 1;
	if (key == -1)
		return status == EX_USAGE ? CHECK_UNKNOWN : status;
	if ((doctor = doctor_new(checks)) == NULL)
		return command_doctor_fail(ctl, "out of memory");
	if (optind == argc)
		doctor_want(doctor, NULL);
	for (i = optind; i < argc; i++)
		if (doctor_want(doctor, argv[i]) == -1) {
			doctor_free(&doctor);
			return command_doctor_unknown(ctl, argv[i]);
		}
	if (geteuid() != 0) {
		doctor_free(&doctor);
		return command_doctor_fail(ctl,
		    "run this as root: it looks as each of the users does");
	}
	host_read(&host, ctl->conf_file);
	doctor_run(doctor, &host);
	status = command_doctor_print(ctl, doctor, all);
	host_free(&host);
	doctor_free(&doctor);
	return status;
}

static const struct cmdline_option command_doctor_options[] = {
    {CMDLINE_HELP},
    {COMMAND_JSON},
    {'a', "all", NULL, "show what is right as well"},
    {0, NULL, NULL, NULL},
};

const struct command command_doctor = {
    .name = "doctor",
    .help = "look for what is wrong, and say how to mend it",
    .cmdline = {"msgraphctl doctor", "[-aj] [check ...]",
	command_doctor_options, 1},
    .tables = command_doctor_tables,
    .run = command_doctor_run,
};
