/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libckpt/agent.h"
#include "libckpt/environment.h"
#include "libckpt/static/static.h"

void static_agent_start(const struct static_start *s);

void static_agent_start(const struct static_start *s)
{
	const uint64_t *stack = (const uint64_t *)(uintptr_t)s->stack;
	char *const *argv = (char *const *)(stack + 1);
	char *const *environment = argv + stack[0] + 1;

	engine_file.start = (const char *)(uintptr_t)s->engine;
	engine_file.end = engine_file.start + s->engine_size;
	settings_set_program(stack[0] ? argv[0] : "program");
	environment_read(environment);
	terminal_remember();
	handler_install();
	period_start();
}

__attribute__((naked, used)) void static_agent_entry(void);

__attribute__((naked, used)) void static_agent_entry(void)
{
	__asm__("call static_agent_start\n\t"
		"int3\n\t"
		".ascii \"\\017\\013ckpt agent 1\\017\\013\"");
}
