/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A corrupted core is told from a sound one, by its checksums. */
#define _GNU_SOURCE
#include "tests/unit/made_model.h"

/* Whether a core with BYTE instead of what is at OFFSET is refused. */
static bool refused(int fd, uint64_t offset, char byte, struct error *err)
{
	char old;
	bool bad;

	if (pread(fd, &old, 1, (off_t)offset) != 1 || pwrite(fd, &byte, 1, (off_t)offset) != 1)
		abort();
	bad = core_check(core_path, err) < 0;
	if (pwrite(fd, &old, 1, (off_t)offset) != 1)
		abort();
	return bad || old == byte;
}

static void test_every_byte(void)
{
	struct error err;
	size_t size, missed = 0;
	struct made m;
	char *file;
	int fd;

	make_model(&m);
	if (written(&m, "cwd : /tmp\n")) {
		file = whole_file(core_path, &size);
		fd = open(core_path, O_RDWR | O_CLOEXEC);
		for (size_t i = 0; i < size; i += i < 0x3000 || i + 1000 > size ? 1 : 61)
			if (!refused(fd, i, (char)(file[i] ^ (1 << i % 8)), &err)) {
				missed++;
				printf("# at %#zx\n", i);
			}
		CHECK(missed == 0, "a bit that has turned is found, wherever it is");
		CHECK(sound(core_path), "and no bit that is right is blamed");
		close(fd);
		free(file);
	}
	end_model(&m);
}

static void test_messages_of_check(void)
{
	struct error err;
	struct stat st;
	struct reading r;
	struct made m;
	int fd;

	make_model(&m);
	if (!written(&m, NULL) || !open_reading(&r, core_path))
		return;
	uint64_t offset = process_mapping_at(&r.p, DATA_ADDR)->core_offset;

	fd = open(core_path, O_RDWR | O_CLOEXEC);
	CHECK(refused(fd, offset + 2 * PAGE, 0, &err) &&
	      strstr(err.message, "memory somewhere in 0x600000-0x604000"),
	      "the message has the range of addresses");
	CHECK(refused(fd, offset + PAGE, 'x', &err) && strstr(err.message, "0x600000-0x604000"),
	      "what is written into a hole is found");
	CHECK(core_check_head(r.core, &err) == 0, "the headers are right in the meantime");
	CHECK(refused(fd, m.p.threads[0].regsets[0].size, 'x', &err), "a segment's header");
	if (fstat(fd, &st) < 0 || ftruncate(fd, st.st_size - 1) < 0)
		abort();
	CHECK(core_check(core_path, &err) < 0 && strstr(err.message, "truncated"),
	      "one byte less: truncated");
	close(fd);
	close_reading(&r);
	end_model(&m);
}

int main(void)
{
	make_dir();
	test_every_byte();
	test_messages_of_check();
	remove_dir();
	return CHECK_DONE();
}
