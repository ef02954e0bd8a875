/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/show.h"

#include <elf.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/user.h>
#include <time.h>

#include "process/arch.h"
#include "process/names.h"
#include "process/socket.h"
#include "restart/sockets.h"
#include "util/format.h"

static const char *const syscall_names[] = {
#include "syscall_names.h"
};

typedef unsigned long long ull;

/* A name out of the core, for a terminal. */
struct printable {
	char text[PATH_MAX];
};

static struct printable printable(const char *name)
{
	struct printable p;

	format(p.text, sizeof p.text, "%s", name);
	format_one_line(p.text);
	return p;
}

static void show_size(FILE *out, uint64_t bytes)
{
	if (bytes < (uint64_t)1 << 20)
		fprintf(out, "%llu KiB", (ull)bytes >> 10);
	else
		fprintf(out, "%llu MiB", (ull)bytes >> 20);
}

static const char *origin_name(enum origin origin)
{
	switch (origin) {
	case ORIGIN_KERNEL: return "the kernel";
	case ORIGIN_GDB: return "gdb";
	case ORIGIN_OURS: return "ckpt";
	default: return "an unknown program";
	}
}

static void show_identity(const struct process *p, FILE *out)
{
	char when[64] = "";
	struct tm tm;

	if (p->when.tv_sec && localtime_r(&p->when.tv_sec, &tm))
		strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
	fprintf(out, "core:      %s, written by %s, %s\n", p->source, origin_name(p->origin), when);
	fprintf(out, "program:   %s\n", printable(p->exe ? p->exe : "(unknown)").text);
	fprintf(out, "command:   %s\n",
		printable(p->command_line ? p->command_line : p->comm).text);
	fprintf(out, "process:   %d, parent %d, group %d, session %d, user %u\n", p->pid, p->ppid,
		p->pgrp, p->sid, p->uid);
}

/* ---- Threads: what each was doing ------------------------------------------------------------ */

static void show_place(const struct process *p, addr_t pc, FILE *out)
{
	const struct mapping *m = process_mapping_at(p, pc);

	if (m && m->path)
		fprintf(out, "%s+0x%llx", m->path, (ull)(pc - m->start + m->file_offset));
	else
		fprintf(out, "0x%llx%s", (ull)pc, m && m->label == LABEL_VDSO ? " [vdso]" : "");
}

