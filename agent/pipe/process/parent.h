/*
 * parent.h - whether the process that feeds us is still there.
 */
#ifndef MSGRAPH_AGENT_PARENT_H
#define MSGRAPH_AGENT_PARENT_H

/* Remembers who the parent is; call this first of all. */
void parent_init(void);

/*
 * Returns 1 when the parent neither is gone nor was on its way out before this
 * call. Called after the end of standard input, it tells an end that pipe(8)
 * meant from one that its death made.
 */
int parent_alive(void);

#endif
