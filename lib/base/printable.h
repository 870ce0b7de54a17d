/*
 * printable.h - tells the characters apart that may stand in a line for a
 * person, in a header, or in a protocol.
 */
#ifndef MSGRAPH_PRINTABLE_H
#define MSGRAPH_PRINTABLE_H

/* Returns 1 for an ASCII control character: C0 or DEL. */
static inline int
printable_is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

/* Returns 1 for ASCII that can be seen: no blank, no control character. */
static inline int
printable_is_visible(char c)
{
	return c > ' ' && c < 0x7f;
}

/*
 * Replaces the control characters of a text (C0, DEL and C1), line ends and
 * marks of direction of Unicode, and each byte that is not UTF-8, so that the
 * text stays one line wherever it is shown, and its words stay in their order.
 */
void printable_make(char *text, char instead);

#endif
