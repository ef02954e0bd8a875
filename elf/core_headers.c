/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "elf/core_headers.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "elf/notes.h"
#include "process/arch.h"
#include "util/cleanup.h"
#include "util/format.h"
#include "util/io.h"

/* More are refused: beyond what a process can have, and it bounds the time and memory taken. */
enum { SEGMENTS_MAX = 1 << 21 };

#define REMEDY "dump again with `ulimit -c unlimited` and enough room on the disk"
#define REMEDY_OURS "checkpoint again, or use an older one"

struct reader {
	struct process *p;
	int fd;
	uint64_t base, size;  /* of the core in the file */
	Elf64_Ehdr ehdr;
};

static int damaged(const struct reader *r, const char *what, struct error *err)
{
	return error_set(err, EINVAL, "%s: damaged: %s; dump the process again", r->p->source,
			 what);
}

/* Whether a note of ours is among the first of what is there. */
static bool has_our_note(const struct reader *r)
{
	enum { FIRST = 256 * 1024 };
	static const char owner[] = NOTE_OWNER_OURS;
	cleanup_free char *start = malloc(FIRST);

	if (!start)
		return false;
	ssize_t size = pread_full(r->fd, start, FIRST, r->base);
	return size > 0 && memmem(start, (size_t)size, owner, sizeof owner);
}

static int truncated(const struct reader *r, uint64_t end, const char *what, struct error *err)
{
	return error_set(err, ENODATA, "%s: truncated: the last %lu of its %lu bytes are missing, "
			 "%s; %s", r->p->source, end - r->size, end, what,
			 r->base || has_our_note(r) ? REMEDY_OURS : REMEDY);
}

/* ---- Is it a core, and of what? --------------------------------------------------------- */

static int refuse_format(const struct reader *r, struct error *err)
{
	static const struct {
		char magic[5];
		const char *how;
	} packed[] = {
		{ "\x28\xb5\x2f\xfd", "zstd -d" },
		{ "\xfd\x37\x7a\x58", "unxz" },
		{ "\x04\x22\x4d\x18", "lz4 -d" },
		{ "\x1f\x8b\x08", "gunzip" },
	};

	for (size_t i = 0; i < sizeof packed / sizeof packed[0]; i++)
		if (memcmp(r->ehdr.e_ident, packed[i].magic, strlen(packed[i].magic)) == 0)
			return error_set(err, EINVAL, "%s: is compressed; unpack it first with "
					 "`%s`", r->p->source, packed[i].how);
	return error_set(err, EINVAL, "%s: is not a core file (nor any ELF file); give the "
			 "file that the kernel or gcore wrote", r->p->source);
}

static int refuse_type(const struct reader *r, struct error *err)
{
	if (r->ehdr.e_type == ET_EXEC || r->ehdr.e_type == ET_DYN)
		return error_set(err, EINVAL, "%s: is a program, not a core file; name its core "
				 "after it", r->p->source);
	return error_set(err, EINVAL, "%s: is an ELF file of another type, not a core file; give "
			 "the file that the kernel or gcore wrote", r->p->source);
}

static int refuse_machine(const struct reader *r, unsigned machine, struct error *err)
{
	static const struct {
		unsigned machine;
		const char *name;
	} names[] = {
		{ EM_386, "i386" }, { EM_X86_64, "x86_64" }, { EM_ARM, "arm" },
		{ EM_AARCH64, "aarch64" }, { EM_RISCV, "riscv" }, { EM_PPC, "powerpc" },
		{ EM_PPC64, "powerpc64" }, { EM_S390, "s390" }, { EM_MIPS, "mips" },
		{ EM_LOONGARCH, "loongarch" }, { EM_SPARCV9, "sparc64" },
	};
	unsigned char class = r->ehdr.e_ident[EI_CLASS];
	char name[32];

	format(name, sizeof name, "machine %u", machine);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].machine == machine)
			format(name, sizeof name, "%s", names[i].name);
	return error_set(err, ENOEXEC, "%s: is of another architecture: %s, %s-bit%s, not %s; "
			 "restart it on a machine of its own kind", r->p->source, name,
			 class == ELFCLASS32 ? "32" : class == ELFCLASS64 ? "64" : "unknown",
			 r->ehdr.e_ident[EI_DATA] == ELFDATA2MSB ? " big-endian" : "",
			 arch_host()->name);
}

