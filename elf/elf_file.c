/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "elf/elf_file.h"

#include <errno.h>
#include <gelf.h>
#include <string.h>
#include <sys/mman.h>

#include "elf/notes.h"
#include "elf/open.h"
#include "process/arch.h"
#include "util/cleanup.h"
#include "util/io.h"

/* ---- An open ELF file ------------------------------------------------------------------- */

struct image {
	int fd;
	uint64_t size;
	Elf *elf;
	GElf_Ehdr ehdr;
};

static void cleanup_image_(struct image *i)
{
	elf_end(i->elf);
	cleanup_fd_(&i->fd);
}

#define cleanup_image __attribute__((cleanup(cleanup_image_)))

/*
 * With no number of sections in the header, section 0 holds it and may say billions: libelf would
 * allocate and walk them all.  Programs have a few dozen.
 */
static bool has_section_count(int fd)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr narrow;
		Elf64_Ehdr wide;
	} h = { { 0 } };

	if (pread_full(fd, &h, sizeof h, 0) < 0)
		return false;
	if (h.ident[EI_CLASS] == ELFCLASS32)
		return h.narrow.e_shnum || !h.narrow.e_shoff;
	return h.wide.e_shnum || !h.wide.e_shoff;
}

/*
 * The file is read, not mapped: someone may truncate it meanwhile, and a mapped file would kill us
 * with SIGBUS.
 */
static int image_open(struct image *i, const char *path, struct error *err)
{
	struct stat st;

	elf_version(EV_CURRENT);
	i->fd = open_regular(path, &st, err);
	if (i->fd < 0)
		return -1;
	i->size = (uint64_t)st.st_size;
	i->elf = has_section_count(i->fd) ? elf_begin(i->fd, ELF_C_READ, NULL) : NULL;
	if (!i->elf || elf_kind(i->elf) != ELF_K_ELF || !gelf_getehdr(i->elf, &i->ehdr) ||
	    (i->ehdr.e_type != ET_EXEC && i->ehdr.e_type != ET_DYN))
		return error_set(err, ENOEXEC, "%s: is not an ELF program or shared library", path);
	return 0;
}

static bool in_file(const struct image *i, uint64_t offset, uint64_t size)
{
	return offset <= i->size && size <= i->size - offset;
}

/* ---- Build-ID --------------------------------------------------------------------------- */

static void find_build_id(const void *notes, size_t size, size_t align, struct build_id *id)
{
	struct note n;
	size_t at = 0;

	while (!id->size && note_next(notes, size, align, &at, &n) > 0) {
		if (!note_is(&n, "GNU", NT_GNU_BUILD_ID) || n.size > sizeof id->bytes)
			continue;
		memcpy(id->bytes, n.desc, n.size);
		id->size = n.size;
	}
}

static size_t note_align(const GElf_Phdr *h)
{
	return h->p_align == 8 ? 8 : 4;
}

/* Notes of programs are small: more than this is not looked at. */
enum { NOTES_MAX = 64 * 1024 };

static void read_build_id(const struct image *i, const GElf_Phdr *h, struct build_id *id)
{
	Elf_Data *data;

	if (h->p_filesz > NOTES_MAX || !in_file(i, h->p_offset, h->p_filesz))
		return;
	data = elf_getdata_rawchunk(i->elf, (int64_t)h->p_offset, h->p_filesz, ELF_T_BYTE);
	if (data && data->d_buf)
		find_build_id(data->d_buf, data->d_size, note_align(h), id);
}

/* ---- Segments --------------------------------------------------------------------------- */

static uint32_t prot_of(uint32_t flags)
{
	return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) |
	       (flags & PF_X ? PROT_EXEC : 0);
}

static bool is_sound(const GElf_Phdr *h)
{
	return h->p_filesz <= h->p_memsz && h->p_memsz <= INT64_MAX / 2 &&
	       h->p_vaddr <= INT64_MAX / 2 && h->p_offset <= INT64_MAX / 2;
}

static int add_segment(struct elf_file *f, const char *path, const GElf_Phdr *h,
		       struct error *err)
{
	if (!is_sound(h))
		return error_set(err, ENOEXEC, "%s: is a damaged ELF file: a segment has an "
				 "impossible size", path);
	f->segments[f->segment_count++] = (struct elf_file_segment){
		.offset = h->p_offset,
		.vaddr = h->p_vaddr,
		.filesz = h->p_filesz,
		.memsz = h->p_memsz,
		.prot = prot_of(h->p_flags),
	};
	return 0;
}

