/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is not a whole core of an architecture that we know is refused with one clear line, and what
 * a file says of itself is never believed.
 */
#define _GNU_SOURCE
#include <sys/stat.h>

#include "elf/core_read.h"
#include "tests/unit/check.h"
#include "tests/unit/make_core.h"

static char dir[] = "/tmp/core_damage_test.XXXXXX";
static char core_path[64];

/* ---- Not a core of ours ----------------------------------------------------------------- */

static void empty(struct made_core *c)
{
	c->size = 0;
}

static void text(struct made_core *c)
{
	c->size = (size_t)sprintf((char *)c->bytes, "core, but not really\n");
}

static void gzip(struct made_core *c)
{
	memcpy(c->bytes, "\x1f\x8b\x08", 3);
}

static void program(struct made_core *c)
{
	c->ehdr.e_type = ET_DYN;
}

static void object(struct made_core *c)
{
	c->ehdr.e_type = ET_REL;
}

static void i386(struct made_core *c)
{
	c->ehdr.e_ident[EI_CLASS] = ELFCLASS32;
	c->ehdr.e_machine = EM_386;
}

static void arm(struct made_core *c)
{
	c->ehdr.e_machine = EM_AARCH64;
}

static void s390(struct made_core *c)
{
	c->ehdr.e_ident[EI_DATA] = ELFDATA2MSB;
	c->ehdr.e_type = __builtin_bswap16(ET_CORE);
	c->ehdr.e_machine = __builtin_bswap16(EM_S390);
}

static void unheard_of(struct made_core *c)
{
	c->ehdr.e_machine = 54321;
}

/* ---- Truncated: the whole has 0xb000 bytes = 45056 -------------------------------------- */

static void cut_in_header(struct made_core *c)
{
	c->size = 40;
}

static void cut_in_table(struct made_core *c)
{
	c->size = 128;
}

static void cut_in_notes(struct made_core *c)
{
	c->size = NOTES_AT + 0x100;
}

static void cut_in_stack(struct made_core *c)
{
	c->size = c->phdrs[SEG_STACK].p_offset + 0x10;
}

static void cut_in_many(struct made_core *c)
{
	c->ehdr.e_phnum = PN_XNUM;
	c->ehdr.e_shoff = c->size;
}

/* ---- The table of segments -------------------------------------------------------------- */

static void no_table(struct made_core *c)
{
	c->ehdr.e_phnum = 0;
}

static void narrow_table(struct made_core *c)
{
	c->ehdr.e_phentsize = 32;
}

static void far_table(struct made_core *c)
{
	c->ehdr.e_phoff = UINT64_MAX - 100;
}

static void uncounted(struct made_core *c)
{
	c->ehdr.e_phnum = PN_XNUM;
}

static void too_many(struct made_core *c)
{
	Elf64_Shdr first = { .sh_info = UINT32_MAX };

	uncounted(c);
	c->ehdr.e_shoff = c->size;
	memcpy(c->bytes + c->size, &first, sizeof first);
	c->size += sizeof first;
}

/* ---- Segments --------------------------------------------------------------------------- */

static void more_saved_than_mapped(struct made_core *c)
{
	c->phdrs[SEG_DATA].p_memsz = PAGE;
}

static void over_the_top(struct made_core *c)
{
	c->phdrs[SEG_STACK].p_vaddr = (1ul << 47) - PAGE;
	c->phdrs[SEG_STACK].p_memsz = 2 * PAGE;
}

static void above_the_top(struct made_core *c)
{
	c->phdrs[SEG_STACK].p_vaddr = 1ul << 47;
}

static void around_the_top(struct made_core *c)
{
	c->phdrs[SEG_DATA].p_memsz = UINT64_MAX - 0xfff;
}

static void between_pages(struct made_core *c)
{
	c->phdrs[SEG_DATA].p_vaddr += 0x10;
}

static void part_of_a_page(struct made_core *c)
{
	c->phdrs[SEG_DATA].p_filesz -= 1;
}

static void overlap(struct made_core *c)
{
	c->phdrs[SEG_GUARD].p_vaddr = DATA_ADDR + PAGE;
}

static void far_away(struct made_core *c)
{
	c->phdrs[SEG_DATA].p_offset = UINT64_MAX - 10;
}

