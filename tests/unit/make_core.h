/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A core file in memory, for tests that damage it: whole and of the kernel's dialect unless a test
 * changes it.
 *
 *     0       ELF header, program headers (SEG_*)
 *     0x1000  notes; the file of a test may end behind them
 *     0x5000  the saved pages, each filled with its own letter
 */
#ifndef TESTS_UNIT_MAKE_CORE_H
#define TESTS_UNIT_MAKE_CORE_H

#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/user.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	NOTES_AT = 0x1000,
	DATA_AT = 0x5000,
	CORE_SIZE_MAX = 0x10000,
};

enum {
	SEG_NOTE, SEG_TEXT, SEG_DATA, SEG_GUARD, SEG_UNTOUCHED, SEG_GONE, SEG_VVAR, SEG_VDSO,
	SEG_STACK, SEG_VSYSCALL, SEG_COUNT,
};

#define TEXT_ADDR 0x400000ul       /* 3 pages of PROGRAM_PATH, the first of them saved: 'T' */
#define DATA_ADDR 0x600000ul       /* 2 pages, anonymous, saved: 'D', 'E' */
#define GUARD_ADDR 0x602000ul      /* 1 page, no access */
#define UNTOUCHED_ADDR 0x603000ul  /* 1 page, readable and writable, nothing saved */
#define GONE_ADDR 0x610000ul       /* 1 page of a deleted file, not saved */
#define VVAR_ADDR 0x7ff000010000ul /* 2 pages, nothing saved */
#define VDSO_ADDR 0x7ff000012000ul /* 1 page: 'V' */
#define STACK_ADDR 0x7ff0000f0000ul /* 1 page: 'S', with the name of the program at its start */
#define VSYSCALL_ADDR 0xffffffffff600000ul

#define PROGRAM_PATH "/nowhere/program"

enum { LEADER = 100, OTHER = 101, THIRD = 102 };

struct made_core {
	union {
		unsigned char bytes[CORE_SIZE_MAX];
		struct {
			Elf64_Ehdr ehdr;
			Elf64_Phdr phdrs[32];
		};
	};
	size_t note_end;  /* where the next note goes */
	size_t size;
};

static inline void make_note(struct made_core *c, const char *owner, uint32_t type,
			     const void *desc, size_t size)
{
	Elf64_Nhdr head = { .n_namesz = (uint32_t)strlen(owner) + 1, .n_descsz = (uint32_t)size,
			    .n_type = type };

	memcpy(c->bytes + c->note_end, &head, sizeof head);
	c->note_end += sizeof head;
	memcpy(c->bytes + c->note_end, owner, head.n_namesz);
	c->note_end += (head.n_namesz + 3u) & ~3u;
	memcpy(c->bytes + c->note_end, desc, size);
	c->note_end += (size + 3) & ~(size_t)3;
	c->phdrs[SEG_NOTE].p_filesz = c->note_end - NOTES_AT;
}

static inline void make_thread(struct made_core *c, pid_t tid, int signal)
{
	struct elf_prstatus status = { .pr_cursig = (short)signal, .pr_sighold = 0x200,
				       .pr_pid = tid };
	struct user_regs_struct regs = { .rip = TEXT_ADDR + 0x10, .rsp = STACK_ADDR + 0x800,
					 .rax = (unsigned long)tid };

	memcpy(&status.pr_reg, &regs, sizeof regs);
	make_note(c, "CORE", NT_PRSTATUS, &status, sizeof status);
}

static inline void make_psinfo(struct made_core *c)
{
	struct elf_prpsinfo info = { .pr_uid = 1000, .pr_gid = 1001, .pr_pid = LEADER,
				     .pr_ppid = 90, .pr_pgrp = 91, .pr_sid = 92,
				     .pr_fname = "program", .pr_psargs = "program -x one " };

	make_note(c, "CORE", NT_PRPSINFO, &info, sizeof info);
}

