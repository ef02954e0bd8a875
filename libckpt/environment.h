/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The variable by which a process knows that a checkpoint's name is its own.  It has a fixed length: it
 * is changed in place when the process is restarted under another id.
 */
#ifndef LIBCKPT_ENVIRONMENT_H
#define LIBCKPT_ENVIRONMENT_H

#define PRELOAD_VARIABLE "LD_PRELOAD="

#define OWNER_VARIABLE "CKPT_OWNER"
#define OWNER_FORMAT OWNER_VARIABLE "=%010d"
enum { OWNER_LENGTH = sizeof OWNER_VARIABLE + 10 };

#endif
