/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Registers of x86-64.  The XSAVE area in a core is in the standard format (Intel SDM volume 1,
 * 13.4): 512 bytes of legacy state, a 64-byte header, then the components at offsets that CPUID
 * leaf 0xD tells and that differ between makers.  Linux keeps XCR0 of the dumping machine in the
 * software bytes at offset 464.
 */
#define _GNU_SOURCE
#include "restart/registers.h"

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "process/syscall_restart.h"
#include "util/cleanup.h"

enum {
	XSAVE_LEGACY_SIZE = 512,
	XSAVE_HEADER_SIZE = 64,
	XSAVE_XCR0 = 464,        /* in the software bytes: the features the kernel saved */
	XSAVE_COMPONENTS = 63,
	USER_CS = 0x33, USER_DS = 0x2b,
	/* uapi/asm/ucontext.h: UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS */
	FRAME_FLAGS = 1 | 2 | 4,
};

/* ---- General registers ----------------------------------------------------------------------------- */

/*
 * A thread inside a restartable sequence (linux/rseq.h) must go on at its abort handler, as it does
 * when the kernel moves it to another cpu.
 */
static void abort_sequence(const struct restore *r, struct user_regs_struct *regs)
{
	struct { uint32_t version, flags; uint64_t start, length, abort; } sequence;
	addr_t pointer_at = regs->fs_base + (addr_t)r->libc.rseq + 8, pointer;
	struct error err;

	if (r->libc.rseq_known &&
	    process_read(r->process, pointer_at, &pointer, sizeof pointer, &err) == 0 && pointer &&
	    process_read(r->process, pointer, &sequence, sizeof sequence, &err) == 0 &&
	    regs->rip - sequence.start < sequence.length)
		regs->rip = sequence.abort;
}

int registers_general(const struct restore *r, const struct thread *t, struct user_regs_struct *regs,
		      struct error *err)
{
	const struct regset *general = thread_regset(t, NT_PRSTATUS);
	const struct process *p = r->process;
	uint8_t code[SYSCALL_CODE_SIZE];
	size_t len = sizeof code;
	struct error unread;

	if (!general || general->size != sizeof *regs)
		return error_set(err, EINVAL, "%s: thread %d has no registers", p->source, t->tid);
	memcpy(regs, general->data, sizeof *regs);
	abort_sequence(r, regs);
	if (process_read(p, regs->rip - sizeof code, code, sizeof code, &unread) < 0)
		len = 0;

	struct syscall_regs s = {
		.pc = regs->rip, .result = regs->rax, .number = regs->orig_rax,
		.rdi = regs->rdi, .rsi = regs->rsi, .rdx = regs->rdx, .r10 = regs->r10,
	};
	syscall_resume(&s, code, len);
	regs->rip = s.pc;
	regs->rax = s.result;
	regs->rdi = s.rdi;
	regs->rsi = s.rsi;
	regs->rdx = s.rdx;
	regs->r10 = s.r10;
	regs->orig_rax = (unsigned long long)-1;  /* user code: the kernel has nothing to restart */
	regs->cs = USER_CS;
	regs->ss = USER_DS;
	return 0;
}

/* ---- XSAVE ------------------------------------------------------------------------------------------- */

/* An XSAVE component: where it is in the area. */
struct component {
	uint32_t offset, size;
};

static uint64_t host_features(void)
{
	uint32_t a, b, c, d;

	if (!__get_cpuid_count(0xd, 0, &a, &b, &c, &d))
		return 3;
	return (uint64_t)d << 32 | a;
}

/* In a virtual machine CPUID takes microseconds, and this is asked for every thread. */
static struct component host_component(unsigned i)
{
	static struct component known[XSAVE_COMPONENTS];
	uint32_t c, d;

	if (!known[i].size &&
	    !__get_cpuid_count(0xd, i, &known[i].size, &known[i].offset, &c, &d))
		return (struct component){ 0, 0 };
	return known[i];
}

/*
 * Where component I is in the core's area: note 0x205 is an array of type, size, offset, flags
 * (arch/x86/kernel/fpu/xstate.c, struct xfeat_component).  Without it, as on this machine.
 */