/* ---- Notes ------------------------------------------------------------------------------ */

static void no_notes(struct made_core *c)
{
	c->phdrs[SEG_NOTE].p_type = PT_NULL;
}

static void only_psinfo(struct made_core *c)
{
	c->note_end = NOTES_AT;
	make_psinfo(c);
}

static void endless_owner(struct made_core *c)
{
	((Elf64_Nhdr *)(c->bytes + NOTES_AT))->n_namesz = UINT32_MAX;
}

static void endless_note(struct made_core *c)
{
	((Elf64_Nhdr *)(c->bytes + NOTES_AT))->n_descsz = UINT32_MAX;
}

static void half_a_note(struct made_core *c)
{
	c->phdrs[SEG_NOTE].p_filesz += 4;
}

/* After a crash of the machine a file may have its size, but zeros for contents. */
static void zeros_for_notes(struct made_core *c)
{
	memset(c->bytes + NOTES_AT, 0, c->note_end - NOTES_AT);
}

static void same_thread_twice(struct made_core *c)
{
	make_thread(c, OTHER, 0);
}

static void thread_zero(struct made_core *c)
{
	make_thread(c, 0, 0);
}

static void short_prstatus(struct made_core *c)
{
	make_note(c, "CORE", NT_PRSTATUS, c->bytes, sizeof(struct elf_prstatus) - 1);
}

static void short_prpsinfo(struct made_core *c)
{
	make_note(c, "CORE", NT_PRPSINFO, c->bytes, sizeof(struct elf_prpsinfo) - 1);
}

static void short_siginfo(struct made_core *c)
{
	make_note(c, "CORE", NT_SIGINFO, c->bytes, 127);
}

static void short_fp(struct made_core *c)
{
	make_note(c, "CORE", NT_FPREGSET, c->bytes, 511);
}

static void short_xsave(struct made_core *c)
{
	make_note(c, "LINUX", NT_X86_XSTATE, c->bytes, 575);
}

static void registers_twice(struct made_core *c)
{
	make_note(c, "CORE", NT_FPREGSET, c->bytes, 512);
	make_note(c, "CORE", NT_FPREGSET, c->bytes, 512);
}

static void registers_of_nobody(struct made_core *c)
{
	c->note_end = NOTES_AT;
	make_note(c, "CORE", NT_FPREGSET, c->bytes, 512);
}

/* ---- NT_FILE ---------------------------------------------------------------------------- */

/* One range, named NAME (NAME_SIZE bytes, with or without its NUL). */
static void file_note(struct made_core *c, const uint64_t words[5], const char *name,
		      size_t name_size)
{
	unsigned char desc[256];

	memcpy(desc, words, 5 * sizeof words[0]);
	memcpy(desc + 5 * sizeof words[0], name, name_size);
	c->note_end = NOTES_AT;
	make_thread(c, LEADER, 0);
	make_note(c, "CORE", NT_FILE, desc, 5 * sizeof words[0] + name_size);
}

static void file_count(struct made_core *c)
{
	/* times 24 bytes is 2^64 + 8 */
	file_note(c, (uint64_t[]){ 0xaaaaaaaaaaaaaabul, PAGE, TEXT_ADDR, TEXT_ADDR + PAGE, 0 },
		  "/a", 3);
}

static void file_count_by_one(struct made_core *c)
{
	file_note(c, (uint64_t[]){ 2, PAGE, TEXT_ADDR, TEXT_ADDR + PAGE, 0 }, "/a", 3);
}

static void file_unit_zero(struct made_core *c)
{
	file_note(c, (uint64_t[]){ 1, 0, TEXT_ADDR, TEXT_ADDR + PAGE, 0 }, "/a", 3);
}

static void file_unit_huge(struct made_core *c)
{
	file_note(c, (uint64_t[]){ 1, 1ul << 60, TEXT_ADDR, TEXT_ADDR + PAGE, 16 }, "/a", 3);
}

static void file_offset_huge(struct made_core *c)
{
	file_note(c, (uint64_t[]){ 1, 1, TEXT_ADDR, TEXT_ADDR + PAGE, INT64_MAX - 0xfff }, "/a", 3);
}

