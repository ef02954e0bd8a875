/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our own capabilities. */
#ifndef RESTART_CAPS_H
#define RESTART_CAPS_H

#include <stdbool.h>

/* Whether CAP_* number CAP is effective. */
bool caps_have(int cap);

#endif
