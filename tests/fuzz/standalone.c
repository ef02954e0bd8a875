/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A main() for the fuzz harnesses, which feeds them the files that are named as arguments (those of
 * a directory, when one is).  With -DLIBFUZZER it is empty, because libFuzzer brings its own.
 */
#ifndef LIBFUZZER
#define _GNU_SOURCE
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int failed(const char *path)
{
	perror(path);
	return 1;
}

/* The input stands in memory of exactly its size, so that a sanitizer sees a read beyond it. */
static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t size;

	if (!file || fstat(fileno(file), &st) != 0)
		return failed(path);
	data = malloc((size_t)st.st_size + !st.st_size);
	size = data ? fread(data, 1, (size_t)st.st_size, file) : 0;
	if (!data || size != (size_t)st.st_size)
		return failed(path);
	fclose(file);
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

static int run_directory(const char *path)
{
	struct dirent **names;
	int count = scandir(path, &names, NULL, alphasort), result = 0;

	if (count < 0)
		return failed(path);
	for (int i = 0; i < count; i++) {
		char *name;

		if (names[i]->d_name[0] != '.' && asprintf(&name, "%s/%s", path,
							   names[i]->d_name) >= 0) {
			result |= run_file(name);
			free(name);
		}
		free(names[i]);
	}
	free(names);
	return result;
}

int main(int argc, char **argv)
{
	int result = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE-OR-DIRECTORY...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) != 0)
			result |= failed(argv[i]);
		else
			result |= S_ISDIR(st.st_mode) ? run_directory(argv[i]) : run_file(argv[i]);
	}
	return result;
}
#endif
