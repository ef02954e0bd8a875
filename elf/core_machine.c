/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "elf/core_machine.h"

#include <elf.h>
#include <string.h>

#include "elf/cpu_features.h"
#include "process/arch.h"
#include "util/format.h"

/* In the area that FXSAVE leaves to software the kernel keeps XCR0. */
enum { XCR0_AT = 464 };

void core_machine_write(char text[CORE_MACHINE_SIZE], const struct process *p,
			const char *kernel, const char *cpu)
{
	const struct regset *xsave =
		p->thread_count ? thread_regset(&p->threads[0], NT_X86_XSTATE) : NULL;
	size_t n = format(text, CORE_MACHINE_SIZE, "arch=%s\npage_size=%lu\n", p->arch->name,
			  p->arch->page_size);

	if (xsave && xsave->size >= XCR0_AT + sizeof(uint64_t)) {
		uint64_t xcr0;

		memcpy(&xcr0, (const char *)xsave->data + XCR0_AT, sizeof xcr0);
		n += format(text + n, CORE_MACHINE_SIZE - n, "xsave_size=%u\nxcr0=%#lx\n",
			    xsave->size, xcr0);
	}
	if (kernel)
		n += format(text + n, CORE_MACHINE_SIZE - n, "kernel=%.64s\n", kernel);
	if (cpu)
		format(text + n, CORE_MACHINE_SIZE - n, "cpu=%.*s\n", CPU_FEATURES_SIZE - 1, cpu);
}

bool core_machine_value(const char *text, const char *key, char *value, size_t size)
{
	size_t key_len = strlen(key);

	while (text && *text) {
		const char *end = strchrnul(text, '\n');

		if (strncmp(text, key, key_len) == 0 && text[key_len] == '=') {
			const char *from = text + key_len + 1;
			size_t len = (size_t)(end - from);

			if (len >= size)
				return false;
			memcpy(value, from, len);
			value[len] = '\0';
			return true;
		}
		text = *end ? end + 1 : end;
	}
	return false;
}
