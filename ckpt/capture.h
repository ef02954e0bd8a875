/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a live process to the model: stop, look, let go.
 */
#ifndef CKPT_CAPTURE_H
#define CKPT_CAPTURE_H

#include "ckpt/memory.h"
#include "ckpt/snapshot.h"
#include "ckpt/tcp.h"
#include "ckpt/range.h"
#include "process/process.h"

struct capture_options {
	struct range spare;  /* memory of the process that it does not use, for calls in its name */
	bool stop;       /* no snapshot: the process stands still until capture_end() */
	uint64_t contents_max;  /* of files without a name: see struct process */
	bool keep_stopped;  /* take no snapshot and never let it run again (it will be killed) */
	bool tcp_established;  /* save TCP connections so that they can be carried on */
	int directory;   /* for a temporary file, where memory cannot be left for later; or -1 */
	bool whole;      /* save what files could give back, too, so that none is needed */
};

struct capture {
	struct process process;
	struct memory_source memory;
	struct tcp_hold tcp;     /* connections that are held until the process has been killed */
	struct tracee *tracee;   /* while the process stands still; NULL once it runs again */
	struct snapshot_caller caller;
	pid_t snapshot;          /* or 0 */
	int dying;               /* pidfd of the process that was killed; or -1 */
	double stall;            /* seconds that the process stood still; 0 while it does */
	char why_stopped[256];   /* why there is no snapshot although one was wanted; or empty */
};

/*
 * Captures process PID.  On return it is running again, unless O asks otherwise or no snapshot
 * could be taken (why_stopped says why).  On failure it runs, unharmed.
 */
MUST_CHECK int capture_begin(struct capture *c, pid_t pid, const struct capture_options *o,
			     struct error *err);

/*
 * The memory has been read: the snapshot goes, which takes a while, and
 * costs the process a copy of each page that it writes to until then.
 */
void capture_memory_done(struct capture *c);

/*
 * Ends the process: by exit_group(0) in its own name, if GENTLY and it can be; else by SIGKILL.
 * capture_end() waits until it has given up its memory and its files.  On failure it goes on then.
 */
MUST_CHECK int capture_kill(struct capture *c, bool gently, struct error *err);

/* Lets the process run, drops the snapshot, frees the model. */
void capture_end(struct capture *c);

#endif