static struct component core_component(const struct process *p, unsigned i)
{
	const uint32_t *entry = p->xsave_layout;

	for (size_t n = entry ? p->xsave_layout_size / 16 : 0; n > 0; n--, entry += 4)
		if (entry[0] == i)
			return (struct component){ .size = entry[1], .offset = entry[2] };
	return p->xsave_layout ? (struct component){ 0, 0 } : host_component(i);
}

size_t registers_xsave_size(void)
{
	uint32_t a, b, c, d;

	/* ebx: the size for what XCR0 enables now; what the kernel's regset uses. */
	return __get_cpuid_count(0xd, 0, &a, &b, &c, &d) ? b
							   : XSAVE_LEGACY_SIZE + XSAVE_HEADER_SIZE;
}

static uint64_t word_at(const uint8_t *area, size_t offset)
{
	uint64_t value;

	memcpy(&value, area + offset, sizeof value);
	return value;
}

/* The features whose state in the core is not the initial one. */
static uint64_t used_features(const struct regset *xsave)
{
	return xsave->size >= XSAVE_LEGACY_SIZE + 8 ? word_at(xsave->data, XSAVE_LEGACY_SIZE) : 3;
}

static bool has_xsave(const struct thread *t)
{
	const struct regset *r = thread_regset(t, NT_X86_XSTATE);

	return r && r->size >= XSAVE_LEGACY_SIZE + XSAVE_HEADER_SIZE;
}

void *registers_xsave(const struct process *p, const struct thread *t, size_t size,
		      struct error *err)
{
	const struct regset *from = thread_regset(t, NT_X86_XSTATE);
	const struct regset *legacy = thread_regset(t, NT_FPREGSET);
	uint8_t *area = calloc(1, size);

	if (!area) {
		error_set(err, ENOMEM, "not enough memory");
		return NULL;
	}
	if (!has_xsave(t)) {
		if (legacy && legacy->size >= XSAVE_LEGACY_SIZE && size >= XSAVE_LEGACY_SIZE + 8) {
			memcpy(area, legacy->data, XSAVE_LEGACY_SIZE);
			area[XSAVE_LEGACY_SIZE] = 3;
		}
		return area;
	}
	uint64_t used = used_features(from);
	memcpy(area, from->data, XSAVE_LEGACY_SIZE);
	memcpy(area + XSAVE_LEGACY_SIZE, &used, sizeof used);
	for (unsigned i = 2; i < XSAVE_COMPONENTS; i++) {
		if (!(used >> i & 1))
			continue;
		struct component c = core_component(p, i), h = host_component(i);

		if (!h.size || c.size != h.size || (uint64_t)h.offset + h.size > size ||
		    (uint64_t)c.offset + c.size > from->size) {
			free(area);
			error_set(err, EINVAL, "thread %d uses cpu state %u, which this machine lacks",
				  t->tid, i);
			return NULL;
		}
		memcpy(area + h.offset, (const uint8_t *)from->data + c.offset, c.size);
	}
	return area;
}

/*
 * Code may have looked up the cpu's features when it started and go on to use any of them, so every
 * feature that the dumping machine had enabled must be here.
 */
void check_registers(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;
	static const char *const names[] = {
		[2] = "AVX", [5] = "AVX-512", [6] = "AVX-512", [7] = "AVX-512", [9] = "protection keys",
		[17] = "AMX", [18] = "AMX",
	};
	const char *last = NULL;

	if (!p->thread_count || !has_xsave(&p->threads[0]))
		return;
	const struct regset *xsave = thread_regset(&p->threads[0], NT_X86_XSTATE);
	uint64_t missing = word_at(xsave->data, XSAVE_XCR0) & ~host_features();

	for (unsigned i = 0; i < 64; i++) {
		const char *name = i < sizeof names / sizeof names[0] && names[i] ? names[i]
										   : "an extension";
		if (!(missing >> i & 1) || name == last)
			continue;
		findings_add(f, OBSTACLE, "the core comes from a cpu with %s (state %u), which this one "
			     "lacks (restart on such a machine)", name, i);
		last = name;
	}
}

