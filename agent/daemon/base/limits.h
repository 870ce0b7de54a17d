/*
 * limits.h - sizes that more than one folder of the daemon needs.
 */
#ifndef MSGRAPHD_LIMITS_H
#define MSGRAPHD_LIMITS_H

#define QUEUE_ID_SIZE 64
#define ADDRESS_SIZE 320 /* RFC 5321: 64, '@', 255; and the NUL */
#define MESSAGE_ID_SIZE 512
#define DRAFT_ID_SIZE 512 /* Exchange's have some 150 characters */

/* Longer than any Retry-After that Microsoft documents; more is cut. */
#define THROTTLE_SECONDS_MAX 3600L

/* Requests to Graph under way at once, over all mailboxes. */
#define MSGRAPHD_REQUESTS_MAX 128

#endif
