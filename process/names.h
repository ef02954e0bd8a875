/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Symbolic names and their numbers: signals, flags of open, sigaction and sigaltstack, limits.
 * Async-signal-safe.
 */
#ifndef PROCESS_NAMES_H
#define PROCESS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Sets of flags as `O_WRONLY|O_APPEND`.  Writing returns the length of the text (as snprintf does);
 * bits without a name come last, in hexadecimal.  Reading takes names, C integers and any mix of
 * them joined with `|`; it returns false, with *BAD at the part that is neither.
 */
size_t open_flags_write(char *buf, size_t size, uint32_t flags);
bool open_flags_read(const char *text, uint32_t *flags, const char **bad);
size_t sigaction_flags_write(char *buf, size_t size, uint64_t flags);
bool sigaction_flags_read(const char *text, uint64_t *flags, const char **bad);
size_t altstack_flags_write(char *buf, size_t size, uint32_t flags);
bool altstack_flags_read(const char *text, uint32_t *flags, const char **bad);

/*
 * Signal names with their SIG: `SIGINT`, `SIGRTMIN+3`.  Reading also takes `INT` and `2`; -1: none.
 */
size_t signal_name_write(char *buf, size_t size, int signo);
int signal_name_read(const char *text);

/* Resource limits by their names in lower case: `nofile`, `stack`.  NULL and -1: none. */
const char *limit_name(int resource);
int limit_find(const char *name);

/* Numbers that have a name each.  NULL and false: none. */
const char *clock_id_name(int clock);
bool clock_id_find(const char *name, int *clock);
const char *signal_code_name(int code);
bool signal_code_find(const char *name, int *code);
const char *policy_name(uint32_t policy);
bool policy_find(const char *name, uint32_t *policy);

#endif
