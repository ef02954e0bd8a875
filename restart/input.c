/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "restart/input.h"

#include <errno.h>
#include <string.h>

#include "restart/launch.h"
#include "restart/relocate.h"

static int read_text(struct input *in, const struct options *o, statelog_warning *warn,
		     struct error *err)
{
	if (o->filedes && statelog_read(&in->text, o->filedes, warn, NULL, err) == 0)
		return 0;
	if (o->filedes && err->code == ENOENT)
		return error_set(err, ENOENT, "%s: No such file or directory (%s "
				 "text is named in one word: -fFILE)", o->filedes,
				 in->note ? "the core holds its own: leave -f out; another" : "a");
	if (o->filedes)
		return -1;
	if (in->note)
		return statelog_parse(&in->text, in->process.source, in->note, in->note_size, warn,
				      NULL, err);
	return 0;
}

/* A filedescriptors that another process has written since would give this one its files. */
static int check_same_process(const struct input *in, const struct options *o, struct error *err)
{
	if (!in->text.pid || in->text.pid == in->process.pid)
		return 0;
	return error_set(err, EINVAL, "%s is of process %d and %s of process %d (name the text "
			 "that belongs to the core, or delete its pid line)",
			 o->filedes ? o->filedes : in->process.source, in->text.pid,
			 in->process.source, in->process.pid);
}

int input_read(struct input *in, const struct options *o, statelog_warning *warn, struct error *err)
{
	*in = (struct input){ 0 };
	process_init(&in->process);
	process_init(&in->text);
	in->core = core_read(&in->process, o->core, &in->note, &in->note_size, err);
	if (!in->core)
		return -1;
	if (strcmp(o->core, "-") == 0)
		launch_replace_stdin();
	if (read_text(in, o, warn, err) < 0 || check_same_process(in, o, err) < 0 ||
	    process_merge(&in->process, &in->text, err) < 0)
		return -1;
	return relocate_paths(&in->process, o, err);
}

void input_free(struct input *in)
{
	if (in->core)
		core_close(in->core);
	process_free(&in->process);
	process_free(&in->text);
}
