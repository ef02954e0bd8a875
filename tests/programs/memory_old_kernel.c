/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * memory_old_kernel COMMAND...: runs it as on a kernel without guard regions, seals of memory,
 * protection keys, and memory that may be dropped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { GUARD_INSTALL = 102, MSEAL = 462, DROPPABLE = 8 };

#define LOAD(what) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, what))
#define SKIP_UNLESS(value, number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (number))
#define ANSWER(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))

int main(int argc, char **argv)
{
	struct sock_filter filter[] = {
		LOAD(nr),
		SKIP_UNLESS(SYS_madvise, 3),
		LOAD(args[2]),
		SKIP_UNLESS(GUARD_INSTALL, 8),
		ANSWER(EINVAL),
		SKIP_UNLESS(SYS_mmap, 4),
		LOAD(args[3]),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, MAP_TYPE),
		SKIP_UNLESS(DROPPABLE, 3),
		ANSWER(EINVAL),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MSEAL, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pkey_alloc, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		ANSWER(ENOSYS),
	};
	struct sock_fprog program = { sizeof filter / sizeof filter[0], filter };

	if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return 1;
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
