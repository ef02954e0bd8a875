// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Adds up the primes below LIMIT by trial division, keeping those it found in a growing array.  A
 * long computation survives a crash of the machine when two files did: core and filedescriptors.
 *
 *	compute [LIMIT]
 *
 *	$ LD_PRELOAD=../lib/libsavefds.so ./compute 100000000 > result
 *	^\Quit (core dumped)
 *	... the machine is switched off and on ...
 *	$ restart -f -n -w compute core
 *	$ tail -1 result
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t *primes;
static size_t count, capacity;

static int is_prime(uint64_t n)
{
	for (size_t i = 0; i < count && primes[i] * primes[i] <= n; i++)
		if (n % primes[i] == 0)
			return 0;
	return 1;
}

static void remember(uint64_t prime)
{
	if (count == capacity) {
		capacity = capacity ? 2 * capacity : 1024;
		primes = realloc(primes, capacity * sizeof *primes);
		if (!primes)
			abort();
	}
	primes[count++] = prime;
}

int main(int argc, char **argv)
{
	uint64_t limit = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000, sum = 0;

	setlinebuf(stdout);
	for (uint64_t n = 2; n < limit; n++) {
		if (n % 100000 == 0)
			printf("at %llu: %zu primes\n", (unsigned long long)n, count);
		if (!is_prime(n))
			continue;
		remember(n);
		sum += n;
	}
	printf("the primes below %llu add up to %llu\n", (unsigned long long)limit,
	       (unsigned long long)sum);
	return 0;
}
