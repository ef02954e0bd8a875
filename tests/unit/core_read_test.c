/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the reader makes of whole cores, of the kernel's dialect and of gdb's. */
#define _GNU_SOURCE
#include <sys/stat.h>

#include "elf/core_read.h"
#include "elf/notes.h"
#include "process/arch.h"
#include "tests/unit/check.h"
#include "tests/unit/make_core.h"

static char dir[] = "/tmp/core_read_test.XXXXXX";
static char core_path[64], file_path[64];

/* A core that was read. */
struct reading {
	struct process p;
	struct core *core;
	const char *state;
	size_t state_size;
	struct error err;
};

static bool open_reading(struct reading *r, const struct made_core *c)
{
	write_core(c, core_path);
	process_init(&r->p);
	r->core = core_read(&r->p, core_path, &r->state, &r->state_size, &r->err);
	return CHECK(r->core, "the core is read%s%s", r->core ? "" : ": ",
		     r->core ? "" : r->err.message);
}

static void close_reading(struct reading *r)
{
	core_close(r->core);
	process_free(&r->p);
}

/* ---- Identity and threads --------------------------------------------------------------- */

static void check_identity(const struct reading *r)
{
	const struct process *p = &r->p;

	CHECK(p->arch == arch_host() && p->origin == ORIGIN_KERNEL, "it is a kernel core for us");
	CHECK(p->pid == LEADER && p->ppid == 90 && p->pgrp == 91 && p->sid == 92,
	      "pid, ppid, pgrp and sid are those of NT_PRPSINFO");
	CHECK(p->uid == 1000 && p->gid == 1001, "so are uid and gid");
	CHECK_TEXT(p->comm, "program", "so is comm");
	CHECK_TEXT(p->command_line, "program -x one", "so is the command line, without its blank");
	CHECK_TEXT(p->exe, PROGRAM_PATH, "the program is what the entry point is mapped from");
	CHECK_TEXT(p->source, core_path, "the source is the core's path");
	CHECK(p->when.tv_sec != 0, "the time of the dump is known");
	CHECK(p->have == 0, "a plain core claims no state that only the text can hold");
	CHECK(!r->state, "there is no state note");
	CHECK(p->xsave_layout_size == 6 && memcmp(p->xsave_layout, "layout", 6) == 0,
	      "the XSAVE layout is kept");
	CHECK(process_auxv(p, AT_RANDOM, 0) == STACK_ADDR + 0x100, "the auxiliary vector is kept");
}

static void check_threads(const struct process *p)
{
	static const pid_t order[] = { LEADER, OTHER, THIRD };

	if (!CHECK(p->thread_count == 3, "there are three threads"))
		return;
	for (size_t i = 0; i < 3; i++) {
		const struct thread *t = &p->threads[i];
		const struct user_regs_struct *regs = thread_regset(t, NT_PRSTATUS)->data;

		CHECK(t->tid == order[i], "thread %zu is %d: the leader comes first", i, order[i]);
		CHECK(regs->rax == (unsigned long)t->tid, "thread %d has its own registers",
		      t->tid);
		CHECK(p->arch->pc(t) == TEXT_ADDR + 0x10, "and its program counter");
		CHECK(t->blocked == 0x200, "and its signal mask");
	}
	const struct thread *dumped = &p->threads[1];

	CHECK(dumped->signal == 3 && p->threads[0].signal == 0,
	      "the signal is the dumped thread's");
	CHECK(dumped->siginfo && *(const char *)dumped->siginfo == 3 && !p->threads[0].siginfo,
	      "so is the siginfo");
	CHECK(dumped->regset_count == 3 && thread_regset(dumped, NT_FPREGSET)->size == 512 &&
	      thread_regset(dumped, NT_X86_XSTATE)->size == 1024,
	      "all its register sets are kept whole");
	CHECK(p->threads[0].regset_count == 1 && p->threads[2].regset_count == 1,
	      "a thread without them has none of another's");
}

/* ---- Mappings --------------------------------------------------------------------------- */

/* offset is the core's where the bytes are SAVED, and the file's otherwise. */
struct expected {
	addr_t start;
	unsigned pages;
	uint32_t prot;
	enum bytes bytes;
	uint64_t offset;
	const char *path;
	enum label label;
};

