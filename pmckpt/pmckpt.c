/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a marked program is linked with, in front of libckpt: see pmckpt.h. */
#define _GNU_SOURCE
#define CKPT_PREAMBLE
#include "pmckpt/pmckpt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libckpt/ckpt.h"

volatile sig_atomic_t ckpt_scheduled;

static const char *name = "CHECKPOINT", *temporary = "CHECKPOINT.TEMP";

void ckpt_schedule(void)
{
	ckpt_scheduled = 1;
}

void ckpt_init(void)
{
	const char *fn = secure_getenv("CKPTFN"), *fntemp = secure_getenv("CKPTFNTEMP");

	name = fn && *fn ? fn : name;
	temporary = fntemp && *fntemp ? fntemp : temporary;
}

/*
 * Preambles, run again.  Each active function is entered once more where its preamble begins.  That
 * sets its variables anew and overwrites the stack below, so the stack is copied before, and put
 * back after each preamble, by a context with a stack of its own.
 */
__thread struct ckpt_frame *ckpt_innermost;

static struct ckpt_frame *running;
static ucontext_t point, runner;

void ckpt_tops(struct ckpt_frame *f)
{
	if (f == running)
		setcontext(&runner);
}

void ckpt_leave(struct ckpt_frame *f)
{
	ckpt_innermost = f->outer;
}

static struct ckpt_frame *next_inner(const struct ckpt_frame *outer)
{
	struct ckpt_frame *f = ckpt_innermost;

	while (f != outer && f->outer != outer)
		f = f->outer;
	return f != outer ? f : NULL;
}

static void run_preambles(void)
{
	char *begin = (char *)point.uc_mcontext.gregs[REG_RSP], *copy;
	size_t size = (size_t)((char *)next_inner(NULL)->base + 2 * sizeof(void *) - begin);

	copy = malloc(size);
	if (!copy) {
		fputs("preambles are not run again: not enough memory\n", stderr);
		return;
	}
	memcpy(copy, begin, size);
	while ((running = next_inner(running))) {
		swapcontext(&runner, &running->preamble);
		memcpy(begin, copy, size);
	}
	free(copy);
}

static void resumed(void)
{
	static char stack[64 * 1024] __attribute__((aligned(16)));

	if (!ckpt_innermost)
		return;
	getcontext(&runner);
	runner.uc_stack = (stack_t){ .ss_sp = stack, .ss_size = sizeof stack };
	runner.uc_link = &point;
	makecontext(&runner, run_preambles, 0);
	swapcontext(&point, &runner);
}

/* libckpt says itself what it could not do.  The program goes on in any case. */
int ckpt_point(void)
{
	/* No signal but the program's own asks for a checkpoint. */
	static const struct ckptconfig config = { .continues = 1 };
	int saved = errno, result;

	/* In a preamble that is run again nothing is as it was. */
	if (running || !__atomic_exchange_n(&ckpt_scheduled, 0, __ATOMIC_RELAXED))
		return 0;
	ckpt_config(&config, NULL);
	result = ckpt_ckpt(temporary);
	if (result == 0 && rename(temporary, name) < 0)
		fprintf(stderr, "%s: not checkpointed: %s cannot become %s: %s%s\n",
			program_invocation_short_name, temporary, name, strerror(errno),
			errno == EXDEV ? " (set CKPTFNTEMP to a name beside it)" : "");
	if (result == 1)
		resumed();
	errno = saved;
	return result == 1;
}
