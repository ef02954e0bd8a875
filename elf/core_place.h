/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a file is a core, or a program of ours with one in it.
 */
#ifndef ELF_CORE_PLACE_H
#define ELF_CORE_PLACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Sets *START to where in the file PATH a core begins, which reaches to its end; or returns false.
 */
bool core_place(const char *path, uint64_t *start);

#endif