enum { RD = PROT_READ, RW = PROT_READ | PROT_WRITE, RX = PROT_READ | PROT_EXEC };

static const struct expected kernel_mappings[] = {
	{ TEXT_ADDR, 1, RX, BYTES_SAVED, DATA_AT, PROGRAM_PATH, LABEL_NONE },
	{ TEXT_ADDR + PAGE, 2, RX, BYTES_FILE, PAGE, PROGRAM_PATH, LABEL_NONE },
	{ DATA_ADDR, 2, RW, BYTES_SAVED, DATA_AT + PAGE, NULL, LABEL_NONE },
	{ GUARD_ADDR, 1, 0, BYTES_ZERO, 0, NULL, LABEL_NONE },
	{ UNTOUCHED_ADDR, 1, RW, BYTES_ZERO, 0, NULL, LABEL_NONE },
	{ GONE_ADDR, 1, RD, BYTES_MISSING, 7 * PAGE, "/tmp/gone", LABEL_NONE },
	{ VVAR_ADDR, 2, RD, BYTES_ZERO, 0, NULL, LABEL_VVAR },
	{ VDSO_ADDR, 1, RX, BYTES_SAVED, DATA_AT + 3 * PAGE, NULL, LABEL_VDSO },
	{ STACK_ADDR, 1, RW, BYTES_SAVED, DATA_AT + 4 * PAGE, NULL, LABEL_STACK },
};

