/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * struct rt_sigframe of x86-64 from its ucontext on, as the kernel reads it
 * (arch/x86/kernel/signal_64.c), with the XSAVE area behind it (fpu/signal.c).
 */
#define _GNU_SOURCE
#include "process/sigframe.h"

#include <cpuid.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

enum {
	ALIGNMENT = 64,
	/* The XSAVE area: legacy state with struct _fpx_sw_bytes in it, header, components. */
	LEGACY_SIZE = 512, HEADER_SIZE = 64, LEGACY_FEATURES = 3, SOFTWARE_BYTES = 464,
	USER_CS = 0x33, USER_DS = 0x2b,
	/* uapi/asm/ucontext.h: UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS */
	FRAME_FLAGS = 1 | 2 | 4,
	/*
	 * No such flag: the kernel refuses the alternate
	 * stack in the frame and keeps the present one.
	 */
	KEEP_ALTSTACK = 0x7ffffff0,
};

size_t xsave_host_size(void)
{
	uint32_t a, b, c, d;

	/* ebx: the size for what XCR0 enables now, which is that of the kernel's regset. */
	return __get_cpuid_count(0xd, 0, &a, &b, &c, &d) ? b : 512;
}

uint64_t xsave_host_features(void)
{
	uint32_t a, b, c, d;

	return __get_cpuid_count(0xd, 0, &a, &b, &c, &d) ? (uint64_t)d << 32 | a : 3;
}

int xsave_host_layout(struct process *p, struct error *err)
{
	struct component { uint32_t type, size, offset, flags; } *to;
	enum { FIRST = 2, END = 63 };  /* those before the first have fixed places */
	uint64_t features = xsave_host_features();
	size_t count = 0;

	to = arena_alloc(&p->arena, (END - FIRST) * sizeof *to);
	if (!to)
		return error_set(err, ENOMEM, "not enough memory");
	for (uint32_t i = FIRST; i < END; i++) {
		uint32_t size, offset, c, d;

		/* The kernel leaves the flags zero. */
		if (features >> i & 1 && __get_cpuid_count(0xd, i, &size, &offset, &c, &d))
			to[count++] = (struct component){ i, size, offset, 0 };
	}
	p->xsave_layout = count ? to : NULL;
	p->xsave_layout_size = count * sizeof *to;
	return 0;
}

static size_t fpstate_at(void)
{
	return (sizeof(ucontext_t) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

size_t sigframe_size(size_t xsave_size)
{
	return fpstate_at() + (xsave_size ? xsave_size + sizeof(uint32_t) : 0);
}

/* The features whose state in the area is not the initial one. */
static uint64_t features_in(const uint8_t *xsave, size_t size)
{
	uint64_t features = 0;

	if (size >= LEGACY_SIZE + HEADER_SIZE)
		memcpy(&features, xsave + LEGACY_SIZE, sizeof features);
	return features | LEGACY_FEATURES;
}

/* Where the last of the FEATURES ends. */
static size_t end_of(uint64_t features)
{
	size_t end = LEGACY_SIZE + HEADER_SIZE;

	for (unsigned i = 2; i < 63; i++) {
		uint32_t size, offset, c, d;

		if (features >> i & 1 && __get_cpuid_count(0xd, i, &size, &offset, &c, &d) &&
		    (size_t)offset + size > end)
			end = (size_t)offset + size;
	}
	return end;
}

/*
 * Only what is in use.  AMX tiles, which come last, need a permission that hardly any process has;
 * of an area with room for them the kernel takes the legacy part alone (check_xstate_in_sigframe).
 */
static void put_fpstate(uint8_t *to, const void *xsave, size_t room)
{
	uint32_t magic2 = FP_XSTATE_MAGIC2;
	uint64_t features = features_in(xsave, room);
	size_t end = end_of(features), size = end < room ? end : room;
	struct _fpx_sw_bytes sw = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = (uint32_t)(size + sizeof magic2),
		.xstate_bv = features,
		.xstate_size = (uint32_t)size,
	};

	memcpy(to, xsave, size);
	memcpy(to + SOFTWARE_BYTES, &sw, sizeof sw);
	memcpy(to + size, &magic2, sizeof magic2);
}

void sigframe_build(void *buf, addr_t at, const struct user_regs_struct *r, const void *xsave,
		    size_t xsave_size, uint64_t blocked)
{
	const unsigned long long gregs[] = {
		[REG_R8] = r->r8, [REG_R9] = r->r9, [REG_R10] = r->r10, [REG_R11] = r->r11,
		[REG_R12] = r->r12, [REG_R13] = r->r13, [REG_R14] = r->r14, [REG_R15] = r->r15,
		[REG_RDI] = r->rdi, [REG_RSI] = r->rsi, [REG_RBP] = r->rbp, [REG_RBX] = r->rbx,
		[REG_RDX] = r->rdx, [REG_RAX] = r->rax, [REG_RCX] = r->rcx, [REG_RSP] = r->rsp,
		[REG_RIP] = r->rip, [REG_EFL] = r->eflags,
		[REG_CSGSFS] = USER_CS | (unsigned long long)USER_DS << 48,
	};
	addr_t fpstate = xsave ? at + fpstate_at() : 0;
	ucontext_t uc;

	memset(&uc, 0, sizeof uc);
	uc.uc_flags = FRAME_FLAGS;
	uc.uc_stack.ss_flags = KEEP_ALTSTACK;
	memcpy(uc.uc_mcontext.gregs, gregs, sizeof gregs);
	memcpy(&uc.uc_mcontext.fpregs, &fpstate, sizeof fpstate);
	memcpy(&uc.uc_sigmask, &blocked, sizeof blocked);
	memcpy(buf, &uc, sizeof uc);
	if (xsave)
		put_fpstate((uint8_t *)buf + fpstate_at(), xsave, xsave_size);
}
