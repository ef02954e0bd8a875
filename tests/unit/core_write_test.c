/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is written as a core is read back equal; the file is what a core must be; what cannot be
 * written is told.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "elf/core_machine.h"
#include "elf/notes.h"
#include "tests/unit/made_model.h"

/* ---- One of everything ------------------------------------------------------------------ */

static void test_model(void)
{
	struct reading r;
	const char *what;
	struct made m;
	char kernel[32];

	make_model(&m);
	if (written(&m, "cwd : /tmp\n") && open_reading(&r, core_path)) {
		what = different_core(&m.p, &r.p);
		CHECK(!what, "what is read equals what was written%s%s", what ? ", but: " : "",
		      what ? what : "");
		CHECK(r.p.origin == ORIGIN_OURS, "the core is known as ours");
		CHECK(r.state_size == 11 && strcmp(r.state, "cwd : /tmp\n") == 0,
		      "its text comes back");
		CHECK(core_machine_value(core_machine(r.core), "kernel", kernel, sizeof kernel) &&
		      strcmp(kernel, "6.1.0-13-amd64") == 0, "so does the kernel's release");
		CHECK(core_has_checksums(r.core) && sound(core_path), "its checksums are right");
		close_reading(&r);
	}
	if (written(&m, NULL) && open_reading(&r, core_path)) {
		CHECK(!r.state && r.p.origin == ORIGIN_OURS, "without the text it is ours, too");
		close_reading(&r);
	}
	end_model(&m);
}

static void test_command_line_is_cut(void)
{
	char long_line[101] = "", want[80] = "";
	struct reading r;
	struct made m;

	memset(long_line, 'x', 100);
	memset(want, 'x', 79);
	make_model(&m);
	m.p.command_line = long_line;
	if (written(&m, NULL) && open_reading(&r, core_path)) {
		CHECK_TEXT(r.p.command_line, want, "79 letters of a long command line are kept");
		close_reading(&r);
	}
	end_model(&m);
}

/* ---- The file --------------------------------------------------------------------------- */

/* Owner and type of each note as the kernel orders them, ours at the end. */
static const struct {
	const char *owner;
	uint32_t type;
} note_order[] = {
	{ "CORE", NT_PRSTATUS }, { "CORE", NT_PRPSINFO }, { "CORE", NT_AUXV }, { "CORE", NT_FILE },
	{ "CORE", NT_FPREGSET }, { "LINUX", NT_X86_XSTATE },
	{ "CORE", NT_PRSTATUS }, { "CORE", NT_SIGINFO }, { "LINUX", NT_X86_XSTATE },
	{ "CORE", NT_PRSTATUS },
	{ "LINUX", 0x205 },
	{ "RESTART", 0x53544154 }, { "RESTART", 0x53554d53 }, { "RESTART", 0x4d414348 },
};

static void check_file_note(const struct note *n)
{
	static const uint64_t words[] = {
		4, PAGE,
		TEXT_ADDR, TEXT_ADDR + 3 * PAGE, 0,
		TEXT_ADDR + 3 * PAGE, TEXT_ADDR + 4 * PAGE, 3,
		0x700000, 0x701000, 7,
		0x701000, 0x702000, 0,
	};
	static const char names[] = "/nowhere/program\0/nowhere/program\0/tmp/gone (deleted)\0"
				    "/dev/zero (deleted)";

	CHECK(n->size == sizeof words + sizeof names &&
	      memcmp(n->desc, words, sizeof words) == 0 &&
	      memcmp((const char *)n->desc + sizeof words, names, sizeof names) == 0,
	      "NT_FILE has the kernel's mappings in pages, joined where only the bytes differ");
}

static void check_prstatus(const struct note *n, const struct thread *t)
{
	struct elf_prstatus s;

	memcpy(&s, n->desc, sizeof s);
	CHECK(n->size == sizeof s && s.pr_pid == t->tid && s.pr_ppid == 90 && s.pr_pgrp == 91 &&
	      s.pr_sid == 92 && s.pr_cursig == t->signal && s.pr_info.si_signo == t->signal &&
	      s.pr_sighold == t->blocked && s.pr_fpvalid == (t->tid == 7) &&
	      memcmp(&s.pr_reg, t->regsets[0].data, sizeof s.pr_reg) == 0,
	      "NT_PRSTATUS of thread %d is the kernel's struct", t->tid);
}

