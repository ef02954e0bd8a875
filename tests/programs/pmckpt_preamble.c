/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two functions with preambles that write to the file `preambles', and count in variables of their
 * own and of the whole program.  After a restart the former have what they had, and the preambles
 * may have run once more, the outer one first.  Exits with 7 then, 3 when they have not, 1 when
 * something is wrong.
 */
#ifdef AGAIN
#define CKPT_PREAMBLE
#endif
#include "pmckpt.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int runs;

static void note(const char *text)
{
	int fd = open("preambles", O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (write(fd, text, strlen(text)) < 0)
		_exit(1);
	close(fd);
	runs++;
}

static double helper(double x)
{
CKPT VARS
CKPT TOPS
	return x + 1;
CKPT BOTS
}

static int inner(int n, const char *text, double factor)
{
CKPT VARS
	char local[100];
	int squares[n];
	double sum = helper(factor);
	note(text);
	strcpy(local, "preamble");
	for (int i = 0; i < n; i++)
		squares[i] = -1;
CKPT TOPS
	strcpy(local, "body");
	for (int i = 0; i < n; i++)
		sum += squares[i] = i * i;
	ckpt_schedule();
CKPT POINT x1 y1
	for (int i = 0; i < n; i++)
		sum -= squares[i] == i * i ? i * i : 1e9;
	return strcmp(local, "body") == 0 && sum == factor + 1 ? runs : -100;
CKPT BOTS
}

int main(int argc, char **argv)
{
CKPT VARS
	int before = 0, many = 1000;
	char text[20] = "outer\n";
	note(text);
CKPT TOPS
	before = argc;
	many *= 3;
	strcpy(text, "inner\n");
CKPT POINT x2 y2
	runs = inner(many, text, 0.5);
	if (before != argc || many != 3000 || strcmp(text, "inner\n") != 0 || argv[argc])
		return 1;
	return runs == 2 ? 3 : runs == 4 ? 7 : 1;
CKPT BOTS
}
