/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process/arch.h"

extern const struct arch arch_x86_64;

static const struct arch *const arches[] = { &arch_x86_64 };

const struct arch *arch_find(uint16_t machine, uint8_t elf_class)
{
	for (size_t i = 0; i < sizeof arches / sizeof arches[0]; i++)
		if (arches[i]->machine == machine && arches[i]->elf_class == elf_class)
			return arches[i];
	return NULL;
}

const struct arch *arch_host(void)
{
	return &arch_x86_64;
}
