/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process/statelog: random models come back from their text; what is written of odd ones. */
#define _GNU_SOURCE
#include "process/statelog.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include "tests/unit/check.h"
#include "tests/unit/random_file_details.h"
#include "tests/unit/random_traits.h"
#include "tests/unit/same_model.h"
#include "util/io.h"

#include "tests/unit/parse_text.h"  /* last: its names are short */

static const char *random_name(struct arena *a, size_t longest)
{
	static const char *const words[] = {
		"eventfd", "epoll", "/dev/tty", "/dev/pts/7", "pipe:[3]", "socket:[4]", "memfd:x",
		"[heap]", "none", "dup 3", "#", ":", " : ", "\\", "default", "net:[1]", "a : b",
		"a #b", "\n", "\r", " ", "deleted", "3 : f : 0",
	};
	static const char letters[] = "ab/ :#\\\n\t\r\001\177\303\251[]0";
	char name[6000];
	size_t len = 0, want = below(20) ? 1 + below(14) : 1 + below(longest);

	if (longest > 20 && !below(3))
		return arena_strdup(a, words[below(sizeof words / sizeof words[0])]);
	if (want > longest)
		want = longest;
	while (len < want)
		name[len++] = letters[below(sizeof letters - 1)];
	return arena_strndup(a, name, len);
}

static void random_description(struct process *q, struct description *d)
{
	static const char *const terminals[] = { "/dev/tty", "/dev/console", "/dev/pts/0" };
	static const char *const others[] = {
		"userfaultfd", "io_uring", "fanotify", "net:[1 2]",
	};
	char name[40];

	d->kind = (enum file_kind)below(FILE_OTHER + 1);
	d->flags_known = below(4);
	d->flags = d->flags_known ? (uint32_t)sized_number() & ~(uint32_t)O_CLOEXEC : 0;
	d->deleted = !below(4);
	if (d->kind == FILE_EVENTFD)
		d->count = sized_number() & ~(uint64_t)1;
	else
		d->offset = sized_number();
	d->semaphore = d->kind == FILE_EVENTFD && below(2);
	if (d->kind == FILE_PIPE || d->kind == FILE_SOCKET)
		d->pipe_id = sized_number();
	d->hung_up = (d->kind == FILE_SOCKET || d->kind == FILE_PIPE) && below(2);
	snprintf(name, sizeof name, "%s:[%lu]", d->kind == FILE_PIPE ? "pipe" : "socket",
		 (unsigned long)d->pipe_id);
	switch (d->kind) {
	case FILE_PATH: d->name = random_name(&q->arena, 5000); break;
	case FILE_TERMINAL: d->name = terminals[below(3)]; break;
	case FILE_PIPE:
	case FILE_SOCKET: d->name = arena_strdup(&q->arena, name); break;
	case FILE_EVENTFD: d->name = "eventfd"; break;
	case FILE_EPOLL: d->name = "epoll"; break;
	case FILE_SIGNALFD: d->name = "signalfd"; break;
	case FILE_TIMERFD: d->name = "timerfd"; break;
	case FILE_PIDFD: d->name = "pidfd"; break;
	case FILE_INOTIFY: d->name = "inotify"; break;
	case FILE_MEMFD: d->name = "memfd:a : b #c"; break;
	case FILE_OTHER: d->name = others[below(4)]; break;
	}
	random_file_details(q, d);
	for (size_t n = d->kind == FILE_EPOLL ? below(4) : 0; n; n--) {
		d->watches = arena_grow(&q->arena, d->watches, d->watch_count, &d->watch_capacity,
					sizeof *d->watches);
		d->watches[d->watch_count++] = (struct epoll_watch){
			(int)below(1000), (int)below(1000), below(2), (uint32_t)sized_number(),
			sized_number(),
		};
	}
}

static void random_files(struct process *q)
{
	q->have |= HAVE_DESCRIPTORS;
	for (size_t n = below(12), fd = 0; n; n--, fd += 1 + below(3) * below(100)) {
		bool dup = q->description_count && !below(3);
		size_t description = dup ? below(q->description_count) : q->description_count;
		struct descriptor *d = process_add_descriptor(q);

		d->fd = (int)fd;
		d->close_on_exec = below(2);
		d->in_flight = !below(8);
		d->description = description;
		if (!dup)
			random_description(q, process_add_description(q));
	}
	for (size_t i = 0; i < q->description_count; i++)
		if (q->descriptions[i].socket)
			random_rights(q, q->descriptions[i].socket);
}

static void random_places(struct process *q)
{
	q->have |= HAVE_CWD | HAVE_ROOT | HAVE_UMASK;
	q->cwd = random_name(&q->arena, 5000);
	q->root = random_name(&q->arena, 5000);
	q->umask = (uint32_t)below(01000);
	q->children = (uint32_t)below(3);
	q->pid = (pid_t)(1 + below(4194304));
	q->ppid = (pid_t)below(4194305);
	q->pgrp = (pid_t)below(4194305);
	q->sid = (pid_t)below(4194305);
	q->exe = below(2) ? random_name(&q->arena, 5000) : NULL;
	strcpy(q->comm, below(2) ? random_name(&q->arena, 15) : "");
}

