/*
 * deadline.h - one deadline for the whole run.
 */
#ifndef MSGRAPH_AGENT_DEADLINE_H
#define MSGRAPH_AGENT_DEADLINE_H

/*
 * Past so many seconds from now the process writes a 4.4.7 line and exits 75,
 * wherever it is. A second call sets a new limit, counted from then.
 */
void deadline_start(unsigned int seconds);

/* From here on the outcome is known and nothing interrupts telling it. */
void deadline_end(void);

#endif
