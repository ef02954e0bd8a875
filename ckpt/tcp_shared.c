/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether another process has a connection, too: it would find it in repair mode. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ckpt/tcp.h"

static int by_id(const void *a, const void *b)
{
	uint64_t x = (*(const struct held_tcp *const *)a)->id,
		 y = (*(const struct held_tcp *const *)b)->id;

	return (x > y) - (x < y);
}

/* Those that have ended meanwhile, or are not ours to look at, count as having none. */
static const struct held_tcp *find_in(pid_t pid, const struct held_tcp **sorted, size_t count)
{
	const struct held_tcp *found = NULL;
	char name[64], target[64];
	struct dirent *entry;
	DIR *fds;

	snprintf(name, sizeof name, "/proc/%d/fd", pid);
	fds = opendir(name);
	if (!fds)
		return NULL;
	while (!found && (entry = readdir(fds))) {
		struct held_tcp key = { 0 };
		const struct held_tcp *wanted = &key, **at;
		unsigned long long id;
		ssize_t len = readlinkat(dirfd(fds), entry->d_name, target, sizeof target - 1);

		target[len > 0 ? len : 0] = '\0';
		if (sscanf(target, "socket:[%llu]", &id) != 1)
			continue;
		key.id = id;
		at = bsearch(&wanted, sorted, count, sizeof *sorted, by_id);
		found = at ? *at : NULL;
	}
	closedir(fds);
	return found;
}

static int search(const struct held_tcp **sorted, size_t count, pid_t target, struct error *err)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int result = 0;

	if (!proc)
		return error_sys(err, errno, "/proc");
	while (result == 0 && (entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);
		const struct held_tcp *t = pid > 0 && pid != target && pid != getpid()
			? find_in(pid, sorted, count) : NULL;

		if (t)
			result = error_set(
				err, EBUSY,
				"descriptor %d is a TCP connection that process %d has, too "
				"(end that first, or checkpoint without --tcp-established)",
				t->number, pid);
	}
	closedir(proc);
	return result;
}

int tcp_check_shared(const struct tcp_hold *h, pid_t pid, struct error *err)
{
	const struct held_tcp **sorted = calloc(h->count, sizeof *sorted);
	int result;

	if (!sorted)
		return error_set(err, ENOMEM, "not enough memory");
	for (size_t i = 0; i < h->count; i++)
		sorted[i] = &h->list[i];
	qsort(sorted, h->count, sizeof *sorted, by_id);
	result = search(sorted, h->count, pid, err);
	free(sorted);
	return result;
}
