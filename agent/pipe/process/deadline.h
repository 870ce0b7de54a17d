/*
 * deadline.h - one deadline for the whole run.
 */
#ifndef MSGRAPH_AGENT_DEADLINE_H
#define MSGRAPH_AGENT_DEADLINE_H

/*
 * Sets a limit in seconds, past which the process writes a 4.4.2 line and exits
 * 75, wherever it is. A second call sets a new limit; both count from the first
 * call, since pipe(8) counts from the start.
 */
void deadline_start(unsigned int seconds);

/*
 * Ends the limit: from here on the outcome is known and nothing interrupts
 * telling it.
 */
void deadline_end(void);

#endif
