/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine must offer for a core of ours to go on there, as the text of the note
 * NOTE_MACHINE: a line `key=value` each.
 *
 *     arch=x86_64            the architecture
 *     page_size=4096         bytes
 *     xsave_size=832         bytes of the XSAVE area
 *     xcr0=0x7               the XSAVE components that the process could use
 *     kernel=6.1.0-13-amd64  the release it ran on
 *     cpu=sse4_2 avx avx2    what the cpu offered to it (elf/cpu_features.h)
 *
 * A line whose value is not known is left out; a reader passes over a key that it does not know.
 */
#ifndef ELF_CORE_MACHINE_H
#define ELF_CORE_MACHINE_H

#include <stdbool.h>

#include "process/process.h"

enum { CORE_MACHINE_SIZE = 3072 };

/* Writes the text for P, which ran on KERNEL and a cpu with the features CPU (NULL: not known). */
void core_machine_write(char text[CORE_MACHINE_SIZE], const struct process *p,
			const char *kernel, const char *cpu);

/* Copies the value of KEY; false when TEXT (which may be NULL) has none, or one too long. */
bool core_machine_value(const char *text, const char *key, char *value, size_t size);

#endif
