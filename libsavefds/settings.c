/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libsavefds/library.h"
#include "process/names.h"
#include "util/format.h"

static const char separators[] = ", \t";

static struct {
	uint64_t watched;  /* bit N-1 for signal N */
	bool force;
	char file[PATH_MAX];
} settings = { .file = "filedescriptors" };

static bool dumps_core(int signo)
{
	switch (signo) {
	case SIGQUIT: case SIGILL: case SIGTRAP: case SIGABRT: case SIGFPE: case SIGSEGV:
	case SIGBUS: case SIGSYS: case SIGXCPU: case SIGXFSZ:
		return true;
	default:
		return false;
	}
}

static void watch(int signo)
{
	settings.watched |= (uint64_t)1 << (signo - 1);
}

static void watch_named(const char *name)
{
	int signo = signal_name_read(name);
	char message[200];

	if (signo > 0 && dumps_core(signo)) {
		watch(signo);
		return;
	}
	format(message, sizeof message, "SAVEFDS_SIGNALS: %.40s: %s", name,
	       signo > 0 ? "this signal dumps no core; ignored" : "no such signal; ignored");
	complain(message);
}

static void read_signals(const char *list)
{
	while (*(list += strspn(list, separators))) {
		size_t len = strcspn(list, separators);
		char name[64];

		/* A name that does not fit is none. */
		format(name, len < sizeof name ? len + 1 : sizeof name, "%s", list);
		watch_named(name);
		list += len;
	}
}

void settings_read(void)
{
	const char *file = secure_getenv("SAVEFDS_FILE");
	const char *signals = secure_getenv("SAVEFDS_SIGNALS");
	const char *force = secure_getenv("SAVEFDS_FORCE");

	/* The program may overwrite its environment later (setproctitle), so keep a copy. */
	if (file && strlen(file) >= sizeof settings.file)
		complain("SAVEFDS_FILE: the name is too long; ignored");
	else if (file && *file)
		format(settings.file, sizeof settings.file, "%s", file);
	settings.force = force && *force;
	watch(SIGQUIT);
	if (signals)
		read_signals(signals);
}

bool settings_watch(int signo)
{
	return signo > 0 && signo <= 64 && settings.watched & (uint64_t)1 << (signo - 1);
}

bool settings_force(void)
{
	return settings.force;
}

void settings_file(char path[PATH_MAX])
{
	size_t len = 0;

	for (const char *s = settings.file; *s && len < PATH_MAX - 1; s++) {
		if (s[0] == '%' && s[1] == 'p') {
			len += format(path + len, PATH_MAX - len, "%d", getpid());
			s++;
		} else {
			s += s[0] == '%' && s[1] == '%';
			path[len++] = *s;
		}
	}
	path[len < PATH_MAX ? len : PATH_MAX - 1] = '\0';
}
