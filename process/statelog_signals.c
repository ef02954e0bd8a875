/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines `sigaction`. */
#include <signal.h>

#include "process/names.h"
#include "process/statelog_parse.h"

/* `sigaction : * : default`: the dispositions are known, and who is not listed has its default. */
static int take_all_default(struct parser *s)
{
	const struct line *l = &s->line;

	if (l->count != 3 || !field_is(l->fields[2], "default"))
		return field_error(s, l->fields[1], "only 'sigaction : * : default' may say "
				   "something of all signals");
	s->p->have |= HAVE_DISPOSITIONS;
	return 0;
}

int field_signal(struct parser *s, struct field f, int *signo)
{
	char name[32];

	*signo = field_copy(f, name, sizeof name) ? signal_name_read(name) : -1;
	if (*signo < 1 || *signo >= SIGNALS)
		return field_error(s, f, "'%s' is no signal (SIGINT, SIGRTMIN+3, 10, ...)",
				   field_quote(f).text);
	return 0;
}

static int take_action(struct parser *s, struct field f, struct disposition *d)
{
	if (field_is(f, "default")) {
		d->kind = DISPOSITION_DEFAULT;
	} else if (field_is(f, "ignore")) {
		d->kind = DISPOSITION_IGNORE;
	} else if (field_is(f, "caught")) {
		d->kind = DISPOSITION_CAUGHT;
	} else {
		d->kind = DISPOSITION_HANDLER;
		if (number_hex(s, f, "handler", UINT64_MAX, &d->handler) != 0)
			return -1;
		/* The kernel's SIG_DFL and SIG_IGN. */
		if (d->handler <= 1)
			return field_error(s, f, "handler: write 'default' for 0 and 'ignore' for "
					   "1");
	}
	return 0;
}

static int take_details(struct parser *s, const struct field *f, struct disposition *d)
{
	char flags[300];
	const char *bad;

	if (!field_copy(f[0], flags, sizeof flags) || !sigaction_flags_read(flags, &d->flags, &bad))
		return field_error(s, f[0], "flags: '%s' are neither flags (SA_RESTART, ...) nor a "
				   "number", field_quote(f[0]).text);
	return number_hex(s, f[1], "mask", UINT64_MAX, &d->mask) != 0 ||
	       number_hex(s, f[2], "restorer", UINT64_MAX, &d->restorer) != 0 ? -1 : 0;
}

int take_sigaction(struct parser *s)
{
	const struct line *l = &s->line;
	struct disposition d = { 0 };
	int signo;

	if (field_is(l->fields[1], "*"))
		return take_all_default(s);
	if (field_signal(s, l->fields[1], &signo) != 0 || take_action(s, l->fields[2], &d) != 0)
		return -1;
	if (s->signals_seen & (uint64_t)1 << (signo - 1))
		return field_error(s, l->fields[1], "signal %s has a line already",
				   field_quote(l->fields[1]).text);
	s->signals_seen |= (uint64_t)1 << (signo - 1);
	if (l->count != 6 && (l->count != 3 || d.kind == DISPOSITION_HANDLER))
		return field_error(s, l->fields[2], "a handler needs all of 'sigaction : SIGNAL : "
				   "HANDLER : FLAGS : MASK : RESTORER'");
	if (l->count == 6 && take_details(s, l->fields + 3, &d) != 0)
		return -1;
	if ((signo == SIGKILL || signo == SIGSTOP) && d.kind != DISPOSITION_DEFAULT)
		return field_error(s, l->fields[1], "%s can only have its default",
				   field_quote(l->fields[1]).text);
	s->p->dispositions[signo] = d;
	s->p->have |= HAVE_DISPOSITIONS;
	return 0;
}
