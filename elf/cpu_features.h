/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the cpu of this machine offers to programs: instructions that a program, or its C library,
 * looks for when it starts and then uses without asking again.
 *
 * The names are those of /proc/cpuinfo, separated by blanks.  That file is read rather than the cpu
 * asked: in a virtual machine each CPUID costs an exit, and what the kernel has switched off
 * counts as not there.
 */
#ifndef ELF_CPU_FEATURES_H
#define ELF_CPU_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

enum { CPU_FEATURES_SIZE = 2048 };

/* Fills TEXT with the names; false where they cannot be known. */
bool cpu_features_here(char text[CPU_FEATURES_SIZE]);

/*
 * Puts those of the names NEEDED that are not in HERE into MISSING, separated by ", ", as many as
 * it has room for.  Returns how many are missing.
 */
size_t cpu_features_missing(const char *needed, const char *here, char *missing, size_t size);

#endif
