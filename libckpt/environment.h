/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The environment variables of the library: see libckpt(3).
 *
 * CKPT_OWNER is that by which a process knows that a checkpoint's name is its own.  It has a fixed
 * length: it is changed in place when the process is restarted under another id.
 */
#ifndef LIBCKPT_ENVIRONMENT_H
#define LIBCKPT_ENVIRONMENT_H

#include <stdbool.h>

#define PRELOAD_VARIABLE "LD_PRELOAD="

#define OWNER_VARIABLE "CKPT_OWNER"
#define OWNER_FORMAT OWNER_VARIABLE "=%010d"
enum { OWNER_LENGTH = sizeof OWNER_VARIABLE + 10 };

/*
 * Takes the settings from ENVIRONMENT.  Returns whether it names an owner: this process or
 * another.
 */
bool environment_read(char *const *environment);

#endif
