/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Would the next dump of the restored process overwrite the core that its memory is mapped from?
 */
#ifndef RESTART_OVERWRITE_H
#define RESTART_OVERWRITE_H

#include "restart/restore.h"

/*
 * The kernel writes a core by truncating the file of that name (fs/coredump.c), which takes away
 * the pages that the dumping process itself has mapped from it: both dumps are lost.  Returns
 * whether that may happen to R's process, by the name that core_pattern will give.
 */
bool core_may_be_overwritten(const struct restore *r);

#endif
