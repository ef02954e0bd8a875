/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ckptcvt: a filter that makes code of the marks in a C source; pmckpt(7) says where they stand.  A
 * mark becomes one line, so lines keep their numbers.  Nothing is written when a mark is wrong.
 *
 * To tell where functions begin and end, braces are counted, outside of comments, strings and
 * directives.  The branches of an #if each begin at the same depth.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum kind { NO_MARK, VARS, TOPS, BOTS, POINT, KINDS };
enum { WORDS = 5, WORD_SIZE = 256, NAMES = 2048, NESTED_MAX = 256 };

/* The marks, in words: where they belong, and behind which other one in their function. */
static const struct { const char *word, *place; enum kind behind; } marks[KINDS] = {
	[NO_MARK] = { "", "", NO_MARK },
	[VARS] = { "VARS", "belongs right after the { of a function", NO_MARK },
	[TOPS] = { "TOPS", "belongs behind CKPT VARS, outside of blocks", VARS },
	[BOTS] = { "BOTS", "belongs behind CKPT TOPS, right before the final }", TOPS },
	[POINT] = { "POINT", "belongs between CKPT TOPS and CKPT BOTS", TOPS },
};

/* The marked function: its last mark but for POINTs, where that is, and the depth inside. */
static struct { enum kind stage; int line, depth, names; char name[NAMES][WORD_SIZE]; } function;

static int line;         /* its number */
static int depth;        /* of braces */
static char last;        /* of code, but for spaces */
static bool failed;
static char file[4096];  /* the name of standard input, or - */
static FILE *out;

static void wrong(int where, const char *subject, const char *what)
{
	fprintf(stderr, "%s:%d: CKPT %s %s\n", file, where, subject, what);
	failed = true;
}

static void take_code(char c)
{
	bool ends = c == '}' && depth <= function.depth;

	if (function.stage == BOTS && !ends)
		wrong(function.line, "BOTS", marks[BOTS].place);
	else if (function.stage && function.stage != BOTS && ends)
		wrong(line, marks[function.stage + 1].word, "is missing before the function ends");
	if (function.stage == BOTS || ends)
		function.stage = NO_MARK;
	depth += (c == '{') - (c == '}');
	last = c;
}

static void take_directive(const char *text)
{
	static int begun[NESTED_MAX], nested;

	text += strspn(text, "# \t");
	if (strncmp(text, "if", 2) == 0 && nested < NESTED_MAX)
		begun[nested++] = depth;
	else if (strncmp(text, "el", 2) == 0 && nested > 0)
		depth = begun[nested - 1];
	else if (strncmp(text, "endif", 5) == 0 && nested > 0)
		nested--;
}

static void take_name(const char *name)
{
	static const char any[] = "_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (isdigit((unsigned char)*name) || name[strspn(name, any)])
		wrong(line, "POINT takes two names, not", name);
	for (int i = 0; i < function.names; i++)
		if (strcmp(function.name[i], name) == 0)
			wrong(line, "POINT has a name that is taken in this function:", name);
	if (function.names == NAMES)
		errx(1, "%s:%d: too many points in a function", file, line);
	strcpy(function.name[function.names++], name);
}

static void place(enum kind mark)
{
	if (function.stage == BOTS)
		take_code('C');
	if (function.stage != marks[mark].behind || (mark == VARS && last != '{') ||
	    (mark == TOPS && depth != function.depth))
		wrong(line, marks[mark].word, marks[mark].place);
	last = '\0';
	if (mark == POINT)
		return;
	if (mark == VARS) {
		function.depth = depth;
		function.names = 0;
	}
	function.stage = mark;
	function.line = line;
}

/* Whether the line, which begins as code, is meant to be a mark. */
static bool take_mark(const char *text)
{
	char w[WORDS][WORD_SIZE] = { "" };
	int words = sscanf(text, "%255s%255s%255s%255s%255s", w[0], w[1], w[2], w[3], w[4]);
	bool flush = strncmp(text, "CKPT", 4) == 0;
	enum kind mark = POINT;

	while (mark && strcasecmp(w[1], marks[mark].word) != 0)
		mark--;
	if (strcasecmp(w[0], "CKPT") != 0 || (!mark && !flush))
		return false;
	if (!mark || !flush || strcmp(w[1], marks[mark].word) || words != (mark == POINT ? 4 : 2)) {
		wrong(line, "VARS, TOPS, BOTS or POINT x y", "is flush left on a line by itself");
		return true;
	}
	place(mark);
	fprintf(out, "CKPT_%s", w[1]);
	if (mark == POINT) {
		take_name(w[2]);
		take_name(w[3]);
		fprintf(out, "(%s, %s)", w[2], w[3]);
	}
	fputc('\n', out);
	return true;
}

/*
 * A line that begins inside of IN: a quote, a comment (* or /), a directive (#), or code (0).
 * Returns what the next line begins inside of.
 */
static char take_line(const char *text, size_t size, char in)
{
	const char *c = text + strspn(text, " \t"), *end = text + size;
	bool continued = size > 1 && end[-2] == '\\', directive = in == '#' || (!in && *c == '#');

	if (!in && take_mark(text))
		return 0;
	fwrite(text, 1, size, out);
	if (!in && directive)
		take_directive(c);
	in = in == '#' ? 0 : in;
	for (; c < end; c++) {
		if (in == '*' ? *c == '*' && c[1] == '/' : in && *c == in && in != '/') {
			c += in == '*';
			in = 0;
		} else if (*c == '\\' && in != '*') {
			c++;
		} else if (!in && *c == '/' && (c[1] == '*' || c[1] == '/')) {
			in = *++c;
		} else if (!in && (*c == '"' || *c == '\'')) {
			in = *c;
		} else if (!in && !directive && !isspace((unsigned char)*c)) {
			take_code(*c);
		}
	}
	return in == '*' || (in && continued) ? in : continued && directive ? '#' : 0;
}

/* The file that standard input is, as it is called from here. */
static void find_name(void)
{
	char here[sizeof file] = "";
	ssize_t len = readlink("/proc/self/fd/0", file, sizeof file - 1);
	size_t skip = getcwd(here, sizeof here) ? strlen(here) : 0;

	if (len < 0 || file[0] != '/' || access(file, F_OK) < 0)
		strcpy(file, "-");
	else if (strncmp(file, here, skip) == 0 && file[skip] == '/')
		memmove(file, file + skip + 1, strlen(file + skip));
}

int main(int argc, char **argv)
{
	static char *text, *result, in;
	size_t room = 0, size;
	ssize_t got;

	if (argc > 1)
		errx(125, "%s: it reads standard input: ckptcvt < PROG.c > TMP.c", argv[1]);
	find_name();
	out = open_memstream(&result, &size);
	if (!out)
		err(1, NULL);
	fprintf(out, "#line 1 \"%s\"\n", file);
	for (line = 1; (got = getline(&text, &room, stdin)) >= 0; line++)
		in = take_line(text, (size_t)got, in);
	depth = function.depth;
	take_code('}');
	if (ferror(stdin) || fclose(out) == EOF ||
	    (!failed && fwrite(result, 1, size, stdout) < size) || fflush(stdout) == EOF)
		err(1, NULL);
	return failed;
}
