/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compressed streams: what zstd(1) packs and unpacks.  Nothing else uses libzstd.
 *
 * A packed file is a row of zstd frames.  Long runs of zeros are frames of their own, made without
 * looking at a single zero: 4 bytes for each 128 KiB.
 */
#ifndef ELF_COMPRESS_H
#define ELF_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* From fast to small.  All take at most 24 MiB. */
enum { COMPRESS_MIN = 1, COMPRESS_DEFAULT = 1, COMPRESS_MAX = 19 };

/* ---- Packing ---------------------------------------------------------------------------- */

struct ZSTD_CCtx_s;

struct packer {
	struct ZSTD_CCtx_s *stream;
	int fd;
	bool in_frame;     /* a frame is begun */
	char *room;        /* for what the library gives */
	size_t room_size;
	uint64_t written;  /* bytes, to fd */
};

/* Prepares to write to FD.  Returns 0, or -1 when there is no memory. */
MUST_CHECK int packer_open(struct packer *p, int fd, int level);

/* Pack bytes; zeros.  Each returns 0, or -1 with errno set by write(). */
MUST_CHECK int packer_put(struct packer *p, const void *bytes, size_t size);
MUST_CHECK int packer_put_zeros(struct packer *p, uint64_t size);

/* Writes out all that was put. */
MUST_CHECK int packer_finish(struct packer *p);

void packer_close(struct packer *p);

/* ---- Unpacking -------------------------------------------------------------------------- */

enum { PACKED_MAGIC_SIZE = 4 };

/* Whether a file that begins with these bytes is packed. */
bool is_packed(const unsigned char magic[PACKED_MAGIC_SIZE]);

struct ZSTD_DCtx_s;

struct unpacker {
	struct ZSTD_DCtx_s *stream;
	bool whole;  /* the input so far ends where a frame ends */
};

/* Returns 0, or -1 when there is no memory. */
MUST_CHECK int unpacker_open(struct unpacker *u);

/*
 * Unpacks from the SIZE bytes at IN, of which it takes *TAKEN, to the ROOM bytes at OUT, of
 * which it fills *FILLED.  There is more to come without more input as long as OUT gets full.
 * Takes at most 128 MiB of memory: input that wants more is refused.
 */
MUST_CHECK int unpacker_step(struct unpacker *u, const char *in, size_t size, size_t *taken,
			     char *out, size_t room, size_t *filled, struct error *err);

void unpacker_close(struct unpacker *u);

#endif