/* Reads the ELF header; e_type and e_machine are at the same place in both classes. */
static int read_ehdr(struct reader *r, struct error *err)
{
	const unsigned char *ident = r->ehdr.e_ident;
	bool swapped;

	if (r->size == 0)
		return error_set(err, EINVAL, "%s: is empty: the dump was cut off; " REMEDY,
				 r->p->source);
	if (pread_full(r->fd, &r->ehdr, sizeof r->ehdr, r->base) < 0)
		return error_sys(err, errno, "%s", r->p->source);
	if (memcmp(ident, ELFMAG, SELFMAG) != 0)
		return refuse_format(r, err);
	if (r->size < sizeof r->ehdr)
		return truncated(r, sizeof r->ehdr, "part of its header", err);

	swapped = ident[EI_DATA] != ELFDATA2LSB;
	if (swapped)
		r->ehdr.e_type = __builtin_bswap16(r->ehdr.e_type);
	if (r->ehdr.e_type != ET_CORE)
		return refuse_type(r, err);
	if (swapped)
		return refuse_machine(r, __builtin_bswap16(r->ehdr.e_machine), err);
	r->p->arch = arch_find(r->ehdr.e_machine, ident[EI_CLASS]);
	if (!r->p->arch)
		return refuse_machine(r, r->ehdr.e_machine, err);
	return 0;
}

/* ---- The table of program headers ------------------------------------------------------- */

/*
 * With 65535 segments or more (PN_XNUM) their number stands in section header 0, which the kernel
 * writes at the very end of the file.
 */
static int segment_count(const struct reader *r, uint64_t *count, struct error *err)
{
	Elf64_Shdr first;

	*count = r->ehdr.e_phnum;
	if (r->ehdr.e_phnum != PN_XNUM)
		return 0;
	if (r->ehdr.e_shoff == 0 || r->ehdr.e_shoff > INT64_MAX - sizeof first)
		return damaged(r, "the number of its segments cannot be told", err);
	if (r->ehdr.e_shoff + sizeof first > r->size)
		return truncated(r, r->ehdr.e_shoff + sizeof first, "the number of its segments "
				 "among them", err);
	if (pread_full(r->fd, &first, sizeof first, r->base + r->ehdr.e_shoff) !=
	    (ssize_t)sizeof first)
		return error_sys(err, errno, "%s", r->p->source);
	*count = first.sh_info;
	return 0;
}

/* Returns the table, for free(), or NULL with the error. */
static Elf64_Phdr *read_phdrs(const struct reader *r, size_t *number, struct error *err)
{
	uint64_t count, size;

	if (segment_count(r, &count, err) < 0)
		return NULL;
	if (count == 0 || count > SEGMENTS_MAX || r->ehdr.e_phentsize != sizeof(Elf64_Phdr) ||
	    r->ehdr.e_phoff > INT64_MAX / 2) {
		damaged(r, "the table of its segments cannot be true", err);
		return NULL;
	}
	size = count * sizeof(Elf64_Phdr);
	if (r->ehdr.e_phoff + size > r->size) {
		truncated(r, r->ehdr.e_phoff + size, "the table of its segments among them", err);
		return NULL;
	}

	Elf64_Phdr *table = malloc(size);

	if (!table || pread_full(r->fd, table, size, r->base + r->ehdr.e_phoff) != (ssize_t)size) {
		error_sys(err, table ? EIO : ENOMEM, "%s", r->p->source);
		free(table);
		return NULL;
	}
	*number = count;
	return table;
}

/* ---- Segments --------------------------------------------------------------------------- */

