/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * restart: brings a process back from its core file.  The stages are drawn in restore.h; this file
 * puts them in order and speaks with the user.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elf/embedded.h"
#include "restart/exit.h"
#include "restart/ids.h"
#include "restart/input.h"
#include "restart/launch.h"
#include "restart/overwrite.h"
#include "restart/owners.h"
#include "restart/plan_files.h"
#include "restart/program.h"
#include "restart/refusal.h"
#include "restart/restore.h"
#include "restart/segments.h"
#include "restart/select.h"
#include "restart/session.h"
#include "restart/shared.h"
#include "restart/shells.h"
#include "restart/show.h"
#include "restart/sockets.h"
#include "restart/terminals.h"
#include "restart/vdso.h"
#include "restart/wait.h"
#include "util/format.h"

/* Whom the user believes to be running. */
static const char *me = "restart: ";

static int fail(const struct error *err)
{
	fprintf(stderr, "%s%s\n", me, err->message);
	return EXIT_FAILED;
}

static void warn(void *context, const char *message)
{
	(void)context;
	fprintf(stderr, "%s%s\n", me, message);
}

/* For each description, its lowest descriptor. */
static int index_descriptors(struct restore *r, struct error *err)
{
	const struct process *p = r->process;

	r->first_descriptor = calloc(p->description_count + 1, sizeof *r->first_descriptor);
	if (!r->first_descriptor)
		return error_set(err, ENOMEM, "not enough memory");
	for (size_t i = p->descriptor_count; i-- > 0;)
		r->first_descriptor[p->descriptors[i].description] = i;
	return index_pipes(r, err) < 0 ? -1 : index_sockets(r, err);
}

/* ---- Saying what was found ------------------------------------------------------------------- */

static void print_findings(const struct findings *f, enum severity severity, const char *prefix,
			   FILE *out)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->list[i].severity == severity)
			fprintf(out, "%s%s\n", prefix, f->list[i].text);
}

static int report_check(const struct restore *r, const struct findings *f)
{
	size_t obstacles = findings_count(f, OBSTACLE);

	print_findings(f, OBSTACLE, "obstacle: ", stdout);
	if (refusal_needs_edit(r, f))
		printf("remedy: %s\n", refusal_how_to_edit(r));
	print_findings(f, LOSS, "loss: ", stdout);
	print_findings(f, REMARK, "note: ", stdout);
	printf(obstacles ? "It would not restart here.\n" : "It would restart here.\n");
	return obstacles ? EXIT_FAILED : 0;
}

/* For ckpt: what is lost wherever the process is restarted, if it ends now. */
static int report_losses(const struct findings *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->list[i].acceptable)
			puts(f->list[i].text);
	return f->out_of_memory ? EXIT_FAILED : 0;
}

/* ---- The modes ------------------------------------------------------------------------------- */

static int print_plan(struct restore *r)
{
	struct plan plan;
	struct error err;

	r->finish = r->program ? FINISH_TRACED : FINISH_IN_PLACE;
	r->lazy = r->options->lazy;
	if (vdso_here(&r->vdso, getauxval(AT_SYSINFO_EHDR), &err) < 0 ||
	    restore_plan(r, &plan, &err) < 0)
		return fail(&err);
	plan_print(&plan, stdout);
	plan_free(&plan);
	return 0;
}

/* In one write, as the program may be about to use the same terminal. */
static void announce(const struct restore *r, pid_t pid)
{
	const struct process *p = r->process;
	char where[80], command[256];

	if (r->options->pid == PID_NAMESPACE)
		format(where, sizeof where, "process %d of a namespace of its own", pid);
	else if (pid == p->pid)
		format(where, sizeof where, "process %d, as before", pid);
	else
		format(where, sizeof where, "process %d (was %d)", pid, p->pid);
	format(command, sizeof command, "%s", p->command_line ? p->command_line : p->comm);
	format_one_line(command);
	fprintf(stderr, "restart: %s: %s%s\n", command, where,
		r->options->nostop ? "" : ", stopped until SIGCONT");
}