static void check_psinfo(const struct note *n)
{
	struct elf_prpsinfo want = {
		.pr_sname = 'R', .pr_uid = 1000, .pr_gid = 1001, .pr_pid = 7, .pr_ppid = 90,
		.pr_pgrp = 91, .pr_sid = 92, .pr_fname = "fifteen letters",
		.pr_psargs = "program -x one ",
	};

	CHECK(n->size == sizeof want && memcmp(n->desc, &want, sizeof want) == 0,
	      "NT_PRPSINFO is the kernel's struct");
}

static void check_notes(const struct process *p, const char *notes, size_t size)
{
	size_t at = 0, i = 0, thread = 0;
	struct note n;

	for (; note_next(notes, size, 4, &at, &n) > 0; i++) {
		if (!CHECK(i < sizeof note_order / sizeof note_order[0] &&
			   note_is(&n, note_order[i].owner, note_order[i].type),
			   "note %zu stands where the kernel puts it", i))
			return;
		if (n.type == NT_PRSTATUS)
			check_prstatus(&n, &p->threads[thread++]);
		if (n.type == NT_PRPSINFO)
			check_psinfo(&n);
		if (n.type == NT_FILE)
			check_file_note(&n);
	}
	CHECK(at == size && i == sizeof note_order / sizeof note_order[0], "no more, no less");
}

static void check_segments(const struct process *p, const Elf64_Phdr *h)
{
	uint64_t offset = h->p_offset;
	bool good = true;

	for (size_t i = 0; i < p->mapping_count; i++, h++) {
		const struct mapping *m = &p->mappings[i];
		uint64_t size = m->end - m->start;
		uint32_t flags = (m->prot & PROT_READ ? PF_R : 0u) |
				 (m->prot & PROT_WRITE ? PF_W : 0u) |
				 (m->prot & PROT_EXEC ? PF_X : 0u);

		good = good && h->p_type == PT_LOAD && h->p_vaddr == m->start && !h->p_paddr &&
		       h->p_memsz == size && h->p_flags == flags && h->p_align == PAGE &&
		       h->p_filesz == (m->bytes == BYTES_SAVED ? size : 0) &&
		       h->p_offset == offset && offset % PAGE == 0;
		offset += h->p_filesz;
	}
	CHECK(good, "each mapping is a PT_LOAD, page aligned, with its bytes if they are saved");
}

static void test_file(void)
{
	struct made m;
	size_t size;
	char *file;

	make_model(&m);
	if (written(&m, "cwd : /tmp\n")) {
		file = whole_file(core_path, &size);
		const Elf64_Ehdr *e = (const Elf64_Ehdr *)file;
		const Elf64_Phdr *h = (const Elf64_Phdr *)(file + e->e_phoff);

		CHECK(memcmp(e->e_ident, "\177ELF\2\1\1\0", 8) == 0 && e->e_type == ET_CORE &&
		      e->e_machine == EM_X86_64 && e->e_version == 1 && e->e_ehsize == 64 &&
		      e->e_phentsize == 56 && e->e_phoff == 64 && e->e_shnum == 0 &&
		      e->e_shoff == 0, "the ELF header is a core's");
		CHECK(e->e_phnum == 1 + m.p.mapping_count && h->p_type == PT_NOTE &&
		      h->p_offset == 64 + 56ul * e->e_phnum && h->p_memsz == 0,
		      "the notes follow the headers");
		check_notes(&m.p, file + h->p_offset, h->p_filesz);
		check_segments(&m.p, h + 1);
		free(file);
	}
	end_model(&m);
}

/* [vsyscall] lies above the user's addresses. */
static void test_vsyscall(void)
{
	struct made m;

	make_model(&m);
	add_mapping(&m, 0xffffffffff600000, 1, PROT_EXEC, BYTES_SAVED)->label = LABEL_VSYSCALL;
	m.memory_size -= PAGE;
	if (written(&m, NULL)) {
		m.p.mapping_count--;
		CHECK(!difference(&m, core_path), "[vsyscall] is left out, and not read");
	}
	end_model(&m);
}

/* ---- Holes ------------------------------------------------------------------------------ */

static uint64_t bytes_on_disk(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		abort();
	return (uint64_t)st.st_blocks * 512;
}

