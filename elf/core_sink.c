/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "elf/core_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf/direct.h"

/* ---- Writing ---------------------------------------------------------------------------- */

static int pack(struct core_sink *s, const char *bytes, uint64_t size)
{
	int result = bytes ? packer_put(&s->packer, bytes, size)
			   : packer_put_zeros(&s->packer, size);

	s->position += size;
	s->written = s->packer.written;
	return result;
}

static void close_direct(struct core_sink *s)
{
	if (s->direct >= 0)
		close(s->direct);
	s->direct = -1;
}

/* Writes at the file's position, or in a sparse file at s->position, and moves on. */
static int write_bytes(struct core_sink *s, const char *bytes, size_t size)
{
	if (s->packed)
		return pack(s, bytes, size);
	while (size) {
		uint64_t offset = s->base + s->position;
		bool direct = s->direct >= 0 && direct_fits(bytes, size, offset);
		ssize_t n = s->sparse
				    ? pwrite(direct ? s->direct : s->fd, bytes, size, (off_t)offset)
				    : write(s->fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EINVAL && direct) {
			/* Not this file system after all. */
			close_direct(s);
			continue;
		}
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return -1;
		s->position += (uint64_t)n;
		s->written += (uint64_t)n;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Moves on to OFFSET. */
static int write_hole(struct core_sink *s, uint64_t offset)
{
	static const char zeros[16 * SINK_PAGE];

	if (s->packed && s->position < offset)
		return pack(s, NULL, offset - s->position);
	if (s->sparse)
		s->position = offset;
	while (s->position < offset) {
		size_t n = offset - s->position < sizeof zeros ? offset - s->position
							       : sizeof zeros;

		if (write_bytes(s, zeros, n) < 0)
			return -1;
	}
	return 0;
}

/*
 * Returns 0 or an errno value.  Neither fallocate() beforehand nor more than one thread pays when
 * writing directly, nor sync_file_range() after each buffer when writing through the cache.
 */
static int write_buffer(struct core_sink *s, const struct sink_buffer *b)
{
	for (size_t i = 0; i < b->extent_count; i++)
		if (write_hole(s, b->extents[i].offset) < 0 ||
		    write_bytes(s, b->bytes + b->extents[i].at, b->extents[i].size) < 0)
			return errno;
	if (b->last && s->packed) {
		if (packer_finish(&s->packer) < 0)
			return errno;
		s->written = s->packer.written;
	}
	return 0;
}

/* ---- The thread ------------------------------------------------------------------------- */

static void *write_buffers(void *context)
{
	struct core_sink *s = context;
	int failure = 0;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (!s->full && !s->closing)
			pthread_cond_wait(&s->changed, &s->lock);
		if (!s->full || s->closing)
			break;
		const struct sink_buffer *b = &s->buffers[s->oldest];

		pthread_mutex_unlock(&s->lock);
		if (!failure)
			failure = write_buffer(s, b);
		pthread_mutex_lock(&s->lock);
		s->thread_failure = failure;
		s->oldest = (s->oldest + 1) % SINK_BUFFERS;
		s->full--;
		pthread_cond_signal(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/*
 * Signals are for the caller's thread.  SIGPIPE and SIGXFSZ, which the kernel sends to the thread
 * that writes, end with it: write() says EPIPE or EFBIG, and the program lives to tell.
 */
static bool start_thread(struct core_sink *s)
{
	sigset_t all, old;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failed = pthread_create(&s->thread, NULL, write_buffers, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return !failed;
}

/* ---- The caller's side ------------------------------------------------------------------ */

static struct sink_buffer *current(struct core_sink *s)
{
	return &s->buffers[s->filling];
}

static int failed(const struct core_sink *s, struct error *err)
{
	switch (s->failure) {
	case ENOSPC:
	case EDQUOT:
		return error_set(err, s->failure, "%s: %s after %lu bytes of the core; make room "
				 "or name a file on another disk", s->name,
				 strerrordesc_np(s->failure), s->written);
	case EFBIG:
		return error_set(err, EFBIG, "%s: file too large for the limit of its size, after "
				 "%lu bytes of the core; raise it with `ulimit -f`", s->name,
				 s->written);
	case EPIPE:
		return error_set(err, EPIPE, "%s: nobody reads it any more, after %lu bytes of "
				 "the core", s->name, s->written);
	}
	return error_sys(err, s->failure, "%s: cannot be written, after %lu bytes of the core",
			 s->name, s->written);
}

/* Whether a hole may be left: only where the file has nothing yet that would show through it. */
static bool can_be_sparse(int fd, uint64_t *base)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (flags < 0 || flags & O_APPEND || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    lseek(fd, 0, SEEK_CUR) != st.st_size)
		return false;
	*base = (uint64_t)st.st_size;
	return true;
}

int sink_open(struct core_sink *s, int fd, const char *name, int level, struct error *err)
{
	size_t size = SINK_BUFFERS * sizeof *s->buffers;

	*s = (struct core_sink){ .fd = fd, .direct = -1, .name = name, .packed = level };
	s->sparse = !level && can_be_sparse(fd, &s->base);
	if (s->packed && packer_open(&s->packer, fd, level) < 0)
		return error_sys(err, ENOMEM, "%s: no memory to compress it", name);
	if (s->sparse)
		s->direct = direct_open(fd);
	/* Untouched buffers cost nothing. */
	s->buffers = mmap(NULL, size + (size_t)SINK_BUFFERS * SINK_BUFFER, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->buffers == MAP_FAILED) {
		s->buffers = NULL;
		close_direct(s);
		return error_sys(err, ENOMEM, "%s: no memory for buffers", name);
	}
	size = (size + SINK_PAGE - 1) & ~(size_t)(SINK_PAGE - 1);
	for (size_t i = 0; i < SINK_BUFFERS; i++)
		s->buffers[i].bytes = (char *)s->buffers + size + i * SINK_BUFFER;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	return 0;
}

/* Waits until no more than MOST buffers are to be written. */
static void wait_for(struct core_sink *s, size_t most)
{
	pthread_mutex_lock(&s->lock);
	while (s->full > most)
		pthread_cond_wait(&s->changed, &s->lock);
	s->failure = s->thread_failure;
	pthread_mutex_unlock(&s->lock);
}

/* Hands the current buffer over and gets the next, empty one. */
static void submit(struct core_sink *s)
{
	s->threaded = s->threaded || start_thread(s);
	if (s->threaded) {
		pthread_mutex_lock(&s->lock);
		s->full++;
		pthread_cond_signal(&s->changed);
		pthread_mutex_unlock(&s->lock);
		s->filling = (s->filling + 1) % SINK_BUFFERS;
		wait_for(s, SINK_BUFFERS - 1);
	} else if (!s->failure) {
		s->failure = write_buffer(s, current(s));
	}
	current(s)->used = 0;
	current(s)->extent_count = 0;
	current(s)->last = false;
}

char *sink_room(struct core_sink *s, size_t *size, struct error *err)
{
	if (current(s)->used == SINK_BUFFER)
		submit(s);
	if (s->failure) {
		failed(s, err);
		return NULL;
	}
	*size = SINK_BUFFER - current(s)->used;
	return current(s)->bytes + current(s)->used;
}

void sink_put(struct core_sink *s, uint64_t offset, size_t at, size_t size)
{
	struct sink_buffer *b = current(s);
	struct sink_extent *last = b->extent_count ? &b->extents[b->extent_count - 1] : NULL;

	at += b->used;
	if (last && last->offset + last->size == offset && last->at + last->size == at)
		last->size += (uint32_t)size;
	else
		b->extents[b->extent_count++] =
			(struct sink_extent){ offset, (uint32_t)at, (uint32_t)size };
}

void sink_advance(struct core_sink *s, size_t size)
{
	current(s)->used += (size + SINK_PAGE - 1) & ~(size_t)(SINK_PAGE - 1);
}

int sink_flush(struct core_sink *s, struct error *err)
{
	current(s)->last = true;
	submit(s);
	if (s->threaded)
		wait_for(s, 0);
	if (!s->failure && s->sparse && lseek(s->fd, (off_t)(s->base + s->position), SEEK_SET) < 0)
		s->failure = errno;
	return s->failure ? failed(s, err) : 0;
}

void sink_close(struct core_sink *s)
{
	if (s->threaded) {
		pthread_mutex_lock(&s->lock);
		s->closing = true;
		pthread_cond_signal(&s->changed);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
	}
	if (s->buffers) {
		close_direct(s);
		pthread_cond_destroy(&s->changed);
		pthread_mutex_destroy(&s->lock);
		munmap(s->buffers,
		       SINK_BUFFERS * sizeof *s->buffers + (size_t)SINK_BUFFERS * SINK_BUFFER);
	}
	if (s->packed)
		packer_close(&s->packer);
	s->buffers = NULL;
	s->packed = s->threaded = false;
}
