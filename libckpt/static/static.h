/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The agent as a program of its own without a C library, which ckpt puts into the memory of a
 * program that has no dynamic linker, before its first instruction.  It is an ELF file, position
 * independent, with no relocations but those that add its address.
 *
 * Its entry is called on the program's first stack with the address of this struct in rdi, and
 * ends in a breakpoint.  The struct, the agent and the engine stay in memory.
 *
 * The mark stands in its code.  There the engine finds the pieces of code that it needs, which such
 * programs often lack.
 */
#ifndef LIBCKPT_STATIC_STATIC_H
#define LIBCKPT_STATIC_STATIC_H

#include <stdint.h>

#define STATIC_AGENT_MARK "\017\013ckpt agent 1\017\013"

struct static_start {
	uint64_t stack;         /* the first stack pointer: argc, argv, environment */
	uint64_t engine;        /* where the bytes of the engine are */
	uint64_t engine_size;
};

#endif
