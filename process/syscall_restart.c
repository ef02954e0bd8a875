/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "process/syscall_restart.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

/* include/linux/errno.h: the kernel never shows these to a program. */
enum { ERESTARTSYS = 512, ERESTARTNOINTR = 513, ERESTARTNOHAND = 514, ERESTART_RESTARTBLOCK = 516 };

enum { CALLS = 512, SYSCALL_INSTRUCTION_SIZE = 2 };

static const uint64_t no_call = UINT64_MAX;

/*
 * Calls that wait: an -EINTR from one of these means that nothing was done yet, so that issuing it
 * again is right.  close() is not among them: after -EINTR the descriptor is gone.
 */
static const bool waits[CALLS] = {
	[SYS_read] = true, [SYS_write] = true, [SYS_readv] = true, [SYS_writev] = true,
	[SYS_open] = true, [SYS_openat] = true, [SYS_fcntl] = true, [SYS_flock] = true,
	[SYS_poll] = true, [SYS_ppoll] = true, [SYS_select] = true, [SYS_pselect6] = true,
	[SYS_epoll_wait] = true, [SYS_epoll_pwait] = true, [441 /* epoll_pwait2 */] = true,
	[SYS_pause] = true, [SYS_rt_sigsuspend] = true, [SYS_rt_sigtimedwait] = true,
	[SYS_nanosleep] = true, [SYS_clock_nanosleep] = true,
	[SYS_wait4] = true, [SYS_waitid] = true,
	[SYS_connect] = true, [SYS_accept] = true, [SYS_accept4] = true,
	[SYS_sendto] = true, [SYS_sendmsg] = true, [SYS_sendmmsg] = true,
	[SYS_recvfrom] = true, [SYS_recvmsg] = true, [SYS_recvmmsg] = true,
	[SYS_msgsnd] = true, [SYS_msgrcv] = true, [SYS_semop] = true, [SYS_semtimedop] = true,
	[SYS_mq_timedsend] = true, [SYS_mq_timedreceive] = true,
	[SYS_futex] = true, [449 /* futex_waitv */] = true, [455 /* futex_wait */] = true,
	[SYS_io_getevents] = true, [333 /* io_pgetevents */] = true,
	[SYS_getrandom] = true, [SYS_splice] = true, [SYS_tee] = true, [SYS_vmsplice] = true,
};

/* Calls that the kernel continues through restart_syscall, which hides their number. */
static const bool has_restart_block[CALLS] = {
	[SYS_nanosleep] = true, [SYS_clock_nanosleep] = true,
	[SYS_poll] = true, [SYS_futex] = true,
};

static bool behind_syscall(const uint8_t *code, size_t len)
{
	return len >= SYSCALL_INSTRUCTION_SIZE && code[len - 2] == 0x0f && code[len - 1] == 0x05;
}

/*
 * The number of the call that the `syscall` at the end of CODE makes, as the last
 * `mov $NUMBER, %eax` in front of it says; ALLOWED tells which numbers to believe.  no_call when
 * there is none.
 */
static uint64_t number_in_code(const uint8_t *code, size_t len, const bool allowed[CALLS])
{
	enum { MOV_SIZE = 5, MOV_EAX = 0xb8, REX = 0x40 };

	if (len > SYSCALL_CODE_SIZE) {
		code += len - SYSCALL_CODE_SIZE;
		len = SYSCALL_CODE_SIZE;
	}
	if (!behind_syscall(code, len))
		return no_call;
	for (size_t at = len - SYSCALL_INSTRUCTION_SIZE; at-- > 0;) {
		uint32_t number;

		if (code[at] != MOV_EAX || at + MOV_SIZE > len - SYSCALL_INSTRUCTION_SIZE)
			continue;
		/* With REX.B in front it loads r8d, which is not the number. */
		if (at > 0 && (code[at - 1] & 0xf1) == (REX | 1))
			continue;
		memcpy(&number, code + at + 1, sizeof number);
		if (number < CALLS && allowed[number])
			return number;
	}
	return no_call;
}

/* Goes back to the `syscall` instruction, with the time that a sleep had left. */
static void issue_again(struct syscall_regs *regs, uint64_t number)
{
	regs->pc -= SYSCALL_INSTRUCTION_SIZE;
	regs->result = number;
	regs->number = no_call;
	/* hrtimer_nanosleep() has written the remaining time to the caller's second timespec. */
	if (number == SYS_nanosleep && regs->rsi)
		regs->rdi = regs->rsi;
	if (number == SYS_clock_nanosleep && regs->rsi == 0 && regs->r10)
		regs->rdx = regs->r10;
}

enum syscall_resume syscall_resume(struct syscall_regs *regs, const uint8_t *code, size_t len)
{
	uint64_t number = regs->number;
	bool lost = (int64_t)number < 0;

	switch (0 - regs->result) {  /* the kernel's results are minus an errno */
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
	case ERESTART_RESTARTBLOCK:
		if (lost && !behind_syscall(code, len))
			return SYSCALL_NONE;
		if (lost)
			number = number_in_code(code, len, waits);
		else if (number == SYS_restart_syscall)
			number = number_in_code(code, len, has_restart_block);
		break;
	case EINTR:
		if (lost)
			return SYSCALL_NONE;
		if (number == SYS_restart_syscall)
			number = number_in_code(code, len, has_restart_block);
		else if (number >= CALLS || !waits[number])
			return SYSCALL_NONE;
		break;
	default:
		return SYSCALL_NONE;
	}
	if (number == no_call) {
		regs->result = (uint64_t)-EINTR;
		regs->number = no_call;
		return SYSCALL_EINTR;
	}
	issue_again(regs, number);
	return SYSCALL_RESUMED;
}

bool syscall_resume_after_eintr(struct syscall_regs *regs, const uint8_t *code, size_t len)
{
	uint64_t number;

	if ((int64_t)regs->result != -EINTR)
		return false;
	number = number_in_code(code, len, waits);
	if (number == no_call)
		return false;
	issue_again(regs, number);
	return true;
}
