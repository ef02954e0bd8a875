/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a checkpoint is of the program that --resume names.  The program may have executed
 * another one since, as wrappers do: what it was started as stands in the environment, which the
 * other one inherits, at the bottom of its stack.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ckpt/run.h"
#include "elf/core_read.h"
#include "elf/elf_file.h"
#include "process/arch.h"
#include "process/statelog.h"
#include "util/cleanup.h"
#include "util/format.h"

/* As large as the kernel allows with the usual stack. */
enum { ENVIRONMENT_MOST = 2 << 20 };

#define IS_SET PROGRAM_VARIABLE "="

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What the process was started as; "" when it does not say. */
static void started_as(const struct process *p, char path[PATH_MAX])
{
	uint64_t size = p->mm.env_end - p->mm.env_start;
	struct error unused;

	path[0] = '\0';
	if (!(p->have & HAVE_MM) || p->mm.env_end <= p->mm.env_start || size > ENVIRONMENT_MOST)
		return;
	cleanup_free char *environment = malloc(size + 1);
	if (!environment || process_read(p, p->mm.env_start, environment, size, &unused) < 0)
		return;
	environment[size] = '\0';
	for (const char *e = environment; e < environment + size; e += strlen(e) + 1)
		if (strncmp(e, IS_SET, strlen(IS_SET)) == 0)
			format(path, PATH_MAX, "%s", e + strlen(IS_SET));
}

/* Whether PATH is another build than the program that is in the memory of P, as far as known. */
static bool is_other_build(const struct process *p, const char *path)
{
	addr_t base = process_auxv(p, AT_PHDR, 0) & ~(p->arch->page_size - 1);
	struct arena arena = { 0 };
	struct elf_file file;
	struct build_id then;
	struct error unused;
	bool other = false;

	elf_mapped_build_id(p, base, &then);
	if (then.size && elf_file_read(&file, &arena, path, &unused) == 0)
		other = file.build_id.size != then.size ||
			memcmp(file.build_id.bytes, then.bytes, then.size) != 0;
	arena_free(&arena);
	return other;
}

/* A copy of the same build elsewhere is the same program. */
static bool is_of(const struct process *p, const struct program_file *f, const char *then)
{
	if (!*then || !*f->found || strcmp(then, f->found) == 0)
		return true;
	return strcmp(base_name(then), base_name(f->found)) == 0 && !f->script &&
	       !is_other_build(p, f->path);
}

static int judge(const struct process *p, const char *name, const struct program_file *f,
		 struct error *err)
{
	char then[PATH_MAX], command[256], program[256];

	started_as(p, then);
	bool is = is_of(p, f, then);
	format_one_line(then);
	if (!is)
		return error_set(err, EEXIST, "%s: is a checkpoint of %s and not of %s (run %s to "
				 "continue that, or give another name)", name, then, f->found,
				 name);
	format(command, sizeof command, "%s", p->command_line ? p->command_line : p->comm);
	format_one_line(command);
	format(program, sizeof program, "%s", p->exe ? base_name(p->exe) : "");
	format_one_line(program);
	if (p->exe && is_other_build(p, p->exe))
		fprintf(stderr, "ckpt: continuing %s from %s, in the old build of %s (remove %s to "
			"start the new one)\n", command, name, program, name);
	else
		fprintf(stderr, "ckpt: continuing %s from %s\n", command, name);
	return 0;
}

static int read_and_judge(struct process *p, struct process *text, const char *name,
			  const struct program_file *f, struct error *err)
{
	size_t size;
	const char *state;
	struct core *core = core_read(p, name, &state, &size, err);
	int result = 0;

	if (!core)
		return -1;
	if (state && (statelog_parse(text, name, state, size, NULL, NULL, err) < 0 ||
		      process_merge(p, text, err) < 0))
		result = -1;
	if (result == 0)
		result = judge(p, name, f, err);
	core_close(core);
	return result;
}

int same_program(const char *name, const struct program_file *f, struct error *err)
{
	struct process p, text;

	process_init(&p);
	process_init(&text);
	int result = read_and_judge(&p, &text, name, f, err);
	process_free(&p);
	process_free(&text);
	return result;
}
