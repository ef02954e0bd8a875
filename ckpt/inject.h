/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Enabling a program that has no dynamic linker to preload a library: the agent (libckpt/static/)
 * is put into its memory before its first instruction, by ptrace.
 */
#ifndef CKPT_INJECT_H
#define CKPT_INJECT_H

#include "util/error.h"

/*
 * Starts a helper, which nobody has to wait for, that follows this process and enables the program
 * that it executes next.  Should the helper be killed in the middle of that, the program is, too.
 */
MUST_CHECK int inject_at_exec(struct error *err);

#endif
