/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library of restart_dlopen.c. */
int plugin_count(void);

int plugin_count(void)
{
	static int count;

	return ++count;
}