int elf_file_read(struct elf_file *f, struct arena *a, const char *path, struct error *err)
{
	cleanup_image struct image i = { .fd = -1 };
	size_t count;

	if (image_open(&i, path, err) < 0)
		return -1;
	if (elf_getphdrnum(i.elf, &count) < 0 || count > UINT16_MAX)
		return error_set(err, ENOEXEC, "%s: is a damaged ELF file: its program headers "
				 "cannot be read", path);
	*f = (struct elf_file){
		.machine = i.ehdr.e_machine,
		.elf_class = i.ehdr.e_ident[EI_CLASS],
		.position_independent = i.ehdr.e_type == ET_DYN,
		.entry = i.ehdr.e_entry,
		.phoff = i.ehdr.e_phoff,
		.phnum = (uint16_t)count,
		.segments = arena_alloc(a, count * sizeof *f->segments),
	};
	if (!f->segments)
		return error_sys(err, ENOMEM, "%s", path);
	for (size_t n = 0; n < count; n++) {
		GElf_Phdr h;

		if (!gelf_getphdr(i.elf, (int)n, &h))
			return error_set(err, ENOEXEC, "%s: is a damaged ELF file: its program "
					 "headers cannot be read", path);
		if (h.p_type == PT_LOAD && add_segment(f, path, &h, err) < 0)
			return -1;
		if (h.p_type == PT_NOTE)
			read_build_id(&i, &h, &f->build_id);
		if (h.p_type == PT_INTERP)
			f->has_interpreter = true;
	}
	return 0;
}

/* ---- Symbols ---------------------------------------------------------------------------- */

/* In .symtab of a shared library a name may carry its version: "name@@GLIBC_2.2.5". */
static bool same_name(const char *symbol, const char *name)
{
	size_t len = strlen(name);

	return strncmp(symbol, name, len) == 0 && (symbol[len] == '\0' || symbol[len] == '@');
}

static bool find_in_table(const struct image *i, Elf_Scn *table, const GElf_Shdr *h,
			  const char *name, GElf_Sym *found)
{
	size_t entry = gelf_fsize(i->elf, ELF_T_SYM, 1, EV_CURRENT);
	Elf_Data *data;
	GElf_Sym symbol;

	if (!in_file(i, h->sh_offset, h->sh_size) || h->sh_entsize != entry)
		return false;
	data = elf_getdata(table, NULL);
	for (size_t n = 0; data && n < data->d_size / entry; n++) {
		if (!gelf_getsym(data, (int)n, &symbol) || symbol.st_shndx == SHN_UNDEF)
			continue;
		const char *text = elf_strptr(i->elf, h->sh_link, symbol.st_name);

		if (text && same_name(text, name)) {
			*found = symbol;
			return true;
		}
	}
	return false;
}

static bool find_in(const struct image *i, uint32_t type, const char *name, GElf_Sym *found)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(i->elf, section))) {
		GElf_Shdr h;

		if (gelf_getshdr(section, &h) && h.sh_type == type &&
		    find_in_table(i, section, &h, name, found))
			return true;
	}
	return false;
}

int elf_file_symbol(const char *path, const char *name, uint64_t *value, uint64_t *size,
		    struct error *err)
{
	cleanup_image struct image i = { .fd = -1 };
	GElf_Sym symbol;

	if (image_open(&i, path, err) < 0)
		return -1;
	if (!find_in(&i, SHT_SYMTAB, name, &symbol) && !find_in(&i, SHT_DYNSYM, name, &symbol))
		return error_set(err, ENOENT, "%s: has no symbol %s", path, name);
	*value = symbol.st_value;
	*size = symbol.st_size;
	return 0;
}

/* ---- An ELF file in the memory of a process --------------------------------------------- */

/* Reads memory only where it was saved: what the file on disk holds by now proves nothing. */
static bool read_saved(const struct process *p, addr_t addr, void *buf, size_t len)
{
	const struct mapping *m = process_mapping_at(p, addr);
	struct error ignored;

	return m && m->bytes == BYTES_SAVED && len <= m->end - addr &&
	       process_read(p, addr, buf, len, &ignored) == 0;
}

/* BASE is where file offset 0 is mapped: what to add to the addresses that the linker gave. */
static addr_t load_bias(Elf *elf, size_t count, addr_t base)
{
	GElf_Phdr h;

	for (size_t n = 0; n < count && gelf_getphdr(elf, (int)n, &h); n++)
		if (h.p_type == PT_LOAD)
			return base - (h.p_vaddr - h.p_offset);
	return base;
}

/* The notes that segment H says are at BIAS + p_vaddr. */
static void read_mapped_notes(const struct process *p, addr_t bias, const GElf_Phdr *h,
			      struct build_id *id)
{
	char notes[4096];

	if (h->p_filesz <= sizeof notes && read_saved(p, bias + h->p_vaddr, notes, h->p_filesz))
		find_build_id(notes, h->p_filesz, note_align(h), id);
}

void elf_mapped_build_id(const struct process *p, addr_t base, struct build_id *id)
{
	char page[4096];
	size_t count;
	GElf_Phdr h;

	id->size = 0;
	if (!read_saved(p, base, page, sizeof page))
		return;
	elf_version(EV_CURRENT);
	Elf *elf = elf_memory(page, sizeof page);

	if (!elf || elf_kind(elf) != ELF_K_ELF || elf_getphdrnum(elf, &count) < 0)
		count = 0;
	addr_t bias = load_bias(elf, count, base);

	for (size_t n = 0; n < count && !id->size && gelf_getphdr(elf, (int)n, &h); n++)
		if (h.p_type == PT_NOTE)
			read_mapped_notes(p, bias, &h, id);
	elf_end(elf);
}
