/*
 * steps.h - what a command tells while it does something step by step: for a
 * person a line at once, for a program a table "steps" at the end.
 */
#ifndef MSGRAPHCTL_STEPS_H
#define MSGRAPHCTL_STEPS_H

#include "output.h"

extern const struct output_list steps_tables[];

struct steps;

/* As exit statuses of monitoring plugins have them. */
enum steps_status { STEPS_OK, STEPS_WARNING, STEPS_CRITICAL, STEPS_UNKNOWN };

/* Begins. NULL when out of memory. */
struct steps *steps_new(int is_json);

/* Tells of a step; each has a short name. */
void steps_say(struct steps *steps, const char *name, enum steps_status status,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * Ends and frees *stepsp, which becomes NULL. Returns the exit status: that of
 * the worst step, or 74 where the output could not be written.
 */
int steps_end(struct steps **stepsp);

#endif
