/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * User, groups and capabilities: those of then where restart may take them on, which is its own
 * user's or, as root, anybody's.  It gives nobody a right that it lacks itself.
 */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "restart/own.h"
#include "restart/restore.h"

enum { REAL, EFFECTIVE, SAVED, FILES };
enum { LAST_CAP = 63 };

static bool same_ids(const struct credentials *a, const struct credentials *b)
{
	return memcmp(a->uids, b->uids, sizeof a->uids) == 0 &&
	       memcmp(a->gids, b->gids, sizeof a->gids) == 0;
}

static bool same_groups(const struct credentials *a, const struct credentials *b)
{
	return a->group_count == b->group_count &&
	       (!a->group_count ||
		memcmp(a->groups, b->groups, a->group_count * sizeof *a->groups) == 0);
}

static bool same_user(const struct credentials *a, const struct credentials *b)
{
	return same_ids(a, b) && same_groups(a, b);
}

static bool may_change_user(void)
{
	return own_has_capability(CAP_SETUID) && own_has_capability(CAP_SETGID);
}

static uint64_t permitted(const struct credentials *c, enum capability_set set)
{
	return c->caps[set] & own_process()->credentials.caps[CAPS_PERMITTED];
}

static void plan_user(struct plan *plan, const struct credentials *c)
{
	addr_t groups = plan_data(plan, c->groups ? c->groups : c->gids,
				  c->group_count * sizeof *c->groups + !c->group_count);

	plan_syscall(plan, 0, SYS_setgroups, c->group_count, groups);
	plan_syscall(plan, 0, SYS_setresgid, c->gids[REAL], c->gids[EFFECTIVE], c->gids[SAVED]);
	if (c->gids[FILES] != c->gids[EFFECTIVE])
		plan_syscall(plan, 0, SYS_setfsgid, c->gids[FILES]);
	plan_syscall(plan, 0, SYS_setresuid, c->uids[REAL], c->uids[EFFECTIVE], c->uids[SAVED]);
	if (c->uids[FILES] != c->uids[EFFECTIVE])
		plan_syscall(plan, 0, SYS_setfsuid, c->uids[FILES]);
}

static void plan_capabilities(struct plan *plan, const struct credentials *c)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	/* What is inheritable must be permitted, or have been inheritable already. */
	uint64_t inheritable = permitted(c, CAPS_INHERITABLE);

	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted = (uint32_t)(permitted(c, CAPS_PERMITTED) >> 32 * i);
		data[i].effective = (uint32_t)(permitted(c, CAPS_EFFECTIVE) >> 32 * i);
		data[i].inheritable = (uint32_t)(inheritable >> 32 * i);
	}
	addr_t at = plan_data(plan, &header, sizeof header);
	plan_syscall(plan, 0, SYS_capset, at, plan_data(plan, data, sizeof data));
	for (int cap = 0; cap <= LAST_CAP; cap++)
		if (permitted(c, CAPS_AMBIENT) >> cap & 1)
			plan_syscall(plan, 0, SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap);
}

/* A set can only lose capabilities. */
static void plan_bounding(struct plan *plan, const struct credentials *c)
{
	uint64_t drop = own_process()->credentials.caps[CAPS_BOUNDING] & ~c->caps[CAPS_BOUNDING];

	for (int cap = 0; cap <= LAST_CAP; cap++)
		if (drop >> cap & 1)
			plan_syscall(plan, 0, SYS_prctl, PR_CAPBSET_DROP, cap);
}

/* For each thread: the kernel keeps credentials by thread. */
void plan_credentials(const struct restore *r, struct plan *plan)
{
	const struct credentials *c = &r->process->credentials, *own = &own_process()->credentials;
	bool change = c->known && !same_user(c, own) && may_change_user();
	bool powers = c->caps_known && memcmp(c->caps, own->caps, sizeof c->caps) != 0;
	bool may = own_has_capability(CAP_SETPCAP);
	int64_t bits = 0, ours = 0;

	process_attribute(r->process, r->process->threads, ATTRIBUTE_SECUREBITS, &bits);
	process_attribute(own_process(), NULL, ATTRIBUTE_SECUREBITS, &ours);
	if (powers && may)
		plan_bounding(plan, c);
	if (bits != ours && may)
		plan_syscall(plan, 0, SYS_prctl, PR_SET_SECUREBITS, bits);
	if (change && powers)
		plan_syscall(plan, OP_MAY_FAIL, SYS_prctl, PR_SET_KEEPCAPS, 1);
	if (change)
		plan_user(plan, c);
	if (powers && (change || same_user(c, own)))
		plan_capabilities(plan, c);
	if ((change && powers) || (bits != ours && !may))
		plan_syscall(plan, OP_MAY_FAIL, SYS_prctl, PR_SET_KEEPCAPS,
			     (bits & SECBIT_KEEP_CAPS) != 0);
}

void check_credentials(const struct restore *r, struct findings *f)
{
	const struct credentials *c = &r->process->credentials, *own = &own_process()->credentials;
	uint64_t lost = c->caps_known ? c->caps[CAPS_PERMITTED] & ~own->caps[CAPS_PERMITTED] : 0;

	if (c->known && !same_ids(c, own) && !may_change_user())
		findings_add(f, LOSS, "the process was user %u and group %u and will be %u and %u "
			     "(be that user, or root)", c->uids[EFFECTIVE], c->gids[EFFECTIVE],
			     own->uids[EFFECTIVE],
			     own->gids[EFFECTIVE]);
	if (lost)
		findings_add(f, LOSS, "the process had capabilities that restart lacks (0x%llx), "
			     "and loses them", (unsigned long long)lost);
}
