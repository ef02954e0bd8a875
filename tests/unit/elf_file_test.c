/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is told of programs and libraries.  This test program and its C library, whose addresses
 * the dynamic linker knows, are the examples.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <sys/auxv.h>

#include "elf/elf_file.h"
#include "tests/unit/check.h"
#include "tests/unit/make_core.h"

int elf_file_test_landmark[3] = { 1, 2, 3 };

static char path[] = "/tmp/elf_file_test.XXXXXX";

/* ---- The program itself ----------------------------------------------------------------- */

static void test_program(void)
{
	uint64_t phdr = getauxval(AT_PHDR), entry = getauxval(AT_ENTRY);
	const ElfW(Phdr) *table = (const void *)phdr;
	struct arena a = { 0 };
	struct elf_file f;
	struct error err;
	size_t loads = 0;

	if (!CHECK(elf_file_read(&f, &a, "/proc/self/exe", &err) == 0, "a program is read"))
		return;
	CHECK(f.machine == EM_X86_64 && f.elf_class == ELFCLASS64, "its machine and class");
	CHECK(f.has_interpreter, "it is dynamically linked");
	CHECK(f.phnum == getauxval(AT_PHNUM), "the number of its program headers");
	uint64_t bias = f.position_independent ? phdr - f.phoff : 0;

	CHECK(f.entry + bias == entry, "its entry point");
	for (size_t i = 0; i < f.phnum; i++) {
		const struct elf_file_segment *s = &f.segments[loads];

		if (table[i].p_type != PT_LOAD)
			continue;
		CHECK(loads < f.segment_count && s->vaddr == table[i].p_vaddr &&
		      s->offset == table[i].p_offset && s->filesz == table[i].p_filesz &&
		      s->memsz == table[i].p_memsz, "segment %zu is where its header says", loads);
		loads++;
	}
	CHECK(loads == f.segment_count && loads >= 2, "there are no other segments");
	CHECK(f.segments[loads - 1].prot == (PROT_READ | PROT_WRITE), "the last one is data");
	arena_free(&a);
}

static void test_symbols(void)
{
	uint64_t value = 0, main_value = 0, size = 0;
	struct error err;
	Dl_info info;

	if (!CHECK(elf_file_symbol("/proc/self/exe", "elf_file_test_landmark", &value, &size,
				   &err) == 0, "a variable is found"))
		return;
	CHECK(size == sizeof elf_file_test_landmark, "with its size");
	CHECK(elf_file_symbol("/proc/self/exe", "main", &main_value, &size, &err) == 0,
	      "a function is found");
	CHECK(dladdr(elf_file_test_landmark, &info) != 0, "the program's load address is known");
	addr_t base = (addr_t)(uintptr_t)info.dli_fbase;

	CHECK(value == (addr_t)(uintptr_t)elf_file_test_landmark - base ||
	      value == (addr_t)(uintptr_t)elf_file_test_landmark, "with its linked address");
	CHECK(elf_file_symbol("/proc/self/exe", "no_such_symbol", &value, &size, &err) < 0 &&
	      err.code == ENOENT && strstr(err.message, "has no symbol no_such_symbol"),
	      "a symbol that is not there is ENOENT");
	CHECK(elf_file_symbol("/proc/self/exe", "elf_file_test_land", &value, &size, &err) < 0,
	      "the beginning of a name is not the name");
}

/* The library has no .symtab as a rule, and versions on its symbols. */
static void test_library(void)
{
	void *function = dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
	uint64_t value, size;
	struct error err;
	Dl_info info;

	if (!function || !dladdr(function, &info))
		return;
	CHECK(elf_file_symbol(info.dli_fname, "gnu_get_libc_version", &value, &size, &err) == 0 &&
	      value + (uintptr_t)info.dli_fbase == (uintptr_t)function,
	      "a symbol of a library is where the dynamic linker finds it");
	CHECK(elf_file_symbol("/proc/self/exe", "getauxval", &value, &size, &err) < 0 &&
	      err.code == ENOENT, "a symbol that a file only refers to is not in it");
}

/* ---- Build-ID, on disk and in a core ---------------------------------------------------- */

/* An ELF file of one page: a segment with notes, the second of which is the build-ID 01 02 ... */
struct noted {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdrs[2];
	unsigned char notes[48];
};

enum { ID_SIZE = 8 };

static struct noted make_noted(void)
{
	struct {
		Elf64_Nhdr head;
		char owner[8];
		uint32_t desc;
	} other = { { 6, 1, 1 }, "other", 0xff };
	struct {
		Elf64_Nhdr head;
		char owner[4];
		unsigned char desc[ID_SIZE];
	} id = { { 4, ID_SIZE, NT_GNU_BUILD_ID }, "GNU", { 1, 2, 3, 4, 5, 6, 7, 8 } };
	struct noted f = {
		.ehdr = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				     EV_CURRENT },
			.e_type = ET_DYN, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
			.e_phoff = sizeof(Elf64_Ehdr), .e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2,
		},
		.phdrs = {
			{ .p_type = PT_NOTE, .p_flags = PF_R, .p_align = 4,
			  .p_offset = offsetof(struct noted, notes),
			  .p_vaddr = 0x10000 + offsetof(struct noted, notes),
			  .p_filesz = sizeof other + sizeof id },
			{ .p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = 0x10000,
			  .p_filesz = sizeof f, .p_memsz = sizeof f, .p_align = PAGE },
		},
	};

	memcpy(f.notes, &other, sizeof other);
	memcpy(f.notes + sizeof other, &id, sizeof id);
	return f;
}