/* ---- The signal frame --------------------------------------------------------------------------------- */

/*
 * The size of an area that ends with the last of the FEATURES.  The kernel ignores all but the legacy
 * state when the area in a frame is larger than what the task may use, and AMX tiles, which come
 * last, need a permission that hardly any task has (check_xstate_in_sigframe).
 */
static size_t area_size(uint64_t features)
{
	size_t size = XSAVE_LEGACY_SIZE + XSAVE_HEADER_SIZE;

	for (unsigned i = 2; i < XSAVE_COMPONENTS; i++) {
		struct component h = features >> i & 1 ? host_component(i) : (struct component){ 0, 0 };

		if (h.size && (size_t)h.offset + h.size > size)
			size = (size_t)h.offset + h.size;
	}
	return size;
}

/* struct rt_sigframe from its ucontext on, as the kernel reads it (arch/x86/kernel/signal_64.c). */
static addr_t put_fpstate(const struct process *p, struct plan *plan, const struct thread *t,
			  struct error *err)
{
	cleanup_free uint8_t *area = registers_xsave(p, t, registers_xsave_size(), err);
	uint32_t magic2 = FP_XSTATE_MAGIC2;

	if (!area)
		return 0;
	uint64_t used = word_at(area, XSAVE_LEGACY_SIZE) | 3;
	size_t size = area_size(used);
	struct _fpx_sw_bytes sw = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = (uint32_t)(size + sizeof magic2),
		.xstate_bv = used,
		.xstate_size = (uint32_t)size,
	};
	memcpy(area + XSAVE_XCR0, &sw, sizeof sw);
	cleanup_free uint8_t *whole = malloc(size + sizeof magic2);
	if (!whole) {
		error_set(err, ENOMEM, "not enough memory");
		return 0;
	}
	memcpy(whole, area, size);
	memcpy(whole + size, &magic2, sizeof magic2);
	return plan_data(plan, whole, size + sizeof magic2);
}

addr_t registers_frame(const struct restore *r, struct plan *plan, const struct thread *t,
		       struct error *err)
{
	struct user_regs_struct g;
	ucontext_t uc;

	if (registers_general(r, t, &g, err) < 0)
		return 0;
	addr_t fpstate = put_fpstate(r->process, plan, t, err);
	if (!fpstate)
		return 0;
	memset(&uc, 0, sizeof uc);
	uc.uc_flags = FRAME_FLAGS;
	uc.uc_stack.ss_flags = SS_DISABLE;
	if (t->altstack.known && !(t->altstack.flags & SS_DISABLE)) {
		uc.uc_stack.ss_sp = (void *)t->altstack.sp;
		uc.uc_stack.ss_size = t->altstack.size;
		uc.uc_stack.ss_flags = (int)(t->altstack.flags & ~(uint32_t)SS_ONSTACK);
	}
	const unsigned long long gregs[] = {
		[REG_R8] = g.r8, [REG_R9] = g.r9, [REG_R10] = g.r10, [REG_R11] = g.r11,
		[REG_R12] = g.r12, [REG_R13] = g.r13, [REG_R14] = g.r14, [REG_R15] = g.r15,
		[REG_RDI] = g.rdi, [REG_RSI] = g.rsi, [REG_RBP] = g.rbp, [REG_RBX] = g.rbx,
		[REG_RDX] = g.rdx, [REG_RAX] = g.rax, [REG_RCX] = g.rcx, [REG_RSP] = g.rsp,
		[REG_RIP] = g.rip, [REG_EFL] = g.eflags,
		[REG_CSGSFS] = USER_CS | (unsigned long long)USER_DS << 48,
	};
	memcpy(uc.uc_mcontext.gregs, gregs, sizeof gregs);
	memcpy(&uc.uc_mcontext.fpregs, &fpstate, sizeof fpstate);
	memcpy(&uc.uc_sigmask, &t->blocked, sizeof t->blocked);
	return plan_data(plan, &uc, sizeof uc);
}
