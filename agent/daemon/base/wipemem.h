/*
 * wipemem.h - makes libraries wipe what they free.
 *
 * A secret that goes through Jansson, libcurl and OpenSSL leaves copies in
 * their buffers. All three let the program choose the allocator, and this one
 * overwrites every block before it is freed, which costs a memset each.
 */
#ifndef MSGRAPHD_WIPEMEM_H
#define MSGRAPHD_WIPEMEM_H

/*
 * Installs the allocator in the three libraries and initialises libcurl. Call
 * once, before any of them is used. 0, or -1.
 */
int wipemem_install(void);

#endif