static bool is_the_id(const struct build_id *id)
{
	return id->size == ID_SIZE && memcmp(id->bytes, "\1\2\3\4\5\6\7\10", ID_SIZE) == 0;
}

static void write_bytes(const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || close(fd) < 0)
		abort();
}

static bool read_bytes(const void *bytes, size_t size, struct elf_file *f, struct error *err)
{
	struct arena a = { 0 };
	bool good;

	write_bytes(bytes, size);
	good = elf_file_read(f, &a, path, err) == 0;
	arena_free(&a);
	return good;
}

static void test_build_id_on_disk(void)
{
	struct noted noted = make_noted();
	struct elf_file f;
	struct error err;

	CHECK(read_bytes(&noted, sizeof noted, &f, &err) && is_the_id(&f.build_id),
	      "the build-ID of a file is found behind another note");
	CHECK(!f.has_interpreter && f.position_independent, "it has no interpreter");

	noted.phdrs[0].p_filesz -= 4;
	CHECK(read_bytes(&noted, sizeof noted, &f, &err) && f.build_id.size == 0,
	      "a build-ID that is longer than its segment is none");
	noted.phdrs[0].p_offset = UINT64_MAX - 8;
	CHECK(read_bytes(&noted, sizeof noted, &f, &err) && f.build_id.size == 0,
	      "notes beyond the end of the file are none");
}

/* A memory of one mapping of one page, filled by the test. */
static int read_page(void *context, addr_t addr, void *buf, size_t len, struct error *err)
{
	(void)err;
	memcpy(buf, (const char *)context + addr % PAGE, len);
	return 0;
}

static void mapped_id(const struct noted *noted, enum bytes bytes, struct build_id *id)
{
	unsigned char page[PAGE] = { 0 };
	struct process p;

	process_init(&p);
	memcpy(page, noted, sizeof *noted);
	*process_add_mapping(&p) = (struct mapping){
		.start = TEXT_ADDR, .end = TEXT_ADDR + PAGE, .bytes = bytes,
	};
	p.memory = (struct memory){ .read = read_page, .context = page };
	elf_mapped_build_id(&p, TEXT_ADDR, id);
	process_free(&p);
}

static void test_build_id_in_memory(void)
{
	struct noted noted = make_noted();
	struct build_id id;

	mapped_id(&noted, BYTES_SAVED, &id);
	CHECK(is_the_id(&id), "the build-ID of a mapped file is found in its saved page");
	mapped_id(&noted, BYTES_FILE, &id);
	CHECK(id.size == 0, "it is not taken from the file on disk");
	noted.phdrs[0].p_vaddr += PAGE;
	mapped_id(&noted, BYTES_SAVED, &id);
	CHECK(id.size == 0, "notes that were not saved are not read");
	noted = make_noted();
	noted.ehdr.e_phoff = PAGE - 8;
	mapped_id(&noted, BYTES_SAVED, &id);
	CHECK(id.size == 0, "program headers beyond the page are not read");
	noted = make_noted();
	noted.ehdr.e_ident[0] = 0;
	mapped_id(&noted, BYTES_SAVED, &id);
	CHECK(id.size == 0, "what is not an ELF file has none");
}

/* ---- Other files ------------------------------------------------------------------------ */

static void test_refused(void)
{
	struct noted noted = make_noted();
	struct arena a = { 0 };
	struct elf_file f;
	struct error err;

	CHECK(!read_bytes("#!/bin/sh\n", 10, &f, &err) &&
	      strstr(err.message, "is not an ELF program or shared library"),
	      "a script is refused");
	CHECK(!read_bytes("", 0, &f, &err), "so is an empty file");
	CHECK(!read_bytes(&noted, 20, &f, &err), "so is a file that ends in its header");
	noted.ehdr.e_shoff = sizeof noted.ehdr;
	CHECK(!read_bytes(&noted, sizeof noted, &f, &err),
	      "so is a file whose sections are not counted in its header");
	noted = make_noted();
	noted.ehdr.e_type = ET_CORE;
	CHECK(!read_bytes(&noted, sizeof noted, &f, &err), "so is a core file");
	noted = make_noted();
	noted.phdrs[1].p_memsz = 1;
	CHECK(!read_bytes(&noted, sizeof noted, &f, &err) &&
	      strstr(err.message, "a segment has an impossible size"),
	      "so is a segment with more bytes than memory");
	CHECK(elf_file_read(&f, &a, "/nowhere", &err) < 0 && err.code == ENOENT,
	      "a missing file is ENOENT");
	CHECK(elf_file_read(&f, &a, "/", &err) < 0 && err.code == EISDIR,
	      "a directory is EISDIR");
	arena_free(&a);
}

int main(void)
{
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	test_program();
	test_symbols();
	test_library();
	test_build_id_on_disk();
	test_build_id_in_memory();
	test_refused();
	unlink(path);
	return CHECK_DONE();
}
