/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Invariant: a library that was loaded at run time is there after the restart, with its data;
 * symbols can be looked up in it, it can be closed, and others can be loaded.
 */
#include <dlfcn.h>

#include "tests/programs/restart_victim.h"

int main(void)
{
	void *plugin = dlopen("./plugin.so", RTLD_NOW), *math;
	int (*count)(void);
	double (*cosine)(double);

	CHECK(plugin && (count = (int (*)(void))dlsym(plugin, "plugin_count")));
	CHECK(count() == 1 && count() == 2);

	checkpoint();

	CHECK(count() == 3 && dlsym(plugin, "plugin_count") == (void *)count);
	CHECK((math = dlopen("libm.so.6", RTLD_NOW)));
	CHECK((cosine = (double (*)(double))dlsym(math, "cos")));
	CHECK(cosine(0) == 1);
	CHECK(dlclose(plugin) == 0 && (plugin = dlopen("./plugin.so", RTLD_NOW)));
	CHECK((count = (int (*)(void))dlsym(plugin, "plugin_count")) && count() == 1);
	printf("ok\n");
	return 0;
}
