/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process/names: names of flags, signals and limits, there and back. */
#define _GNU_SOURCE
#include "process/names.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/unit/check.h"

static const char *open_text(uint32_t flags)
{
	static char text[300];

	open_flags_write(text, sizeof text, flags);
	return text;
}

static bool open_is(const char *text, uint32_t want)
{
	const char *bad;
	uint32_t flags;

	return open_flags_read(text, &flags, &bad) && flags == want;
}

static void test_open_flags(void)
{
	CHECK_TEXT(open_text(O_RDONLY), "O_RDONLY", "reading alone has a name");
	CHECK_TEXT(open_text(O_WRONLY | O_APPEND), "O_WRONLY|O_APPEND", "two flags are joined");
	CHECK_TEXT(open_text(O_RDWR | O_SYNC), "O_RDWR|O_SYNC", "O_SYNC is not taken for O_DSYNC");
	CHECK_TEXT(open_text(O_RDWR | O_DSYNC), "O_RDWR|O_DSYNC",
		   "O_DSYNC is not taken for O_SYNC");
	CHECK_TEXT(open_text(O_RDWR | O_TMPFILE), "O_RDWR|O_TMPFILE",
		   "O_TMPFILE is not taken for O_DIRECTORY");
	CHECK_TEXT(open_text(O_DIRECTORY), "O_RDONLY|O_DIRECTORY", "a directory is read only");
	CHECK_TEXT(open_text(O_RDWR | 0x40000000), "O_RDWR|0x40000000",
		   "a bit without a name comes last, in hexadecimal");
	CHECK_TEXT(open_text(3), "O_ACCMODE", "the access mode 3 has a name");
	CHECK(open_is("O_WRONLY|O_CREAT", O_WRONLY | O_CREAT), "names are read");
	CHECK(open_is("0102", O_RDWR | O_CREAT), "an octal C integer is read");
	CHECK(open_is("0x401", O_WRONLY | O_APPEND), "a hexadecimal C integer is read");
	CHECK(open_is("1025", O_WRONLY | O_APPEND), "a decimal C integer is read");
	CHECK(open_is("0", O_RDONLY), "0 is read");
	CHECK(open_is(" O_RDWR | 02000 ", O_RDWR | O_APPEND), "blanks and a mix are read");
	CHECK(open_is("O_NDELAY|O_FSYNC", O_NONBLOCK | O_SYNC), "aliases are read");
}

static void test_bad_flags(void)
{
	static const char *const texts[] = {
		"", "|", "O_RDWR|", "|O_RDWR", "O_RDWR||O_APPEND", "O_RDONL", "O_RDONLYX", "08",
		"0x", "0xg", "-1", "0x100000000", "4294967296", "O_RDWR O_APPEND",
	};
	const char *bad, *text = "O_RDWR|O_WRONG|O_APPEND";
	uint32_t flags;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		CHECK(!open_flags_read(texts[i], &flags, &bad), "'%s' is refused", texts[i]);
	CHECK(!open_flags_read(text, &flags, &bad) && bad == text + 7,
	      "the wrong word is pointed at");
}

static void test_round_trips(void)
{
	uint32_t bad_open = 0, bad_stack = 0;
	uint64_t bad_action = 0, flags;
	const char *bad;
	char text[400];
	uint32_t low;

	for (int a = 0; a < 64; a++) {
		for (int b = 0; b < 64; b++) {
			uint64_t wide = (uint64_t)1 << a | (uint64_t)1 << b;

			open_flags_write(text, sizeof text, (uint32_t)wide);
			if (!open_flags_read(text, &low, &bad) || low != (uint32_t)wide)
				bad_open++;
			sigaction_flags_write(text, sizeof text, wide);
			if (!sigaction_flags_read(text, &flags, &bad) || flags != wide)
				bad_action++;
			altstack_flags_write(text, sizeof text, (uint32_t)wide);
			if (!altstack_flags_read(text, &low, &bad) || low != (uint32_t)wide)
				bad_stack++;
		}
	}
	CHECK(!bad_open, "every pair of bits of open comes back");
	CHECK(!bad_action, "every pair of bits of sigaction comes back");
	CHECK(!bad_stack, "every pair of bits of sigaltstack comes back");
	CHECK(open_flags_write(text, sizeof text, UINT32_MAX) < sizeof text,
	      "all bits of open have room in 400 characters");
}

