/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Periodic: a computation that saves itself once a second.  Kill it at any moment, even with kill
 * -9; periodic.ckpt goes on from at most a second before.
 */
#include <stdio.h>

#include "libckpt/ckpt.h"

static int is_prime(unsigned n)
{
	for (unsigned i = 2; i * i <= n; i++)
		if (n % i == 0)
			return 0;
	return n > 1;
}

int main(void)
{
	struct ckptconfig config;
	unsigned found = 0;

	ckpt_config(NULL, &config);
	config.msperiod = 1000;
	config.keep = 2;
	ckpt_config(&config, NULL);
	for (unsigned n = 0; found < 4000000; n++) {
		found += (unsigned)is_prime(n);
		if (n % 1000000 == 0) {
			printf("%u primes below %u\n", found, n);
			fflush(stdout);
		}
	}
}
