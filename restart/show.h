/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* restart --show: a core for people. */
#ifndef RESTART_SHOW_H
#define RESTART_SHOW_H

#include <stdio.h>

#include "process/process.h"

void show_process(const struct process *p, FILE *out);

#endif
