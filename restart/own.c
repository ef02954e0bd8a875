/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "restart/own.h"

#include <unistd.h>

#include "process/procfs.h"
#include "process/questions.h"

static void read_own(struct process *p)
{
	uint64_t data[ASKER_DATA / sizeof(uint64_t)];
	const struct asker a = asker_self(data);
	struct thread *t;
	struct error err;

	process_init(p);
	t = process_add_thread(p);
	if (!t)
		return;
	p->pid = t->tid = getpid();
	if (procfs_read_scheduling(p, &err) == 0 && procfs_read_attributes(p, 0, &err) == 0 &&
	    ask_settings(p, t, &a, &err) == 0 && ask_inherited(p, t, &a, &err) == 0)
		attributes_share(p);
}

/* It lives as long as restart does. */
const struct process *own_process(void)
{
	static struct process own;
	static bool done;

	if (!done)
		read_own(&own);
	done = true;
	return &own;
}

bool own_has_capability(int cap)
{
	return own_process()->credentials.caps[CAPS_EFFECTIVE] >> cap & 1;
}

bool own_differs(const struct process *p, const struct thread *t, enum attribute which,
		 int64_t *value)
{
	const struct process *own = own_process();
	int64_t ours;

	return process_attribute(p, t, which, value) &&
	       !(process_attribute(own, own->threads, which, &ours) && ours == *value);
}
