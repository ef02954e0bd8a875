/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: the names are those of arch/x86/include/asm/cpufeatures.h. */
#define _GNU_SOURCE
#include "elf/cpu_features.h"

#include <fcntl.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/format.h"
#include "util/io.h"

/* ---- Which matter ----------------------------------------------------------------------- */

/* The others concern the kernel, or are the cpu's faults and virtues. */
static const char *const families[] = { "sse", "ssse", "avx", "amx", "bmi", "sha" };

static const char *const features[] = {
	"3dnow", "3dnowext", "3dnowprefetch", "abm", "adx", "aes", "apx", "cldemote", "clflushopt",
	"clwb", "clzero", "cmpccxadd", "cx16", "enqcmd", "erms", "f16c", "fma", "fma4", "fsgsbase",
	"fsrm", "fzrm", "fsrs", "fsrc", "gfni", "hle", "lahf_lm", "misalignsse", "mmxext", "movbe",
	"movdir64b", "movdiri", "mwaitx", "ospke", "pclmulqdq", "pku", "pni", "popcnt", "prefetchi",
	"ptwrite", "raoint", "rdpid", "rdpru", "rdrand", "rdseed", "rdtscp", "rtm", "serialize",
	"sm3", "sm4", "tbm", "tsxldtrk", "user_shstk", "vaes", "vpclmulqdq", "waitpkg", "xgetbv1",
	"xop", "xsave", "xsavec", "xsaveopt",
};

static bool is_word(const char *name, const char *word, size_t len)
{
	return strlen(name) == len && memcmp(name, word, len) == 0;
}

static bool matters(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
		if (len >= strlen(families[i]) &&
		    memcmp(word, families[i], strlen(families[i])) == 0)
			return true;
	for (size_t i = 0; i < sizeof features / sizeof features[0]; i++)
		if (is_word(features[i], word, len))
			return true;
	return false;
}

/* ---- Lists of words --------------------------------------------------------------------- */

/* The next word of *TEXT, of *LEN letters, and moves *TEXT behind it; or NULL. */
static const char *next_word(const char **text, size_t *len)
{
	const char *word = *text + strspn(*text, " \t");

	*len = strcspn(word, " \t\n");
	*text = word + *len;
	return *len ? word : NULL;
}

static bool has_word(const char *text, const char *word, size_t len)
{
	const char *other;
	size_t n;

	while ((other = next_word(&text, &n)))
		if (n == len && memcmp(word, other, len) == 0)
			return true;
	return false;
}

static size_t add_word(char *text, size_t size, size_t at, const char *separator, const char *word,
		       size_t len)
{
	if (at + strlen(separator) + len >= size)
		return at;
	return at + format(text + at, size - at, "%s%.*s", at ? separator : "", (int)len, word);
}

bool cpu_features_here(char text[CPU_FEATURES_SIZE])
{
	cleanup_fd int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
	char info[16384];  /* more than one cpu's part, and less than many */
	ssize_t n = fd >= 0 ? read_full(fd, info, sizeof info - 1) : -1;
	const char *flags, *word;
	size_t at = 0, len;

	text[0] = '\0';
	if (n <= 0)
		return false;
	info[n] = '\0';
	flags = strstr(info, "\nflags");
	flags = flags ? strchr(flags, ':') : NULL;
	if (!flags || !strchr(flags, '\n'))
		return false;
	flags++;
	while ((word = next_word(&flags, &len)))
		if (matters(word, len))
			at = add_word(text, CPU_FEATURES_SIZE, at, " ", word, len);
	return at != 0;
}

size_t cpu_features_missing(const char *needed, const char *here, char *missing, size_t size)
{
	size_t count = 0, at = 0, len;
	const char *word;

	missing[0] = '\0';
	while ((word = next_word(&needed, &len))) {
		if (has_word(here, word, len))
			continue;
		at = add_word(missing, size, at, ", ", word, len);
		count++;
	}
	return count;
}
