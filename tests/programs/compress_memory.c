/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * compress_memory MIB: text that compresses, noise that does not, and MIB of
 * memory of which only the first and last page were written.  At each line
 * from standard input, and at its end, all is compared with what it must be.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = 3 << 20 };

static uint32_t noise(uint32_t *state)
{
	return *state = *state * 1664525 + 1013904223;
}

static char *get(size_t size)
{
	char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (bytes == MAP_FAILED)
		exit(2);
	return bytes;
}

/* Writes BYTES, or compares them. */
static void each(char *text, char *random, int write)
{
	uint32_t state = 1;

	for (size_t i = 0; i < SIZE; i++) {
		char want = "Some text that compresses well. "[i % 32],
		     rare = (char)(noise(&state) >> 24);

		if (write) {
			text[i] = want;
			random[i] = rare;
		} else if (text[i] != want || random[i] != rare) {
			printf("byte %zu is wrong\n", i);
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	char *text = get(SIZE), *random = get(SIZE), *empty = get(mib << 20), line[16];
	char *last = empty + (mib << 20) - PAGE;

	each(text, random, 1);
	empty[0] = 'a';
	last[0] = 'z';
	do {
		each(text, random, 0);
		if (empty[0] != 'a' || last[0] != 'z' || empty[PAGE] || last[-PAGE])
			return printf("the empty memory is wrong\n"), 1;
		puts("ready");
		fflush(stdout);
	} while (fgets(line, sizeof line, stdin));
	puts("ok");
	return 0;
}
