/*
 * reason.h - why a sign-in or delivery failed, in one word of the log that
 * never changes, so that alerts need not read texts. msgraphd(8) explains each.
 */
#ifndef MSGRAPHD_REASON_H
#define MSGRAPHD_REASON_H

#define REASON_THROTTLED "throttled"
#define REASON_CREDENTIAL "credential"
#define REASON_IDENTITY "identity"
#define REASON_PERMISSION "permission"
#define REASON_MAILBOX "mailbox"
#define REASON_RECIPIENT "recipient"
#define REASON_SIZE "size"
#define REASON_CONTENT "content"
#define REASON_ENDPOINT "endpoint"
#define REASON_UNKNOWN "unknown"
#define REASON_CONFIGURATION "configuration"

#endif
