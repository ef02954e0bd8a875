/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System V shared memory segments that a process has attached.  Their mappings have the segment's
 * id as inode number (ipc/shm.c, newseg()).
 */
#ifndef PROCESS_SEGMENTS_H
#define PROCESS_SEGMENTS_H

#include <stdbool.h>
#include <stdint.h>

struct segment {
	uint32_t id;
	uint32_t key;   /* 0: IPC_PRIVATE, or none any more */
	uint64_t size;
	uint32_t mode;  /* permissions */
	bool removed;   /* IPC_RMID: it ends with its last attachment */
};

#endif
