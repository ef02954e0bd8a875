/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Functions with preambles that note in the file `preambles' that they have run.  At the end all
 * variables are as if preambles had run once: exits with 3 then, or 7 when they did run again.
 */
#ifdef AGAIN
#define CKPT_PREAMBLE
#endif
#include "pmckpt.h"
#include <stdio.h>
#include <string.h>

static int runs;

static double note(const char *text)
{
CKPT VARS
	FILE *f = fopen("preambles", "a");
CKPT TOPS
	fputs(text, f);
	return fclose(f) + ++runs;
CKPT BOTS
}

static int inner(int n, const char *text, double factor)
{
CKPT VARS
	char local[100] = "preamble";
	int i, squares[n];
	double sum = note(text) * 0 + factor;
	memset(squares, -1, sizeof squares);
CKPT TOPS
	strcpy(local, "body");
	for (i = 0; i < n; i++)
		sum += squares[i] = i * i;
	ckpt_schedule();
CKPT POINT x1 y1
	for (i = 0; i < n; i++)
		sum -= squares[i] == i * i ? i * i : 1e9;
	return strcmp(local, "body") == 0 && sum == factor ? runs : -100;
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