static void random_threads(struct process *q)
{
	for (size_t n = below(5), tid = 1; n; n--, tid += 1 + below(1000)) {
		struct thread *t = process_add_thread(q);

		t->tid = (pid_t)tid;
		strcpy(t->name, below(2) ? random_name(&q->arena, 15) : "");
		t->altstack.known = below(2);
		if (t->altstack.known)
			t->altstack = (struct altstack){
				true, sized_number(), sized_number(), (uint32_t)sized_number(),
			};
	}
}

static void random_signals(struct process *q)
{
	q->have |= HAVE_DISPOSITIONS | HAVE_LIMITS;
	for (int signo = 1; signo < SIGNALS; signo++) {
		struct disposition *d = &q->dispositions[signo];

		if (signo == SIGKILL || signo == SIGSTOP || below(2))
			continue;
		d->kind = (enum disposition_kind)below(4);
		if (d->kind == DISPOSITION_HANDLER)
			d->handler = sized_number() | 2;
		if (below(2))
			continue;
		d->flags = sized_number();
		d->mask = sized_number();
		d->restorer = sized_number();
	}
	for (int i = 0; i < LIMITS; i++) {
		uint64_t a = sized_number(), b = sized_number();

		q->limits[i] = (struct limit){ !i || below(2), a < b ? a : b, a < b ? b : a };
	}
}

static void random_mapping(struct process *q, struct mapping *m)
{
	m->prot = (uint32_t)below(8);
	m->prot_known = true;
	m->shared = below(2);
	m->grows_down = !below(4);
	m->file_offset = (number() >> below(52) >> 12) << 12;
	if (m->file_offset > UINT64_MAX - (m->end - m->start))
		m->file_offset = 0;
	if (below(2))
		m->label = (enum label)below(LABEL_VVAR + 1);
	else
		m->path = random_name(&q->arena, 5000);
	m->deleted = m->path && below(2);
}

static void random_memory(struct process *q)
{
	addr_t at = 0;
	addr_t *fields = (addr_t *)&q->mm;

	q->have |= HAVE_MAPPING_FLAGS | HAVE_BRK | HAVE_MM;
	q->start_brk = below((addr_t)1 << 46);
	q->brk = q->start_brk + below((addr_t)1 << 46);
	for (size_t i = 0; i < sizeof q->mm / sizeof *fields; i++)
		fields[i] = (i + 1) * ((addr_t)1 << 43) - below((addr_t)1 << 43);
	for (size_t n = 1 + below(20); n; n--) {
		struct mapping *m = process_add_mapping(q);

		m->start = at + below(3) * 4096;
		m->end = m->start + (1 + below(1u << 20)) * 4096;
		at = m->end;
		random_mapping(q, m);
	}
}

static void refuse_warning(void *context, const char *message)
{
	(void)context;
	printf("# unexpected warning: %s\n", message);
	CHECK(false, "what was written gives no warning");
}

/* The text of Q, parsed into p. */
static bool write_and_parse(const struct process *q)
{
	struct arena a = { 0 };
	char path[40];
	size_t len;
	int fd = memfd_create("text", MFD_CLOEXEC);
	bool good = fd >= 0 && statelog_write(q, fd, &err) == 0;

	process_free(&p);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	char *text = good ? read_file(&a, path, 1 << 26, &len, &err) : NULL;

	good = text && statelog_parse(&p, "log", text, len, refuse_warning, NULL, &err) == 0;
	arena_free(&a);
	close(fd);
	return good;
}

static bool comes_back(const struct process *q)
{
	return write_and_parse(q) && same_model(q, &p) && same_traits(q, &p);
}

static void test_random_models(void)
{
	bool good = true;
	int i;

	for (i = 0; good && i < 3000; i++) {
		struct process q;

		process_init(&q);
		random_files(&q);
		random_places(&q);
		random_threads(&q);
		random_signals(&q);
		random_memory(&q);
		random_traits(&q);
		good = comes_back(&q);
		process_free(&q);
	}
	CHECK(good, "random models come back from their text as they were");
	if (!good)
		printf("# model %d: %s\n", i, err.message);
}

static void test_writing(void)
{
	struct process q;
	struct description *d;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	process_init(&q);
	CHECK(comes_back(&q) && !p.have, "an empty model comes back");
	q.have = HAVE_DESCRIPTORS;
	CHECK(comes_back(&q) && p.have == HAVE_DESCRIPTORS, "no descriptors come back");
	CHECK(statelog_write(&q, fd, &err) != 0, "a full disk is an error");
	CHECK_TEXT(err.message, "cannot write the state text: No space left on device",
		   "which says so");
	close(fd);
	process_add_descriptor(&q);
	d = process_add_description(&q);
	d->kind = FILE_TERMINAL;
	d->name = "/dev/hvc0";
	CHECK(write_and_parse(&q) && file_of(0)->kind == FILE_TERMINAL,
	      "a terminal of an unknown name stays a terminal");
	d->kind = FILE_OTHER;
	d->name = "gpu thing";
	CHECK(write_and_parse(&q) && file_of(0)->kind == FILE_OTHER &&
	      !strcmp(file_of(0)->name, "anon_inode:gpu thing"),
	      "a nameless file of an unknown word stays one");
	d->kind = FILE_PATH;
	d->name = NULL;
	CHECK(write_and_parse(&q) && file_of(0)->kind == FILE_OTHER,
	      "a path that is not known becomes no path");
	process_free(&q);
}

int main(void)
{
	process_init(&p);
	test_random_models();
	test_writing();
	process_free(&p);
	return CHECK_DONE();
}
