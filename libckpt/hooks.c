/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>

#include "libckpt/agent.h"
#include "util/arena.h"
#include "util/export.h"

struct hook {
	void (*f)(void *);
	void *arg;
};

/* A full array is copied, and the old one stays: a handler may be walking along it. */
static struct hooks {
	struct hook *hook;
	size_t count, capacity;
} hooks[RESTART + 1];

static struct arena arena;

static void add(enum stage stage, void (*f)(void *), void *arg)
{
	struct hooks *h = &hooks[stage];
	uint64_t mask = block_signals();
	bool by_us, took = agent_take(true, &by_us);
	struct hook *grown = arena_grow(&arena, h->hook, h->count, &h->capacity, sizeof *grown);

	if (grown) {
		h->hook = grown;
		grown[h->count] = (struct hook){ f, arg };
		__atomic_store_n(&h->count, h->count + 1, __ATOMIC_RELEASE);
	} else {
		complain("a hook is lost: not enough memory");
	}
	if (took)
		agent_release();
	restore_signals(mask);
}

bool hooks_are_there(enum stage stage)
{
	return hooks[stage].count > 0;
}

void hooks_run(enum stage stage)
{
	size_t count = __atomic_load_n(&hooks[stage].count, __ATOMIC_ACQUIRE);
	int saved = errno, state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	for (size_t i = 0; i < count; i++) {
		struct hook h = hooks[stage].hook[stage == RESTART ? count - 1 - i : i];

		h.f(h.arg);
	}
	pthread_setcancelstate(state, &state);
	errno = saved;
}

EXPORT void ckpt_on_preckpt(void (*f)(void *), void *arg)
{
	add(BEFORE, f, arg);
}

EXPORT void ckpt_on_postckpt(void (*f)(void *), void *arg)
{
	add(AFTER, f, arg);
}

EXPORT void ckpt_on_restart(void (*f)(void *), void *arg)
{
	add(RESTART, f, arg);
}
