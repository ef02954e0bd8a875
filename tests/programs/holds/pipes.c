/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pipes and fifos. */
#define _GNU_SOURCE
#include "holds.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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

const struct hold pipe_holds[] = {
	{ "pipe-data", "the bytes in a pipe wait there still", queued_set_up, queued_check, 0 },
	{ 0 },
};
