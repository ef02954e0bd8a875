/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pipes and fifos. */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Another open file description of the same file. */
static int reopen(int fd, int flags)
{
	char path[40];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, flags);
}

/* ---- A pipe with bytes in it ---- */

static int queued[2];

static void queued_set_up(void)
{
	NEED(pipe(queued) == 0);
	NEED(write(queued[1], "one\ntwo\0three", 13) == 13);
}

static const char *queued_check(void)
{
	char bytes[32];

	EXPECT(write(queued[1], "four", 4) == 4);
	EXPECT(read(queued[0], bytes, sizeof bytes) == 17);
	EXPECT(memcmp(bytes, "one\ntwo\0threefour", 17) == 0);
	return NULL;
}

/* ---- Flags of each end ---- */

static int ends[2];

static void flags_set_up(void)
{
	NEED(pipe2(ends, O_CLOEXEC) == 0);
	NEED(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
	NEED(fcntl(ends[1], F_SETFD, 0) == 0);
}

static const char *flags_check(void)
{
	char byte;

	EXPECT(fcntl(ends[0], F_GETFL) == (O_RDONLY | O_NONBLOCK));
	EXPECT(fcntl(ends[1], F_GETFL) == O_WRONLY);
	EXPECT(fcntl(ends[0], F_GETFD) == FD_CLOEXEC && fcntl(ends[1], F_GETFD) == 0);
	EXPECT(read(ends[0], &byte, 1) == -1 && errno == EAGAIN);
	return NULL;
}

/* ---- A pipe of another size, nearly full ---- */

enum { LARGE = 256 * 1024, FILLED = 200000 };
static int large[2];

static void size_set_up(void)
{
	static char bytes[FILLED];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	NEED(pipe(large) == 0);
	NEED(fcntl(large[1], F_SETPIPE_SZ, LARGE) == LARGE);
	NEED(write(large[1], bytes, sizeof bytes) == sizeof bytes);
}

static const char *size_check(void)
{
	static char bytes[FILLED + 1];

	EXPECT(fcntl(large[0], F_GETPIPE_SZ) == LARGE);
	EXPECT(read(large[0], bytes, sizeof bytes) == FILLED);
	for (size_t i = 0; i < FILLED; i++)
		EXPECT(bytes[i] == (char)(i * 7 + i / 251));
	return NULL;
}

static int small[2];

static void small_set_up(void)
{
	NEED(pipe2(small, O_NONBLOCK) == 0);
	NEED(fcntl(small[1], F_SETPIPE_SZ, 4096) == 4096);
}

static const char *small_check(void)
{
	static char bytes[5000];

	EXPECT(write(small[1], bytes, sizeof bytes) == 4096);
	return NULL;
}

/* ---- Full to the brim ---- */

static int full[2];

static void full_set_up(void)
{
	static char bytes[65536];

	NEED(pipe2(full, O_NONBLOCK) == 0);
	NEED(write(full[1], bytes, sizeof bytes) == sizeof bytes);
	NEED(write(full[1], bytes, 1) == -1 && errno == EAGAIN);
}

static const char *full_check(void)
{
	static char bytes[65537];

	EXPECT(write(full[1], bytes, 1) == -1 && errno == EAGAIN);
	EXPECT(read(full[0], bytes, sizeof bytes) == 65536);
	EXPECT(write(full[1], bytes, 1) == 1);
	return NULL;
}

/* ---- Packets ---- */

static int packets[2];

static void packets_set_up(void)
{
	NEED(pipe2(packets, O_DIRECT | O_NONBLOCK) == 0);
	NEED(write(packets[1], "a", 1) == 1);
	NEED(write(packets[1], "b:#\nb", 5) == 5);
	NEED(write(packets[1], "ccc", 3) == 3);
}

static const char *packets_check(void)
{
	char bytes[32];

	EXPECT(fcntl(packets[1], F_GETFL) == (O_WRONLY | O_DIRECT | O_NONBLOCK));
	EXPECT(write(packets[1], "dd", 2) == 2);
	EXPECT(read(packets[0], bytes, 3) == 1 && bytes[0] == 'a');
	EXPECT(read(packets[0], bytes, sizeof bytes) == 5 && memcmp(bytes, "b:#\nb", 5) == 0);
	EXPECT(read(packets[0], bytes, 1) == 1 && bytes[0] == 'c');  /* the rest is thrown away */
	EXPECT(read(packets[0], bytes, sizeof bytes) == 2 && memcmp(bytes, "dd", 2) == 0);
	EXPECT(read(packets[0], bytes, 1) == -1 && errno == EAGAIN);
	return NULL;
}

/* ---- More than two descriptions of one pipe ---- */

static int many[2], many_reader, many_writer, many_both;

static void many_set_up(void)
{
	NEED(pipe(many) == 0);
	many_reader = reopen(many[0], O_RDONLY | O_NONBLOCK);
	many_writer = reopen(many[0], O_WRONLY);
	many_both = reopen(many[0], O_RDWR);
	NEED(many_reader >= 0 && many_writer >= 0 && many_both >= 0);
	NEED(write(many[1], "first ", 6) == 6);
	NEED(write(many_writer, "second", 6) == 6);
}

static const char *many_check(void)
{
	char bytes[32];

	EXPECT(write(many_both, "!", 1) == 1);
	EXPECT(read(many[0], bytes, 6) == 6 && memcmp(bytes, "first ", 6) == 0);
	EXPECT(read(many_reader, bytes, 6) == 6 && memcmp(bytes, "second", 6) == 0);
	EXPECT(fcntl(many_reader, F_GETFL) & O_NONBLOCK && !(fcntl(many[0], F_GETFL) & O_NONBLOCK));
	/* Only when the last writer is gone does the pipe end. */
	EXPECT(close(many[1]) == 0 && close(many_both) == 0);
	EXPECT(read(many_reader, bytes, sizeof bytes) == 1 && bytes[0] == '!');
	EXPECT(read(many_reader, bytes, 1) == -1 && errno == EAGAIN);
	EXPECT(close(many_writer) == 0 && read(many_reader, bytes, 1) == 0);
	return NULL;
}

/* ---- Duplicates ---- */

static int shared[2], shared_copy;

static void shared_set_up(void)
{
	NEED(pipe(shared) == 0);
	shared_copy = fcntl(shared[1], F_DUPFD_CLOEXEC, 700);
	NEED(shared_copy >= 700);
}

static const char *shared_check(void)
{
	struct pollfd end = { .fd = shared[0], .events = POLLIN };

	EXPECT(fcntl(shared[1], F_SETFL, O_NONBLOCK) == 0);
	EXPECT(fcntl(shared_copy, F_GETFL) & O_NONBLOCK);
	EXPECT(fcntl(shared_copy, F_GETFD) == FD_CLOEXEC && fcntl(shared[1], F_GETFD) == 0);
	EXPECT(close(shared[1]) == 0 && poll(&end, 1, 0) == 0);
	EXPECT(close(shared_copy) == 0 && poll(&end, 1, 0) == 1 && end.revents & POLLHUP);
	return NULL;
}

/* ---- An end that is closed ---- */

static int last_words;

static void last_words_set_up(void)
{
	int pair[2];

	NEED(pipe(pair) == 0);
	NEED(write(pair[1], "adieu", 5) == 5 && close(pair[1]) == 0);
	last_words = pair[0];
}

static const char *last_words_check(void)
{
	char bytes[32];

	EXPECT(read(last_words, bytes, sizeof bytes) == 5 && memcmp(bytes, "adieu", 5) == 0);
	EXPECT(read(last_words, bytes, 1) == 0);
	return NULL;
}

static int unheard;

static void unheard_set_up(void)
{
	int pair[2];

	NEED(pipe(pair) == 0 && close(pair[0]) == 0);
	unheard = pair[1];
}

static const char *unheard_check(void)
{
	struct pollfd end = { .fd = unheard, .events = POLLOUT };

	EXPECT(poll(&end, 1, 0) == 1 && end.revents & POLLERR);
	EXPECT(fcntl(unheard, F_GETFL) == O_WRONLY);
	return NULL;
}

/* ---- Fifos ---- */

static int fifo_reader, fifo_writer;

static void fifo_set_up(void)
{
	NEED(mkfifo("holds.fifo", 0600) == 0);
	fifo_reader = open("holds.fifo", O_RDONLY | O_NONBLOCK);
	fifo_writer = open("holds.fifo", O_WRONLY);
	NEED(fifo_reader >= 0 && fifo_writer >= 0);
	NEED(fcntl(fifo_writer, F_SETPIPE_SZ, 8192) == 8192);
	NEED(write(fifo_writer, "through a name", 14) == 14);
}

static const char *fifo_check(void)
{
	char bytes[32];
	struct stat by_name, by_descriptor;

	EXPECT(fcntl(fifo_reader, F_GETPIPE_SZ) == 8192);
	EXPECT(read(fifo_reader, bytes, sizeof bytes) == 14);
	EXPECT(memcmp(bytes, "through a name", 14) == 0);
	EXPECT(read(fifo_reader, bytes, 1) == -1 && errno == EAGAIN);
	EXPECT(stat("holds.fifo", &by_name) == 0 && fstat(fifo_writer, &by_descriptor) == 0);
	EXPECT(by_name.st_ino == by_descriptor.st_ino);
	EXPECT(close(fifo_writer) == 0 && read(fifo_reader, bytes, 1) == 0);
	return NULL;
}

static int fifo_both;

static void fifo_both_set_up(void)
{
	NEED(mkfifo("holds.fifo2", 0600) == 0);
	fifo_both = open("holds.fifo2", O_RDWR);
	NEED(fifo_both >= 0 && write(fifo_both, "round", 5) == 5);
}

static const char *fifo_both_check(void)
{
	char bytes[32];

	EXPECT(write(fifo_both, "trip", 4) == 4);
	EXPECT(read(fifo_both, bytes, sizeof bytes) == 9 && memcmp(bytes, "roundtrip", 9) == 0);
	return NULL;
}

const struct hold pipe_holds[] = {
	{ "pipe-data", "the bytes in a pipe wait there still", queued_set_up, queued_check, 0 },
	{ "pipe-flags", "each end of a pipe has its own flags", flags_set_up, flags_check, 0 },
	{ "pipe-size", "a large pipe is large still, with what was in it", size_set_up, size_check,
	  0 },
	{ "pipe-small", "a small pipe is small still", small_set_up, small_check, 0 },
	{ "pipe-full", "a full pipe is full", full_set_up, full_check, 0 },
	{ "pipe-packets", "packets in a pipe are packets still", packets_set_up, packets_check, 0 },
	{ "pipe-many", "five descriptions of a pipe are five", many_set_up, many_check, 0 },
	{ "pipe-shared", "two descriptors of an end share it", shared_set_up, shared_check, 0 },
	{ "pipe-last-words", "what a closed end has written is read, and then the end",
	  last_words_set_up, last_words_check, 0 },
	{ "pipe-unheard", "a pipe that nobody reads is one still", unheard_set_up, unheard_check,
	  0 },
	{ "fifo-data", "the bytes in a fifo wait there still", fifo_set_up, fifo_check, 0 },
	{ "fifo-both", "a fifo open for both goes on", fifo_both_set_up, fifo_both_check, 0 },
	{ 0 },
};
