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
#include <stdbool.h>
#include <string.h>
#include <ucontext.h>

enum {
	ALIGNMENT = 64,
	FIRST = 2, END = 63,  /* components; those before the first have fixed places */
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

/* Leaf 0xd of CPUID: sub-leaf 0 is of the whole area, I of component I. */
struct leaf {
	bool known;
	uint32_t a, b, d;
};

static struct leaf host_leaf(unsigned i)
{
	static struct leaf leaves[END];
	struct leaf *kept = &leaves[i], l = { .known = true };
	uint32_t c;

	/* Two threads may find out the same at the same time. */
	if (__atomic_load_n(&kept->known, __ATOMIC_ACQUIRE))
		return *kept;
	if (i > 0 ? host_leaf(0).b == 0 : __get_cpuid_max(0, NULL) < 0xd)
		return l;
	__cpuid_count(0xd, i, l.a, l.b, c, l.d);
	kept->a = l.a;
	kept->b = l.b;
	kept->d = l.d;
	__atomic_store_n(&kept->known, true, __ATOMIC_RELEASE);
	return l;
}

size_t xsave_host_size(void)
{
	/* ebx: the size for what XCR0 enables now, which is that of the kernel's regset. */
	uint32_t size = host_leaf(0).b;

	return size ? size : 512;
}

uint64_t xsave_host_features(void)
{
	struct leaf l = host_leaf(0);

	return l.b ? (uint64_t)l.d << 32 | l.a : 3;
}

struct xsave_component xsave_host_component(unsigned i)
{
	struct leaf l = host_leaf(i);

	return (struct xsave_component){ .size = l.a, .offset = l.b };
}

int xsave_host_layout(struct process *p, struct error *err)
{
	struct component { uint32_t type, size, offset, flags; } *to;
	uint64_t features = xsave_host_features();
	size_t count = 0;

	to = arena_alloc(&p->arena, (END - FIRST) * sizeof *to);
	if (!to)
		return error_set(err, ENOMEM, "not enough memory");
	for (uint32_t i = FIRST; i < END; i++) {
		if (!(features >> i & 1))
			continue;
		struct xsave_component c = xsave_host_component(i);

		/* The kernel leaves the flags zero. */
		to[count++] = (struct component){ i, c.size, c.offset, 0 };
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

	for (unsigned i = FIRST; i < END; i++) {
		if (!(features >> i & 1))
			continue;
		struct xsave_component c = xsave_host_component(i);

		if ((size_t)c.offset + c.size > end)
			end = (size_t)c.offset + c.size;
	}
	return end;
}

size_t xsave_used_size(const void *xsave, size_t size)
{
	size_t end = end_of(features_in(xsave, size));

	return end < size ? end : size;
}

/*
 * Only what is in use.  AMX tiles, which come last, need a permission that hardly any process has;
 * of an area with room for them the kernel takes the legacy part alone (check_xstate_in_sigframe).
 */
static void put_fpstate(uint8_t *to, const void *xsave, size_t room)
{
	uint32_t magic2 = FP_XSTATE_MAGIC2;
	uint64_t features = features_in(xsave, room);
	size_t size = xsave_used_size(xsave, room);
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
