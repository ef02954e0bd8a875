/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * memory_odd KIND [low]: has memory of a kind that not every machine gives back; says `ready', and
 * when it has read a line, whether the memory holds what it held.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SIZE = 4 << 20, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };

static char *map(int flags)
{
	return mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
}

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

static char *map_secret(int fd)
{
	void *memory = fd < 0 || ftruncate(fd, SIZE) < 0 ? MAP_FAILED
		     : mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	close(fd);
	return memory;
}

/* A private mapping of a file of the current folder, of which no page is written. */
static char *map_file(void)
{
	static char bytes[SIZE];
	int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	memset(bytes, 'm', SIZE);
	void *memory = fd < 0 || write(fd, bytes, SIZE) != SIZE ? MAP_FAILED
		     : mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	close(fd);
	return memory;
}

static int huge_file = -1;

/* A memfd of huge pages. */
static char *map_huge_file(void)
{
	huge_file = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
	return huge_file < 0 || ftruncate(huge_file, SIZE) < 0 ? MAP_FAILED
	     : mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, huge_file, 0);
}

/* Whether it is made of such pages still, and what its mapping has is in the file. */
static int is_huge_file(char *memory)
{
	struct stat st;
	char byte = 0;

	memory[5] = 'h';
	return fstat(huge_file, &st) == 0 && st.st_blksize > 4096 &&
	       pread(huge_file, &byte, 1, 5) == 1 && byte == 'h';
}

static int handle_faults(char *memory)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (unsigned long)memory, SIZE }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	return fd < 0 ? -1 : ioctl(fd, UFFDIO_API, &api) | ioctl(fd, UFFDIO_REGISTER, &range);
}

/* Everything that no memory is at, but for gaps that are small. */
static int fill_addresses(void)
{
	for (size_t size = (size_t)1 << 46; size >= (size_t)1 << 30; size /= 2)
		while (mmap(NULL, size, PROT_NONE, PRIVATE | MAP_NORESERVE, -1, 0) != MAP_FAILED)
			;
	return 0;
}

static int set_up_ring(void)
{
	unsigned long ring = 0;

	return (int)syscall(SYS_io_setup, 8, &ring);
}

/* The program may not touch it, and the kernel says so when it should. */
static int is_guard(const char *page)
{
	return access(page, F_OK) < 0 && errno == EFAULT;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	char line[16], *memory = map(PRIVATE | (strncmp(kind, "huge", 4) == 0 ? MAP_HUGETLB : 0));

	if (strcmp(kind, "segment") == 0)
		memory = shmat(shmget(0x52000000 | getpid(), SIZE, IPC_CREAT | 0600), NULL, 0);
	/* Memory that only root may map. */
	if (argc > 2 && mmap(NULL, 4096, PROT_READ, PRIVATE | MAP_FIXED, -1, 0) == MAP_FAILED)
		return 77;
	if (strcmp(kind, "secret") == 0)
		memory = map_secret((int)syscall(SYS_memfd_secret, O_CLOEXEC));
	if (strcmp(kind, "file") == 0)
		memory = map_file();
	if (strcmp(kind, "huge-file") == 0)
		memory = map_huge_file();
	if (memory == MAP_FAILED || (strcmp(kind, "faults") == 0 && handle_faults(memory) != 0))
		return 77;
	if (strcmp(kind, "faults") != 0 && strcmp(kind, "file") != 0)
		memset(memory, 'm', SIZE);
	if ((strcmp(kind, "locked") == 0 && mlock(memory, SIZE) < 0) ||
	    (strcmp(kind, "guard") == 0 && madvise(memory + 8192, 4096, 102) < 0) ||
	    (strcmp(kind, "ring") == 0 && set_up_ring() < 0) ||
	    (strcmp(kind, "full") == 0 && fill_addresses() < 0) ||
	    (strcmp(kind, "dontdump") == 0 && madvise(memory, SIZE, MADV_DONTDUMP) < 0))
		return 77;
	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof line, stdin))
		return 1;
	puts(memory[0] == 'm' && memory[SIZE - 1] == 'm' &&
	     (huge_file < 0 || is_huge_file(memory)) &&
	     (strcmp(kind, "guard") != 0 || is_guard(memory + 8192)) ? "same" : "other");
	return 0;
}
