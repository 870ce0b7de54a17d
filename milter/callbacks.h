/*
 * callbacks.h - what libmilter calls.
 */
#ifndef MSGRAPH_CALLBACKS_H
#define MSGRAPH_CALLBACKS_H

#include <libmilter/mfapi.h>

/* libmilter copies it; the strings are constant. */
extern struct smfiDesc callbacks_filter;

/*
 * Stops taking messages: from now on none begins (451), and those under way
 * have so many milliseconds to end. Returns how many had not. For the end of
 * the program, while libmilter still runs.
 */
unsigned int callbacks_drain(long milliseconds);

#endif
