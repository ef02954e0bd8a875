/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be known before anything is started: every obstacle, every loss. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <linux/auxvec.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf/elf_file.h"
#include "process/arch.h"
#include "process/names.h"
#include "restart/ids.h"
#include "restart/registers.h"
#include "restart/restore.h"
#include "restart/shared.h"
#include "restart/shells.h"
#include "restart/traits.h"

/* ---- PROG is the core's program -------------------------------------------------------------- */

static addr_t program_base(const struct process *p)
{
	addr_t phdr = process_auxv(p, AT_PHDR, 0);

	return phdr & ~(p->arch->page_size - 1);
}

static void check_program(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;
	const char *then = r->core_exe ? r->core_exe : p->exe ? p->exe : p->comm;
	struct arena arena = { 0 };
	struct elf_file file;
	struct build_id old;
	struct error err;

	if (!r->program && r->whole)
		return;
	if (!r->program) {
		findings_add(f, LOSS, "%s: the program cannot be executed here, so the process is "
			     "restored in place: /proc/PID/exe will be restart's own, and some "
			     "pages of the bootstrap stay", p->exe ? p->exe : "(unknown)");
		return;
	}
	if (elf_file_read(&file, &arena, r->program, &err) < 0) {
		findings_add(f, OBSTACLE, "%s", err.message);
		arena_free(&arena);
		return;
	}
	elf_mapped_build_id(p, program_base(p), &old);
	if (old.size && (file.build_id.size != old.size ||
			 memcmp(file.build_id.bytes, old.bytes, old.size) != 0))
		findings_add(f, OBSTACLE, "%s is not the program of %s: its build-ID differs (name "
			     "the program that dumped the core, which was %s)", r->program,
			     p->source, then);
	else if (file.phnum != process_auxv(p, AT_PHNUM, file.phnum) ||
		 (process_auxv(p, AT_ENTRY, file.entry) - file.entry) % p->arch->page_size != 0)
		findings_add(f, OBSTACLE, "%s is not the program of %s: its layout differs (name "
			     "the program that dumped the core, which was %s)", r->program,
			     p->source, then);
	arena_free(&arena);
}

/* ---- Signals, directory ---------------------------------------------------------------------- */

/* With errno. */
static bool can_be_entered(const char *directory)
{
	struct stat st;

	if (stat(directory, &st) < 0)
		return false;
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return false;
	}
	return access(directory, X_OK) == 0;
}

static void check_state(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;
	char names[256] = "";
	size_t len = 0;

	if (!(p->have & HAVE_DISPOSITIONS))
		findings_add(f, LOSS, "signal handlers are not in the core: signals have their "
			     "default actions (preload libsavefds.so to keep them)");
	for (int i = 1; i < SIGNALS && (p->have & HAVE_DISPOSITIONS); i++) {
		if (p->dispositions[i].kind != DISPOSITION_CAUGHT || len + 16 > sizeof names)
			continue;
		names[len] = ' ';
		len += 1 + signal_name_write(names + len + 1, sizeof names - len - 1, i);
	}
	if (len)
		findings_add(f, LOSS, "handlers that could not be seen from outside are lost:%s "
			     "(preload libsavefds.so to keep them)", names);
	if (p->children)
		findings_add(f, LOSS, "%u child process%s of it %s not restored: a wait for %s "
			     "says that there is none", p->children, p->children > 1 ? "es" : "",
			     p->children > 1 ? "are" : "is", p->children > 1 ? "them" : "it");
	if (p->have & HAVE_CWD && !can_be_entered(p->cwd))
		findings_add(f, OBSTACLE, "the working directory %s cannot be entered: %s (make "
			     "it, edit the cwd line, or use --map OLD=NEW)", p->cwd,
			     strerror(errno));
	if (p->have & HAVE_ROOT && strcmp(p->root, "/") != 0)
		findings_add_loss(f, "the process had %s as its root directory and would have ours",
				  p->root);
}

/*
 * A libc that is neither glibc nor musl may wait for the kernel to clear an address at a thread's
 * end, and nothing tells which.
 */
static void check_threads(const struct restore *r, struct findings *f)
{
	if (r->process->thread_count > 1 && !r->libc.robust_known && !r->libc.shared_tid)
		findings_add(f, LOSS, "the C library of this program is not known: a thread that "
			     "waits for another's end may wait for ever");
}

/* ---- Limits ---------------------------------------------------------------------------------- */

/* What the bootstrap and the plan of a process of ordinary size take besides. */
enum { BOOTSTRAP_SPACE = 1 << 20 };

static void check_limits(const struct restore *r, struct findings *f)
{
	const struct process *p = r->process;
	struct rlimit stack, space;
	uint64_t total = BOOTSTRAP_SPACE + p->thread_count * STACK_SIZE;

	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *m = &p->mappings[i];

		total += m->end - m->start;
		if (m->label == LABEL_STACK && getrlimit(RLIMIT_STACK, &stack) == 0 &&
		    m->end - m->start > stack.rlim_max)
			findings_add(f, OBSTACLE, "the stack has %llu KiB and the hard limit is "
				     "%llu (raise it: ulimit -Hs)",
				     (unsigned long long)(m->end - m->start) >> 10,
				     (unsigned long long)stack.rlim_max >> 10);
	}
	if (getrlimit(RLIMIT_AS, &space) == 0 && total > space.rlim_cur)
		findings_add(f, OBSTACLE, "the process has %llu MiB of address space and the limit "
			     "is %llu (raise it: ulimit -v)", (unsigned long long)total >> 20,
			     (unsigned long long)space.rlim_cur >> 20);
}

/* ---- Checksums ------------------------------------------------------------------------------- */

/*
 * Of a core that has checksums nothing is executed that is not as it was written.  The memory is
 * verified where it will be read anyway, and always for --check; where a tracer watches, it is
 * verified while it is copied, on another processor.
 */
bool verified_meanwhile(const struct restore *r)
{
	return core_has_checksums(r->core) && !r->lazy && r->finish == FINISH_TRACED;
}

static void check_checksums(const struct restore *r, struct findings *f)
{
	bool memory = r->options->mode == MODE_CHECK ||
		      (r->options->mode == MODE_RESTART && !r->options->lazy && !r->program);
	struct error err;

	if (!core_has_checksums(r->core))
		return;
	if (core_check_head(r->core, &err) < 0 || (memory && core_check_memory(r->core, &err) < 0))
		findings_add(f, OBSTACLE, "%s", err.message);
}

void restore_check(const struct restore *r, struct findings *f)
{
	check_checksums(r, f);
	check_program(r, f);
	check_machine(r, f);
	check_registers(r, f);
	check_memory(r, f);
	check_mappings(r, f);
	check_traits(r, f);
	check_segments(r, f);
	check_files(r, f);
	check_original(r, f);
	check_state(r, f);
	check_signals(r, f);
	check_timers(r, f);
	check_deadlines(r, f);
	check_attributes(r, f);
	check_threads(r, f);
	check_limits(r, f);
	check_ids(r, f);
	check_shell(r, f);
}
