/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The format of frames and blocks: RFC 8878, section 3.1.1. */
#define _GNU_SOURCE
#include "elf/compress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "util/io.h"

/* ---- Packing ---------------------------------------------------------------------------- */

static bool set(ZSTD_CCtx *stream, ZSTD_cParameter parameter, int value)
{
	return !ZSTD_isError(ZSTD_CCtx_setParameter(stream, parameter, value));
}

/*
 * The higher levels look for repetitions in up to 8 MiB with tables of 80 MiB: more than a program
 * should take that saves another one because memory is short.
 */
static bool set_up(ZSTD_CCtx *stream, int level)
{
	enum { SMALL = 5 };  /* up to this level they are as they should be */
	static const struct { ZSTD_cParameter parameter; int most; } bounds[] = {
		{ ZSTD_c_windowLog, 21 }, { ZSTD_c_hashLog, 20 }, { ZSTD_c_chainLog, 21 },
	};
	bool good = set(stream, ZSTD_c_compressionLevel, level) &&
		    set(stream, ZSTD_c_checksumFlag, 1);

	for (size_t i = 0; level > SMALL && i < sizeof bounds / sizeof bounds[0]; i++)
		good = good && set(stream, bounds[i].parameter, bounds[i].most);
	return good;
}

int packer_open(struct packer *p, int fd, int level)
{
	*p = (struct packer){ .fd = fd, .room_size = ZSTD_CStreamOutSize() };
	p->stream = ZSTD_createCCtx();
	p->room = malloc(p->room_size);
	return p->stream && p->room && set_up(p->stream, level) ? 0 : -1;
}

static int write_out(struct packer *p, const void *bytes, size_t size)
{
	if (write_full(p->fd, bytes, size) < 0)
		return -1;
	p->written += size;
	return 0;
}

static int run(struct packer *p, const void *bytes, size_t size, ZSTD_EndDirective end)
{
	ZSTD_inBuffer in = { bytes, size, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { p->room, p->room_size, 0 };

		left = ZSTD_compressStream2(p->stream, &out, &in, end);
		if (ZSTD_isError(left)) {
			errno = ENOMEM;  /* no other can happen */
			return -1;
		}
		if (write_out(p, p->room, out.pos) < 0)
			return -1;
	} while (end == ZSTD_e_end ? left != 0 : in.pos < in.size);
	p->in_frame = end != ZSTD_e_end;
	return 0;
}

int packer_put(struct packer *p, const void *bytes, size_t size)
{
	return size ? run(p, bytes, size, ZSTD_e_continue) : 0;
}

int packer_finish(struct packer *p)
{
	return p->in_frame ? run(p, NULL, 0, ZSTD_e_end) : 0;
}

/* ---- Zeros ------------------------------------------------------------------------------ */

enum {
	BLOCK = 128 << 10,       /* Block_Maximum_Size */
	ZEROS_MIN = 8 * BLOCK,   /* fewer are not worth the end of a frame */
	BLOCK_HEADER = 3, RLE = 1,
};

/* Magic number; no content size, no checksum; a window of 128 KiB. */
static const unsigned char zero_frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3 };

/* A block that says: SIZE times the byte 0. */
static char *put_zero_block(char *to, size_t size, bool last)
{
	uint32_t header = (uint32_t)last | RLE << 1 | (uint32_t)size << 3;

	*to++ = (char)header;
	*to++ = (char)(header >> 8);
	*to++ = (char)(header >> 16);
	*to++ = 0;
	return to;
}

static int put_zero_frame(struct packer *p, uint64_t size)
{
	char *to = mempcpy(p->room, zero_frame, sizeof zero_frame);

	while (size) {
		size_t n = size < BLOCK ? (size_t)size : BLOCK;

		size -= n;
		to = put_zero_block(to, n, !size);
		if (size && (size_t)(to - p->room) + BLOCK_HEADER + 1 <= p->room_size)
			continue;
		if (write_out(p, p->room, (size_t)(to - p->room)) < 0)
			return -1;
		to = p->room;
	}
	return 0;
}

int packer_put_zeros(struct packer *p, uint64_t size)
{
	static const char zeros[BLOCK / 2];

	if (size >= ZEROS_MIN)
		return packer_finish(p) < 0 ? -1 : put_zero_frame(p, size);
	while (size) {
		size_t n = size < sizeof zeros ? (size_t)size : sizeof zeros;

		if (packer_put(p, zeros, n) < 0)
			return -1;
		size -= n;
	}
	return 0;
}

void packer_close(struct packer *p)
{
	ZSTD_freeCCtx(p->stream);
	free(p->room);
	p->stream = NULL;
	p->room = NULL;
}

/* ---- Unpacking -------------------------------------------------------------------------- */

/* A stream may begin with a skippable frame, as that of pzstd does. */
bool is_packed(const unsigned char magic[PACKED_MAGIC_SIZE])
{
	return memcmp(magic, zero_frame, PACKED_MAGIC_SIZE) == 0 ||
	       ((magic[0] & 0xf0) == 0x50 && memcmp(magic + 1, "\x2a\x4d\x18", 3) == 0);
}

int unpacker_open(struct unpacker *u)
{
	enum { WINDOW_LOG_MAX = 27 };  /* what zstd(1) unpacks without being asked */

	*u = (struct unpacker){ .stream = ZSTD_createDCtx() };
	return u->stream && !ZSTD_isError(ZSTD_DCtx_setParameter(u->stream, ZSTD_d_windowLogMax,
								 WINDOW_LOG_MAX)) ? 0 : -1;
}

int unpacker_step(struct unpacker *u, const char *in, size_t size, size_t *taken, char *out,
		  size_t room, size_t *filled, struct error *err)
{
	ZSTD_inBuffer from = { in, size, 0 };
	ZSTD_outBuffer to = { out, room, 0 };
	size_t left = ZSTD_decompressStream(u->stream, &to, &from);

	*taken = from.pos;
	*filled = to.pos;
	switch (ZSTD_getErrorCode(left)) {
	case ZSTD_error_no_error:
		u->whole = left == 0;
		return 0;
	case ZSTD_error_frameParameter_windowTooLarge:
		return error_set(err, E2BIG, "takes more than 128 MiB to unpack; unpack it with "
				 "`zstd -d --long=31` first");
	case ZSTD_error_memory_allocation:
		return error_set(err, ENOMEM, "not enough memory to unpack it");
	default:
		return error_set(err, EBADMSG, "corrupted: its compressed bytes make no sense "
				 "(%s); use another copy or an older checkpoint",
				 ZSTD_getErrorName(left));
	}
}

void unpacker_close(struct unpacker *u)
{
	ZSTD_freeDCtx(u->stream);
	u->stream = NULL;
}