/* 64 MiB with data in the first and last page only: many buffers' worth of nothing between. */
static void test_holes(void)
{
	struct core_write_stats stats;
	struct error err;
	struct made m;

	begin_model(&m);
	add_thread(&m.p, 7);
	add_mapping(&m, DATA_ADDR, 64 * MIB / PAGE, PROT_READ, BYTES_SAVED);
	make_memory(&m, 10);
	m.memory[0] = m.memory[64 * MIB - PAGE] = 'x';
	if (CHECK(write_made(&m, NULL, open_new(core_path, 0), &stats, &err) == 0,
		  "64 MiB of zeros between two pages are written")) {
		CHECK(bytes_on_disk(core_path) <= 64 * 1024, "zeros take no room");
		CHECK(stats.pages_saved == 2 && stats.pages_zero == 64 * MIB / PAGE - 2 &&
		      stats.segments == 1 && stats.written <= 64 * 1024 &&
		      stats.size > 64 * MIB && stats.size < 64 * MIB + 64 * 1024,
		      "the statistics say so");
		CHECK(!difference(&m, core_path) && sound(core_path), "all is read back");
	}
	end_model(&m);
}

/* What cannot have holes: the same bytes. */
static void test_stream(void)
{
	struct error err;
	struct made m;
	int fd;

	make_model(&m);
	if (written(&m, "umask : 022\n")) {
		CHECK(write_made(&m, "umask : 022\n", open_new(other_path, O_APPEND), NULL,
				 &err) == 0 && same_files(core_path, other_path),
		      "a file opened for appending gets the same bytes");
		CHECK(sound(other_path), "its checksums are right without the holes");
		fd = open_new(other_path, 0);
		if (write(fd, "something that was there before", 31) != 31 ||
		    lseek(fd, 0, SEEK_SET) != 0)
			abort();
		CHECK(write_made(&m, "umask : 022\n", fd, NULL, &err) == 0 &&
		      same_files(core_path, other_path), "so does one that was not empty");
	}
	end_model(&m);
}

/* A pipe that a child copies to a file. */
static void test_pipe(void)
{
	char buf[5000];
	struct error err;
	struct made m;
	int fds[2], file;
	ssize_t n;
	pid_t child;

	make_model(&m);
	add_mapping(&m, 0x7ff0001f0000, 20 * MIB / PAGE, PROT_READ, BYTES_SAVED);
	free(m.memory);
	make_memory(&m, 5);
	if (pipe2(fds, O_CLOEXEC) < 0)
		abort();
	child = fork();
	if (child == 0) {
		close(fds[1]);
		file = open_new(other_path, 0);
		while ((n = read(fds[0], buf, sizeof buf)) > 0)
			if (write_full(file, buf, (size_t)n) < 0)
				_exit(1);
		_exit(n != 0);
	}
	close(fds[0]);
	CHECK(write_made(&m, NULL, fds[1], NULL, &err) == 0, "a core goes down a pipe");
	int status = -1;

	waitpid(child, &status, 0);
	CHECK(status == 0 && !difference(&m, other_path) && sound(other_path),
	      "and is whole at the other end");
	end_model(&m);
}

/* ---- Many segments ---------------------------------------------------------------------- */

static void check_many(size_t loads)
{
	struct made m;
	size_t size;
	char *file;

	begin_model(&m);
	add_thread(&m.p, 7);
	for (size_t i = 0; i < loads; i++)
		add_mapping(&m, DATA_ADDR + i * 2 * PAGE, 1, PROT_READ,
			    i % 1000 ? BYTES_ZERO : BYTES_SAVED);
	make_memory(&m, 0);
	if (written(&m, NULL)) {
		file = whole_file(core_path, &size);
		const Elf64_Ehdr *e = (const Elf64_Ehdr *)file;
		const Elf64_Shdr *s = (const Elf64_Shdr *)(file + e->e_shoff);

		if (loads + 1 < PN_XNUM)
			CHECK(e->e_phnum == loads + 1 && !e->e_shoff, "%zu segments are counted "
			      "in the ELF header", loads + 1);
		else
			CHECK(e->e_phnum == PN_XNUM && e->e_shoff && e->e_shnum == 1 &&
			      e->e_shentsize == sizeof *s && s->sh_info == loads + 1 &&
			      s->sh_size == 1 && s->sh_type == SHT_NULL,
			      "%zu segments are counted in section header 0", loads + 1);
		free(file);
		CHECK(!difference(&m, core_path) && sound(core_path), "all are read back");
	}
	end_model(&m);
}

/* ---- Random models ---------------------------------------------------------------------- */

static const char *const paths[] = { "/lib/libc.so.6", "/a", "/with space\nand newline", "/dev/x" };

