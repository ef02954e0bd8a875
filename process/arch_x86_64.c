/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86-64.  Layouts from the kernel's struct elf_prstatus and elf_prpsinfo (linux/elfcore.h). */
#define _GNU_SOURCE
#include <elf.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/user.h>

#include "process/arch.h"

static const struct arch_regset regsets[] = {
	{ NT_PRSTATUS, "CORE", "general", sizeof(struct user_regs_struct) },
	{ NT_FPREGSET, "CORE", "floating point", sizeof(struct user_fpregs_struct) },
	{ NT_X86_XSTATE, "LINUX", "xsave", 512 + 64 },  /* legacy area and header */
};

static struct user_regs_struct general(const struct thread *t)
{
	const struct regset *r = thread_regset(t, NT_PRSTATUS);
	struct user_regs_struct regs = { 0 };

	if (r && r->size == sizeof regs)
		memcpy(&regs, r->data, sizeof regs);
	return regs;
}

static addr_t pc(const struct thread *t)
{
	return general(t).rip;
}

static addr_t sp(const struct thread *t)
{
	return general(t).rsp;
}

static addr_t tls(const struct thread *t)
{
	return general(t).fs_base;
}

const struct arch arch_x86_64 = {
	.name = "x86_64",
	.machine = EM_X86_64,
	.elf_class = ELFCLASS64,
	.page_size = 4096,
	.address_limit = (addr_t)1 << 47,
	.regsets = regsets,
	.regset_count = sizeof regsets / sizeof regsets[0],
	.prstatus_size = sizeof(struct elf_prstatus),
	.prstatus_signal = offsetof(struct elf_prstatus, pr_cursig),
	.prstatus_blocked = offsetof(struct elf_prstatus, pr_sighold),
	.prstatus_pid = offsetof(struct elf_prstatus, pr_pid),
	.prstatus_regs = offsetof(struct elf_prstatus, pr_reg),
	.general_size = sizeof(struct user_regs_struct),
	.prpsinfo_size = sizeof(struct elf_prpsinfo),
	.prpsinfo_uid = offsetof(struct elf_prpsinfo, pr_uid),
	.prpsinfo_pid = offsetof(struct elf_prpsinfo, pr_pid),
	.prpsinfo_comm = offsetof(struct elf_prpsinfo, pr_fname),
	.prpsinfo_args = offsetof(struct elf_prpsinfo, pr_psargs),
	.pc = pc,
	.sp = sp,
	.tls = tls,
};