static void show_thread(const struct process *p, const struct thread *t, FILE *out)
{
	const struct regset *r = thread_regset(t, NT_PRSTATUS);
	struct user_regs_struct regs = { 0 };

	if (r && r->size == sizeof regs)
		memcpy(&regs, r->data, sizeof regs);
	uint64_t nr = regs.orig_rax;
	fprintf(out, "  %d %s%s", t->tid, printable(t->name).text, t->name[0] ? " " : "");
	if ((int64_t)nr >= 0 && nr < sizeof syscall_names / sizeof syscall_names[0] &&
	    syscall_names[nr])
		fprintf(out, "in %s, called at ", syscall_names[nr]);
	else
		fprintf(out, "running at ");
	show_place(p, regs.rip, out);
	fputc('\n', out);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void show_mapping(const struct mapping *m, FILE *out)
{
	static const char *const bytes[] = { "saved", "file", "zero", "MISSING" };
	static const char *const labels[] = { "",	"[heap]", "[stack]",
					      "[vdso]", "[vvar]", "[vsyscall]" };

	fprintf(out, "  %012llx-%012llx %c%c%c%c %-7s %s%s%s%s\n", (ull)m->start, (ull)m->end,
		m->prot & PROT_READ ? 'r' : '-', m->prot & PROT_WRITE ? 'w' : '-',
		m->prot & PROT_EXEC ? 'x' : '-', m->shared ? 's' : 'p', bytes[m->bytes],
		labels[m->label], m->label && m->path ? " " : "",
		m->path ? printable(m->path).text : "",
		m->deleted ? " (deleted)" : "");
}

static void show_memory(const struct process *p, FILE *out)
{
	uint64_t by_kind[4] = { 0 };

	for (size_t i = 0; i < p->mapping_count; i++)
		by_kind[p->mappings[i].bytes] += p->mappings[i].end - p->mappings[i].start;
	fprintf(out, "memory:    %zu ranges, ", p->mapping_count);
	show_size(out, by_kind[BYTES_SAVED]);
	fprintf(out, " in the core, ");
	show_size(out, by_kind[BYTES_FILE]);
	fprintf(out, " in files\n");
	for (size_t i = 0; i < p->mapping_count; i++)
		show_mapping(&p->mappings[i], out);
}

/* ---- The other state ------------------------------------------------------------------------- */

static const char *socket_kind(const struct socket *s)
{
	switch (s->family) {
	case AF_UNIX: return s->type == SOCK_STREAM ? "unix stream"
			   : s->type == SOCK_DGRAM ? "unix datagram" : "unix seqpacket";
	case AF_INET:
	case AF_INET6: return s->type == SOCK_STREAM ? "TCP"
			    : s->type == SOCK_DGRAM ? "UDP" : "raw";
	case AF_NETLINK: return "netlink";
	case AF_PACKET: return "packet";
	default: return "of another family";
	}
}

static void show_socket(const struct socket *s, FILE *out)
{
	fprintf(out, " %s", socket_kind(s));
	if (s->local.size)
		fprintf(out, " %s", socket_address_text(&s->local).text);
	if (s->state == SOCKET_LISTENING)
		fprintf(out, ", listening");
	else if (s->state == SOCKET_CLOSED)
		fprintf(out, ", whose peer is gone");
	else if (s->state == SOCKET_CONNECTED && s->peer.size)
		fprintf(out, " to %s", socket_address_text(&s->peer).text);
	else if (s->state == SOCKET_CONNECTED && s->peer_id)
		fprintf(out, " to socket:[%llu]", (ull)s->peer_id);
}

static void show_file(const struct description *file, FILE *out)
{
	fprintf(out, "%s", printable(file->name).text);
	if (file->kind == FILE_SOCKET && file->socket)
		show_socket(file->socket, out);
	else
		fprintf(out, " at %llu", (ull)file->offset);
}

static void show_files(const struct process *p, FILE *out)
{
	fprintf(out, "files:     %zu open\n", p->descriptor_count);
	for (size_t i = 0; i < p->descriptor_count; i++) {
		const struct descriptor *d = &p->descriptors[i];
		const struct description *file = &p->descriptions[d->description];

		fprintf(out, "  %d ", d->fd);
		show_file(file, out);
		fprintf(out, "%s%s\n", file->deleted ? " (deleted)" : "",
			d->in_flight ? " (in flight)" : "");
	}
}

static void show_have(const struct process *p, FILE *out)
{
	static const struct { unsigned bit; const char *name; } kinds[] = {
		{ HAVE_DESCRIPTORS, "open files" }, { HAVE_DISPOSITIONS, "signal handlers" },
		{ HAVE_CWD, "working directory" }, { HAVE_UMASK, "umask" },
		{ HAVE_MAPPING_FLAGS, "mapping flags" }, { HAVE_LIMITS, "limits" },
	};

	for (int there = 1; there >= 0; there--) {
		const char *separator = "";

		fprintf(out, there ? "has:       registers, memory" : "\nlacks:     ");
		if (there)
			separator = ", ";
		for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
			if (!!(p->have & kinds[i].bit) != there)
				continue;
			fprintf(out, "%s%s", separator, kinds[i].name);
			separator = ", ";
		}
		if (!there && !*separator)
			fprintf(out, "nothing");
	}
	fputc('\n', out);
}

void show_process(const struct process *p, FILE *out)
{
	show_identity(p, out);
	show_have(p, out);
	fprintf(out, "threads:   %zu", p->thread_count);
	if (p->thread_count && p->threads[0].signal) {
		char name[32];

		signal_name_write(name, sizeof name, p->threads[0].signal);
		fprintf(out, ", dumped by %s", name);
	}
	fputc('\n', out);
	for (size_t i = 0; i < p->thread_count; i++)
		show_thread(p, &p->threads[i], out);
	show_memory(p, out);
	if (p->have & HAVE_DESCRIPTORS)
		show_files(p, out);
	if (p->have & HAVE_CWD)
		fprintf(out, "directory: %s\n", printable(p->cwd).text);
}
