/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is packed is unpacked equal, whatever the pieces; and
 * how large a core may become is known from its headers.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/compress.h"
#include "elf/core_extent.h"
#include "tests/unit/check.h"
#include "util/io.h"

enum { MIB = 1 << 20, MOST = 24 * MIB };

static uint64_t state = 1;

static size_t below(size_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(state >> 33) % n;
}

/* ---- There and back ------------------------------------------------------------------------ */

/* Unpacks the file FD in pieces of up to PIECE bytes; returns the size, or -1. */
static ssize_t unpack(int fd, char *to, size_t piece)
{
	static char in[MOST];
	size_t size = (size_t)lseek(fd, 0, SEEK_END), at = 0, done = 0, taken, filled, room;
	struct unpacker u;
	struct error err;

	if (pread_full(fd, in, size, 0) != (ssize_t)size || unpacker_open(&u) < 0)
		abort();
	do {
		size_t n = size - at < piece ? size - at : piece;

		room = MOST - done < piece ? MOST - done : piece;
		if (unpacker_step(&u, in + at, n, &taken, to + done, room, &filled, &err) < 0)
			return -1;
		at += taken;
		done += filled;
	} while (done < MOST && (at < size || (filled == room && !u.whole)));
	bool whole = u.whole;
	unpacker_close(&u);
	return whole ? (ssize_t)done : -1;
}

static size_t some_size(void)
{
	switch (below(4)) {
	case 0: return below(100);
	case 1: return below(300000);
	case 2: return MIB - 4096 + below(3) * 4096;
	default: return below(6) * 128 * 1024 + below(2);
	}
}

static size_t fill(char *want, struct packer *p, bool *good)
{
	size_t size = 0;

	for (size_t n = 1 + below(20); n > 0; n--) {
		size_t k = some_size();

		if (k > MOST - size)
			break;
		if (below(2)) {
			memset(want + size, 0, k);
			*good = *good && packer_put_zeros(p, k) == 0;
		} else {
			for (size_t i = 0; i < k; i++)
				want[size + i] = (char)below(i % 1000 < 500 ? 2 : 256);
			*good = *good && packer_put(p, want + size, k) == 0;
		}
		size += k;
	}
	*good = *good && packer_finish(p) == 0;
	return size;
}

static void test_round_trips(void)
{
	static char want[MOST], got[MOST];

	for (int i = 0; i < 30; i++) {
		int fd = memfd_create("packed", MFD_CLOEXEC),
		    level = i % 10 ? 1 : 1 + (int)below(19);
		struct packer p;
		bool good = packer_open(&p, fd, level) == 0;
		size_t size = fill(want, &p, &good);

		CHECK(good && p.written == (uint64_t)lseek(fd, 0, SEEK_CUR),
		      "%zu bytes are packed, at level %d, and counted", size, level);
		packer_close(&p);
		if (size)
			CHECK(unpack(fd, got, 1 + below(300000)) == (ssize_t)size &&
			      memcmp(got, want, size) == 0, "and come back");
		close(fd);
	}
}

static void test_zeros(void)
{
	int fd = memfd_create("packed", MFD_CLOEXEC);
	struct packer p;

	if (packer_open(&p, fd, 1) < 0)
		abort();
	CHECK(packer_put_zeros(&p, (uint64_t)1 << 40) == 0 && packer_finish(&p) == 0,
	      "1 TiB of zeros is packed");
	CHECK(p.written == 6 + 4ull * (1 << 23),
	      "into 4 bytes for each 128 KiB, and a header of 6");
	packer_close(&p);
	close(fd);
}

static void test_full(void)
{
	static const char bytes[4096];
	struct packer p;

	if (packer_open(&p, open("/dev/full", O_WRONLY | O_CLOEXEC), 1) < 0)
		abort();
	CHECK(packer_put(&p, bytes, sizeof bytes) == 0 && packer_finish(&p) == -1 &&
		      errno == ENOSPC,
	      "a full disk is told");
	CHECK(packer_put_zeros(&p, 4 * MIB) == -1 && errno == ENOSPC, "of zeros, too");
	close(p.fd);
	packer_close(&p);
}

/* ---- The extent ------------------------------------------------------------------------------ */

struct head {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdrs[3];
};

static struct head make_head(void)
{
	return (struct head){
		.ehdr = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB },
			.e_type = ET_CORE, .e_phoff = sizeof(Elf64_Ehdr), .e_phnum = 3,
			.e_phentsize = sizeof(Elf64_Phdr),
		},
		.phdrs = {
			{ .p_type = PT_NOTE, .p_offset = 4096, .p_filesz = 100 },
			{ .p_type = PT_LOAD, .p_offset = 8192, .p_filesz = 100 * (uint64_t)MIB },
			{ .p_type = PT_NULL, .p_offset = 8192, .p_filesz = INT64_MAX },
		},
	};
}

static struct core_extent extent_of(const struct head *h, uint64_t have)
{
	int fd = memfd_create("head", MFD_CLOEXEC);
	struct core_extent e;

	if (write_full(fd, h, have < sizeof *h ? have : sizeof *h) < 0)
		abort();
	core_extent(&e, fd, have);
	close(fd);
	return e;
}

static bool between(const struct core_extent *e, uint64_t low, uint64_t high)
{
	return e->certain && !e->no_core && e->most >= low && e->most <= high;
}

static void test_extent(void)
{
	struct head h = make_head();
	struct core_extent e = extent_of(&h, 10);

	CHECK(!e.certain && !e.no_core && e.most > sizeof h.ehdr && e.most < 2 * MIB,
	      "with a part of the header nothing is certain");
	e = extent_of(&h, sizeof h.ehdr + 56);
	CHECK(!e.certain && !e.no_core && e.most > sizeof h, "nor with a part of the segments");
	e = extent_of(&h, sizeof h);
	CHECK(between(&e, 8192 + 100 * MIB, 102 * MIB), "the segments with bytes tell");
	h.ehdr.e_shoff = 200 * MIB;
	h.ehdr.e_shnum = 10;
	h.ehdr.e_shentsize = 64;
	e = extent_of(&h, sizeof h);
	CHECK(between(&e, 200 * MIB + 640, 202 * MIB), "so do sections behind them");
	h.phdrs[1].p_offset = INT64_MAX;
	e = extent_of(&h, sizeof h);
	CHECK(e.certain && e.most <= INT64_MAX, "a sum does not wrap");
	h = make_head();
	h.ehdr.e_phnum = PN_XNUM;
	h.ehdr.e_shoff = 300 * MIB;
	e = extent_of(&h, sizeof h);
	CHECK(!e.certain && e.most > 300 * MIB && e.most < 302 * MIB,
	      "a number of segments that stands at the end has to be waited for");
	h = make_head();
	h.ehdr.e_type = ET_EXEC;
	CHECK(extent_of(&h, sizeof h).no_core, "a program is no core");
	h.ehdr.e_ident[0] = 'x';
	CHECK(extent_of(&h, sizeof h).no_core, "nor is what is no ELF file");
}

int main(void)
{
	test_round_trips();
	test_zeros();
	test_full();
	test_extent();
	return CHECK_DONE();
}