static void file_backwards(struct made_core *c)
{
	file_note(c, (uint64_t[]){ 1, PAGE, TEXT_ADDR + PAGE, TEXT_ADDR, 0 }, "/a", 3);
}

static void file_between_pages(struct made_core *c)
{
	file_note(c, (uint64_t[]){ 1, PAGE, TEXT_ADDR + 1, TEXT_ADDR + PAGE, 0 }, "/a", 3);
}

static void file_above_the_top(struct made_core *c)
{
	file_note(c, (uint64_t[]){ 1, PAGE, (1ul << 47) - PAGE, (1ul << 47) + PAGE, 0 }, "/a", 3);
}

static void file_without_end(struct made_core *c)
{
	file_note(c, (uint64_t[]){ 1, PAGE, TEXT_ADDR, TEXT_ADDR + PAGE, 0 }, "/a", 2);
}

static void files_overlap(struct made_core *c)
{
	uint64_t words[] = { 2, PAGE, TEXT_ADDR, TEXT_ADDR + 2 * PAGE, 0,
			     TEXT_ADDR + PAGE, TEXT_ADDR + 3 * PAGE, 0 };
	unsigned char desc[sizeof words + 6];

	memcpy(desc, words, sizeof words);
	memcpy(desc + sizeof words, "/a\0/b", 6);
	c->note_end = NOTES_AT;
	make_thread(c, LEADER, 0);
	make_note(c, "CORE", NT_FILE, desc, sizeof desc);
}

static void files_twice(struct made_core *c)
{
	make_file_note(c, PAGE);
}

/* ---- The tests -------------------------------------------------------------------------- */

static const struct {
	void (*damage)(struct made_core *c);
	const char *message;  /* what follows the path */
} cases[] = {
	{ empty, "is empty: the dump was cut off; dump again with `ulimit -c unlimited`" },
	{ text, "is not a core file (nor any ELF file)" },
	{ gzip, "is compressed; unpack it first with `gunzip`" },
	{ program, "is a program, not a core file; name its core after it" },
	{ object, "is an ELF file of another type, not a core file" },
	{ i386, "is of another architecture: i386, 32-bit, not x86_64" },
	{ arm, "is of another architecture: aarch64, 64-bit, not x86_64" },
	{ s390, "is of another architecture: s390, 64-bit big-endian, not x86_64" },
	{ unheard_of, "is of another architecture: machine 54321, 64-bit, not x86_64" },

	{ cut_in_header, "truncated: the last 24 of its 64 bytes are missing, part of its header" },
	{ cut_in_table, "truncated: the last 496 of its 624 bytes are missing, the table of its "
	  "segments among them; dump again with `ulimit -c unlimited`" },
	{ cut_in_notes, "truncated: the last 40704 of its 45056 bytes are missing, its notes among "
	  "them; dump again" },
	{ cut_in_stack, "truncated: the last 8176 of its 45056 bytes are missing, memory from "
	  "0x7ff0000f0010 on; dump again" },
	{ cut_in_many, "truncated: the last 64 of its 45120 bytes are missing, the number of its "
	  "segments among them" },

	{ no_table, "damaged: the table of its segments cannot be true" },
	{ narrow_table, "damaged: the table of its segments cannot be true" },
	{ far_table, "damaged: the table of its segments cannot be true" },
	{ uncounted, "damaged: the number of its segments cannot be told" },
	{ too_many, "damaged: the table of its segments cannot be true" },

	{ more_saved_than_mapped, "damaged: a segment has an impossible address or size" },
	{ over_the_top, "damaged: a segment has an impossible address or size" },
	{ above_the_top, "damaged: a segment has an impossible address or size" },
	{ around_the_top, "damaged: a segment has an impossible address or size" },
	{ between_pages, "its segment at 0x600010 is not made of whole pages" },
	{ part_of_a_page, "its segment at 0x600000 is not made of whole pages" },
	{ overlap, "damaged: its segments at 0x600000 and 0x601000 overlap" },
	{ far_away, "damaged: a segment lies beyond the end of any file" },

	{ no_notes, "damaged: it holds no thread (no note NT_PRSTATUS)" },
	{ only_psinfo, "damaged: it holds no thread (no note NT_PRSTATUS)" },
	{ endless_owner, "damaged: a note at 0x1000 is longer than its segment" },
	{ endless_note, "damaged: a note at 0x1000 is longer than its segment" },
	{ half_a_note, "is longer than its segment" },
	{ zeros_for_notes, "damaged: a note without an owner before 0x100c" },
	{ same_thread_twice, "damaged: two threads have the same id" },
	{ thread_zero, "damaged: a thread has no id" },
	{ short_prstatus, "damaged: a note NT_PRSTATUS is too short" },
	{ short_prpsinfo, "damaged: the note NT_PRPSINFO is too short" },
	{ short_siginfo, "damaged: a note NT_SIGINFO has 127 bytes, at least 128 are needed" },
	{ short_fp, "damaged: a note floating point has 511 bytes, at least 512 are needed" },
	{ short_xsave, "damaged: a note xsave has 575 bytes, at least 576 are needed" },
	{ registers_twice, "damaged: a thread has the same registers twice" },
	{ registers_of_nobody, "damaged: registers of no thread" },

	{ file_count, "damaged: the counts of its note NT_FILE cannot be true" },
	{ file_count_by_one, "damaged: the counts of its note NT_FILE cannot be true" },
	{ file_unit_zero, "damaged: the counts of its note NT_FILE cannot be true" },
	{ file_unit_huge, "damaged: a range in its note NT_FILE cannot be true" },
	{ file_offset_huge, "damaged: a range in its note NT_FILE cannot be true" },
	{ file_backwards, "damaged: a range in its note NT_FILE cannot be true" },
	{ file_between_pages, "damaged: a range in its note NT_FILE cannot be true" },
	{ file_above_the_top, "damaged: a range in its note NT_FILE cannot be true" },
	{ file_without_end, "damaged: a path in its note NT_FILE has no end" },
	{ files_overlap, "damaged: ranges in its note NT_FILE overlap" },
	{ files_twice, "damaged: it has two notes NT_FILE" },
};

