/*
 * powershell.h - writes values into a PowerShell script so that they stay values.
 */
#ifndef MSGRAPHCTL_POWERSHELL_H
#define MSGRAPHCTL_POWERSHELL_H

#include "lib/base/buf.h"

/*
 * Appends a literal string in single quotes, in which PowerShell expands nothing
 * (about_Quoting_Rules). Quotes in it are doubled: the ASCII one, and the four
 * typographic ones that PowerShell takes for the same. 0; or -1 with nothing
 * appended, where text is no UTF-8, holds a control character, or does not fit.
 */
int powershell_string(struct buf *out, const char *text);

#endif
