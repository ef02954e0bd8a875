/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What differs by architecture, as one table with the same names everywhere.
 */
#ifndef PROCESS_ARCH_H
#define PROCESS_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process/process.h"

struct arch_regset {
	uint32_t type;      /* note type, which PTRACE_GETREGSET takes too */
	const char *owner;  /* of the note: "CORE" or "LINUX" */
	const char *name;
	uint32_t size_min;  /* a shorter one is damaged */
};

struct arch {
	const char *name;         /* "x86_64" */
	uint16_t machine;         /* EM_* */
	uint8_t elf_class;        /* ELFCLASS* */
	uint64_t page_size;
	addr_t address_limit;     /* one past the highest address of user space */
	const struct arch_regset *regsets;
	size_t regset_count;

	/* The note NT_PRSTATUS: its size and where things are in it. */
	size_t prstatus_size, prstatus_signal, prstatus_blocked, prstatus_pid, prstatus_regs;
	size_t general_size;      /* of the general registers, which is NT_PRSTATUS as a regset */
	/* The note NT_PRPSINFO. */
	size_t prpsinfo_size, prpsinfo_uid, prpsinfo_pid, prpsinfo_comm, prpsinfo_args;

	addr_t (*pc)(const struct thread *t);
	addr_t (*sp)(const struct thread *t);
	addr_t (*tls)(const struct thread *t);  /* the thread pointer */
};

/* The architecture of an ELF file, or NULL when we do not know it. */
const struct arch *arch_find(uint16_t machine, uint8_t elf_class);

/* The one this program runs on. */
const struct arch *arch_host(void);

#endif