/* Reads PATH, which must be refused with a line that holds MESSAGE behind the path. */
static void check_refused(const char *path, const char *message)
{
	struct error err = { .message = "" };
	const char *state = NULL;
	struct process p;
	struct core *core;
	size_t size;

	process_init(&p);
	core = core_read(&p, path, &state, &size, &err);
	CHECK(!core && strstr(err.message, message), "refused: %s", message);
	CHECK(core || (strncmp(err.message, path, strlen(path)) == 0 &&
		       !strchr(err.message, '\n')), "with one line that names the file");
	if (core || !strstr(err.message, message))
		printf("# got: %s\n", core ? "a core" : err.message);
	core_close(core);
	process_free(&p);
}

static void test_other_files(void)
{
	bool root = geteuid() == 0;
	struct made_core c;

	make_core(&c);
	check_refused(dir, "is a directory");
	unlink(core_path);
	check_refused(core_path, "No such file or directory");
	if (mkfifo(core_path, 0600) == 0)
		check_refused(core_path, "is a fifo that nobody writes to; give a regular file");
	unlink(core_path);
	write_core(&c, core_path);
	chmod(core_path, 0);
	/* Only an ordinary user can be refused. */
	if (root && (chmod(dir, 0755) < 0 || seteuid(65534) < 0))
		abort();
	check_refused(core_path, "permission denied; read it as its owner");
	if (root && seteuid(0) < 0)
		abort();
}

static void test_control_characters(void)
{
	char path[80];

	snprintf(path, sizeof path, "%s/a\nb\033[31m", dir);
	struct error err = { .message = "" };
	const char *state;
	struct process p;
	size_t size;

	process_init(&p);
	CHECK(!core_read(&p, path, &state, &size, &err) && strstr(err.message, "/a?b?[31m: "),
	      "control characters of a name do not reach the terminal");
	process_free(&p);
}

int main(void)
{
	struct made_core c;

	if (!mkdtemp(dir))
		return 1;
	snprintf(core_path, sizeof core_path, "%s/core", dir);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		make_core(&c);
		cases[i].damage(&c);
		write_core(&c, core_path);
		check_refused(core_path, cases[i].message);
	}
	test_other_files();
	test_control_characters();
	unlink(core_path);
	rmdir(dir);
	return CHECK_DONE();
}
