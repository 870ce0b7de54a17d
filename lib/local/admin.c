/*
 * admin.c - see admin.h.
 */
#include <string.h>

#include "admin.h"
#include "wire.h"

int
admin_question_format(struct buf *out, const struct admin_question *question)
{
	int bad = wire_field(out, "request", question->request);

	if (question->application != NULL && question->application[0] != '\0')
		bad |= wire_field(out, "application", question->application);
	return bad | wire_end(out);
}

void
admin_question_parse(struct admin_question *question, char *bytes)
{
	char *cursor = bytes, *value;
	const char *name;

	question->request = question->application = "";
	while ((name = wire_next(&cursor, &value)) != NULL) {
		if (strcmp(name, "request") == 0)
			question->request = value;
		else if (strcmp(name, "application") == 0)
			question->application = value;
	}
}
