/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System V shared memory. */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = 5 * PAGE };

static char *attach(int id, int flags)
{
	char *memory = shmat(id, NULL, flags);

	NEED(memory != (char *)-1);
	return memory;
}

/* A key that nobody else uses: holds may run several times at once. */
static key_t key_for(int what)
{
	return (key_t)(0x52000000 | (getpid() & 0xffff) << 8 | what);
}

/* ---- With a key, attached twice ---- */

static char *first, *second;
static key_t key;
static struct shmid_ds before;

static void segment_set_up(void)
{
	key = key_for(1);
	int id = shmget(key, SIZE - 10, IPC_CREAT | IPC_EXCL | 0640);

	NEED(id >= 0);
	first = attach(id, 0);
	second = attach(id, SHM_RDONLY);
	for (int i = 0; i < SIZE - 10; i++)
		first[i] = (char)(i % 127);
	NEED(mprotect(first + PAGE, PAGE, PROT_READ) == 0);
	NEED(shmctl(id, IPC_STAT, &before) == 0);
}

static const char *segment_check(void)
{
	struct shmid_ds state;
	int id = shmget(key, 0, 0);

	for (int i = 0; i < SIZE - 10; i++)
		EXPECT(first[i] == i % 127 && second[i] == i % 127);
	first[7] = 'x';
	EXPECT(second[7] == 'x');
	EXPECT(mprotect(second, PAGE, PROT_READ | PROT_WRITE) < 0);
	EXPECT(id >= 0 && shmctl(id, IPC_STAT, &state) == 0);
	EXPECT(state.shm_segsz == SIZE - 10 && (state.shm_perm.mode & 0777) == 0640);
	EXPECT(state.shm_nattch == before.shm_nattch);
	EXPECT(shmdt(second) == 0 && shmctl(id, IPC_STAT, &state) == 0 &&
	       state.shm_nattch == before.shm_nattch - 1);
	EXPECT(shmctl(id, IPC_RMID, NULL) == 0 && shmdt(first) == 0);
	return NULL;
}

/* ---- Without a key, removed already: it lives as long as it is attached ---- */

static char *removed;

static void removed_set_up(void)
{
	int id = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600);

	NEED(id >= 0);
	removed = attach(id, 0);
	NEED(shmctl(id, IPC_RMID, NULL) == 0);
	memset(removed, 'r', SIZE);
}

static const char *removed_check(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		removed[1] = 'c';
		_exit(0);
	}
	EXPECT(child > 0 && waitpid(child, &status, 0) == child && status == 0);
	EXPECT(removed[0] == 'r' && removed[1] == 'c' && removed[SIZE - 1] == 'r');
	EXPECT(shmdt(removed) == 0);
	return NULL;
}

/* ---- Attached in part ---- */

static char *part;

static void part_set_up(void)
{
	int id = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600);

	NEED(id >= 0);
	part = attach(id, 0);
	NEED(shmctl(id, IPC_RMID, NULL) == 0);
	memset(part, 'p', SIZE);
	/* Where parts are gone stands other memory. */
	for (int page = 0; page < 4; page += 2)
		NEED(mmap(part + page * PAGE, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	part[0] = 'o';
}

static const char *part_check(void)
{
	EXPECT(part[PAGE] == 'p' && part[3 * PAGE] == 'p' && part[5 * PAGE - 1] == 'p');
	EXPECT(part[0] == 'o' && part[1] == 0 && part[2 * PAGE] == 0);
	EXPECT(shmdt(part) == 0 && part[0] == 'o');
	return NULL;
}

const struct hold segment_holds[] = {
	{ "segment", "a segment with a key that is attached twice", segment_set_up, segment_check,
	  0 },
	{ "segment-removed", "a removed segment that is attached", removed_set_up, removed_check,
	  0 },
	{ "segment-part", "parts of a segment", part_set_up, part_check, 0 },
	{ 0 },
};
