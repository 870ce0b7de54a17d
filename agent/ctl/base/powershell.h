/*
 * powershell.h - writes values into a PowerShell script so that they stay
 * values.
 */
#ifndef MSGRAPHCTL_POWERSHELL_H
#define MSGRAPHCTL_POWERSHELL_H

#include "lib/base/buf.h"

/*
 * Appends an expression whose value is the text: a string in single quotes, in
 * which PowerShell expands nothing and a doubled quote is one
 * (about_Quoting_Rules). What is no ASCII stands as [char] between two of them,
 * since Windows PowerShell 5.1 reads a script without a mark in the host's code
 * page, where bytes of UTF-8 may be a typographic quote, which ends a string as
 * well. 0; or -1 with nothing appended, where text is no UTF-8, holds a control
 * character, or does not fit.
 */
int powershell_string(struct buf *out, const char *text);

#endif
