/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interrupted system calls, by the table of the kernel's restart codes. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "process/syscall_restart.h"
#include "tests/unit/check.h"

static const uint64_t pc = 0x401002, lost = UINT64_MAX;

/* `syscall` with `mov $0xe6, %eax` right in front: clock_nanosleep. */
static const uint8_t sleeping[] = { 0xb8, 0xe6, 0, 0, 0, 0x0f, 0x05 };

static struct syscall_regs stopped_in(uint64_t number, int64_t result)
{
	return (struct syscall_regs){ .pc = pc, .number = number, .result = (uint64_t)result,
				      .rdi = 1, .rsi = 2, .rdx = 3, .r10 = 4 };
}

static void check_resumed(uint64_t number, int64_t result, const char *call)
{
	struct syscall_regs r = stopped_in(number, result);

	CHECK(syscall_resume(&r, NULL, 0) == SYSCALL_RESUMED && r.pc == pc - 2 &&
	      r.result == number && r.number == lost,
	      "%s with %d is issued again", call, (int)result);
	CHECK(r.rsi == 2 && r.r10 == 4 && r.rdx == 3, "%s keeps its other arguments", call);
}

static void check_left_alone(uint64_t number, int64_t result, const char *what)
{
	struct syscall_regs r = stopped_in(number, result), before = r;

	CHECK(syscall_resume(&r, NULL, 0) == SYSCALL_NONE && memcmp(&r, &before, sizeof r) == 0,
	      "%s is left alone", what);
}

static void test_dumped_registers(void)
{
	check_resumed(SYS_read, -512, "read");
	check_resumed(SYS_wait4, -513, "wait4");
	check_resumed(SYS_pause, -514, "pause");
	check_resumed(SYS_poll, -516, "poll");
	check_resumed(SYS_epoll_wait, -EINTR, "epoll_wait");
	check_resumed(SYS_rt_sigtimedwait, -EINTR, "sigtimedwait");
	check_resumed(SYS_semop, -EINTR, "semop");
	check_left_alone(lost, -512, "user code that has -512 in rax");
	check_left_alone(SYS_close, -EINTR, "close, which has closed");
	check_left_alone(SYS_read, 100, "a read that has finished");
	check_left_alone(SYS_read, -EAGAIN, "a read that has failed");
	check_left_alone(1000000, -EINTR, "a call of no known number");
}

static void test_sleeps(void)
{
	struct syscall_regs r = stopped_in(SYS_nanosleep, -516);

	syscall_resume(&r, NULL, 0);
	CHECK(r.rdi == 2, "nanosleep sleeps for the time that was left");
	r = stopped_in(SYS_nanosleep, -516);
	r.rsi = 0;
	syscall_resume(&r, NULL, 0);
	CHECK(r.rdi == 1, "nanosleep without a place for it sleeps for the whole time");

	r = stopped_in(SYS_clock_nanosleep, -516);
	r.rsi = 0;
	syscall_resume(&r, NULL, 0);
	CHECK(r.rdx == 4, "a relative clock_nanosleep sleeps for the time that was left");
	r = stopped_in(SYS_clock_nanosleep, -514);
	r.rsi = 1;
	syscall_resume(&r, NULL, 0);
	CHECK(r.rdx == 3, "an absolute clock_nanosleep keeps its time");
	r = stopped_in(SYS_clock_nanosleep, -516);
	r.rsi = r.r10 = 0;
	syscall_resume(&r, NULL, 0);
	CHECK(r.rdx == 3, "clock_nanosleep without a place for it sleeps for the whole time");
}

