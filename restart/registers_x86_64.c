/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Registers of x86-64.  The XSAVE area in a core is in the standard format (Intel SDM volume 1,
 * 13.4): 512 bytes of legacy state, a 64-byte header, then the components at offsets that CPUID
 * leaf 0xD tells and that differ between makers.  Linux keeps XCR0 of the dumping machine in the
 * software bytes at offset 464.
 */
#define _GNU_SOURCE
#include "restart/registers.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "process/sigframe.h"
#include "process/syscall_restart.h"
#include "util/cleanup.h"

enum {
	XSAVE_LEGACY_SIZE = 512,
	XSAVE_HEADER_SIZE = 64,
	XSAVE_XCR0 = 464,        /* in the software bytes: the features the kernel saved */
	XSAVE_COMPONENTS = 63,
	USER_CS = 0x33, USER_DS = 0x2b,
};

/* ---- General registers ----------------------------------------------------------------------- */

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

int registers_general(const struct restore *r, const struct thread *t,
		      struct user_regs_struct *regs, struct error *err)
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

enum new_thread registers_new_thread(const struct thread *t)
{
	enum { NEARLY_EMPTY = 8192 };  /* the stack begins below the thread's static TLS block */
	const struct regset *general = thread_regset(t, NT_PRSTATUS);
	struct user_regs_struct regs;

	if (!general || general->size != sizeof regs)
		return THREAD_OLD;
	memcpy(&regs, general->data, sizeof regs);
	if (regs.rax != 0)
		return THREAD_OLD;
	if (regs.orig_rax == SYS_clone3 || regs.orig_rax == SYS_clone)
		return THREAD_NEW;
	return (int64_t)regs.orig_rax < 0 && regs.fs_base - regs.rsp < NEARLY_EMPTY
		       ? THREAD_PERHAPS_NEW
		       : THREAD_OLD;
}

/* ---- XSAVE ----------------------------------------------------------------------------------- */

/*
 * Where component I is in the core's area: note 0x205 is an array of type, size, offset, flags
 * (arch/x86/kernel/fpu/xstate.c, struct xfeat_component).  Without it, as on this machine.
 */
static struct xsave_component core_component(const struct process *p, unsigned i)
{
	const uint32_t *entry = p->xsave_layout;

	for (size_t n = entry ? p->xsave_layout_size / 16 : 0; n > 0; n--, entry += 4)
		if (entry[0] == i)
			return (struct xsave_component){ .size = entry[1], .offset = entry[2] };
	return p->xsave_layout ? (struct xsave_component){ 0, 0 } : xsave_host_component(i);
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
		struct xsave_component c = core_component(p, i), h = xsave_host_component(i);

		if (!h.size || c.size != h.size || (uint64_t)h.offset + h.size > size ||
		    (uint64_t)c.offset + c.size > from->size) {
			free(area);
			error_set(err, EINVAL,
				  "thread %d uses cpu state %u, which this machine lacks", t->tid,
				  i);
			return NULL;
		}
		memcpy(area + h.offset, (const uint8_t *)from->data + c.offset, c.size);
	}
	return area;
}

/* That what registers_xsave() will copy has the same form here. */
static void check_layout(const struct process *p, struct findings *f)
{
	uint64_t used = 0;

	for (size_t n = 0; n < p->thread_count; n++)
		if (has_xsave(&p->threads[n]))
			used |= used_features(thread_regset(&p->threads[n], NT_X86_XSTATE));
	for (unsigned i = 2; i < XSAVE_COMPONENTS; i++) {
		struct xsave_component c = { 0, 0 }, h = { 0, 0 };

		if (used >> i & 1) {
			c = core_component(p, i);
			h = xsave_host_component(i);
		}
		if (c.size != h.size)
			findings_add(f, OBSTACLE, "the core has %u bytes of cpu state %u, and this "
				     "cpu %u (restart on a machine of the old kind)", c.size, i,
				     h.size);
	}
}

/*
 * Code may have looked up the cpu's features when it started and go on to use any of them, so every
 * feature that the dumping machine had enabled must be here.
 */
void check_registers(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;
	static const char *const names[] = {
		[2] = "AVX",	 [5] = "AVX-512",	  [6] = "AVX-512",
		[7] = "AVX-512", [9] = "protection keys", [17] = "AMX",
		[18] = "AMX",
	};
	const char *last = NULL;

	if (!p->thread_count || !has_xsave(&p->threads[0]))
		return;
	const struct regset *xsave = thread_regset(&p->threads[0], NT_X86_XSTATE);
	uint64_t missing = word_at(xsave->data, XSAVE_XCR0) & ~xsave_host_features();

	for (unsigned i = 0; i < 64; i++) {
		const char *name = i < sizeof names / sizeof names[0] && names[i] ? names[i]
										   : "an extension";
		if (!(missing >> i & 1) || name == last)
			continue;
		findings_add(f, OBSTACLE, "the core comes from a cpu with %s (state %u), which "
			     "this one lacks (restart on such a machine)", name, i);
		last = name;
	}
	if (!missing)
		check_layout(p, f);
}

/* ---- The signal frame ------------------------------------------------------------------------ */

addr_t registers_frame(const struct restore *r, struct plan *plan, const struct thread *t,
		       struct error *err)
{
	size_t xsave_size = xsave_host_size();
	cleanup_free void *xsave = registers_xsave(r->process, t, xsave_size, err), *frame = NULL;
	struct user_regs_struct regs;

	if (!xsave || registers_general(r, t, &regs, err) < 0)
		return 0;
	xsave_size = xsave_used_size(xsave, xsave_size);
	size_t size = sigframe_size(xsave_size);
	frame = calloc(1, size);
	if (!frame)
		return error_set(err, ENOMEM, "not enough memory"), 0;
	sigframe_build(frame, plan_data_next(plan), &regs, xsave, xsave_size, t->blocked);
	return plan_data(plan, frame, size);
}
