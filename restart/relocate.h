/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --map OLD=NEW: the paths of the model as they are on this machine. */
#ifndef RESTART_RELOCATE_H
#define RESTART_RELOCATE_H

#include "restart/restore.h"

/* Replaces the beginnings of all paths in the model; the first option that fits a path counts. */
MUST_CHECK int relocate_paths(struct process *p, const struct options *o, struct error *err);

#endif