/* The kernel went through restart_syscall before the dump. */
static void test_lost_number(void)
{
	struct syscall_regs r = stopped_in(SYS_restart_syscall, -516);

	r.rsi = 0;
	CHECK(syscall_resume(&r, sleeping, sizeof sleeping) == SYSCALL_RESUMED &&
	      r.pc == pc - 2 && r.result == SYS_clock_nanosleep && r.rdx == 4,
	      "the number that restart_syscall hides is found in the code");

	r = stopped_in(SYS_restart_syscall, -516);
	CHECK(syscall_resume(&r, sleeping + 5, 2) == SYSCALL_EINTR && r.pc == pc &&
	      r.result == (uint64_t)-EINTR && r.number == lost,
	      "where the code does not tell it, the call returns EINTR");

	r = stopped_in(lost, -516);
	r.rsi = 0;
	CHECK(syscall_resume(&r, sleeping, sizeof sleeping) == SYSCALL_RESUMED &&
	      r.pc == pc - 2 && r.result == SYS_clock_nanosleep,
	      "the number that gdb has lost is found by the restart code and the instruction");
	r = stopped_in(lost, -516);
	CHECK(syscall_resume(&r, sleeping, sizeof sleeping - 2) == SYSCALL_NONE && r.pc == pc,
	      "but not where there is no syscall instruction");

	const uint8_t reading[] = { 0xb8, 0, 0, 0, 0, 0x0f, 0x05 };

	r = stopped_in(SYS_restart_syscall, -516);
	CHECK(syscall_resume(&r, reading, sizeof reading) == SYSCALL_EINTR,
	      "a call that restart_syscall never continues is not believed");
}

static bool after_eintr(const uint8_t *code, size_t len, uint64_t *number)
{
	struct syscall_regs r = stopped_in(lost, -EINTR), before = r;
	bool resumed = syscall_resume_after_eintr(&r, code, len);

	*number = r.result;
	if (!resumed && memcmp(&r, &before, sizeof r) != 0)
		*number = lost;
	return resumed && r.pc == pc - 2;
}

static void test_signal_frame(void)
{
	/* glibc: mov $0xe8, %eax; mov %r9d, %r10d; syscall */
	static const uint8_t apart[] = { 0xb8, 0xe8, 0, 0, 0, 0x45, 0x89, 0xca, 0x0f, 0x05 };
	/* mov $7, %eax; mov $35, %r8d; syscall */
	static const uint8_t r8d[] = { 0xb8, 7, 0, 0, 0, 0x41, 0xb8, 35, 0, 0, 0, 0x0f, 0x05 };
	static const uint8_t closing[] = { 0xb8, 3, 0, 0, 0, 0x0f, 0x05 };
	static const uint8_t no_syscall[] = { 0xb8, 0xe6, 0, 0, 0, 0x90, 0x90 };
	uint8_t far[2 * SYSCALL_CODE_SIZE];
	struct syscall_regs r;
	uint64_t number;

	CHECK(after_eintr(sleeping, sizeof sleeping, &number) && number == SYS_clock_nanosleep,
	      "a sleep that our signal ended is found by its number in the code");
	CHECK(after_eintr(apart, sizeof apart, &number) && number == SYS_epoll_wait,
	      "other instructions may stand between the number and the syscall");
	CHECK(after_eintr(r8d, sizeof r8d, &number) && number == SYS_poll,
	      "what is loaded into r8d is not taken for the number");
	CHECK(!after_eintr(closing, sizeof closing, &number) && number == (uint64_t)-EINTR,
	      "close is not issued again");
	CHECK(!after_eintr(no_syscall, sizeof no_syscall, &number) && number == (uint64_t)-EINTR,
	      "-EINTR in rax behind any other instruction is left alone");
	CHECK(!after_eintr(NULL, 0, &number), "no code, no call");
	CHECK(!after_eintr(sleeping + 1, sizeof sleeping - 1, &number),
	      "half a mov in front of what can be read is not read over the edge");

	memset(far, 0x90, sizeof far);
	memcpy(far, sleeping, 5);
	memcpy(far + sizeof far - 2, sleeping + 5, 2);
	CHECK(!after_eintr(far, sizeof far, &number), "a mov far away is another call's");

	r = stopped_in(lost, 0);
	CHECK(!syscall_resume_after_eintr(&r, sleeping, sizeof sleeping) && r.pc == pc,
	      "a call that has succeeded is left alone");
}

/* Any bits may stand in a register of user code. */
static void test_any_result(void)
{
	struct syscall_regs r = stopped_in(UINT64_MAX, INT64_MIN);

	CHECK(syscall_resume(&r, NULL, 0) == SYSCALL_NONE && r.result == (uint64_t)INT64_MIN,
	      "the least integer is no result of a call");
}

int main(void)
{
	test_any_result();
	test_dumped_registers();
	test_sleeps();
	test_lost_number();
	test_signal_frame();
	return CHECK_DONE();
}