static bool same_path(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_mappings(const struct process *p, const struct expected *want, size_t count)
{
	if (!CHECK(p->mapping_count == count, "there are %zu mappings (%zu)", count,
		   p->mapping_count))
		return;
	for (size_t i = 0; i < count; i++) {
		const struct mapping *m = &p->mappings[i];
		const struct expected *w = &want[i];

		CHECK(m->start == w->start && m->end == w->start + w->pages * PAGE,
		      "mapping %zu is the %u pages at %#lx", i, w->pages, w->start);
		CHECK(m->prot == w->prot && m->bytes == w->bytes && m->label == w->label,
		      "with its protection, place of bytes and label");
		CHECK(same_path(m->path, w->path) && !m->shared, "with its path, and private");
		CHECK((m->bytes == BYTES_SAVED ? m->core_offset : m->file_offset) == w->offset,
		      "with its offset");
		CHECK(m->grows_down == (w->label == LABEL_STACK), "and only the stack grows");
	}
}

static void test_kernel_core(void)
{
	struct made_core c;
	struct reading r;

	make_core(&c);
	if (open_reading(&r, &c)) {
		check_identity(&r);
		check_threads(&r.p);
		check_mappings(&r.p, kernel_mappings,
			       sizeof kernel_mappings / sizeof kernel_mappings[0]);
		CHECK(process_mapping_at(&r.p, TEXT_ADDR)->prot_known, "protections are known");
		CHECK(process_mapping_at(&r.p, TEXT_ADDR)->file_offset == 0,
		      "a saved page keeps its place in the file");
		CHECK(process_mapping_at(&r.p, GONE_ADDR)->deleted, "the deleted file is marked");
	}
	close_reading(&r);
}

static void test_order_of_segments(void)
{
	struct made_core c;
	struct reading r;
	Elf64_Phdr stack;

	make_core(&c);
	stack = c.phdrs[SEG_STACK];
	c.phdrs[SEG_STACK] = c.phdrs[SEG_TEXT];
	c.phdrs[SEG_TEXT] = stack;
	if (open_reading(&r, &c))
		check_mappings(&r.p, kernel_mappings,
			       sizeof kernel_mappings / sizeof kernel_mappings[0]);
	close_reading(&r);
}

/* ---- Memory ----------------------------------------------------------------------------- */

static bool reads(const struct process *p, addr_t addr, char first, char last, size_t len)
{
	char buf[4 * PAGE];
	struct error err;

	return process_read(p, addr, buf, len, &err) == 0 && buf[0] == first &&
	       buf[len - 1] == last;
}

static void check_no_memory(const struct process *p, addr_t addr, size_t len, const char *why)
{
	char buf[4 * PAGE];
	struct error err;

	CHECK(process_read(p, addr, buf, len, &err) < 0 && strstr(err.message, why),
	      "memory at %#lx is refused: %s", addr, why);
}

static void test_memory(void)
{
	struct made_core c;
	struct reading r;

	make_core(&c);
	if (open_reading(&r, &c)) {
		CHECK(reads(&r.p, TEXT_ADDR, 'T', 'T', PAGE), "a saved page is read");
		CHECK(reads(&r.p, DATA_ADDR + PAGE - 1, 'D', 'E', 2), "across pages, too");
		CHECK(reads(&r.p, DATA_ADDR + PAGE, 'E', 0, PAGE + 1),
		      "and across mappings: behind the saved ones the guard reads as zeros");
		CHECK(reads(&r.p, UNTOUCHED_ADDR, 0, 0, PAGE), "untouched memory is zeros");
		check_no_memory(&r.p, GONE_ADDR, 1, "was not dumped, and is of a file that is "
				"gone: /tmp/gone");
		check_no_memory(&r.p, GONE_ADDR - 1, 1, "nothing is mapped at 0x60ffff");
		check_no_memory(&r.p, STACK_ADDR + PAGE - 1, 2,
				"nothing is mapped at 0x7ff0000f1000");
		check_no_memory(&r.p, TEXT_ADDR + PAGE, 1, PROGRAM_PATH ": No such file");
	}
	close_reading(&r);
}

/* The core's notes with the file PATH in place of the program, mapped at TEXT_ADDR. */
static void name_file(struct made_core *c, uint64_t unit, uint64_t pages, const char *path)
{
	unsigned char desc[256];
	uint64_t words[] = { 1, unit, TEXT_ADDR, TEXT_ADDR + pages * PAGE, 0 };
	size_t len = strlen(path) + 1;

	memcpy(desc, words, sizeof words);
	memcpy(desc + sizeof words, path, len);
	c->note_end = NOTES_AT;
	make_thread(c, LEADER, 3);
	make_psinfo(c);
	make_auxv(c);
	make_note(c, "CORE", NT_FILE, desc, sizeof words + len);
}

static void write_file(const void *bytes, size_t size)
{
	int fd = open(file_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || close(fd) < 0)
		abort();
}

static void test_memory_of_a_file(void)
{
	char text[PAGE + 10];
	struct made_core c;
	struct reading r;

	memset(text, 'f', sizeof text);
	write_file(text, sizeof text);
	make_core(&c);
	name_file(&c, PAGE, 3, file_path);
	if (open_reading(&r, &c)) {
		CHECK(reads(&r.p, TEXT_ADDR + PAGE, 'f', 'f', 10), "the file gives what was not "
		      "saved");
		CHECK(reads(&r.p, TEXT_ADDR + PAGE - 1, 'T', 'f', 2), "joined to what was");
		CHECK(reads(&r.p, TEXT_ADDR + PAGE + 9, 'f', 0, PAGE - 9),
		      "behind its end its last page is zeros");
		check_no_memory(&r.p, TEXT_ADDR + 2 * PAGE, 1, "ends before byte 8193, which was "
				"mapped; put back the file");
	}
	close_reading(&r);
}

/* ---- The pseudo files ------------------------------------------------------------------- */

static void check_pseudo_file(const char *name, bool shared, enum bytes bytes)
{
	struct made_core c;
	struct reading r;

	make_core(&c);
	name_file(&c, PAGE, 3, name);
	if (open_reading(&r, &c)) {
		const struct mapping *saved = process_mapping_at(&r.p, TEXT_ADDR);
		const struct mapping *rest = process_mapping_at(&r.p, TEXT_ADDR + PAGE);

		CHECK(saved->bytes == BYTES_SAVED && saved->shared == shared,
		      "%s: its saved pages stay so", name);
		CHECK(rest->bytes == bytes && rest->shared == shared, "%s: the rest is not taken "
		      "from a file", name);
	}
	close_reading(&r);
}

static void test_pseudo_files(void)
{
	check_pseudo_file("/dev/zero (deleted)", true, BYTES_MISSING);
	check_pseudo_file("/SYSV00000000 (deleted)", true, BYTES_MISSING);
	check_pseudo_file("/memfd:jit (deleted)", false, BYTES_MISSING);
	check_pseudo_file("/secretmem (deleted)", false, BYTES_MISSING);
	check_pseudo_file("anon_inode:[perf_event]", false, BYTES_MISSING);
	check_pseudo_file("/dev/zero", false, BYTES_ZERO);
}

/* ---- gdb's dialect ---------------------------------------------------------------------- */

/*
 * A program whose text begins in the middle of the page of the file where its headers end, as
 * linkers with -z noseparate-code lay it out: both segments map page 0 of the file, at different
 * addresses.
 */
static void write_program(void)
{
	struct {
		Elf64_Ehdr ehdr;
		Elf64_Phdr phdrs[2];
		char rest[PAGE];
	} f = {
		.ehdr = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				     EV_CURRENT },
			.e_type = ET_DYN, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
			.e_phoff = sizeof(Elf64_Ehdr), .e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2,
		},
		.phdrs = {
			{ .p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = 0x800,
			  .p_memsz = 0x800, .p_align = PAGE },
			{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = 0x800,
			  .p_vaddr = 0x1800, .p_filesz = 0x200, .p_memsz = 0x200, .p_align = PAGE },
		},
	};

	write_file(&f, sizeof f);
}

