/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two pieces of its own code by which a process makes system calls for us (tracee.h). */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ckpt/tracee.h"
#include "libckpt/static/static.h"
#include "process/procfs.h"
#include "util/cleanup.h"

static const uint8_t call_code[] = { 0x0f, 0x05, 0xc3 };
/* mov $15, %rax; syscall, as libc's and Go's __restore_rt have it; and musl's mov $15, %eax */
static const uint8_t restorer_code[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
static const uint8_t restorer_code_short[] = { 0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05 };

/* ---- Searching ------------------------------------------------------------------------------- */

/* Looks for BYTES in the LEN bytes of code at START; 0 when they are not there. */
static addr_t search(const uint8_t *code, size_t len, addr_t start, const void *bytes, size_t size)
{
	const uint8_t *found = memmem(code, len, bytes, size);

	return found ? start + (addr_t)(found - code) : 0;
}

/* Looks at the code piece by piece, so that a large program costs no memory. */
static void search_mapping(pid_t pid, const struct mapping *m, uint8_t *code, size_t room,
			   struct gadgets *g)
{
	const size_t overlap = sizeof restorer_code;
	struct error unreadable;

	for (addr_t at = m->start; at < m->end && !(g->syscall_ret && g->restorer);
	     at += room - overlap) {
		size_t len = m->end - at < room ? m->end - at : room;

		if (traced_read(pid, at, code, len, &unreadable) < 0)
			return;
		if (!g->syscall_ret)
			g->syscall_ret = search(code, len, at, call_code, sizeof call_code);
		if (!g->restorer)
			g->restorer = search(code, len, at, restorer_code, sizeof restorer_code);
		if (!g->restorer)
			g->restorer = search(code, len, at, restorer_code_short,
					     sizeof restorer_code_short);
	}
}

/* Our own, in a program that was linked statically. */
static bool is_agent(pid_t pid, const struct mapping *m)
{
	enum { AGENT_MOST = 64 * 1024 };
	size_t len = m->end - m->start;
	cleanup_free uint8_t *code = len <= AGENT_MOST ? malloc(len) : NULL;
	struct error unreadable;

	return code && traced_read(pid, m->start, code, len, &unreadable) == 0 &&
	       memmem(code, len, STATIC_AGENT_MARK, sizeof STATIC_AGENT_MARK - 1);
}

/*
 * Code that no file holds may be a compiler's, which changes it; but a process whose core had all
 * of its code was given back nothing else.  Then both stand in the code of one libc.
 */
static void search_anonymous(pid_t pid, const struct mapping *m, uint8_t *code, size_t room,
			     struct gadgets *g)
{
	struct gadgets both = { 0 };

	if (m->path || m->prot & PROT_WRITE || (g->syscall_ret && g->restorer))
		return;
	search_mapping(pid, m, code, room, &both);
	if (both.syscall_ret && both.restorer)
		*g = both;
}

static bool is_code(const struct mapping *m)
{
	return m->prot & PROT_EXEC && m->prot & PROT_READ;
}

int tracee_find_gadgets(pid_t pid, struct gadgets *g, struct error *err)
{
	enum { ROOM = 1 << 20 };
	cleanup_free uint8_t *code = malloc(ROOM);
	struct process p;
	int result;

	memset(g, 0, sizeof *g);
	if (!code)
		return error_set(err, ENOMEM, "not enough memory");
	process_init(&p);
	result = procfs_read_mappings(&p, pid, err);
	for (size_t i = 0; result == 0 && i < p.mapping_count; i++)
		if (is_code(&p.mappings[i]) &&
		    (p.mappings[i].path || is_agent(pid, &p.mappings[i])))
			search_mapping(pid, &p.mappings[i], code, ROOM, g);
	for (size_t i = 0; result == 0 && i < p.mapping_count; i++)
		if (is_code(&p.mappings[i]))
			search_anonymous(pid, &p.mappings[i], code, ROOM, g);
	process_free(&p);
	return result;
}

/* ---- Being sure ------------------------------------------------------------------------------ */

/*
 * The code was searched while the process ran: it may have unmapped it, or be another program now.
 */
static int check_gadgets(const struct tracee *t, struct error *err)
{
	uint8_t call[sizeof call_code], back[sizeof restorer_code];

	if (!t->gadgets.syscall_ret || !t->gadgets.restorer ||
	    traced_read(t->pid, t->gadgets.syscall_ret, call, sizeof call, err) < 0 ||
	    traced_read(t->pid, t->gadgets.restorer, back, sizeof back, err) < 0 ||
	    memcmp(call, call_code, sizeof call) != 0 ||
	    (memcmp(back, restorer_code, sizeof back) != 0 &&
	     memcmp(back, restorer_code_short, sizeof restorer_code_short) != 0))
		return error_set(err, ENOTSUP, "its code has no way back from a system call");
	return 0;
}

/* A program that has just been started may not have had its libraries when they were searched. */
int tracee_have_gadgets(struct tracee *t, struct error *err)
{
	if (check_gadgets(t, err) == 0)
		return 0;
	return tracee_find_gadgets(t->pid, &t->gadgets, err) < 0 ? -1 : check_gadgets(t, err);
}
