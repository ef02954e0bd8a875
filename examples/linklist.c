// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Makes a linked list of COUNT numbers, 0 and up, and prints it.  gdb checkpoints it: line 29 is
 * reached once for each node that is made, line 37 once for each number that is printed.
 *
 *	$ gdb -ex 'break 29' -ex run -ex 'cont 500' -ex 'gcore core.linklist' linklist
 *	$ restart -n -w linklist core.linklist
 */
#include <stdio.h>
#include <stdlib.h>

/* The lines after this one must keep their numbers. */
struct node {
	int number;
	struct node *next;
};

int main(int argc, char **argv)
{
	struct node *first = NULL, **end = &first;
	int count = argc > 1 ? atoi(argv[1]) : 0;

	if (argc < 2) {
		printf("How many numbers: ");
		if (fflush(stdout) != 0 || scanf("%d", &count) != 1)
			return 1;
	}
	for (int i = 0; i < count; i++) {
		*end = calloc(1, sizeof **end);
		if (!*end)
			return 1;
		(*end)->number = i;
		end = &(*end)->next;
	}

	for (const struct node *n = first; n; n = n->next)
		printf("%d\n", n->number);
	return 0;
}