/* gdb: offsets in bytes, segments at odd places, no segment for what the file can give. */
static void make_gdb_core(struct made_core *c, const char *path)
{
	uint64_t words[] = { 2, 1, TEXT_ADDR, TEXT_ADDR + PAGE, 0,
			     TEXT_ADDR + PAGE, TEXT_ADDR + 2 * PAGE, 0 };
	unsigned char desc[512];
	size_t len = strlen(path) + 1;

	make_core(c);
	c->phdrs[SEG_TEXT].p_type = PT_NULL;
	memmove(c->bytes + DATA_AT + 0x4a0, c->bytes + DATA_AT, c->size - DATA_AT);
	for (int i = SEG_TEXT; i < SEG_COUNT; i++)
		c->phdrs[i].p_offset += 0x4a0;
	c->size += 0x4a0;
	memcpy(desc, words, sizeof words);
	memcpy(desc + sizeof words, path, len);
	memcpy(desc + sizeof words + len, path, len);
	c->note_end = NOTES_AT;
	make_psinfo(c);
	make_thread(c, LEADER, 0);
	make_auxv(c);
	make_note(c, "CORE", NT_FILE, desc, sizeof words + 2 * len);
}

static void check_gdb(const char *path, uint32_t prot0, uint32_t prot1)
{
	struct made_core c;
	struct reading r;

	make_gdb_core(&c, path);
	if (open_reading(&r, &c)) {
		const struct mapping *m = r.p.mappings;

		CHECK(r.p.origin == ORIGIN_GDB, "it is a gdb core");
		CHECK(m[0].start == TEXT_ADDR && m[0].bytes == BYTES_FILE && !m[0].prot_known,
		      "the text without a segment is mapped from its file");
		CHECK(m[0].prot == prot0, "the first page has protection %u", prot0);
		CHECK(m[1].start == TEXT_ADDR + PAGE && m[1].file_offset == 0 && m[1].prot == prot1,
		      "the second, of the same page of the file, has protection %u", prot1);
		CHECK(reads(&r.p, DATA_ADDR, 'D', 'E', 2 * PAGE), "unaligned segments are read");
	}
	close_reading(&r);
}

static void test_gdb_core(void)
{
	write_program();
	check_gdb(file_path, RD, RX);
	write_file("just data", 9);
	check_gdb(file_path, RW, RW);
	check_gdb("/nowhere/at/all", RW, RW);
}

/* ---- Odds and ends ---------------------------------------------------------------------- */

static void test_state_note(void)
{
	struct made_core c;
	struct reading r;

	make_core(&c);
	make_note(&c, NOTE_OWNER_OURS, NOTE_STATE, "cwd : /tmp\n", 11);
	if (open_reading(&r, &c)) {
		CHECK(r.p.origin == ORIGIN_OURS, "a core with the state note is ours");
		CHECK(r.state_size == 11, "its text has its length");
		CHECK_TEXT(r.state, "cwd : /tmp\n", "and ends in a NUL");
	}
	close_reading(&r);
}