static void random_thread(struct process *p, pid_t tid)
{
	struct thread *t = add_thread(p, tid);

	t->signal = (int)below(65);
	t->blocked = random_number();
	if (below(2))
		t->siginfo = random_bytes(p, 128);
	if (below(4))
		add_regset(p, t, NT_FPREGSET, 512);
	if (below(4))
		add_regset(p, t, NT_X86_XSTATE, 576 + below(3000));
}

/* Only what a core can say: bytes that are missing belong to a file that is gone. */
static void random_mapping(struct made *m, addr_t start, size_t pages)
{
	const char *path = paths[below(4)];
	uint64_t offset = below(1000000) * PAGE;
	struct mapping *map;

	switch (below(6)) {
	case 0: map = add_mapping(m, start, pages, 0, BYTES_ZERO); break;
	case 1: map = add_file(m, start, pages, BYTES_FILE, path, offset, false); break;
	case 2: map = add_file(m, start, pages, BYTES_MISSING, path, offset, true); break;
	case 3: map = add_file(m, start, pages, BYTES_SAVED, path, offset, below(2)); break;
	default: map = add_mapping(m, start, pages, 0, BYTES_SAVED);
	}
	/* Often the next mapping goes on in the same file, so that NT_FILE joins them. */
	if (map->path && m->p.mapping_count > 1 && below(2)) {
		const struct mapping *last = map - 1;

		if (last->path && last->end == start && last->deleted == map->deleted) {
			map->path = last->path;
			map->file_offset = last->file_offset + (last->end - last->start);
		}
	}
	map->prot = (uint32_t)below(8);
}

static void random_model(struct made *m)
{
	struct process *p = &m->p;
	addr_t at = 0x10000;

	begin_model(m);
	p->ppid = (pid_t)below(100000);
	p->pgrp = (pid_t)below(100000);
	p->sid = (pid_t)below(100000);
	p->uid = (uid_t)random_number();
	p->gid = (gid_t)random_number();
	memcpy(p->comm, "random name 15c", below(16));
	p->command_line = below(2) ? "a b" : NULL;
	p->auxv_size = below(20) * 16;
	p->auxv = p->auxv_size ? memset(random_bytes(p, p->auxv_size), 0x77, p->auxv_size) : NULL;
	p->xsave_layout_size = below(2) * 24;
	p->xsave_layout = p->xsave_layout_size ? random_bytes(p, 24) : NULL;
	for (size_t i = 0, n = 1 + below(6); i < n; i++)
		random_thread(p, 7 + (pid_t)i);
	for (size_t i = 0, n = below(30); i < n; i++) {
		size_t pages = 1 + below(below(10) ? 10 : 3000);

		at += below(2) * (1 + below(1000)) * PAGE;
		random_mapping(m, at, pages);
		at += pages * PAGE;
	}
	make_memory(m, (unsigned)below(11));
}

static void test_random_models(void)
{
	for (int i = 0; i < 150; i++) {
		const char *what = "not written";
		struct error err;
		struct made m;

		random_state = 1000 + (uint64_t)i;
		random_model(&m);
		if (write_made(&m, "cwd : /\n", open_new(core_path, 0), NULL, &err) == 0)
			what = difference(&m, core_path);
		if (!what && !sound(core_path))
			what = "checksums";
		if (!what && (write_made(&m, "cwd : /\n", open_new(other_path, O_APPEND), NULL,
					 &err) < 0 || !same_files(core_path, other_path)))
			what = "stream";
		CHECK(!what, "random model %d comes back%s%s", i, what ? ", but: " : "",
		      what ? what : "");
		end_model(&m);
	}
}

/* ---- What cannot be written ------------------------------------------------------------- */

static void check_refused(struct made *m, int fd, const char *why)
{
	struct error err = { .message = "nothing" };
	int result = write_made(m, NULL, fd, NULL, &err);

	if (!CHECK(result == -1 && strstr(err.message, why), "refused: %s", why))
		printf("# got: %s\n", err.message);
}

static void test_bad_models(void)
{
	struct made m;

	make_model(&m);
	m.p.threads[1].regset_count = 0;
	check_refused(&m, open_new(core_path, 0), "process 7: the registers of thread 9 are not "
		      "known");
	end_model(&m);
	make_model(&m);
	m.p.mappings[3].start = m.p.mappings[2].start;
	check_refused(&m, open_new(core_path, 0), "mapping at 0x403000 cannot be true");
	end_model(&m);
	make_model(&m);
	m.p.thread_count = 0;
	check_refused(&m, open_new(core_path, 0), "has no thread");
	end_model(&m);
}

