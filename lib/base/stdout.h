/*
 * stdout.h - the standard output of a program that a person or a script reads.
 * Not for msgraph-agent, whose standard output pipe(8) reads.
 */
#ifndef MSGRAPH_STDOUT_H
#define MSGRAPH_STDOUT_H

/*
 * Has descriptors 0 to 2 open, so that no file or socket gets the number of one
 * and takes what is printed. One that was closed fails when it is used.
 */
void stdout_begin(void);

/*
 * Closes standard output at the end of main(). Returns the status; or
 * EX_IOERR, after a line on standard error, when not all could be written or
 * the status is EX_IOERR because somebody has seen that before.
 */
int stdout_end(const char *program, int status);

#endif
