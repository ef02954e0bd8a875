/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* util/sparse: the data of a file between its holes. */
#define _GNU_SOURCE
#include "util/sparse.h"

#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/check.h"

/* Two bytes, far from each other and from the ends: at most a huge page around each is data. */
enum { MIB = 1 << 20, HUGE = 2 * MIB, SIZE = 32 * MIB, FIRST = 8 * MIB, SECOND = 20 * MIB };

static int make_file(void)
{
	int fd = memfd_create("sparse", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, SIZE) < 0 || pwrite(fd, "x", 1, FIRST) != 1 ||
	    pwrite(fd, "x", 1, SECOND) != 1 || lseek(fd, 0, SEEK_SET) != 0)
		return -1;
	return fd;
}

static bool is_around(uint64_t start, uint64_t stop, uint64_t byte)
{
	return start <= byte && byte < stop && start + HUGE > byte && stop <= byte + HUGE;
}

static void test_search(int fd)
{
	uint64_t start, stop;
	bool more = next_data(fd, 0, SIZE, 0, &start, &stop);

	CHECK(more && is_around(start, stop, FIRST), "the hole at the beginning is skipped");
	more = next_data(fd, stop, SIZE, 0, &start, &stop);
	CHECK(more && is_around(start, stop, SECOND), "and the one in the middle");
	CHECK(!next_data(fd, stop, SIZE, 0, &start, &stop), "and the one at the end");
	more = next_data(fd, FIRST, FIRST + 1, 0, &start, &stop);
	CHECK(more && start == FIRST && stop == FIRST + 1, "a piece is cut at both ends");
	CHECK(!next_data(fd, 0, FIRST - HUGE, 0, &start, &stop), "what lies behind is no matter");
	CHECK(!next_data(fd, FIRST, FIRST, 0, &start, &stop), "an empty range has no data");
}

static void test_no_search(int fd)
{
	uint64_t start, stop;
	off_t position = lseek(fd, 12345, SEEK_SET);
	bool more = next_data(fd, 1000, 2000, 1000, &start, &stop);

	CHECK(more && start == 1000 && stop == 2000, "a small range is data as a whole");
	CHECK(lseek(fd, 0, SEEK_CUR) == position, "for which the file is left alone");
	CHECK(!next_data(fd, 1000, 2001, 1000, &start, &stop), "a larger one is searched");
	CHECK(!next_data(fd, 2000, 2000, UINT64_MAX, &start, &stop), "an empty one is still empty");
}

static void test_no_holes(void)
{
	uint64_t start, stop;
	int ends[2];

	if (!CHECK(pipe(ends) == 0, "a pipe"))
		return;
	bool more = next_data(ends[0], 1000, SIZE, 0, &start, &stop);

	CHECK(more && start == 1000 && stop == SIZE, "where holes are not known, all is data");
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	int fd = make_file();

	if (CHECK(fd >= 0, "a file with holes")) {
		test_search(fd);
		test_no_search(fd);
	}
	test_no_holes();
	return CHECK_DONE();
}
