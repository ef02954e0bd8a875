/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether this machine offers what that of the core did, by the core's own note: the text of
 * elf/core_machine.h.  Cores of others have none.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "elf/core_machine.h"
#include "elf/cpu_features.h"
#include "restart/restore.h"

/*
 * A program looks for the cpu's features once, when it starts: what was there then may be used at
 * any instruction, and kills where it is not.
 */
static void check_cpu(const char *machine, struct findings *f)
{
	char then[CPU_FEATURES_SIZE], here[CPU_FEATURES_SIZE], missing[512];

	if (!core_machine_value(machine, "cpu", then, sizeof then) || !cpu_features_here(here))
		return;
	size_t count = cpu_features_missing(then, here, missing, sizeof missing);
	if (!count)
		return;
	/* The text is a stranger's, and goes to a terminal. */
	for (char *c = missing; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	findings_add_loss(f, "the core was made on a cpu with %s, which this one lacks: the "
			  "program may use %s and be killed", missing, count > 1 ? "them" : "it");
}

static void check_page_size(const char *machine, struct findings *f)
{
	char text[32];
	char *end;

	if (!core_machine_value(machine, "page_size", text, sizeof text))
		return;
	unsigned long then = strtoul(text, &end, 10), here = (unsigned long)sysconf(_SC_PAGESIZE);
	if (*end || then != here)
		findings_add(f, OBSTACLE, "the core was made with pages of %lu bytes, and this "
			     "machine has %lu (restart on a machine of the old kind)", then, here);
}

static bool version_of(const char *release, unsigned version[2])
{
	return sscanf(release, "%u.%u", &version[0], &version[1]) == 2;
}

/* A program asks the kernel, too, what it can do. */
static void check_kernel(const char *machine, struct findings *f)
{
	unsigned then[2], here[2];
	struct utsname host;
	char release[65];

	if (!core_machine_value(machine, "kernel", release, sizeof release) || uname(&host) < 0 ||
	    !version_of(release, then) || !version_of(host.release, here))
		return;
	if (here[0] < then[0] || (here[0] == then[0] && here[1] < then[1]))
		findings_add(f, REMARK, "the core was made under Linux %u.%u, and this is %u.%u: "
			     "what is new since then is not here", then[0], then[1], here[0],
			     here[1]);
}

void check_machine(const struct restore *r, struct findings *f)
{
	const char *machine = core_machine(r->core);

	check_page_size(machine, f);
	check_cpu(machine, f);
	check_kernel(machine, f);
}