static void big_model(struct made *m)
{
	begin_model(m);
	add_thread(&m->p, 7);
	add_mapping(m, DATA_ADDR, 40 * MIB / PAGE, PROT_READ, BYTES_SAVED);
	make_memory(m, 0);
}

/* SIGPIPE and SIGXFSZ have their default actions here: they must not end the program. */
static void test_full(void)
{
	struct rlimit limit, old;
	struct made m;
	int fds[2];

	big_model(&m);
	check_refused(&m, open("/dev/full", O_WRONLY | O_CLOEXEC), "the core: No space left on "
		      "device after 0 bytes of the core; make room");
	if (pipe2(fds, O_CLOEXEC) < 0)
		abort();
	close(fds[0]);
	check_refused(&m, fds[1], "the core: nobody reads it any more");
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 10 * MIB;
	setrlimit(RLIMIT_FSIZE, &limit);
	check_refused(&m, open_new(core_path, 0), "the core: file too large for the limit of its "
		      "size, after 10485760 bytes");
	setrlimit(RLIMIT_FSIZE, &old);
	check_refused(&m, open("/dev/null", O_RDONLY | O_CLOEXEC), "the core: cannot be written, "
		      "after 0 bytes of the core: Bad file descriptor");
	end_model(&m);
}

static int next_wrong(void *context, addr_t from, addr_t end, addr_t *start, addr_t *stop,
		      struct error *err)
{
	(void)context;
	(void)err;
	*start = from;
	*stop = end + PAGE;
	return 1;
}

static int next_fails(void *context, addr_t from, addr_t end, addr_t *start, addr_t *stop,
		      struct error *err)
{
	(void)context, (void)from, (void)end, (void)start, (void)stop;
	return error_set(err, ESRCH, "it has ended");
}

static int read_fails(void *context, addr_t addr, void *buf, size_t len, struct error *err)
{
	(void)context, (void)buf, (void)len;
	return error_set(err, EIO, "nothing at %#lx", addr);
}

static void check_source(struct made *m, struct core_source source, const char *why)
{
	struct core_write_options options = { .name = "the core" };
	int fd = open_new(core_path, 0);
	struct error err;

	CHECK(core_write(&m->p, &source, NULL, 0, fd, &options, NULL, &err) == -1 &&
	      strstr(err.message, why), "a source that fails is told: %s", why);
	close(fd);
}

static void test_bad_sources(void)
{
	struct made m;

	big_model(&m);
	check_source(&m, (struct core_source){ next_fails, read_made, &m }, "it has ended");
	check_source(&m, (struct core_source){ next_made, read_fails, &m }, "nothing at 0x600000");
	check_source(&m, (struct core_source){ next_wrong, read_made, &m },
		     "process 7: its memory cannot be told: a run of pages 0x600000 to 0x2e01000");
	end_model(&m);
}

/* ---- Progress --------------------------------------------------------------------------- */

struct progress {
	uint64_t last, total;
	size_t calls;
	bool backwards;
};

static void note_progress(void *context, uint64_t done, uint64_t total)
{
	struct progress *p = context;

	p->backwards = p->backwards || done < p->last || done > total;
	p->last = done;
	p->total = total;
	p->calls++;
}

static void test_progress(void)
{
	struct progress seen = { 0 };
	struct core_write_options options = { .name = "the core", .progress = note_progress,
					      .context = &seen };
	struct core_source memory;
	struct error err;
	struct made m;
	int fd = open_new(core_path, 0);

	big_model(&m);
	memory = core_source_of(&m.p);
	CHECK(core_write(&m.p, &memory, NULL, 0, fd, &options, NULL, &err) == 0 &&
	      !difference(&m, core_path), "a core is written from the model's own memory");
	CHECK(seen.last == 40 * MIB && seen.total == 40 * MIB && !seen.backwards &&
	      seen.calls >= 10, "progress goes up to the whole");
	close(fd);
	end_model(&m);
}

int main(void)
{
	make_dir();
	test_model();
	test_command_line_is_cut();
	test_file();
	test_vsyscall();
	test_holes();
	test_stream();
	test_pipe();
	check_many(65533);
	check_many(65534);
	check_many(70000);
	test_random_models();
	test_bad_models();
	test_full();
	test_bad_sources();
	test_progress();

	remove_dir();
	return CHECK_DONE();
}