/* --lazy, unless the next dump of the process would destroy what it is mapped from. */
static void choose_laziness(struct restore *r)
{
	r->lazy = r->options->lazy && !core_may_be_overwritten(r);
	if (r->options->lazy && !r->lazy)
		fprintf(stderr, "restart: %s has the name that the next dump of the process will "
			"have, so its memory is copied all the same (give the core another name)\n",
			r->process->source);
}

/* Launches with the ids that the policy wants; "keep if possible" tries again with new ones. */
static pid_t launch_by_policy(struct restore *r, struct error *err)
{
	enum pid_policy policy = r->options->pid;
	pid_t taken;

	r->keep_ids = policy == PID_KEEP || policy == PID_NAMESPACE ||
		      (policy == PID_AUTO && ids_permitted() && ids_free(r->process, 0, &taken));
	if (r->keep_ids)
		ids_raise_ambient(CAP_CHECKPOINT_RESTORE);
	if (r->options->tcp_established) {
		ids_raise_ambient(CAP_NET_ADMIN);
		ids_raise_ambient(CAP_NET_RAW);
	}
	r->announce = announce;
	if (r->keep_ids && policy != PID_NAMESPACE)
		ids_settle(r->process);
	choose_laziness(r);
	if (!r->keep_ids && owners_find(r, err) < 0)
		return -1;
	pid_t pid = launch(r, err);
	if (pid < 0 && policy == PID_AUTO && r->keep_ids &&
	    (err->code == EEXIST || err->code == EPERM)) {
		r->keep_ids = false;
		choose_laziness(r);
		if (owners_find(r, err) < 0)
			return -1;
		pid = launch(r, err);
	}
	return pid;
}

static int launch_and_wait(struct restore *r)
{
	struct error err;
	pid_t pid;

	pid = launch_by_policy(r, &err);
	if (pid < 0) {
		segments_remove(r);
		fail(&err);
		return err.code == ENOEXEC || err.code == EACCES ? EXIT_CANNOT_RUN : EXIT_FAILED;
	}
	r->started = true;
	if (r->options->nostop && draws_screen(r) && fork() == 0) {
		redraw_screen(r);
		_exit(0);
	}
	return r->options->wait || r->options->pid == PID_NAMESPACE ?
	       wait_for_program(pid, session_is_apart(r), shell_leads(r) ? r->terminal : -1) : 0;
}

/*
 * --pid=ns: the first process of the namespace launches the program and stays until it ends, as
 * the namespace would end with it.
 */
static int launch_in_namespace(struct restore *r)
{
	struct error err;
	pid_t init = -1;

	if (ids_enter_namespace(&err) == 0 && (init = fork()) < 0)
		error_sys(&err, errno, "fork");
	if (init < 0) {
		segments_remove(r);
		return fail(&err);
	}
	if (init == 0)
		_exit(refusal_keep(r, launch_and_wait(r)));
	r->started = true;
	r->keep_ids = true;
	if (!r->options->wait)
		return 0;
	return wait_for_program(init, false, shell_leads(r) ? r->terminal : -1);
}

/* The leader has the id that this process has; the others have theirs again where that may be. */
static int become(struct restore *r)
{
	struct error err;
	pid_t taken;

	r->keep_ids = ids_permitted() && ids_free(r->process, 1, &taken);
	if (r->keep_ids || owners_find(r, &err) == 0)
		launch_become(r, &err);
	segments_remove(r);
	return fail(&err);
}