static bool has_bytes(const Elf64_Phdr *h)
{
	return (h->p_type == PT_LOAD || h->p_type == PT_NOTE) && h->p_filesz;
}

/* Compares what the headers promise with the size of the file. */
static int check_whole(const struct reader *r, const Elf64_Phdr *h, size_t n, struct error *err)
{
	const Elf64_Phdr *cut = NULL;
	uint64_t whole = 0;
	char what[64] = "its notes among them";

	for (const Elf64_Phdr *end = h + n; h < end; h++) {
		uint64_t last;

		if (!has_bytes(h))
			continue;
		if (__builtin_add_overflow(h->p_offset, h->p_filesz, &last) || last > INT64_MAX)
			return damaged(r, "a segment lies beyond the end of any file", err);
		whole = last > whole ? last : whole;
		if (last > r->size && (!cut || h->p_type == PT_NOTE || h->p_offset < cut->p_offset))
			cut = h;
	}
	if (!cut)
		return 0;
	if (cut->p_type == PT_LOAD) {
		/* The first byte that is missing. */
		addr_t from = cut->p_vaddr;

		if (cut->p_offset < r->size)
			from += r->size - cut->p_offset;
		format(what, sizeof what, "memory from %#lx on", from);
	}
	return truncated(r, whole, what, err);
}

static uint32_t prot_of(uint32_t flags)
{
	return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) |
	       (flags & PF_X ? PROT_EXEC : 0);
}

static int add_segment(struct core_headers *to, const struct reader *r, const Elf64_Phdr *h,
		       struct error *err)
{
	const struct arch *arch = r->p->arch;

	/* vsyscall lies in the kernel's half of the addresses, and every process has it. */
	if (h->p_memsz == 0 || h->p_vaddr > INT64_MAX)
		return 0;
	if (h->p_vaddr >= arch->address_limit || h->p_filesz > h->p_memsz ||
	    h->p_memsz > arch->address_limit - h->p_vaddr)
		return damaged(r, "a segment has an impossible address or size", err);
	if ((h->p_vaddr | h->p_memsz | h->p_filesz) % arch->page_size)
		return error_set(err, EINVAL, "%s: its segment at %#lx is not made of whole pages; "
				 "dump the process again, with gcore or SIGQUIT", r->p->source,
				 h->p_vaddr);
	to->segments[to->segment_count++] = (struct core_segment){
		.start = h->p_vaddr,
		.end = h->p_vaddr + h->p_memsz,
		.offset = r->base + h->p_offset,
		.filesz = h->p_filesz,
		.prot = prot_of(h->p_flags),
	};
	if (h->p_filesz && h->p_offset % arch->page_size)
		to->offsets_aligned = false;
	return 0;
}

int core_headers_read(struct core_headers *h, struct process *p, int fd, struct core_range file,
		      struct error *err)
{
	struct reader r = { .p = p, .fd = fd, .base = file.offset, .size = file.size };
	size_t count;

	if (read_ehdr(&r, err) < 0)
		return -1;
	cleanup_free Elf64_Phdr *phdrs = read_phdrs(&r, &count, err);

	if (!phdrs || check_whole(&r, phdrs, count, err) < 0)
		return -1;
	*h = (struct core_headers){
		.segments = arena_alloc(&p->arena, count * sizeof *h->segments),
		.notes = arena_alloc(&p->arena, count * sizeof *h->notes),
		.offsets_aligned = true,
	};
	if (!h->segments || !h->notes)
		return error_sys(err, ENOMEM, "%s", p->source);
	for (size_t i = 0; i < count; i++) {
		if (phdrs[i].p_type == PT_NOTE)
			h->notes[h->note_count++] = (struct core_range){
				file.offset + phdrs[i].p_offset, phdrs[i].p_filesz,
			};
		if (phdrs[i].p_type == PT_LOAD && add_segment(h, &r, &phdrs[i], err) < 0)
			return -1;
	}
	return 0;
}
