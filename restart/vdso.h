/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The vdso: code and data that the kernel maps into every process.
 */
#ifndef RESTART_VDSO_H
#define RESTART_VDSO_H

#include "restart/restore.h"

/*
 * Where the parts of the vdso are in a process whose AT_SYSINFO_EHDR is VDSO: on one kernel the
 * layout is the same in all processes, so it is taken from our own.
 */
MUST_CHECK int vdso_here(struct vdso_place *place, addr_t vdso, struct error *err);

/*
 * The same for our own vdso where there is no /proc: as the core has it, if it is the same one.
 * Otherwise the place is empty, and the restored process makes system calls in its stead.
 */
void vdso_here_by_core(struct restore *r);

/* The offset of a `syscall` instruction in this kernel's vdso; 0 when there is none. */
addr_t vdso_syscall_offset(void);

/* Whether the core's vdso is the one of this kernel, in contents and layout. */
bool vdso_same(const struct restore *r);

#endif