static void test_unknown_notes(void)
{
	struct made_core c;
	struct reading r;

	make_core(&c);
	make_note(&c, "GNU", NT_PRSTATUS, "x", 1);
	make_note(&c, "LINUX", NT_PRPSINFO, "x", 1);
	if (open_reading(&r, &c))
		CHECK(r.p.thread_count == 3 && r.p.pid == LEADER,
		      "notes of other owners are passed over, whatever their type");
	close_reading(&r);
}

static void test_odd_auxv(void)
{
	struct made_core c;
	struct reading r;

	make_core(&c);
	make_note(&c, "CORE", NT_AUXV, (uint64_t[]){ AT_UID, 7, AT_GID }, 24);
	if (open_reading(&r, &c))
		CHECK(r.p.auxv_size == 16 && process_auxv(&r.p, AT_UID, 0) == 7,
		      "half a pair at the end of the auxiliary vector is dropped");
	close_reading(&r);
}

static void test_program_by_name(void)
{
	struct made_core c;
	struct reading r;

	make_core(&c);
	name_file(&c, PAGE, 1, "/the/first/page");
	if (open_reading(&r, &c))
		CHECK_TEXT(r.p.exe, "./program",
			   "without a file at the entry point, AT_EXECFN tells the program");
	close_reading(&r);
}

/* 65535 segments and more: their number is in section header 0, at the end of the file. */
static void test_many_segments(void)
{
	Elf64_Shdr first = { .sh_size = 1, .sh_info = SEG_COUNT };
	struct made_core c;
	struct reading r;

	make_core(&c);
	c.ehdr.e_phnum = PN_XNUM;
	c.ehdr.e_shoff = c.size;
	c.ehdr.e_shnum = 1;
	c.ehdr.e_shentsize = sizeof first;
	memcpy(c.bytes + c.size, &first, sizeof first);
	c.size += sizeof first;
	if (open_reading(&r, &c))
		check_mappings(&r.p, kernel_mappings,
			       sizeof kernel_mappings / sizeof kernel_mappings[0]);
	close_reading(&r);
}

static unsigned long bytes_read_so_far(void)
{
	unsigned long count = 0;
	FILE *io = fopen("/proc/self/io", "r");

	if (io && fscanf(io, "rchar: %lu", &count) != 1)
		count = 0;
	if (io)
		fclose(io);
	return count;
}

static void test_large_core(void)
{
	const uint64_t size = 8ul << 30;
	struct made_core c;
	struct reading r;

	make_core(&c);
	c.phdrs[SEG_DATA].p_vaddr = 0x100000000ul;
	c.phdrs[SEG_DATA].p_offset = CORE_SIZE_MAX;
	c.phdrs[SEG_DATA].p_memsz = c.phdrs[SEG_DATA].p_filesz = size;
	write_core(&c, core_path);
	if (!CHECK(truncate(core_path, CORE_SIZE_MAX + (off_t)size) == 0, "a sparse file of 8 GiB"))
		return;
	chmod(core_path, 0400);
	process_init(&r.p);
	unsigned long before = bytes_read_so_far();

	r.core = core_read(&r.p, core_path, &r.state, &r.state_size, &r.err);
	CHECK(r.core, "a core of 8 GiB is read");
	CHECK(bytes_read_so_far() - before < 100000, "by reading its headers and notes only");
	CHECK(r.core && fcntl(core_fd(r.core), F_GETFD) == FD_CLOEXEC,
	      "its descriptor is not inherited");
	CHECK(reads(&r.p, 0x100000000ul + size - PAGE, 0, 0, PAGE), "its last page can be read");
	close_reading(&r);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	snprintf(core_path, sizeof core_path, "%s/core", dir);
	snprintf(file_path, sizeof file_path, "%s/file", dir);

	test_kernel_core();
	test_order_of_segments();
	test_memory();
	test_memory_of_a_file();
	test_pseudo_files();
	test_gdb_core();
	test_state_note();
	test_unknown_notes();
	test_odd_auxv();
	test_program_by_name();
	test_many_segments();
	test_large_core();

	unlink(core_path);
	unlink(file_path);
	rmdir(dir);
	return CHECK_DONE();
}