static inline void make_auxv(struct made_core *c)
{
	uint64_t auxv[] = {
		AT_SYSINFO_EHDR, VDSO_ADDR, AT_ENTRY, TEXT_ADDR + 0x1010, AT_RANDOM,
		STACK_ADDR + 0x100, AT_EXECFN, STACK_ADDR, AT_NULL, 0,
	};

	make_note(c, "CORE", NT_AUXV, auxv, sizeof auxv);
}

/* NT_FILE in the unit UNIT: the program, and a file that was deleted. */
static inline void make_file_note(struct made_core *c, uint64_t unit)
{
	static const char names[] = PROGRAM_PATH "\0/tmp/gone (deleted)";
	uint64_t words[] = {
		2, unit,
		TEXT_ADDR, TEXT_ADDR + 3 * PAGE, 0,
		GONE_ADDR, GONE_ADDR + PAGE, 7 * PAGE / unit,
	};
	unsigned char desc[sizeof words + sizeof names];

	memcpy(desc, words, sizeof words);
	memcpy(desc + sizeof words, names, sizeof names);
	make_note(c, "CORE", NT_FILE, desc, sizeof desc);
}

/* The kernel begins with the thread that got the signal, which here is not the leader. */
static inline void make_notes(struct made_core *c)
{
	unsigned char siginfo[128] = { 3 }, fp[512] = { 1 }, xsave[1024] = { 2 };

	c->note_end = NOTES_AT;
	make_thread(c, OTHER, 3);
	make_psinfo(c);
	make_note(c, "CORE", NT_SIGINFO, siginfo, sizeof siginfo);
	make_auxv(c);
	make_file_note(c, PAGE);
	make_note(c, "CORE", NT_FPREGSET, fp, sizeof fp);
	make_note(c, "LINUX", NT_X86_XSTATE, xsave, sizeof xsave);
	make_note(c, "LINUX", 0x205, "layout", 6);
	make_thread(c, LEADER, 0);
	make_thread(c, THIRD, 0);
}

static inline void make_segment(struct made_core *c, int index, uint64_t addr, unsigned pages,
				unsigned saved, uint32_t flags, char fill)
{
	c->phdrs[index] = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_flags = flags, .p_vaddr = addr, .p_offset = c->size,
		.p_memsz = pages * PAGE, .p_filesz = saved * PAGE, .p_align = PAGE,
	};
	for (unsigned i = 0; i < saved; i++, c->size += PAGE)
		memset(c->bytes + c->size, fill + (char)i, PAGE);
}

static inline void make_core(struct made_core *c)
{
	memset(c, 0, sizeof *c);
	c->ehdr = (Elf64_Ehdr){
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr), .e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = SEG_COUNT,
	};
	c->phdrs[SEG_NOTE] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = NOTES_AT };
	make_notes(c);
	c->size = DATA_AT;
	make_segment(c, SEG_TEXT, TEXT_ADDR, 3, 1, PF_R | PF_X, 'T');
	make_segment(c, SEG_DATA, DATA_ADDR, 2, 2, PF_R | PF_W, 'D');
	make_segment(c, SEG_GUARD, GUARD_ADDR, 1, 0, 0, 0);
	make_segment(c, SEG_UNTOUCHED, UNTOUCHED_ADDR, 1, 0, PF_R | PF_W, 0);
	make_segment(c, SEG_GONE, GONE_ADDR, 1, 0, PF_R, 0);
	make_segment(c, SEG_VVAR, VVAR_ADDR, 2, 0, PF_R, 0);
	make_segment(c, SEG_VDSO, VDSO_ADDR, 1, 1, PF_R | PF_X, 'V');
	make_segment(c, SEG_STACK, STACK_ADDR, 1, 1, PF_R | PF_W, 'S');
	strcpy((char *)c->bytes + c->phdrs[SEG_STACK].p_offset, "./program");
	make_segment(c, SEG_VSYSCALL, VSYSCALL_ADDR, 1, 1, PF_X, 'Y');
}

/* Writes the core to PATH; without success there is nothing to test. */
static inline void write_core(const struct made_core *c, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, c->bytes, c->size) != (ssize_t)c->size || close(fd) < 0)
		abort();
}

#endif
