/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ckpt -p: checkpoints a running process almost without stopping it.  capture.c makes a model and a
 * snapshot of it, elf/core_write.c writes both.  ckpt PROGRAM is in run.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ckpt/capture.h"
#include "ckpt/guard.h"
#include "ckpt/holes.h"
#include "ckpt/losses.h"
#include "ckpt/options.h"
#include "ckpt/output.h"
#include "ckpt/restart.h"
#include "ckpt/run.h"
#include "elf/cpu_features.h"
#include "elf/embedded.h"
#include "process/statelog.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/io.h"
#include "util/format.h"
#include "util/replace.h"

/* ---- The state text -------------------------------------------------------------------------- */

struct text {
	char *bytes;
	size_t len;
};

static int make_text(struct text *text, const struct process *p, struct error *err)
{
	cleanup_fd int fd = memfd_create("state", MFD_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return error_sys(err, errno, "memfd");
	if (statelog_write(p, fd, err) < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return error_sys(err, errno, "the state text");
	/* With the contents of unlinked files in it, it may be large: no second copy. */
	void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);

	if (bytes == MAP_FAILED)
		return error_sys(err, errno, "the state text");
	text->bytes = bytes;
	text->len = (size_t)st.st_size;
	return 0;
}

static int write_log(const char *path, const struct text *text, struct error *err)
{
	struct replacement log;

	if (replacement_begin(&log, path, 0600, err) < 0)
		return -1;
	if (write_full(log.fd, text->bytes, text->len) < 0) {
		error_sys(err, errno, "%s", path);
		replacement_abandon(&log);
		return -1;
	}
	return replacement_commit(&log, err);
}

/* ---- Progress, on a terminal, when it lasts -------------------------------------------------- */

struct progress {
	double start, shown;
	bool wanted;
};

static void show_progress(void *context, uint64_t done, uint64_t total)
{
	struct progress *p = context;
	double t = seconds_now(), rate = (double)done / (t - p->start);

	if (!p->wanted || t - p->start < 1 || (t - p->shown < 0.2 && done < total))
		return;
	p->shown = t;
	fprintf(stderr, "\r%5.1f %%  %llu of %llu MiB  %.0f MiB/s  %.0f s left ",
		100.0 * (double)done / (double)(total ? total : 1), (unsigned long long)done >> 20,
		(unsigned long long)total >> 20, rate / (1 << 20), (double)(total - done) / rate);
	if (done >= total)
		fputc('\n', stderr);
}

/* ---- Saving ---------------------------------------------------------------------------------- */

/* For whoever asked for it from inside the process. */
static void tell(const struct options *o, const char *what, const char *message)
{
	char line[ERROR_MESSAGE_SIZE + 16];

	if (o->status_fd < 0)
		return;
	size_t len = format(line, sizeof line, "%s%s%s\n", what, message ? ": " : "",
			    message ? message : "");
	if (write_full(o->status_fd, line, len) < 0)
		return;  /* it has been killed meanwhile */
}

static int write_core(struct capture *c, const struct options *o, const struct text *text, int fd,
		      struct core_write_stats *stats, struct error *err)
{
	struct core_source source = memory_core_source(&c->memory);
	struct progress progress = { .start = seconds_now(), .wanted = isatty(STDERR_FILENO) };
	char cpu[CPU_FEATURES_SIZE];
	struct utsname host;
	struct core_write_options how = {
		.name = o->output,
		.compress = o->compress,
		.progress = show_progress,
		.context = &progress,
		.kernel = uname(&host) == 0 ? host.release : NULL,
		.cpu = cpu_features_here(cpu) ? cpu : NULL,
	};

	if (o->log && write_log(o->log, text, err) < 0)
		return -1;
	return core_write(&c->process, &source, text->bytes, text->len, fd, &how, stats, err);
}

/* ---- What it took ---------------------------------------------------------------------------- */

static void print_stats(const struct options *o, const struct capture *c,
			const struct core_write_stats *s, double total)
{
	FILE *out = strcmp(o->output, "-") == 0 ? stderr : stdout;
	const struct {
		const char *key;
		int decimals;
		double value;
	} figures[] = {
		{ "stall_ms", 3, c->stall * 1e3 },
		{ "total_ms", 3, total * 1e3 },
		{ "bytes", 0, (double)s->written },
		{ "pages_saved", 0, (double)s->pages_saved },
		{ "pages_zero", 0, (double)s->pages_zero },
		{ "threads", 0, (double)c->process.thread_count },
		{ "mib_per_s", 0, (double)s->written / total / (1 << 20) },
	};

	for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
		fprintf(out, o->json ? "%s\"%s\": %.*f" : "%s%s=%.*f",
			i ? o->json ? ", " : " " : o->json ? "{" : "", figures[i].key,
			figures[i].decimals, figures[i].value);
	fputs(o->json ? "}\n" : "\n", out);
}

static void say_how_it_goes(const struct options *o, const struct capture *c)
{
	if (c->snapshot)
		tell(o, "snapshot", NULL);
	if (c->why_stopped[0])
		fprintf(stderr, "ckpt: process %d stands still until it is saved: %s\n", o->pid,
			c->why_stopped);
	else if (o->verbose && c->snapshot)
		fprintf(stderr, "ckpt: process %d goes on after %.1f ms\n", o->pid, c->stall * 1e3);
}

/* A process that cannot be brought back as it was is not ended; of one that goes on it is told. */
static int check_losses(const struct capture *c, const struct options *o, const struct text *text,
			struct error *err)
{
	bool ends = o->kill || o->exit;
	char loss[ERROR_MESSAGE_SIZE];

	if (o->accept_loss || (o->status_fd >= 0 && !ends))
		return 0;
	losses_find(&c->process, text->bytes, text->len, loss);
	if (!loss[0])
		return 0;
	if (o->exit)
		return error_set(err, ENOTSUP, "%s (with ckpt -c, or CKPT_CONTINUE=1 in "
				 "its environment, it is saved and goes on)", loss);
	if (o->kill)
		return error_set(err, ENOTSUP, "process %d goes on: %s (--accept-loss ends it all "
				 "the same; without -k it is saved and goes on)", o->pid, loss);
	fprintf(stderr, "ckpt: restart will want --accept-loss: %s\n", loss);
	return 0;
}

static int save(struct capture *c, const struct options *o, struct output *output,
		struct core_write_stats *stats, struct error *err)
{
	struct core_source source = memory_core_source(&c->memory);
	struct text text = { 0 };
	int result = -1;

	if (leave_out(&c->process, &o->leave_out, err) == 0 &&
	    leave_holes(&c->process, &source, err) == 0 &&
	    make_text(&text, &c->process, err) == 0 && check_losses(c, o, &text, err) == 0)
		result = write_core(c, o, &text, output_fd(output), stats, err);
	if (text.bytes)
		munmap(text.bytes, text.len);
	if (result < 0) {
		output_abandon(output);
		return -1;
	}
	capture_memory_done(c);
	return output_finish(output, stats->size, err);
}

static int run(const struct options *o, struct error *err)
{
	struct capture_options how = {
		.stop = o->stop, .keep_stopped = o->kill || o->exit, .whole = o->executable,
		.spare = o->spare, .contents_max = o->unlinked_max,
		.tcp_established = o->tcp_established,
	};
	struct output output = { .name = o->output, .executable = o->executable, .keep = o->keep };
	struct core_write_stats stats = { 0 };
	struct capture c;
	double start = seconds_now();

	if (output_open(&output, err) < 0)
		return -1;
	how.directory = strcmp(o->output, "-") == 0 ? -1 : output.file.directory;
	if (capture_begin(&c, o->pid, &how, err) < 0) {
		output_abandon(&output);
		return -1;
	}
	say_how_it_goes(o, &c);
	int result = save(&c, o, &output, &stats, err);
	if (c.tracee)
		c.stall = seconds_now() - start;
	if (result == 0 && o->exit && o->has_modes)
		terminal_give_back(o->modes);
	if (result == 0 && (o->kill || o->exit))
		result = capture_kill(&c, o->exit, err);
	if (result == 0 && o->kill && c.process.children)
		fprintf(stderr, "ckpt: process %d had children (%u), which are not in its "
			"checkpoint and go on\n", o->pid, c.process.children);
	if (result == 0 && (o->stats || o->json))
		print_stats(o, &c, &stats, seconds_now() - start);
	if (result == 0 && o->verbose)
		fprintf(stderr, "ckpt: %s: %llu %s\n", o->output,
			(unsigned long long)stats.written >> (stats.written < 1 << 20 ? 10 : 20),
			stats.written < 1 << 20 ? "KiB" : "MiB");
	capture_end(&c);
	return result;
}

/* What the terminal sends is for the program that asked for its checkpoint. */
static void ignore_terminal(void)
{
	static const int signals[] = { SIGTSTP, SIGINT, SIGQUIT, SIGHUP };

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		signal(signals[i], SIG_IGN);
}

int main(int argc, char **argv)
{
	struct run_options program;
	struct options options;
	struct error err;
	int status;

	if (embedded_self(EMBEDDED_CORE))  /* an executable checkpoint: the core behind us */
		return restart_main(argc, argv);
	if (run_options_parse(&program, argc, argv, &status))
		return status >= 0 ? status : run_program(&program);
	status = options_parse(&options, argc, argv);
	if (status >= 0)
		return status;
	signal(SIGCHLD, SIG_DFL);  /* where it is ignored nothing can be waited for */
	/* A reader that went away, a limit of the file's size: errors like a full disk. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (options.status_fd >= 0)
		ignore_terminal();
	status = options.tcp_established ? guard_begin(&err) : 0;
	if (status == 0)
		status = run(&options, &err);
	if (status < 0) {
		fprintf(stderr, "ckpt: %s\n", err.message);
		tell(&options, "failed", err.message);
	} else {
		tell(&options, "done", NULL);
	}
	leave_out_free(&options.leave_out);
	return status < 0;
}
