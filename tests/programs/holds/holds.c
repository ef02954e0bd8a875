/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 512 };

static const struct hold *const files[] = {
	memory_holds, segment_holds, mapped_holds, trait_holds,
	file_holds, nameless_holds, lock_holds, watch_holds,
	pipe_holds,
	socket_holds, internet_holds, terminal_holds,
	signal_holds, counter_holds, timer_holds, attribute_holds, thread_holds,
};

static struct {
	const struct hold *hold;
	const char *left_out;
} held[MOST];

static size_t count;

void need(bool condition, const char *text, const char *file, int line)
{
	if (condition)
		return;
	fprintf(stderr, "holds: %s: %s:%d: %s: %s\n", held[count].hold->name, file, line, text,
		strerror(errno));
	exit(2);
}

void leave_out(const char *reason)
{
	held[count].left_out = reason;
}

const char *wrong(const char *fmt, ...)
{
	static char buffer[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(buffer, sizeof buffer, fmt, args);
	va_end(args);
	return buffer;
}

/* Without names all are meant; behind -x stands what is not. */
static bool is_wanted(const struct hold *h, char **args)
{
	bool named = false, any = false;

	for (; *args; args++) {
		if (strcmp(*args, "-x") == 0 && args[1]) {
			if (strcmp(*++args, h->name) == 0)
				return false;
		} else {
			any = true;
			named |= strcmp(*args, h->name) == 0;
		}
	}
	return named || !any;
}

static void wait_for(const char *go)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	while (access(go, F_OK) != 0)
		nanosleep(&pause, NULL);
}

static int check_all(void)
{
	int failed = 0;

	printf("1..%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		const struct hold *h = held[i].hold;

		errno = 0;
		const char *lost = held[i].left_out ? NULL : h->check();

		printf("%sok %zu - %s: %s%s%s\n", lost ? "not " : "", i + 1, h->name, h->sentence,
		       held[i].left_out ? " # skip " : "",
		       held[i].left_out ? held[i].left_out : "");
		if (lost)
			printf("# %s\n", lost);
		failed += lost != NULL;
	}
	fflush(stdout);
	return failed > 0;
}

/* With GO given as "--list": a line for each hold, its name and its flags. */
static int list(void)
{
	for (size_t f = 0; f < sizeof files / sizeof files[0]; f++)
		for (const struct hold *h = files[f]; h->name; h++)
			printf("%s%s%s%s\n", h->name,
			       h->flags & HOLD_NOT_IN_CORE ? " not-in-core" : "",
			       h->flags & HOLD_OLD_IDS ? " old-ids" : "",
			       h->flags & HOLD_PRIVILEGED ? " privileged" : "");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: holds GO [-x NAME]... [NAME]... | holds --list\n");
		return 2;
	}
	if (strcmp(argv[1], "--list") == 0)
		return list();
	for (size_t f = 0; f < sizeof files / sizeof files[0]; f++)
		for (const struct hold *h = files[f]; h->name; h++)
			if (count < MOST && is_wanted(h, argv + 2)) {
				held[count].hold = h;
				h->set_up();
				count++;
			}
	printf("ready\n");
	fflush(stdout);
	wait_for(argv[1]);
	return check_all();
}
