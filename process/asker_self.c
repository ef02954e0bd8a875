/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <string.h>

#include "process/questions.h"
#include "process/raw_x86_64.h"

static int call(void *context, long *result, struct error *err, long nr,
		const uint64_t args[ASKER_ARGS])
{
	(void)context;
	(void)err;
	*result = raw_syscall(nr, (long)args[0], (long)args[1], (long)args[2], (long)args[3], 0);
	return 0;
}

static int read_answer(void *context, addr_t from, void *to, size_t len, struct error *err)
{
	(void)context;
	(void)err;
	memcpy(to, (const void *)(uintptr_t)from, len);
	return 0;
}

struct asker asker_self(void *data)
{
	return (struct asker){
		.call = call, .read = read_answer, .data = (uintptr_t)data, .cheap = true,
	};
}