static void test_other_flags(void)
{
	char text[10];
	char longer[100];

	sigaction_flags_write(longer, sizeof longer, SA_RESTART | SA_SIGINFO);
	CHECK_TEXT(longer, "SA_SIGINFO|SA_RESTART", "sigaction flags have names");
	sigaction_flags_write(longer, sizeof longer, 0);
	CHECK_TEXT(longer, "0", "no sigaction flags are 0");
	sigaction_flags_write(longer, sizeof longer, 0x80000000u);
	CHECK_TEXT(longer, "SA_RESETHAND", "the top flag is not sign extended");
	altstack_flags_write(longer, sizeof longer, SS_DISABLE);
	CHECK_TEXT(longer, "SS_DISABLE", "sigaltstack flags have names");
	CHECK(open_flags_write(text, sizeof text, O_RDWR | O_APPEND | O_NONBLOCK) == 26 &&
	      !strcmp(text, "O_RDWR|O_"), "a small buffer cuts the text, not the length");
}

static void test_signals(void)
{
	char text[20];
	int wrong = 0;

	for (int signo = 1; signo <= 64; signo++) {
		signal_name_write(text, sizeof text, signo);
		if (signal_name_read(text) != signo)
			wrong++;
	}
	CHECK(!wrong, "every signal's name is read as that signal");
	signal_name_write(text, sizeof text, SIGINT);
	CHECK_TEXT(text, "SIGINT", "SIGINT has its name");
	signal_name_write(text, sizeof text, 37);
	CHECK_TEXT(text, "SIGRTMIN+3", "real-time signals count from SIGRTMIN");
	signal_name_write(text, sizeof text, 33);
	CHECK_TEXT(text, "33", "the C library's own signals have no name");
	CHECK(signal_name_read("INT") == 2 && signal_name_read("SIGCLD") == SIGCHLD &&
	      signal_name_read("9") == 9 && signal_name_read("RTMAX") == 64 &&
	      signal_name_read("SIGRTMAX-1") == 63 && signal_name_read("SIGRTMIN") == 34,
	      "short names, aliases and numbers are read");
	CHECK(signal_name_read("") == -1 && signal_name_read("SIG") == -1 &&
	      signal_name_read("0") == -1 && signal_name_read("65") == -1 &&
	      signal_name_read("-1") == -1 && signal_name_read("SIGRTMIN+31") == -1 &&
	      signal_name_read("SIGRTMIN-1") == -1 && signal_name_read("SIGRTMIN+") == -1 &&
	      signal_name_read("SIGINTER") == -1 && signal_name_read("sigint") == -1,
	      "what is no signal is refused");
}

static void test_limits(void)
{
	CHECK_TEXT(limit_name(RLIMIT_NOFILE), "nofile", "a limit has its name");
	CHECK(limit_find("stack") == RLIMIT_STACK, "a limit is found by its name");
	CHECK(limit_find("Stack") == -1 && limit_find("") == -1, "other names are no limits");
	for (int i = 0; i < 16; i++)
		if (!limit_name(i) || limit_find(limit_name(i)) != i)
			CHECK(false, "limit %d has a name of its own", i);
	CHECK(!limit_name(-1) && !limit_name(16), "other numbers are no limits");
}

int main(void)
{
	test_open_flags();
	test_bad_flags();
	test_round_trips();
	test_other_flags();
	test_signals();
	test_limits();
	return CHECK_DONE();
}