static int do_restart(struct restore *r, const struct findings *f)
{
	struct error err;

	if (findings_count(f, OBSTACLE)) {
		print_findings(f, OBSTACLE, me, stderr);
		if (refusal_needs_edit(r, f))
			fprintf(stderr, "%s%s\n", me, refusal_how_to_edit(r));
		return EXIT_FAILED;
	}
	print_findings(f, LOSS, me, stderr);
	if (r->options->verbose)
		print_findings(f, REMARK, me, stderr);
	if (nameless_make(r, &err) < 0 || segments_make(r, &err) < 0)
		return fail(&err);
	if (r->options->become)
		return become(r);
	if (!r->options->wait && shares_terminal(r))
		fprintf(stderr, "restart: it shares this terminal with the shell, and what is "
			"typed may go to either (restart -w waits for it and gives it the "
			"terminal)\n");
	wait_prepare();
	if (r->options->pid == PID_NAMESPACE)
		return launch_in_namespace(r);
	return launch_and_wait(r);
}

static int run(struct restore *r)
{
	struct findings findings = { .accept_loss = r->options->accept_loss || r->options->alive };
	struct error err;
	int status = program_find(r, &err);

	if (status) {
		fail(&err);
		return status;
	}
	if (restore_prepare(r, &err) < 0)
		return fail(&err);
	if (r->options->select && select_mappings(r->process, &err) < 0)
		return fail(&err);
	/* From here on it is tried out what can be had: addresses are bound, and given back. */
	if (r->options->mode == MODE_SHOW) {
		show_process(r->process, stdout);
		return 0;
	}
	if (index_descriptors(r, &err) < 0)
		return fail(&err);
	launch_choose_descriptors(r);
	if (index_terminals(r, &err) < 0 || index_views(r, &err) < 0 ||
	    index_segments(r, &err) < 0)
		return fail(&err);
	restore_check(r, &findings);
	if (r->options->alive)
		status = report_losses(&findings);
	else if (r->options->mode == MODE_CHECK)
		status = report_check(r, &findings);
	else if (r->options->mode == MODE_PLAN)
		status = print_plan(r);
	else
		status = do_restart(r, &findings);
	findings_free(&findings);
	return status;
}

static int print_log(const struct input *in)
{
	if (in->note)
		fwrite(in->note, 1, in->note_size, stdout);
	else
		fprintf(stderr, "%s%s holds no state text (it may be in a file filedescriptors "
			"beside it)\n", me, in->process.source);
	return in->note ? 0 : EXIT_FAILED;
}

static int print_core(const struct core *core)
{
	struct error err;

	if (isatty(STDOUT_FILENO))
		error_set(&err, EINVAL, "a core is not for a terminal: restart --core FILE > CORE");
	else if (core_extract(core, STDOUT_FILENO, &err) == 0)
		return 0;
	return fail(&err);
}

/* An executable checkpoint has this program in front of it; its arguments are the program's. */
static int read_options(struct options *o, int argc, char **argv)
{
	const char *self = embedded_self(EMBEDDED_CORE);
	static char name[NAME_MAX + 3];

	if (!self)
		return options_parse(o, argc, argv);
	/* What is sent from now on is for the program, and waits for it. */
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	const char *slash = strrchr(self, '/');
	format(name, sizeof name, "%s: ", slash ? slash + 1 : self);
	me = name;
	return options_of_self(o, self);
}

int main(int argc, char **argv)
{
	struct options options;
	struct restore r = { .options = &options, .terminal = -1 };
	struct input input;
	struct error err;
	int status;

	launch_occupy_standard();
	status = read_options(&options, argc, argv);
	if (status >= 0)
		return status;
	status = input_read(&input, &options, warn, &err);
	r.process = &input.process;
	r.core = input.core;
	if (status < 0) {
		status = fail(&err);
	} else if (options.mode == MODE_LOG) {
		status = print_log(&input);
	} else if (options.mode == MODE_CORE) {
		status = print_core(r.core);
	} else {
		status = run(&r);
	}
	status = refusal_keep(&r, status);
	free(r.program);
	free(r.first_descriptor);
	arena_free(&r.owners.arena);
	free(r.pipes);
	free(r.nameless);
	free_sockets(&r);
	free(r.views);
	free(r.held);
	free(r.segments);
	free(r.terminals);
	input_free(&input);
	options_free(&options);
	return status;
}
